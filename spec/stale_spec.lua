-- A closed handle answers "invalid handle" and nothing else, however it was
-- closed, whatever has taken its place, and however often this happens.

local hinternet = require "hinternet"
local core = require "hinternet.core"
local leaks = require "spec.support.leaks"

local CYCLES = 20000

local function tree(port)
  local session = assert(hinternet.open())
  local connection = assert(session:connect("127.0.0.1", port or 80))
  local request = assert(connection:open_request("GET", "/"))
  return { session = session, connection = connection, request = request }
end

local kinds = { "session", "connection", "request" }

local function assert_invalid(text, result, message, code)
  assert.is_nil(result, text)
  assert.equal(6, code, text .. ": " .. tostring(message))
  assert.matches("^invalid handle", message, 1, false, text)
end

-- What each method of each kind is called with. A method that is not here
-- fails the test: whoever adds one says how it is called.
local any = {
  abort = {},
  close = {},
  parent = {},
  query_option = { "handle_type" },
  set_option = { "context_value", 1 },
  set_status_callback = { function() end },
  set_timeouts = { { connect = 1 } },
}
local url = "http://127.0.0.1:1/"
local calls = {
  session = {
    connect = { "127.0.0.1", 80 },
    poll = { 0 }, run = {}, pollable = {}, spawn = { function() end },
    request = { "GET", url },
    get = { url }, head = { url }, post = { url }, put = { url }, patch = { url },
    delete = { url }, download = { url, 1 }, all = { { url } },
  },
  connection = {
    open_request = { "GET", "/" },
  },
  request = {
    add_headers = { "X-A: b" },
    headers = {},
    query_data_available = {},
    query_headers = { "status_code" },
    read = { 10 },
    read_to = { 1 },
    receive_response = {},
    response_line = {},
    send = {},
    write = { "data" },
    write_from = { 0 },
  },
}
local not_failing = { is_valid = true }
local raising = { chunks = true, lines = true }

local function assert_method_invalid(handle, kind, name)
  local text = kind .. ":" .. name
  if not_failing[name] then
    assert.is_false(handle[name](handle), text)
  elseif raising[name] then
    local ok, message = pcall(function()
      for _ in handle[name](handle) do error "a piece of a body" end
    end)
    assert.is_false(ok, text)
    assert.matches("invalid handle", message, 1, true)
  else
    local args = calls[kind][name] or any[name]
    assert(args, text .. " is called with nothing this spec knows")
    assert_invalid(text, handle[name](handle, table.unpack(args)))
  end
end

local function assert_all_invalid(handle, kind)
  local names = {}
  for name in pairs(core[kind]) do names[#names + 1] = name end
  assert.is_true(#names > 5)
  for _, name in ipairs(names) do assert_method_invalid(handle, kind, name) end
end

describe("A closed handle", function()
  leaks.watch()

  for _, kind in ipairs(kinds) do
    it("answers invalid handle in every method: a " .. kind .. " that was closed itself", function()
      local t = tree()
      assert.is_true(t[kind]:close())
      assert_all_invalid(t[kind], kind)
      t.session:close()
    end)

    it("answers invalid handle in every method: a " .. kind .. " whose session was closed",
      function()
        local t = tree()
        assert.is_true(t.session:close())
        assert_all_invalid(t[kind], kind)
      end)

    it("does not answer for the " .. kind .. " that took its place", function()
      local old = tree()
      old.session:close()
      local fresh = tree()
      for _, other in ipairs(kinds) do assert_all_invalid(old[other], other) end
      for _, other in ipairs(kinds) do assert.is_true(fresh[other]:is_valid()) end
      assert.equal("GET http://127.0.0.1/, new", tostring(fresh.request):match(": (.*)"))
      fresh[kind]:close()
      assert_invalid("again", old[kind]:close())
      fresh.session:close()
    end)
  end

  it("is told from an open one by hinternet.type", function()
    local t = tree()
    for _, kind in ipairs(kinds) do assert.equal(kind, hinternet.type(t[kind])) end
    t.request:close()
    assert.equal("closed request", hinternet.type(t.request))
    assert.equal("connection", hinternet.type(t.connection))
    t.session:close()
    assert.equal("closed connection", hinternet.type(t.connection))
    assert.equal("closed session", hinternet.type(t.session))
  end)

  it("is told from anything else by hinternet.type", function()
    for _, value in ipairs { 1, "x", {}, print, io.stdout, true } do
      assert.is_nil(hinternet.type(value))
    end
    assert.is_nil(hinternet.type(nil))
    assert.is_nil(hinternet.type(setmetatable({}, { __name = "hinternet.session" })))
  end)

  it("still says what it was in its text", function()
    local t = tree(8080)
    for _, kind in ipairs(kinds) do
      local address = tostring(t[kind]):match("^" .. kind .. " %((0x%x+)%): %g")
      assert.is_string(address, tostring(t[kind]))
      t[kind .. "_address"] = address
    end
    assert.matches("127.0.0.1:8080", tostring(t.connection), 1, true)
    assert.matches("GET http://127.0.0.1:8080/, new", tostring(t.request), 1, true)
    t.session:close()
    for _, kind in ipairs(kinds) do
      assert.equal(("%s (%s): closed"):format(kind, t[kind .. "_address"]), tostring(t[kind]))
    end
  end)

  it("is the only one that has no parent to show", function()
    local t = tree()
    assert.equal(t.connection, t.request:parent())
    assert.equal(t.session, t.connection:parent())
    assert.equal(t.session, t.connection:query_option("parent_handle"))
    assert.is_nil(t.session:parent())
    assert.is_nil((select(2, t.session:parent())))
    t.connection:close()
    assert_invalid("parent of a closed request", t.request:parent())
    t.session:close()
  end)

  it("refuses arguments of a wrong type before it says that it is closed", function()
    local t = tree()
    t.session:close()
    assert.has_error(function() t.session:connect({}) end)
    assert.has_error(function() t.request:read({}) end)
    assert.has_error(function() t.request.read(t.session, 1) end)
  end)
end)

-- Every order in which three things can be done.
local orders = { { 1, 2, 3 }, { 1, 3, 2 }, { 2, 1, 3 }, { 2, 3, 1 }, { 3, 1, 2 }, { 3, 2, 1 } }

-- A sanitizer keeps what is freed for a while, so that resident memory says
-- nothing there.
local sanitized = (os.getenv("HN_BUILD") or ""):find("asan", 1, true)

local function resident()
  local file = assert(io.open("/proc/self/status", "r"))
  local text = file:read("a")
  file:close()
  return tonumber(text:match("VmRSS:%s*(%d+)"))
end

describe("Opening and closing over and over", function()
  leaks.watch()

  local function cycle(i, stale)
    local t = tree()
    local order = orders[i % #orders + 1]
    if i % 5 > 0 then
      for _, k in ipairs(order) do t[kinds[k]]:close() end
    end
    for k = 1, 3 do
      local handle = stale[k]
      if handle then
        local _, _, code = handle:query_option("handle_type")
        if code ~= 6 or handle:is_valid() then error("a stale handle answered " .. code) end
      end
    end
    if i % 5 > 0 then stale[1], stale[2], stale[3] = t.session, t.connection, t.request end
  end

  it("answers 6 for every stale handle and keeps memory flat", function()
    local stale = {}
    for i = 1, CYCLES // 10 do cycle(i, stale) end
    collectgarbage()
    collectgarbage()
    local kilobytes, pages = collectgarbage("count"), resident()
    for i = 1, CYCLES do
      cycle(i, stale)
      -- The collector does not see what a handle costs in C.
      if i % 1000 == 0 then collectgarbage() end
    end
    collectgarbage()
    collectgarbage()
    assert.is_true(collectgarbage("count") - kilobytes < 64, "Lua's memory grew")
    if not sanitized then assert.is_true(resident() - pages < 4096, "the process grew") end
  end)
end)
