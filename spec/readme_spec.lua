-- README says what is true: its tables are compared with the code, and its Lua
-- is run.

local leaks = require "spec.support.leaks"
local peer = require "spec.support.peer"
local source = require "spec.support.source"

local hinternet = require "hinternet"
local core = require "hinternet.core"

local readme = source.read("README.md")

-- The text under a heading, up to the next of any depth.
local function section(title)
  local text = readme:match("\n##+ " .. title .. "\n(.-)\n##+ ")
  return assert(text, "README has no section " .. title)
end

-- The cells of each row of the table whose first column has this title.
local function rows(text, first_title)
  local out, inside = {}, false
  for line in (text .. "\n"):gmatch("(.-)\n") do
    local cells = {}
    for cell in line:gmatch("|([^|]*)%f[|]") do cells[#cells + 1] = cell:match("^%s*(.-)%s*$") end
    if #cells == 0 then
      inside = false
    elseif cells[1] == first_title then
      inside = true
    elseif inside and not cells[1]:match("^%-+$") then
      out[#out + 1] = cells
    end
  end
  assert(#out > 0, "README has no table with column " .. first_title)
  return out
end

local function sorted(list)
  table.sort(list)
  return list
end

-- Names in backquotes.
local function quoted(text)
  local out = {}
  for name in text:gmatch("`([^`]+)`") do out[#out + 1] = name end
  return out
end

describe("README's option table", function()
  leaks.watch()

  local function value_text(value)
    if type(value) == "userdata" or value == nil then return "" end
    if math.type(value) == "float" and value % 1 == 0 then value = value // 1 | 0 end
    return tostring(value)
  end

  local function is_supported(option) return option.query .. option.set ~= "" end

  -- "`never` 0, `always` 2", in the order of the numbers.
  local function words_text(words)
    local out = {}
    for name, number in pairs(words) do out[#out + 1] = { name, number } end
    table.sort(out, function(a, b) return a[2] < b[2] end)
    for i, pair in ipairs(out) do
      local form = pair[2] > 15 and "`%s` 0x%x" or "`%s` %d"
      out[i] = form:format(pair[1], pair[2])
    end
    return table.concat(out, ", ")
  end

  local function default_text(name, option, handles)
    if option.set == "" and not name:find("^connections_") then return "" end
    for i, letter in ipairs { "S", "C", "R" } do
      if option.query:find(letter) then
        local value = handles[i]:query_option(name)
        if option.type == "flags" and value > 15 then return ("0x%x"):format(value) end
        return value_text(value)
      end
    end
    return ""
  end

  local function row_of(name, option, handles)
    local function spaced(letters) return (letters:gsub("%u", "%0 "):gsub(" $", "")) end
    local cells = { "`" .. name .. "`", option.number > 0 and tostring(option.number) or "",
      option.type, spaced(option.query), spaced(option.set), default_text(name, option, handles),
      option.text .. (option.words and " (" .. words_text(option.words) .. ")" or "") }
    for i, cell in ipairs(cells) do cells[i] = cell == "" and " " or " " .. cell .. " " end
    return "|" .. table.concat(cells, "|") .. "|"
  end

  it("is the table in the code: names, numbers, types, levels, defaults, texts", function()
    local session <close> = assert(hinternet.open())
    local connection = assert(session:connect("127.0.0.1", 1))
    local handles = { session, connection, assert(connection:open_request()) }
    local expected, found = {}, {}
    for name, option in pairs(core.options()) do
      if is_supported(option) then expected[#expected + 1] = row_of(name, option, handles) end
    end
    for line in section("Options"):gmatch("[^\n]+") do
      if line:match("^| `") then found[#found + 1] = line end
    end
    assert.are.equal(table.concat(sorted(expected), "\n"), table.concat(sorted(found), "\n"))
  end)

  it("is followed by the list of WinHTTP's options that are refused", function()
    local expected = {}
    for name, option in pairs(core.options()) do
      if not is_supported(option) then expected[#expected + 1] = name end
    end
    local list = section("Options"):match("\nNot supported.-:\n(.+)$")
    assert.are.same(sorted(expected), sorted(quoted(assert(list, "README has no such list"))))
  end)
end)

describe("README's tables", function()
  it("name every notification once and no other", function()
    local expected, found = {}, {}
    for name in pairs(core.statuses()) do expected[#expected + 1] = name end
    for _, cells in ipairs(rows(section("Notifications"), "status")) do
      for _, name in ipairs(quoted(cells[1])) do found[#found + 1] = name end
    end
    assert.are.same(sorted(expected), sorted(found))
  end)

  it("give errors the codes they have, each once, and so do the types", function()
    local expected, found, typed = {}, {}, {}
    for name, code in pairs(hinternet.errors) do
      if type(name) == "string" then expected[#expected + 1] = code .. " " .. name end
    end
    for _, cells in ipairs(rows(section("Errors"), "code")) do
      local names, i = quoted(cells[2]), 0
      for code in cells[1]:gmatch("%d+") do
        i = i + 1
        found[#found + 1] = code .. " " .. tostring(names[i])
      end
      assert.are.equal(#names, i)
    end
    local others = section("Errors"):match("\nNamed, but.+$")
    for code, name in others:gmatch("(%d+)%s+`([%l_]+)`") do
      found[#found + 1] = code .. " " .. name
    end
    local class = source.read("lua/hinternet/types/hinternet.lua")
      :match("@class hinternet.errors\n(.-)\n\n")
    for name, code in class:gmatch("@field ([%l_]+) (%d+)") do
      typed[#typed + 1] = code .. " " .. name
    end
    assert.are.same(sorted(expected), sorted(found))
    assert.are.same(expected, sorted(typed))
  end)

  it("do not say of an error that it comes which no code answers", function()
    local code = {}
    for _, path in ipairs(source.matching("^csrc/.*%.[ch]$")) do
      if path ~= "csrc/hinternet.h" then code[#code + 1] = source.c_code(path) end
    end
    code = table.concat(code)
    local others = section("Errors"):match("\nNamed, but.+$")
    for name, number in pairs(hinternet.errors) do
      if type(name) == "string" then
        local word = name:upper() .. "%f[^%w_]"
        local comes = code:find("HN_ERR_" .. word) or code:find("%f[%w_]" .. word)
        local named = others:find(number .. "%s+`" .. name .. "`")
        assert.are.equal(comes == nil, named ~= nil, name)
      end
    end
  end)

  it("name every feature, and so do the types", function()
    local typed = source.read("lua/hinternet/types/hinternet.lua")
      :match("@class hinternet.features\n(.-)\n\n")
    local told, names, fields = readme:match("`hinternet.features`(.-)|\n"), {}, {}
    for name, value in pairs(hinternet.features) do
      names[#names + 1] = name
      assert.is_truthy(told:find("`" .. name .. "`", 1, true), name)
      assert.is_truthy(type(value) == "boolean" or name == "reactor")
    end
    for name in typed:gmatch("@field (%l[%w_]*)") do fields[#fields + 1] = name end
    assert.are.same(sorted(names), sorted(fields))
  end)

  -- The packages of a group of spec/support/deps.sh, those it stands on aside.
  local function packages(group)
    local body = source.read("spec/support/deps.sh"):match("\n" .. group .. "_needs%(%) {(.-)\n}")
    local names = {}
    for name in body:gmatch("\n%s+need (%S+)") do names[#names + 1] = name end
    assert.is_true(#names > 1, group)
    return names
  end

  it("name what is needed, and what the targets install", function()
    local needs, installs = section("Try it"), section("Building")
    for _, group in ipairs { "build", "coding" } do
      for _, name in ipairs(packages(group)) do
        assert.is_truthy(needs:find("`" .. name .. "`", 1, true), name)
      end
    end
    for _, group in ipairs { "demo", "test", "fuzz", "bench" } do
      for _, name in ipairs(packages(group)) do
        assert.is_truthy(installs:find("`" .. name .. "`", 1, true), name)
      end
    end
  end)

  it("name every target of the Makefile", function()
    local text, count = section("Try it") .. section("Building"), 0
    for name in source.read("Makefile"):match("^(.-)\n\n"):gmatch("\n#   make (%l+)") do
      count = count + 1
      assert.is_truthy(text:find("`" .. name .. "`", 1, true)
        or text:find("make " .. name .. "%f[^%w]"), name)
    end
    assert.is_true(count > 8)
  end)

  it("names the Luas that the rock is for", function()
    local rock = {}
    assert(loadfile("hinternet-scm-1.rockspec", "t", rock))()
    assert.are.same({ "lua >= 5.4, < 5.6" }, rock.dependencies)
    assert.matches("^# hinternet\n\nThe WinHTTP handle model for Lua 5%.4 and 5%.5 ", readme)
    assert.is_truthy(section("Try it"):find("Lua 5.4 or 5.5,", 1, true))
  end)

  it("name every setting of the Makefile", function()
    local settings = source.read("Makefile"):match("%-+ settings\n(.-)\n# %-+ flags")
    local text, missing = section("Building"), {}
    for name in settings:gmatch("([%u_]+)%s*%?=") do
      if not text:find("`" .. name .. "`", 1, true) then missing[#missing + 1] = name end
    end
    assert.are.same({}, missing)
  end)
end)

describe("README", function()
  -- Public names as the types give them: functions, methods, function fields.
  local function public_names()
    local names = {}
    for _, path in ipairs(source.matching("^lua/hinternet/types/.*%.lua$")) do
      local text = source.read(path)
      for name in text:gmatch("\nfunction [%w_.]+[.:]([%a][%w_]*)%s*%(") do names[name] = true end
      for name in text:gmatch("@field (%a[%w_]*) fun%(") do names[name] = true end
    end
    return names
  end

  it("names every function and method of the types", function()
    local missing, count = {}, 0
    for name in pairs(public_names()) do
      count = count + 1
      if not readme:find("[.:`]" .. name .. "%f[^%w_]") then missing[#missing + 1] = name end
    end
    assert.is_true(count > 20, "lua/hinternet/types names hardly a function")
    assert.are.same({}, sorted(missing))
  end)

  describe("shows Lua", function()
    local servers = peer.new():for_tests()

    -- The same code against a server on this machine.
    local function at_home(code, server)
      return (code:gsub("https://example%.org", server.url)
        :gsub('"example%.org", 443', ('"127.0.0.1", %d'):format(server.port))
        :gsub("secure = true", "secure = false"))
    end

    local function run(code)
      local out = {}
      local env = setmetatable({
        print = function(...)
          local texts = table.pack(...)
          for i = 1, texts.n do texts[i] = tostring(texts[i]) end
          out[#out + 1] = table.concat(texts, " ") .. "\n"
        end,
        io = { write = function(...) out[#out + 1] = table.concat { ... } end },
      }, { __index = _G })
      assert(load(code, "=README", "t", env))()
      return table.concat(out)
    end

    it("that runs and prints what it says", function()
      local server, outputs = servers:echo(), {}
      for code in readme:gmatch("\n```lua\n(.-)```") do
        outputs[#outputs + 1] = run(at_home(code, server))
      end
      local tour, calls, list, callbacks, tasks = table.unpack(outputs)
      assert.matches("^1 200\n2 no scheme in \"nonsense\".*\n1 failed\n$", list)
      assert.matches("^read %d+\n$", callbacks)
      for _, path in ipairs { "/a", "/b", "/c" } do
        assert.is_truthy(tasks:find(path .. " 200\n", 1, true), tasks)
      end
      assert.is_truthy(tour:find("request connected_to_server 127.0.0.1\n", 1, true), tour)
      assert.is_truthy(tour:find("200 text/plain\nPOST /form HTTP/1.1\r\n", 1, true), tour)
      assert.is_truthy(tour:find("name=Adaclosed request\n", 1, true), tour)
      assert.is_truthy(tour:find("nil invalid handle (request is closed) 6\n", 1, true), tour)
      assert.is_truthy(calls:find("^200 text/plain %d+\n200 nil\nGET /log HTTP/1.1\n"), calls)
      assert.is_truthy(source.read("README.md"):find("--> nil   invalid handle (request is "
        .. "closed)   6", 1, true))
      server:close()
    end)
  end)
end)

describe("maps", function()
  -- Names in backquotes are files or folders, seen from the page's own.
  local function missing_from_map(page)
    local folder = page:match("^.*/") or ""
    local map = source.read(page):match("\n##* [^\n]*[Mm]ap[^\n]*\n(.*)")
    assert.is_truthy(map, page .. " has no map")
    map = map:gsub("\n##* .*", "")
    local breaches, count = {}, 0
    for name in map:gmatch("`([%w_./]+)`") do
      if name:find("/", 1, true) or name:match("%.%a+$") then
        count = count + 1
        local path = folder .. name
        local there = source.exists(path)
          or #source.matching("^" .. path:gsub("[%p]", "%%%0")) > 0
        if not there then breaches[#breaches + 1] = page .. ": " .. name end
      end
    end
    assert.is_true(count >= 5, page .. " names hardly a file")
    return breaches
  end

  it("every file that a map names is there", function()
    assert.are.same({}, missing_from_map("README.md"))
    assert.are.same({}, missing_from_map("csrc/README.md"))
  end)

  it("every folder of csrc is on its map", function()
    local map, off = source.read("csrc/README.md"), {}
    for _, path in ipairs(source.matching("^csrc/.*%.[ch]$")) do
      local folder = path:match("^csrc/(.*/)")
      if folder and not map:find("`" .. folder .. "`", 1, true) then off[#off + 1] = path end
    end
    assert.are.same({}, off)
  end)
end)
