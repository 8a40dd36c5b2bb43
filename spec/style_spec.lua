-- How C is written. Each test lists every breach it found.

local source = require "spec.support.source"

local function expect_none(breaches)
  if #breaches > 0 then
    table.sort(breaches)
    error(#breaches .. " breaches:\n  " .. table.concat(breaches, "\n  "), 2)
  end
end

describe("C", function()
  -- Other versions differ in details, and no system has them all.
  local function formatter()
    for _, name in ipairs { "clang-format-14", "clang-format" } do
      local said = table.concat(source.output(name .. " --version 2>/dev/null"))
      if said:find("version 14.", 1, true) then return name end
    end
  end

  local format, title = formatter(), "is written as clang-format 14 writes it"
  if format then
    it(title, function()
      local files = source.matching("^%l+/.*%.[ch]$")
      assert.is_true(#files > 200, "not all C files were found")
      expect_none(source.output(format .. " --dry-run " .. table.concat(files, " ") .. " 2>&1"))
    end)
  else
    pending(title .. " (cannot be tried here: there is no clang-format 14)")
  end

  -- The code block of a function, each with its path and line.
  local function each_function(f)
    for _, path in ipairs(source.matching("^csrc/.*%.[ch]$")) do
      for _, fn in ipairs(source.c_functions(path)) do f(path, fn) end
    end
  end

  it("calls a result rc", function()
    local breaches = {}
    each_function(function(path, fn)
      for name in fn.body:gmatch("%f[%w_]int (%a+) = [%w_]+%(") do
        if name == "code" or name == "err" or name == "ret" or name == "res" then
          breaches[#breaches + 1] = ("%s:%d: %s has %s"):format(path, fn.line, fn.name, name)
        end
      end
    end)
    expect_none(breaches)
  end)

  it("tests a pointer by itself", function()
    local breaches = {}
    each_function(function(path, fn)
      for condition in fn.body:gmatch("%f[%w_][iw][fh][^%w_]?i?l?e? ?(%b())") do
        if condition:find("[%w_%]] [!=]= NULL") then
          breaches[#breaches + 1] = ("%s:%d: %s: %s"):format(path, fn.line, fn.name, condition)
        end
      end
    end)
    expect_none(breaches)
  end)

  it("says at a declaration alone who may see a function", function()
    local breaches = {}
    for _, path in ipairs(source.matching("^csrc/.*%.c$")) do
      for number, line in source.lines(source.c_code(path)) do
        if line:match("^HN_INTERNAL .*%(") then
          breaches[#breaches + 1] = ("%s:%d"):format(path, number)
        end
      end
    end
    expect_none(breaches)
  end)
end)
