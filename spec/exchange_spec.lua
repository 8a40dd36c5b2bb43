-- One request and its response: what each attempt begins with, what is refused
-- before a byte goes out, and what a callback hears of the connection's end.

local hinternet = require "hinternet"
local hops = require "spec.support.hops"
local notification = require "spec.support.notification"
local peer = require "spec.support.peer"
local wait = require "spec.support.wait"

local INVALID_PARAMETER = 87

local p = peer.new()
local OK = peer.response(200, {}, "ok")

describe("A body in chunks", function()
  p:for_tests()

  local OLD = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nold"

  -- A server of HTTP/1.0 that keeps its connections.
  local function serve()
    return p:script({ "loop", -1, { { "recv_head" }, { "recv_body" }, { "send", OLD } } })
  end

  it("does not go to a server that has answered in HTTP/1.0", function()
    local s = serve()
    local session <close> = hops.open()
    local connection = session:connect("127.0.0.1", s.port)
    assert.same({ 200, "old" }, { hops.exchange(connection:open_request()) })
    local before = s:received()[1]
    for _ = 1, 2 do
      local ok, message, code = connection:open_request("POST", "/"):send(nil, nil, "chunked")
      assert.is_nil(ok)
      assert.equal(INVALID_PARAMETER, code)
      assert.matches("HTTP/1.0", message, 1, true)
      assert.matches("length", message)
      assert.matches("127.0.0.1:" .. s.port, message, 1, true)
    end
    assert.equal(before, s:received()[1])
    -- Nothing has happened to the connection, and a length is all it takes.
    assert.same({ 200, "old" }, { hops.exchange(connection:open_request("POST"), nil, "body") })
    assert.equal(1, s:accepted())
    session:close()
    s:close()
  end)

  it("is refused from a function as well, and begins no request", function()
    local s = serve()
    local session <close> = hops.open()
    assert(session:get(s.url))
    local r, message, code = session:put(s.url, { body = function() return "x" end })
    assert.is_nil(r)
    assert.equal(INVALID_PARAMETER, code)
    assert.matches("HTTP/1.0", message, 1, true)
    assert.is_nil(s:received()[1]:find("PUT", 1, true))
    session:close()
    s:close()
  end)

  it("goes to one that answers in HTTP/1.1, and to one that has not answered", function()
    local s = p:echo()
    local session <close> = hops.open()
    for _ = 1, 2 do
      local pieces = { "one" }
      local r = assert(session:put(s.url, { body = function() return table.remove(pieces) end }))
      assert.matches("chunked", r.body)
    end
    session:close()
    s:close()
  end)
end)

describe("A status callback", function()
  p:for_tests()

  local created = { { "session:connect", "handle_created" },
    { "connection:open_request", { "handle_created", on = "request" } } }
  local fresh = { "resolving_name", "name_resolved", "connecting_to_server",
    "connected_to_server", "sending_request", "request_sent" }
  local receiving = { "receiving_response", "response_received" }
  local ended = { "closing_connection", "connection_closed" }

  local function row(what, ...)
    local all = { what }
    for _, list in ipairs { ... } do table.move(list, 1, #list, #all + 1, all) end
    return all
  end

  it("hears that a kept connection which breaks is replaced", function()
    for _, step in ipairs { { "close" }, { "reset" } } do
      local s = p:serve { connections = {
        { { "recv_head" }, { "send", OK }, { "recv_head" }, step },
        { { "recv_head" }, { "send", OK }, { "recv_eof" } },
      } }
      local w = notification.world { port = s.port }
      w:run(created):run { row("request:send", fresh), row("request:receive_response", receiving),
        { "request:read", args = { "a" }, gives = "ok" } }
      -- A reset is seen by a read that gives nothing.
      local broken = step[1] == "close" and receiving or { "receiving_response" }
      w:run { { "request:send", "sending_request", "request_sent" },
        row("request:receive_response", broken, ended, fresh, receiving),
        { "request:read", args = { "a" }, gives = "ok" } }
      w.session:close()
      s:close()
    end
  end)

  it("hears nothing of a kept connection that is found dead before it is used", function()
    local s = p:serve { connections = {
      { { "recv_head" }, { "send", OK }, { "close" } },
      { { "recv_head" }, { "recv_body" }, { "send", OK }, { "recv_eof" } },
    } }
    local w = notification.world { port = s.port }
    w:run(created):run { row("request:send", fresh), row("request:receive_response", receiving),
      { "request:read", args = { "a" }, gives = "ok" } }
    assert.is_true(s:wait(1))
    -- One whose body is still to come is never trusted unseen.
    local send = row("request:send", fresh)
    send.args = { "", "", 4 }
    w:run { send }
    w.session:close()
    s:close()
  end)

  it("hears that a connection ends on which a handshake goes wrong", function()
    for _, step in ipairs { { "close" }, { "send", "no TLS at all\r\n" }, { "reset" } } do
      local s = p:script({ "recv_until", "\1" }, step)
      local w = notification.world { port = s.port, secure = true }
      w:run(created)
      assert.is_nil((w.request:send()))
      local heard = notification.names(w:take())
      assert.matches("connected_to_server, closing_connection, connection_closed", heard)
      w.session:close()
      s:close()
    end
  end)
end)

describe("A request that is sent again and closed at once", function()
  p:for_tests()

  it("was waiting for a connection, as at its first send", function()
    local s = p:keepalive("ok")
    local session <close> = assert(hinternet.open { async = true })
    local phases, done = {}, false
    session:set_status_callback(function(handle, status, info)
      if status == "sendrequest_complete" then assert(handle:receive_response()) end
      if status == "headers_available" then assert(handle:read("a")) end
      if status == "read_complete" then done = true end
      if status == "request_error" then phases[#phases + 1] = info.phase end
    end)
    local connection = session:connect("127.0.0.1", s.port)
    local first = connection:open_request()
    assert(first:send())
    first:close()
    local again = connection:open_request()
    assert(again:send())
    wait.polling("a failure", function() return done end)
    assert(again:send())
    again:close()
    wait.polling("two phases", function() return #phases == 2 end)
    assert.same({ "acquire", "acquire" }, phases)
    session:close()
    s:close()
  end)
end)

describe("Each attempt begins anew", function()
  p:for_tests()

  local HINT = "HTTP/1.1 103 Early Hints\r\n\r\n"
  local function redirect(location) return peer.response(302, { "Location: " .. location }) end

  it("with the count of interim responses: hops, and sends of the same request", function()
    local s = hops.answering(p, HINT:rep(2) .. redirect("/next"), HINT:rep(2) .. OK,
      HINT:rep(2) .. OK, HINT:rep(3) .. OK)
    local session <close> = hops.open { max_http_status_continue = 2 }
    local request = session:connect("127.0.0.1", s.port):open_request()
    assert.same({ 200, "ok" }, { hops.exchange(request) })
    assert.equal(1, request:query_option("request_stats").redirects)
    assert.same({ 200, "ok" }, { hops.exchange(request) })
    assert.equal(12152, select(3, hops.exchange(request)))
    session:close()
    s:close()
  end)

  it("and tells that a response is received, also when none came to the one before", function()
    local s = p:serve { connections = {
      { { "recv_head" }, { "recv_eof" } },
      { { "recv_head" }, { "send", OK }, { "recv_eof" } },
    } }
    local heard = {}
    local session <close> = hops.open()
    session:set_status_callback(function(_, status) heard[#heard + 1] = status end,
      { "receiving_response", "response_received" })
    local request = session:connect("127.0.0.1", s.port):open_request()
    assert(request:set_timeouts { response = 0.02, receive = 0.02 })
    assert.equal(12002, select(3, hops.exchange(request)))
    assert(request:set_timeouts { response = 60, receive = 60 })
    assert.same({ 200, "ok" }, { hops.exchange(request) })
    assert.same({ "receiving_response", "receiving_response", "response_received" }, heard)
    session:close()
    s:close()
  end)

  it("with its whole body, although the one before was answered without it", function()
    local body = ("x"):rep(8 << 20)
    local other = p:script({ "recv_head" }, { "recv_body" }, { "send", OK }, { "recv_eof" })
    local s = p:script({ "recv_head" },
      { "send", peer.response(307, { "Location: " .. other.url .. "/there" }) }, { "stall" })
    local session <close> = hops.open()
    local request = session:connect("127.0.0.1", s.port):open_request("PUT", "/")
    assert.same({ 200, "ok" }, { hops.exchange(request, nil, body) })
    assert.equal(#body, #other:received()[1]:match("\r\n\r\n(.*)$"))
    assert.equal(#body, request:query_option("request_stats").request_body_size)
    session:close()
    s:close()
    other:close()
  end)

  it("counting its bytes anew, on a second connection too", function()
    for _, body in ipairs { "short", ("x"):rep(1 << 20) } do
      local s = p:serve { connections = {
        { { "recv_head" }, { "send", OK }, { "recv_head" }, { "recv_body" }, { "reset" } },
        { { "recv_head" }, { "recv_body" }, { "send", OK }, { "recv_eof" } },
      } }
      local session <close> = hops.open()
      local request = session:connect("127.0.0.1", s.port):open_request("PUT", "/")
      assert.same({ 200, "ok" }, { hops.exchange(request) })
      assert.same({ 200, "ok" }, { hops.exchange(request, nil, body) })
      local stats = request:query_option("request_stats")
      assert.is_true(stats.retried)
      assert.equal(#body, stats.request_body_size)
      assert.equal(#s:received()[2], stats.request_size)
      session:close()
      s:close()
    end
  end)

  it("waiting for 100 (Continue) where it asks for that", function()
    local s = p:serve { connections = {
      { { "recv_head" }, { "send", peer.response(307, { "Location: /next" }) }, { "recv_eof" } },
      { { "recv_head" }, { "send", OK }, { "recv_eof" } },
    } }
    local session <close> = hops.open()
    local request = session:connect("127.0.0.1", s.port):open_request("PUT", "/")
    assert.same({ 200, "ok" }, { hops.exchange(request, "Expect: 100-continue", "secret") })
    session:close()
    assert.is_true(s:wait(2))
    for i = 1, 2 do assert.is_nil(s:received()[i]:find("secret", 1, true)) end
    s:close()
  end)

  it("without the trailers and the fields of the one before", function()
    local chunked = "HTTP/1.1 %s\r\n%s: 1\r\nTransfer-Encoding: chunked\r\n%s\r\n"
      .. "2\r\nok\r\n0\r\n%s\r\n"
    local s = hops.answering(p, chunked:format("200 OK", "First", "", "Trailer-A: a\r\n"),
      chunked:format("302 Found", "Second", "Location: /next\r\n", "Trailer-B: b\r\n"),
      peer.response(200, { "Third: 1" }, "ok"))
    local session <close> = hops.open()
    local request = session:connect("127.0.0.1", s.port):open_request()
    assert.same({ 200, "ok" }, { hops.exchange(request) })
    assert.equal("a", request:query_headers("Trailer-A", { trailer = true }))
    assert.same({ 200, "ok" }, { hops.exchange(request) })
    for _, name in ipairs { "Trailer-A", "Trailer-B" } do
      assert.is_nil((request:query_headers(name, { trailer = true })))
    end
    assert.is_nil((request:query_headers("First")))
    assert.is_nil((request:query_headers("Second")))
    assert.equal("1", request:query_headers("Third"))
    session:close()
    s:close()
  end)
end)
