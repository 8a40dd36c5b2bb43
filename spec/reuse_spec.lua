-- Connections: when one serves again, what happens when it is dead by then,
-- and which requests are sent twice for that and which never.

local hinternet = require "hinternet"
local exchange = require "spec.support.exchange"
local peer = require "spec.support.peer"
local socket = require "socket"

local connect, fetch = exchange.connect, exchange.ask

local p = peer.new()
local OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
local EMPTY = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

local function counts(session)
  return { session:query_option("connections_opened"),
    session:query_option("connections_reused") }
end

describe("A connection serves again", function()
  p:for_tests()

  it("for as long as nobody says close", function()
    local server = p:keepalive("ok")
    local session <close>, connection = connect(server)
    for i = 1, 20 do
      assert.equal("ok", fetch(connection))
      assert.same({ 1, i - 1 }, counts(session))
    end
    assert.equal(1, server:accepted())
    -- Another connection handle to the same place shares it.
    assert.equal("ok", fetch(session:connect("127.0.0.1", server.port)))
    assert.same({ 1, 20 }, counts(session))
    server:close()
  end)

  it("unless the response says close", function()
    local server = p:keepalive("ok", "Connection: x , CLOSE\r\n")
    local session <close>, connection = connect(server)
    assert.equal("ok", fetch(connection))
    assert.equal("ok", fetch(connection))
    assert.same({ 2, 0 }, counts(session))
    server:close()
  end)

  it("unless the request says close", function()
    local server = p:keepalive("ok")
    local session <close>, connection = connect(server)
    assert.equal("ok", fetch(connection, "GET", "Connection: close"))
    assert.equal("ok", fetch(connection))
    assert.equal("ok", fetch(connection, "GET", "connection: Upgrade, Close"))
    assert.equal("ok", fetch(connection))
    assert.same({ 3, 1 }, counts(session))
    server:close()
  end)

  -- What each side says in HTTP/1.0, and whether the connection is kept.
  local old = { -- version asked, headers asked, answer's first lines, kept
    { "HTTP/1.1", nil, "HTTP/1.0 200 OK", false },
    { "HTTP/1.1", nil, "HTTP/1.0 200 OK\r\nConnection: keep-alive", true },
    { "HTTP/1.0", nil, "HTTP/1.0 200 OK", false },
    { "HTTP/1.0", nil, "HTTP/1.0 200 OK\r\nConnection: Keep-Alive", true },
    { "HTTP/1.0", nil, "HTTP/1.1 200 OK", true },
    { "HTTP/1.0", "Connection: close", "HTTP/1.1 200 OK", false },
    { "HTTP/1.0", "Connection: x", "HTTP/1.1 200 OK", false },
    { "HTTP/1.0", nil, "HTTP/1.0 200 OK\r\nConnection: keep-alive, close",
      false },
  }
  it("in HTTP/1.0 when both ask for it", function()
    for i, row in ipairs(old) do
      local server = p:script({ "loop", -1, { { "recv_head" },
        { "send", row[3] .. "\r\nContent-Length: 2\r\n\r\nok" } } })
      local session <close>, connection = connect(server)
      for _ = 1, 2 do
        local request <close> = connection:open_request("GET", "/",
          { version = row[1] })
        assert(request:send(row[2]))
        assert(request:receive_response())
        assert.equal("ok", request:read("a"))
      end
      assert.same(row[4] and { 1, 1 } or { 2, 0 }, counts(session),
        "row " .. i)
      session:close()
      server:close()
    end
  end)

  it("to its own host, port and session only", function()
    local a, b = p:keepalive("a"), p:keepalive("b")
    local session <close>, to_a = connect { host = "localhost", port = a.port }
    local other <close> = hinternet.open {}
    assert.equal("a", fetch(to_a))
    assert.equal("a", fetch(session:connect("LocalHost", a.port)))
    assert.same({ 1, 1 }, counts(session))
    assert.equal("b", fetch(session:connect("localhost", b.port)))
    assert.equal("a", fetch(session:connect("127.0.0.1", a.port)))
    assert.equal("a", fetch(other:connect("localhost", a.port)))
    assert.same({ 3, 1 }, counts(session))
    assert.same({ 1, 0 }, counts(other))
    a:close()
    b:close()
  end)

  it("once its response has been read, not before", function()
    local server = p:keepalive("ok")
    local session <close>, connection = connect(server)
    local requests = {}
    for i = 1, 3 do
      requests[i] = connection:open_request("GET", "/")
      assert(requests[i]:send())
      assert(requests[i]:receive_response())
    end
    assert.same({ 3, 0 }, counts(session))
    for i = 1, 3 do assert.equal("ok", requests[i]:read("a")) end
    for i = 1, 3 do
      assert(requests[i]:send())
      assert(requests[i]:receive_response())
    end
    assert.same({ 3, 3 }, counts(session))
    server:close()
  end)

  it("until its session is closed", function()
    local server = p:script({ "recv_head" }, { "send", OK }, { "recv_eof" })
    local session, connection = connect(server)
    assert.equal("ok", fetch(connection))
    session:close()
    assert.is_true(server:wait(1))
    assert.same({ "" }, server:errors())
    server:close()
  end)
end)

describe("A body left unread", function()
  p:for_tests()

  -- Opens a request, leaves its body, and asks again.
  local function leave(answer, options)
    local server = p:script({ "loop", -1, { { "recv_head" },
      { "send", answer } } })
    local session <close>, connection = connect(server)
    for name, value in pairs(options or {}) do
      assert(session:set_option(name, value))
    end
    for _ = 1, 2 do
      local request <close> = connection:open_request("GET", "/")
      assert(request:send())
      assert(request:receive_response())
      assert.equal(200, request:query_headers("status_code"))
    end
    local result = counts(session)
    session:close()
    server:close()
    return result
  end

  local function body(n)
    return ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(n)
      .. ("x"):rep(n)
  end

  it("that is short is thrown away and its connection kept", function()
    assert.same({ 1, 1 }, leave(body(1)))
    assert.same({ 1, 1 }, leave(body(10000)))
  end)

  it("beyond max_response_drain_size costs the connection", function()
    assert.same({ 2, 0 }, leave(body(101), { max_response_drain_size = 100 }))
    assert.same({ 1, 1 }, leave(body(100), { max_response_drain_size = 100 }))
    assert.same({ 2, 0 }, leave(body(1), { max_response_drain_size = 0 }))
  end)

  it("in chunks costs nothing when all of it came with the head #whole", function()
    assert.same({ 1, 1 }, leave("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
      .. "\r\n\r\n2\r\nok\r\n0\r\n\r\n"))
  end)

  it("of unknown length costs the connection", function()
    assert.same({ 2, 0 }, leave("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
      .. "\r\n\r\n2\r\nok\r\n"))
  end)

  it("is waited for when it has still to come", function()
    local server = p:serve { connections = {
      { { "recv_head" },
        { "send", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n123" },
        { "wait" }, { "send", "456" }, { "recv_head" },
        { "send", "HTTP/1.1 200 OK\r\nDrained: yes\r\n\r\n" } },
      { { "keepalive", "new" } },
    } }
    local session <close>, connection = connect(server)
    local function ask()
      local request = connection:open_request("GET", "/")
      assert(request:send())
      assert(request:receive_response())
      return request
    end
    ask():close()
    -- Nobody waits for the rest: as long as it is not here, others are dialled.
    assert.is_nil(ask():query_headers("drained"))
    server:go()
    local held = {}
    for i = 1, 100 do
      held[i] = ask() -- its connection stays busy
      if held[i]:query_headers("drained") then break end
    end
    assert.equal("yes", held[#held]:query_headers("drained"))
    session:close()
    server:close()
  end)
end)

describe("A connection that died while it lay idle", function()
  p:for_tests()

  local dying = { { "close" }, { "reset" } }

  it("is replaced, whatever the method", function()
    for _, step in ipairs(dying) do
      for _, method in ipairs { "GET", "POST", "PUT" } do
        local server = p:serve { connections = {
          { { "recv_head" }, { "recv_body" }, { "send", OK }, step },
          { { "recv_head" }, { "recv_body" }, { "send", OK } },
        } }
        local session <close>, connection = connect(server)
        assert.equal("ok", fetch(connection, method, nil, "one"))
        assert.is_true(server:wait(1))
        assert.equal("ok", fetch(connection, method, nil, "two"))
        assert.equal(2, server:accepted())
        assert.matches("one$", server:received()[1])
        assert.matches("two$", server:received()[2])
        session:close()
        server:close()
      end
    end
  end)

  it("is noticed at once by whatever else the session does", function()
    local server = p:serve { connections = {
      { { "recv_head" }, { "send", OK }, { "wait" } }, { { "echo" } },
    } }
    local other = p:keepalive("other")
    local session <close>, connection = connect(server)
    assert.equal("ok", fetch(connection))
    server:go()
    assert.is_true(server:wait(1))
    assert.equal("other",
      fetch(session:connect("127.0.0.1", other.port)))
    assert.matches("^POST", fetch(connection, "POST", nil, "x"))
    assert.same({ 3, 0 }, counts(session))
    session:close()
    server:close()
    other:close()
  end)
end)

describe("A connection that lay idle for more than a moment", function()
  p:for_tests()

  local POISON = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON"

  -- A first request, answered by `answer`; then what the server does by itself
  -- up to its end. What was sent on loopback is there when the sender goes on.
  local function left_alone(method, answer, step)
    local first = { { "recv_head" }, { "send", answer }, { "wait" }, step }
    local server = p:serve { connections = { first, { { "echo" } } } }
    local session, connection = connect(server)
    assert.is_string(fetch(connection, method))
    server:go()
    assert.is_true(server:wait(1))
    socket.sleep(0.002) -- it is trusted for one millisecond
    return session, connection, server
  end

  it("has nothing believed that came unasked", function()
    local session <close>, connection, server = left_alone("GET", OK, { "send", POISON })
    assert.matches("^GET / HTTP", fetch(connection))
    assert.same({ 2, 0 }, counts(session))
    session:close()
    server:close()
  end)

  it("is given up when a HEAD was answered with a body that came late", function()
    local session <close>, connection, server = left_alone("HEAD", OK:sub(1, -3),
      { "send", "ok" })
    assert.matches("^GET / HTTP", fetch(connection))
    assert.same({ 2, 0 }, counts(session))
    session:close()
    server:close()
  end)

  it("is looked at before a body goes out that can be had only once", function()
    for _, step in ipairs { { "close" }, { "reset" } } do
      local session <close>, _, server = left_alone("GET", OK, step)
      local pieces = { "one", "two" }
      local r = assert(session:put(server.url .. "/", {
        body = function() return table.remove(pieces, 1) end,
      }))
      assert.matches("^PUT / HTTP", r.body)
      assert.matches("one.*two", server:received()[2])
      session:close()
      server:close()
    end
  end)
end)

describe("A request whose old connection breaks under it", function()
  p:for_tests()

  -- The first connection answers once, then takes a request and ends by step.
  local function serve(steps, second)
    local first = { { "recv_head" }, { "send", EMPTY }, { "recv_head" } }
    for _, step in ipairs(steps) do first[#first + 1] = step end
    return p:serve { connections = { first, second } }
  end

  local good = { { "recv_head" }, { "recv_body" }, { "send", EMPTY } }

  local methods = {
    GET = true, HEAD = true, PUT = true, DELETE = true, OPTIONS = true,
    TRACE = true, POST = false, PATCH = false, get = false, FROB = false,
  }
  for method, again in pairs(methods) do
    it((again and "is sent again once when it is a %s"
      or "is never sent twice when it is a %s"):format(method), function()
      for _, step in ipairs { { "close" }, { "reset" } } do
        local server = serve({ step }, good)
        local session <close>, connection = connect(server)
        assert.equal("", fetch(connection))
        local body, message, code = fetch(connection, method)
        if again then
          assert.equal("", body)
          assert.equal(2, server:accepted())
          local first, second = table.unpack(server:received())
          assert.equal(second, first:sub(-#second))
          assert.matches("^" .. method .. " / ", second)
        else
          assert.is_nil(body)
          assert.matches("while waiting for the response of 127.0.0.1:"
            .. server.port, message, 1, true)
          assert.equal(12030, code)
          assert.equal(1, server:accepted())
        end
        session:close()
        server:close()
      end
    end)
  end

  it("is sent with its whole body again", function()
    for _, body in ipairs { "short", ("0123456789"):rep(50000) } do
      local server = serve({ { "reset" } }, good)
      local session <close>, connection = connect(server)
      assert.equal("", fetch(connection))
      assert.equal("", fetch(connection, "PUT", nil, body))
      assert.equal(2, server:accepted())
      assert.is_true(server:received()[2]:match("\r\n\r\n(.*)$") == body)
      session:close()
      server:close()
    end
  end)

  it("is not sent again when parts of its body came by write", function()
    local server = serve({ { "recv_body" }, { "close" } }, good)
    local session <close>, connection = connect(server)
    assert.equal("", fetch(connection))
    local request = connection:open_request("PUT", "/")
    assert(request:send(nil, "ab", 4))
    assert(request:write("cd"))
    local ok, message, code = request:receive_response()
    assert.is_nil(ok)
    assert.equal("connection closed without a response while waiting for the "
      .. "response of 127.0.0.1:" .. server.port, message)
    assert.equal(12030, code)
    assert.equal(1, server:accepted())
    session:close()
    server:close()
  end)

  it("is not sent again once a byte of the response has come", function()
    local server = serve({ { "send", "H" }, { "close" } }, good)
    local session <close>, connection = connect(server)
    assert.equal("", fetch(connection))
    local body, message, code = fetch(connection)
    assert.is_nil(body)
    assert.matches("^connection closed inside the head", message)
    assert.equal(12030, code)
    assert.equal(1, server:accepted())
    session:close()
    server:close()
  end)

  it("fails when the second connection dies as well", function()
    local server = serve({ { "close" } }, { { "recv_head" }, { "close" } })
    local session <close>, connection = connect(server)
    assert.equal("", fetch(connection))
    local body, message, code = fetch(connection)
    assert.is_nil(body)
    assert.equal("connection closed without a response while waiting for the "
      .. "response of 127.0.0.1:" .. server.port, message)
    assert.equal(12030, code)
    assert.equal(2, server:accepted())
    session:close()
    server:close()
  end)

  it("is not sent again when it was the connection's first", function()
    local server = p:script({ "recv_head" }, { "close" })
    local session <close>, connection = connect(server)
    local body, _, code = fetch(connection)
    assert.is_nil(body)
    assert.equal(12030, code)
    assert.equal(1, server:accepted())
    session:close()
    server:close()
  end)
end)

describe("A connection is not used again", function()
  p:for_tests()

  it("after an answer that came before the whole request was sent", function()
    local server = p:serve { connections = {
      { { "recv_head" }, { "send", OK }, { "recv_eof" } },
      { { "keepalive", "new" } },
    } }
    local session <close>, connection = connect(server)
    local request = connection:open_request("POST", "/")
    assert(request:send(nil, "half", 8))
    request:close()
    assert.is_true(server:wait(1))
    assert.equal("new", fetch(connection))
    assert.equal(2, server:accepted())
    session:close()
    server:close()
  end)

  it("after a request closed before its response came", function()
    local server = p:serve { connections = {
      { { "recv_head" }, { "recv_eof" } }, { { "keepalive", "new" } },
    } }
    local session <close>, connection = connect(server)
    local request = connection:open_request("GET", "/")
    assert(request:send())
    request:close()
    assert.is_true(server:wait(1))
    assert.equal("new", fetch(connection))
    assert.equal(2, server:accepted())
    session:close()
    server:close()
  end)
end)
