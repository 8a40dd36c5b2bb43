-- Closing is safe: any handle, at any time, from anywhere, in any order.

local hinternet = require "hinternet"
local core = require "hinternet.core"
local exchange = require "spec.support.exchange"
local leaks = require "spec.support.leaks"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

-- A session, a connection and a request of it; the port matters only to send.
local function tree(port)
  local session = assert(hinternet.open())
  local connection = assert(session:connect("127.0.0.1", port or 80))
  local request = assert(connection:open_request("GET", "/"))
  return { session = session, connection = connection, request = request }
end

local kinds = { "session", "connection", "request" }

-- Every order in which three things can be done.
local orders = { { 1, 2, 3 }, { 1, 3, 2 }, { 2, 1, 3 }, { 2, 3, 1 }, { 3, 1, 2 }, { 3, 2, 1 } }

local function assert_invalid(text, result, message, code)
  assert.is_nil(result, text)
  assert.equal(6, code, text .. ": " .. tostring(message))
  assert.matches("^invalid handle", message, 1, false, text)
end

-- -------------------------------------------------------------------- orders

describe("Closing", function()
  leaks.watch()

  it("works in every order, and each handle is closed once", function()
    for _, order in ipairs(orders) do
      local t, gone = tree(), {}
      for _, i in ipairs(order) do
        local kind = kinds[i]
        local was_gone = gone[kind]
        local ok, message, code = t[kind]:close()
        if was_gone then
          assert_invalid(kind, ok, message, code)
        else
          assert.is_true(ok)
        end
        for j = i, #kinds do gone[kinds[j]] = true end
        for _, other in ipairs(kinds) do
          assert.equal(not gone[other], t[other]:is_valid(), kind .. " closed, " .. other)
        end
      end
    end
  end)

  it("ends siblings only with their parent", function()
    local a = tree()
    local second = a.connection:open_request("GET", "/second")
    local other = a.session:connect("127.0.0.1", 81)
    local third = other:open_request("GET", "/third")
    a.request:close()
    assert.is_true(second:is_valid())
    a.connection:close()
    assert.is_false(second:is_valid())
    assert.is_true(third:is_valid() and other:is_valid())
    a.session:close()
    assert.is_false(third:is_valid() or other:is_valid())
  end)

  it("has invalidated the whole subtree before the first callback runs", function()
    for _, victim in ipairs(kinds) do
      local t = tree()
      local valid, seen = {}, {}
      for _, kind in ipairs(kinds) do
        t[kind]:set_status_callback(function(_, status, info)
          seen[#seen + 1] = hinternet.type(info)
          assert.equal("handle_closing", status)
          for _, other in ipairs(kinds) do
            if t[other]:is_valid() then valid[other] = true end
          end
        end)
      end
      t[victim]:close()
      local expected = {
        session = { {}, { "closed request", "closed connection", "closed session" } },
        connection = { { session = true }, { "closed request", "closed connection" } },
        request = { { session = true, connection = true }, { "closed request" } },
      }
      assert.same(expected[victim][1], valid)
      assert.same(expected[victim][2], seen)
      t.session:close()
    end
  end)

  it("from a callback of the same close is a plain error", function()
    local t = tree()
    local answers = {}
    t.session:set_status_callback(nil)
    for _, kind in ipairs(kinds) do
      t[kind]:set_status_callback(function()
        for _, other in ipairs(kinds) do
          answers[#answers + 1] = select(3, t[other]:close())
        end
      end)
    end
    assert.is_true(t.session:close())
    assert.same({ 6, 6, 6, 6, 6, 6, 6, 6, 6 }, answers)
  end)

  it("may open and close others in a callback", function()
    local t = tree()
    local depth, most = 0, 0
    t.session:set_status_callback(function(_, status)
      if status ~= "handle_closing" or depth > 3 then return end
      depth = depth + 1
      most = math.max(most, depth)
      local inner <close> = tree().session
      assert.is_true(inner:is_valid())
      depth = depth - 1
    end)
    t.session:close()
    assert.equal(1, most)
  end)

  it("delivers everything, then raises the first error of a callback, unchanged", function()
    local t = tree()
    local heard, first = {}, { "an error object" }
    for _, kind in ipairs(kinds) do
      t[kind]:set_status_callback(function(_, status)
        heard[#heard + 1] = kind .. " " .. status
        error(kind == "request" and first or kind)
      end)
    end
    local ok, problem = pcall(t.session.close, t.session)
    assert.is_false(ok)
    assert.equal(first, problem)
    assert.same({ "request handle_closing", "connection handle_closing",
      "session handle_closing" }, heard)
    for _, kind in ipairs(kinds) do assert.is_false(t[kind]:is_valid()) end
  end)

  it("is what abort does", function()
    local t = tree()
    for i = 3, 1, -1 do assert.is_true(t[kinds[i]]:abort()) end
    assert.is_false(t.session:is_valid())
  end)
end)

describe("A to-be-closed variable", function()
  leaks.watch()

  it("closes its handle and delivers what is left", function()
    local heard, kept = {}
    do
      local session <close> = assert(hinternet.open())
      session:set_status_callback(function(_, status) heard[#heard + 1] = status end)
      local connection <close> = session:connect("127.0.0.1", 80)
      kept = connection
    end
    assert.same({ "handle_created", "handle_closing", "handle_closing" }, heard)
    assert.equal("closed connection", hinternet.type(kept))
  end)

  it("may hold a handle that was closed before", function()
    local session <close> = assert(hinternet.open())
    session:close()
  end)

  it("raises the first error of a callback", function()
    local ok, problem = pcall(function()
      local session <close> = assert(hinternet.open())
      session:set_status_callback(function() error("from the callback", 0) end)
    end)
    assert.is_false(ok)
    assert.equal("from the callback", problem)
  end)

  it("lets the error pass that is on its way", function()
    local heard = 0
    local ok, problem = pcall(function()
      local session <close> = assert(hinternet.open())
      session:set_status_callback(function()
        heard = heard + 1
        error("from the callback", 0)
      end)
      error("the first one", 0)
    end)
    assert.is_false(ok)
    assert.equal("the first one", problem)
    assert.equal(1, heard)
  end)

  it("passes further errors of callbacks on as warnings", function()
    local output = process.run(process.interpreter() .. " -W -e " .. process.quote [[
      local session = require("hinternet").open()
      local connection = session:connect("127.0.0.1", 80)
      local request = connection:open_request("GET", "/")
      connection:set_status_callback(function() error("second", 0) end)
      request:set_status_callback(function() error("first", 0) end)
      session:set_status_callback(function()
        error(setmetatable({}, { __tostring = function() return "third" end }))
      end)
      print(pcall(session.close, session))
      local ok, problem = pcall(function()
        local other <close> = require("hinternet").open()
        other:set_status_callback(function() error("fourth", 0) end)
        error("outer", 0)
      end)
      print(problem)
    ]])
    assert.equal("Lua warning: hinternet: error in a status callback: second\n"
      .. "Lua warning: hinternet: error in a status callback: third\n"
      .. "false\tfirst\n"
      .. "Lua warning: hinternet: error in a status callback: fourth\nouter\n", output)
  end)
end)

-- ---------------------------------------------------------------- collection

describe("Collection", function()
  leaks.watch()

  it("closes without a callback", function()
    local handles = core.live()
    local heard = {}
    do
      local session = assert(hinternet.open())
      session:set_status_callback(function(_, status) heard[#heard + 1] = status end)
      session:connect("127.0.0.1", 80):open_request("GET", "/")
    end
    collectgarbage()
    collectgarbage()
    assert.same({ "handle_created", "handle_created" }, heard)
    assert.equal(handles, core.live())
  end)

  it("takes a child and leaves its parents, which hear nothing of it later", function()
    local heard = {}
    local session = assert(hinternet.open())
    session:set_status_callback(function(_, status) heard[#heard + 1] = status end)
    local connection = session:connect("127.0.0.1", 80)
    local before = core.live()
    connection:open_request("GET", "/")
    collectgarbage()
    collectgarbage()
    assert.equal(before, core.live())
    assert.is_true(connection:is_valid())
    session:close()
    assert.same({ "handle_created", "handle_created", "handle_closing", "handle_closing" }, heard)
  end)

  it("takes a session that its own callback refers to", function()
    local handles = core.live()
    do
      local session = assert(hinternet.open())
      session:set_status_callback(function() return session:is_valid() end)
      session:connect("127.0.0.1", 80)
    end
    collectgarbage()
    collectgarbage()
    assert.equal(handles, core.live())
  end)

  it("never takes the parents of a handle that is still held", function()
    local p = peer.start()
    local s = p:keepalive("hello")
    local connection = hinternet.open():connect("127.0.0.1", s.port)
    collectgarbage()
    collectgarbage()
    local request = connection:open_request("GET", "/")
    connection = nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
    assert.equal("hello", exchange.finish(request))
    assert.equal("connection", hinternet.type(request:parent()))
    assert.equal("session", hinternet.type(request:parent():parent()))
    request = nil -- luacheck: ignore 311
    collectgarbage()
    s:close()
    p:stop()
  end)

  it("may run between any two steps of a chained call", function()
    local p = peer.start()
    local s = p:keepalive("hello")
    local function between(...)
      collectgarbage()
      collectgarbage()
      return ...
    end
    local request = between(between(between(hinternet.open()):connect(between("127.0.0.1"),
      s.port)):open_request("GET", between("/")))
    between(assert(request:send()))
    between(assert(request:receive_response()))
    local pieces = {}
    repeat
      pieces[#pieces + 1] = between(request:read(2))
    until #pieces == 3
    assert.is_nil(between(request:read(2)))
    assert.equal("hello", table.concat(pieces))
    request:parent():parent():close()
    s:close()
    p:stop()
  end)

  it("works inside a callback of a blocking call", function()
    local p = peer.start()
    local s = p:keepalive("hello")
    local session <close> = assert(hinternet.open())
    session:set_status_callback(function()
      hinternet.open():connect("127.0.0.1", s.port)
      collectgarbage()
    end)
    assert.equal("hello",
      exchange.finish(session:connect("127.0.0.1", s.port):open_request("GET", "/")))
    s:close()
    p:stop()
  end)

  it("is quiet and clean at the end of the state, whatever is still open", function()
    local p = peer.start()
    local s = p:script({ "recv_head" },
      { "send", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc" }, { "stall" })
    local output = process.run(process.interpreter() .. " -W -e " .. process.quote(([[
      -- Finalisers run in the reverse order: this one after everything.
      guard = setmetatable({}, { __gc = function()
        print(session:is_valid(), hinternet.type(request))
        print(select(3, session:close()), select(3, request:query_option("url")))
        print(select(2, pcall(hinternet.open)):match("the runtime is closed"))
      end })
      hinternet = require "hinternet"
      session = hinternet.open()
      session:set_status_callback(function(_, status)
        if status == "handle_closing" then print(status) end
      end)
      request = session:connect("127.0.0.1", %d):open_request("GET", "/")
      assert(request:send() and request:receive_response())
      print(request:read(3))
      parked = coroutine.create(function()
        request:set_status_callback(coroutine.yield)
        request:read(3)
      end)
      coroutine.resume(parked)
    ]]):format(s.port)))
    assert.equal("abc\nfalse\tclosed request\n6\t6\nthe runtime is closed\n", output)
    s:close()
    p:stop()
  end)
end)

-- -------------------------------------------------------- in a blocking call

describe("A callback inside a blocking call", function()
  local p = peer.new():for_tests()

  -- Scripts that leave the call waiting for ever, and the status at which the
  -- callback closes something.
  local waits = {
    { call = "receive_response", at = "receiving_response",
      script = { { "recv_head" }, { "stall" } } },
    { call = "read", at = "receiving_response",
      script = { { "recv_head" },
        { "send", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" }, { "stall" } } },
    { call = "send", at = "connecting_to_server" },
  }

  local function begin(case)
    local s = case.script and p:serve { connections = { case.script } }
    local t = tree(s and s.port or p:blackhole_port())
    if case.call ~= "send" then assert(t.request:send()) end
    if case.call == "read" then assert(t.request:receive_response()) end
    return t, s
  end

  for _, case in ipairs(waits) do
    for i = 3, 1, -1 do
      local victim = kinds[i]
      it(("ends %s with operation cancelled when it closes its %s"):format(case.call, victim),
        function()
          local t, s = begin(case)
          local heard, inside = {}, nil
          for _, kind in ipairs(kinds) do
            t[kind]:set_status_callback(function(_, status)
              if status == case.at then
                inside = { t[victim]:close() }
              elseif status == "handle_closing" then
                heard[#heard + 1] = kind
              end
            end)
          end
          local ok, message, code = t.request[case.call](t.request)
          assert.is_nil(ok)
          assert.equal(12017, code, message)
          assert.matches("127.0.0.1", message, 1, true)
          assert.same({ true }, inside)
          local expected = { "request", "connection", "session" }
          assert.same(table.move(expected, 1, 4 - i, 1, {}), heard)
          assert_invalid("afterwards", t.request[case.call](t.request))
          t.session:close()
          assert.same(expected, heard)
          if s then s:close() end
        end)
    end
  end

  it("may close a request that another wait of the same session is about", function()
    local s = p:script({ "recv_head" }, { "stall" })
    local session <close> = assert(hinternet.open())
    local connection = session:connect("127.0.0.1", s.port)
    local outer, inner = connection:open_request("GET", "/"), connection:open_request("GET", "/")
    assert(outer:send())
    assert(inner:send())
    inner:set_status_callback(function(_, status)
      if status == "receiving_response" then outer:close() end
    end)
    local inside
    outer:set_status_callback(function(_, status)
      if status ~= "receiving_response" then return end
      inner:set_timeouts { receive = 0.05, response = 0.05 }
      inside = select(3, inner:receive_response())
    end)
    local ok, _, code = outer:receive_response()
    assert.is_nil(ok)
    assert.equal(12017, code)
    assert.equal(12002, inside)
    s:close()
  end)

  it("may close the handle whose body it has just heard of", function()
    local s = p:keepalive("hello")
    local t = tree(s.port)
    t.session:set_status_callback(nil)
    t.request:set_status_callback(function(handle, status)
      if status == "response_received" then handle:close() end
    end)
    assert(t.request:send())
    t.request:receive_response()
    assert_invalid("read", t.request:read(1))
    t.session:close()
    s:close()
  end)
end)

-- -------------------------------------------------------------- unread bodies

describe("A request closed with an unread body", function()
  local p = peer.new():for_tests()

  local good = peer.response(200, {}, "good")

  -- What the session opened for a first request, closed after `n` bytes, and
  -- a second one. `between` is called before the second.
  local function opened(first, n, between)
    local s = p:serve { connections = {
      { { "recv_head" }, { "send", first }, { "recv_head" }, { "send", good },
        { "recv_eof" } },
      { { "recv_head" }, { "send", good }, { "recv_eof" } },
    } }
    local t = tree(s.port)
    assert(t.request:send())
    assert(t.request:receive_response())
    if n > 0 then assert.equal(n, #t.request:read(n, "fill")) end
    t.request:close()
    if between then between() end
    local second = t.connection:open_request("GET", "/")
    assert.equal("good", exchange.finish(second))
    local count = t.session:query_option("connections_opened")
    t.session:close()
    s:close()
    return count
  end

  it("keeps its connection when the rest is here", function()
    for _, n in ipairs { 0, 1, 99, 1000 } do
      assert.equal(1, opened(peer.response(200, {}, ("x"):rep(1000)), n), n)
    end
  end)

  it("keeps its connection when the rest comes while others work", function()
    local s = p:keepalive("hello")
    local other = tree(s.port)
    assert.equal(1, opened(peer.response(200, {}, ("x"):rep(300000)), 10, function()
      for _ = 1, 200 do
        local request <close> = other.connection:open_request("GET", "/")
        assert.equal("hello", exchange.finish(request))
      end
    end))
    other.session:close()
    s:close()
  end)

  it("gives the connection up when the rest is too large to wait for", function()
    local head = "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
    assert.equal(2, opened(head .. ("x"):rep(1000), 0))
    assert.equal(2, opened(head .. ("x"):rep(1000), 10))
  end)

  it("gives the connection up when nobody knows how much is to come", function()
    local head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert.equal(2, opened(head .. "5\r\nhello\r\n", 2))
    assert.equal(2, opened("HTTP/1.1 200 OK\r\n\r\nhello", 2))
  end)

  it("gives the connection up when more came than was announced", function()
    assert.equal(2, opened(good .. "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", 4))
    assert.equal(2, opened(good .. good, 1))
  end)

  it("lets the limit be chosen", function()
    local s = p:serve { connections = {
      { { "recv_head" }, { "send", peer.response(200, {}, ("x"):rep(100)) }, { "recv_eof" } },
      { { "recv_head" }, { "send", good } },
    } }
    local t = tree(s.port)
    t.request:set_option("max_response_drain_size", 50)
    assert(t.request:send())
    assert(t.request:receive_response())
    t.request:close()
    assert.equal("good", exchange.finish(t.connection:open_request("GET", "/")))
    assert.equal(2, t.session:query_option("connections_opened"))
    t.session:close()
    s:close()
  end)

  it("never gives its bytes to the next request, wherever it was closed", function()
    local body = ("0123456789"):rep(40)
    local s = p:keepalive(body)
    local session <close> = assert(hinternet.open())
    local connection = session:connect("127.0.0.1", s.port)
    for n = 0, 400, 7 do
      local request <close> = connection:open_request("GET", "/")
      assert(request:send())
      if n > 0 then
        assert(request:receive_response())
        assert.equal(body:sub(1, n), request:read(n, "fill"))
      end
      request:close()
      local whole <close> = connection:open_request("GET", "/")
      assert.equal(body, exchange.finish(whole))
    end
    -- Only the one closed before its response cost a connection.
    assert.equal(2, session:query_option("connections_opened"))
    s:close()
  end)

  it("that waits for the rest leaves nothing behind when the session goes", function()
    local s = p:script({ "recv_head" },
      { "send", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc" }, { "recv_eof" })
    local t = tree(s.port)
    assert(t.request:send())
    assert(t.request:receive_response())
    t.request:close()
    t.session:close()
    assert.is_true(s:wait(1))
    s:close()
  end)
end)
