-- How C is written. Each test lists every breach it found.

local source = require "spec.support.source"

local function expect_none(breaches)
  if #breaches > 0 then
    table.sort(breaches)
    error(#breaches .. " breaches:\n  " .. table.concat(breaches, "\n  "), 2)
  end
end

describe("C", function()
  it("is written as clang-format 14 writes it", function()
    local files = source.matching("^[cse][srpxa][repam][cm]?/?.*%.[ch]$")
    assert.is_true(#files > 200, "not all C files were found")
    expect_none(source.output("clang-format-14 --dry-run " .. table.concat(files, " ")
      .. " 2>&1 | grep warning:"))
  end)

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
