-- Closing and collecting in asynchronous sessions: who is told, by whom, when,
-- and what keeps what alive.

local core = require "hinternet.core"
local hinternet = require "hinternet"
local leaks = require "spec.support.leaks"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local wait = require "spec.support.wait"

local p, stalled = peer.new(), nil

local function start_servers()
  p:for_tests()
  setup(function() stalled = p:script({ "recv_head" }, { "stall" }) end)
end

local function collect()
  for _ = 1, 3 do collectgarbage() end
end

-- A session with connections and requests below it, all with a callback, all
-- requests waiting for a response; names[handle] is "s", "s1", "s12".
local function forest(width, hear)
  local f = { names = {}, handles = {} }
  local function add(name, handle)
    f[name], f.names[handle] = handle, name
    f.handles[#f.handles + 1] = handle
    handle:set_status_callback(hear and function(...) hear(f, ...) end,
      { "request_error", "handle_closing" })
    return handle
  end
  local session = add("s", assert(hinternet.open { async = true }))
  for i = 1, width do
    local connection = add("s" .. i, session:connect("127.0.0.1", stalled.port))
    for j = 1, width do
      local request = add("s" .. i .. j, connection:open_request())
      assert.is_true(request:send())
    end
  end
  wait.poll_out()
  for name, handle in pairs(f) do
    if #name == 3 then assert.is_true(handle:receive_response()) end
  end
  return f
end

local function log_into(log)
  return function(f, handle, status, info)
    log[#log + 1] = f.names[handle] .. " "
      .. (status == "handle_closing" and "closing" or info.operation .. " " .. info.code)
  end
end

local cancelled = " receive_response 12017"

describe("Closing in an async session", function()
  start_servers()

  it("invalidates the whole subtree at once, and tells of it through poll", function()
    local log = {}
    local f = forest(2, log_into(log))
    assert.is_true(f.s1:close())
    assert.same({}, log)
    for _, name in ipairs { "s1", "s11", "s12" } do assert.is_false(f[name]:is_valid()) end
    for _, name in ipairs { "s", "s2", "s21", "s22" } do assert.is_true(f[name]:is_valid()) end
    assert.equal(5, hinternet.poll(0))
    assert.same({ "s11" .. cancelled, "s12" .. cancelled,
      "s11 closing", "s12 closing", "s1 closing" }, log)
    f.s:close()
  end)

  it("ends every operation first, then tells the leaves, their parents, the session", function()
    local log = {}
    local f = forest(3, log_into(log))
    f.s:close()
    local expected = {}
    for i = 1, 3 do
      for j = 1, 3 do expected[#expected + 1] = "s" .. i .. j .. cancelled end
    end
    for i = 1, 3 do
      for j = 1, 3 do expected[#expected + 1] = "s" .. i .. j .. " closing" end
      expected[#expected + 1] = "s" .. i .. " closing"
    end
    expected[#expected + 1] = "s closing"
    assert.same(expected, log)
    assert.is_false(hinternet.poll(0))
  end)

  it("never lets a callback see a live child of a dead parent", function()
    for _, victim in ipairs { "s", "s1", "s11" } do
      local below = 0
      local f = forest(2, function(f)
        for name, handle in pairs(f) do
          if name:sub(1, #victim) == victim and handle.is_valid and handle:is_valid() then
            below = below + 1
          end
        end
      end)
      f[victim]:close()
      hinternet.poll(0)
      assert.equal(0, below)
      f.s:close()
    end
  end)

  it("tells what was queued before, in its order", function()
    local log = {}
    local f = forest(1, log_into(log))
    f.s11:set_status_callback(function(_, status) log[#log + 1] = status end)
    local other = f.s1:open_request()
    other:set_status_callback(function(_, status) log[#log + 1] = "other " .. status end)
    other:close()
    f.s11:close()
    f.s:close()
    assert.same({ "other handle_closing", "request_error", "closing_connection",
      "connection_closed", "handle_closing", "s1 closing", "s closing" }, log)
  end)

  it("twice, or a child of what was closed, is an error and tells nothing", function()
    local log = {}
    local f = forest(2, log_into(log))
    f.s1:close()
    for _, name in ipairs { "s1", "s11", "s12" } do
      assert.equal(6, select(3, f[name]:close()))
    end
    hinternet.poll(0)
    assert.equal(5, #log)
    f.s:close()
    assert.equal(6, select(3, f.s:close()))
    assert.equal(5 + 6, #log)
  end)

  it("goes on from a callback of the same close, and everything is told once", function()
    local log = {}
    local hear = log_into(log)
    local f = forest(2, function(f, ...)
      hear(f, ...)
      for _, handle in ipairs(f.handles) do handle:close() end
    end)
    f.s11:close()
    repeat until not hinternet.poll(10)
    table.sort(log)
    assert.same({ "s closing", "s1 closing", "s11 closing", "s11" .. cancelled, "s12 closing",
      "s12" .. cancelled, "s2 closing", "s21 closing", "s21" .. cancelled, "s22 closing",
      "s22" .. cancelled }, log)
  end)

  it("of a child raises one error with each poll", function()
    local f = forest(2, function(f, handle) error(f.names[handle], 0) end)
    f.s1:close()
    local raised = {}
    repeat
      local ok, problem = pcall(hinternet.poll, 0)
      if not ok then raised[#raised + 1] = problem end
    until ok
    assert.same({ "s11", "s12", "s11", "s12", "s1" }, raised)
    for _, handle in ipairs(f.handles) do handle:set_status_callback(nil) end
    f.s:close()
  end)

  it("of a session tells everything, raises the first error and warns of the others", function()
    local output = process.run(process.interpreter() .. " -W -e " .. process.quote([[
      local hinternet = require "hinternet"
      local session = hinternet.open { async = true }
      session:set_status_callback(function(handle, status)
        if status == "handle_closing" then error(hinternet.type(handle), 0) end
      end)
      local request = session:connect("127.0.0.1", 80):open_request()
      print(pcall(session.close, session))
      print(pcall(function()
        local other <close> = hinternet.open { async = true }
        other:set_status_callback(function() error("second", 0) end)
        error("first", 0)
      end))
      print(hinternet.poll(0), request:is_valid())
    ]]))
    assert.equal("Lua warning: hinternet: error in a status callback: closed connection\n"
      .. "Lua warning: hinternet: error in a status callback: closed session\n"
      .. "false\tclosed request\n"
      .. "Lua warning: hinternet: error in a status callback: second\n"
      .. "false\tfirst\nfalse\tfalse\n", output)
  end)

  it("is the same at the end of a scope", function()
    local log = {}
    local f = forest(1, log_into(log))
    do
      local _ <close> = f.s11
    end
    assert.same({}, log)
    wait.poll_out()
    assert.same({ "s11" .. cancelled, "s11 closing" }, log)
    do
      local _ <close> = f.s
    end
    assert.same({ "s11" .. cancelled, "s11 closing", "s1 closing", "s closing" }, log)
  end)
end)

describe("In an async session", function()
  start_servers()

  -- A handle nobody holds, but perhaps the runtime.
  local function drop(session, on, server)
    local weak = setmetatable({}, { __mode = "k" })
    local connection = session:connect("127.0.0.1", (server or stalled).port)
    local request = connection:open_request()
    request:set_status_callback(on)
    weak[request], weak[connection] = true, true
    return request, weak
  end

  it("a running operation keeps its request, and tells its callback", function()
    local s = p:keepalive("hello")
    local session <close> = assert(hinternet.open { async = true })
    local body
    local weak = select(2, (function()
      local request, weak = drop(session, function(handle, status, info)
        if status == "sendrequest_complete" then handle:receive_response() end
        if status == "headers_available" then handle:read("a") end
        if status == "read_complete" then body = info end
        collectgarbage()
      end, s)
      assert.is_true(request:send())
      return nil, weak
    end)())
    collect()
    wait.poll_out()
    assert.equal("hello", body)
    collect()
    assert.is_nil(next(weak))
    s:close()
  end)

  it("a request that waits for nothing is collected, and nobody is told", function()
    local session <close> = assert(hinternet.open { async = true })
    local before, heard = core.live(), {}
    session:set_status_callback(function(_, status) heard[#heard + 1] = status end)
    session:connect("127.0.0.1", 80):open_request()
    collect()
    assert.equal(before, core.live())
    hinternet.poll(0)
    assert.same({ "handle_created" }, heard) -- the session hears of the connection
  end)

  it("a closed handle is kept until it has heard of its closing", function()
    local session <close> = assert(hinternet.open { async = true })
    local heard, weak = {}
    do
      local request, handles = drop(session, function(_, status) heard[#heard + 1] = status end)
      weak = handles
      assert.is_true(request:send())
      request:close()
    end
    collect()
    wait.poll_out()
    assert.equal("request_error", heard[1])
    assert.equal("handle_closing", heard[#heard])
    collect()
    assert.is_nil(next(weak))
  end)

  it("a session that nobody can reach goes with all that runs in it", function()
    local handles, operations = core.live()
    local descriptors = leaks.descriptors()
    local heard = 0
    local function start(session, callback, statuses)
      for _ = 1, 3 do
        local request = session:connect("127.0.0.1", stalled.port):open_request()
        request:set_status_callback(callback, statuses)
        assert.is_true(request:send())
      end
    end
    local function leave_behind()
      local sessions = {}
      for i = 1, 5 do
        local session = assert(hinternet.open { async = true })
        sessions[i] = session
        start(session, function(request)
          heard = heard + (session:is_valid() and request:receive_response() and 1 or 0)
        end, { "sendrequest_complete" })
      end
      wait.polling("15 completions", function() return heard == 15 end)
      for _, session in ipairs(sessions) do start(session, error) end
      assert.equal(operations + 30, select(2, core.live()))
      return #sessions
    end
    assert.equal(5, leave_behind())
    collect()
    assert.is_false(hinternet.poll(0))
    assert.same({ handles, operations }, { core.live() })
    assert.is_true(leaks.descriptors() <= descriptors)
  end)

  it("one request that is held keeps the session, and what runs in it", function()
    local s = p:keepalive("hello")
    local heard = {}
    local held = (function()
      local session = assert(hinternet.open { async = true })
      session:set_status_callback(function(request)
        heard[#heard + 1] = request:query_option("url"):match("%a+$")
      end, { "sendrequest_complete" })
      local connection = session:connect("127.0.0.1", s.port)
      assert.is_true(connection:open_request("GET", "/dropped"):send())
      return connection:open_request("GET", "/held")
    end)()
    collect()
    assert.is_true(held:send())
    wait.poll_out()
    table.sort(heard)
    assert.same({ "dropped", "held" }, heard)
    held:parent():parent():close()
    s:close()
  end)

  it("an error in a callback of poll ends no operation, where nothing is announced", function()
    local s = p:keepalive("hello")
    local session <close> = assert(hinternet.open { async = true })
    session:set_status_callback(function() error("oops", 0) end, { "request_sent" })
    local request = session:connect("127.0.0.1", s.port):open_request()
    assert.is_true(request:send())
    local raised = 0
    repeat
      local ok, count = pcall(hinternet.poll, 10)
      raised = raised + (ok and 0 or 1)
    until ok and not count
    assert.equal(1, raised)
    assert.is_true(request:receive_response())
    wait.poll_out()
    assert.is_true(request:read("a"))
    s:close()
  end)

  it("the end of the state is quiet and clean, whatever runs", function()
    local output = process.run(process.interpreter() .. " -W -e " .. process.quote(([[
      guard = setmetatable({}, { __gc = function()
        print(session:is_valid(), hinternet.type(request))
        print(select(3, session:close()), select(3, request:read(1)))
        print(pcall(hinternet.poll, 0))
      end })
      hinternet = require "hinternet"
      session = hinternet.open { async = true }
      local told = false
      session:set_status_callback(function(_, status)
        if told then print("told", status) end
      end)
      local connection = session:connect("127.0.0.1", %d)
      for i = 1, 5 do
        request = connection:open_request()
        local own = request
        session:spawn(function() assert(own:send() and own:receive_response()) end)
        assert(connection:open_request():send())
      end
      repeat until hinternet.poll(0.2) == 0
      assert(connection:open_request():send())
      connection:open_request():close()
      told = true
    ]]):format(stalled.port)))
    assert.matches("^false\tclosed request\n6\t6\n", output)
    assert.not_matches("told", output)
    assert.not_matches("warning", output)
  end)
end)
