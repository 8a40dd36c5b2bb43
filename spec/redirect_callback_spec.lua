-- Redirects: their notification, what its callback may do before the next hop
-- goes out, and what crosses from one origin to another.

local socket = require "socket"
local hinternet = require "hinternet"
local certs = require "spec.support.certs"
local hops = require "spec.support.hops"
local notification = require "spec.support.notification"
local peer = require "spec.support.peer"

local exchange, head, lines, ok, open = hops.exchange, hops.head, hops.lines, hops.ok, hops.open

local p = peer.new()
local function redirect(location, status)
  return peer.response(status or 302, { "Location: " .. location, "X-Hop: yes" }, "moved")
end

local function answering(...) return hops.answering(p, ...) end

-- The request that follows the first of a connection.
local function second(server)
  return server:received()[1]:match("\r\n\r\n(.*)$")
end

describe("A redirect's notification", function()
  p:for_tests()

  local opening = { "connection:open_request", { "handle_created", on = "request" } }
  local created = { { "session:connect", "handle_created" }, opening }
  local fresh = { "resolving_name", "name_resolved", "connecting_to_server",
    "connected_to_server", "sending_request", "request_sent" }
  local closing = {
    { "request:close", "handle_closing" },
    { "connection:close", "handle_closing" },
    { "session:close", "handle_closing" },
  }

  local function row(name, ...)
    local out = { name }
    for _, part in ipairs { ... } do
      if part[1] == nil or part.on or part.info then part = { part } end
      table.move(part, 1, #part, #out + 1, out)
    end
    return out
  end

  local receiving = { "receiving_response", "response_received" }
  local sending = { "sending_request", "request_sent" }

  it("comes between the two hops, which share a connection", function()
    local s = answering(redirect("/next"), ok)
    local w = notification.world { port = s.port }
    w:run(created):run {
      row("request:send", fresh),
      row("request:receive_response", receiving, { { "redirect", s.url .. "/next" } }, sending,
        receiving),
      { "request:read", args = { "a" }, gives = "end" },
    }
    w:run(closing)
    s:close()
  end)

  it("comes before the second hop's look-up when that goes elsewhere", function()
    local other = answering(ok)
    local s = answering(redirect(other.url .. "/there"))
    local w = notification.world { port = s.port }
    w:run(created):run {
      row("request:send", fresh),
      row("request:receive_response", receiving, { { "redirect", other.url .. "/there" } }, fresh,
        receiving),
    }
    -- The connection handle still stands for the first server.
    w:run { { "request:close", "handle_closing" }, opening }
    assert.equal(s.url .. "/", w.request:query_option("url"))
    w:run(closing)
    s:close()
    other:close()
  end)

  it("comes behind the closing of a connection that cannot be kept", function()
    local s = p:serve { connections = {
      { { "recv_head" }, { "send", peer.response(302, { "Location: /next", "Connection: close" },
        "moved") } },
      { { "recv_head" }, { "send", ok }, { "recv_eof" } },
    } }
    notification.world { port = s.port }:run(created):run {
      row("request:send", fresh),
      row("request:receive_response", receiving, { "redirect", "closing_connection",
        "connection_closed" }, fresh, receiving),
    }:run(closing)
    s:close()
  end)

  it("comes once for each hop, and not for one that is not followed", function()
    local s = answering(redirect("/1"), redirect("/2"), redirect("/3"))
    local w = notification.world { port = s.port, session = { max_http_automatic_redirects = 2 } }
    local fails = row("request:receive_response", receiving, { { "redirect", s.url .. "/1" } },
      sending, receiving, { { "redirect", s.url .. "/2" } }, sending, receiving,
      { "[closing_connection]", "[connection_closed]" })
    fails.fails = 12156
    w:run(created):run { row("request:send", fresh), fails }
    w:run(closing)
    s:close()
  end)

  it("of an async session comes before headers_available, without a sendrequest_complete",
    function()
      local s = answering(redirect("/next"), ok)
      local heard, done = {}, false
      local session <close> = open { async = true }
      session:set_status_callback(function(handle, status, info)
        if hinternet.type(handle) ~= "request" then return end
        heard[#heard + 1] = status
        if status == "sendrequest_complete" then handle:receive_response() end
        if status == "redirect" then assert.equal(s.url .. "/next", info) end
        done = done or status == "headers_available" or status == "request_error"
      end)
      local request = session:connect("127.0.0.1", s.port):open_request()
      assert(request:send())
      while not done do session:poll(1) end
      assert.equal("handle_created, resolving_name, name_resolved, connecting_to_server, "
        .. "connected_to_server, sending_request, request_sent, sendrequest_complete, "
        .. "receiving_response, response_received, redirect, sending_request, request_sent, "
        .. "receiving_response, response_received, headers_available", table.concat(heard, ", "))
      assert.equal(200, request:query_headers("status_code"))
      s:close()
    end)
end)

describe("The callback of a redirect", function()
  p:for_tests()

  local function world(server, act, session)
    local w = notification.world { port = server.port, path = "/first",
      session = session or { decompression = 0, user_agent = "" },
      on = { redirect = function(self, handle, url) act(handle, url, self) end } }
    w:run { { "session:connect", "handle_created" },
      { "connection:open_request", { "handle_created", on = "request" } } }
    return w
  end

  it("sees the response that redirects, and the request it answers", function()
    local s = answering(redirect("/next", 307), ok)
    local seen
    local w = world(s, function(request)
      seen = { request:query_headers("status_code"), request:query_headers("Location"),
        request:query_headers("X-Hop"), request:query_option("url"), #request:headers() }
      assert.equal(12019, select(3, request:read()))
      assert.equal(12019, select(3, request:send()))
      assert.equal(12019, select(3, request:receive_response()))
    end)
    assert.equal(200, exchange(w.request))
    assert.same({ 307, "/next", "yes", s.url .. "/first", 3 }, seen)
    assert.is_nil((w.request:query_headers("X-Hop")))
    assert.equal(s.url .. "/next", w.request:query_option("url"))
    w.session:close()
    s:close()
  end)

  it("may change the fields of the next hop, for that hop only", function()
    local s = answering(redirect("/next"), ok, ok)
    local w = world(s, function(request)
      assert(request:add_headers("B: two\r\nC: three", "add_or_replace"))
      assert(request:add_headers("D:", "replace"))
    end)
    assert.equal(200, exchange(w.request, "A: 1\r\nB: 2\r\nD: 4"))
    assert.is_truthy(second(s):find(head(s, "GET /next", "A: 1", "B: two", "C: three", "", ""),
      1, true), second(s))
    assert.equal(200, exchange(w.request))
    assert.is_truthy(s:received()[1]:find(head(s, "GET /first", "A: 1", "B: 2", "D: 4", "", ""),
      #"GET /first", true))
    w.session:close()
    s:close()
  end)

  it("may give another origin what was dropped on the way", function()
    local other = answering(ok)
    local s = answering(redirect(other.url .. "/there"))
    local w = world(s, function(request) request:add_headers("Authorization: new") end)
    assert.equal(200, exchange(w.request, "Authorization: old"))
    assert.same({ head(other, "GET /there", "Authorization: new", "", "") }, other:received())
    w.session:close()
    s:close()
    other:close()
  end)

  it("is told what is wrong with fields that it adds", function()
    local s = answering(redirect("/next"), ok)
    local said = {}
    local w = world(s, function(request)
      for i, fields in ipairs { "Content-Length: 5", "X" } do
        said[i] = select(2, request:add_headers(fields))
      end
    end)
    assert.equal(200, exchange(w.request))
    assert.same({ "invalid parameter: Host, Content-Length and Transfer-Encoding are on their way "
      .. "already", 'invalid parameter: the header line "X" has no colon: "Name: value"' }, said)
    w.session:close()
    s:close()
  end)

  it("cannot change how long the body of the next hop is", function()
    for _, framing in ipairs { "Content-Length: 100", "content-length: 4\r\nX: y",
      "X: y\r\nTransfer-Encoding: chunked", "Transfer-Encoding:" } do
      local s = answering(redirect("/next", 307), ok)
      local answers = {}
      local w = world(s, function(request)
        for i, mode in ipairs { "add", "add_or_replace", "replace", "coalesce" } do
          local done, _, code = request:add_headers(framing, mode)
          answers[i] = not done and code
        end
        local done, _, code = request:add_headers { ["Content-Length"] = "5" }
        answers[5] = not done and code
      end)
      w.request = w.connection:open_request("POST", "/first")
      assert.equal(200, exchange(w.request, nil, "body"))
      assert.same({ 87, 87, 87, 87, 87 }, answers, framing)
      assert.equal(head(s, "POST /next", "Content-Length: 4", "", "body"),
        s:received()[1]:match("body(.*)$"))
      w.session:close()
      s:close()
    end
  end)

  it("may close the request, the connection or the session: nothing more is sent", function()
    for _, kind in ipairs { "request", "connection", "session" } do
      local s = answering(redirect("/next"), ok)
      local w = world(s, function(_, _, self) self[kind]:close() end)
      assert(w.request:send())
      assert.equal(12017, select(3, w.request:receive_response()))
      assert.is_false(w[kind]:is_valid())
      w.session:close()
      assert.is_true(s:wait(1))
      assert.equal(lines(head(s, "GET /first"), "", ""), s:received()[1], kind)
      s:close()
    end
  end)

  it("may raise: the call raises it and the hop is not sent", function()
    local s = answering(redirect("/next"), ok)
    local w = world(s, function() error("no further", 0) end)
    assert(w.request:send())
    assert.has_error(function() w.request:receive_response() end, "no further")
    assert.equal(12017, select(3, w.request:read()))
    w.session:close()
    assert.is_true(s:wait(1))
    assert.equal(lines(head(s, "GET /first"), "", ""), s:received()[1])
    s:close()
  end)

  it("may be broken off: what it changed and where it led is forgotten", function()
    local s = p:serve { connections = {
      { { "recv_head" }, { "send", redirect("/next") }, { "recv_eof" } },
      { { "recv_head" }, { "send", redirect("/next") }, { "recv_head" }, { "send", ok },
        { "recv_eof" } } } }
    local count = 0
    local w = world(s, function(request)
      count = count + 1
      request:add_headers("A: changed")
      if count == 1 then error("no further", 0) end
    end)
    assert(w.request:send())
    assert.has_error(function() w.request:receive_response() end, "no further")
    assert(w.request:add_headers("B: more"))
    assert.same({ 200, "end" }, { exchange(w.request) })
    local again = s:received()[2]
    assert.equal(lines(head(s, "GET /first", "B: more"), "", "")
      .. lines(head(s, "GET /next", "B: more", "A: changed"), "", ""), again)
    w.session:close()
    s:close()
  end)

  it("may make other requests: the hop waits until it has returned", function()
    local nested = p:keepalive("nested")
    local other = answering(ok)
    local s = answering(redirect(other.url .. "/there"))
    local between
    local w = world(s, function(request, _, self)
      local session <close> = open()
      for _, each in ipairs { session, self.session } do
        local inner = each:connect("127.0.0.1", nested.port):open_request()
        assert.same({ 200, "nested" }, { exchange(inner) })
        inner:close()
      end
      socket.sleep(0.05) -- time enough for a connect that should not be
      between = other:accepted()
      assert(request:add_headers("X: late"))
    end)
    assert.same({ 200, "end" }, { exchange(w.request) })
    assert.equal(0, between)
    assert.same({ head(other, "GET /there", "X: late", "", "") }, other:received())
    w.session:close()
    for _, each in ipairs { s, other, nested } do each:close() end
  end)

  it("may make one that is redirected itself: both go on, each after its own", function()
    local inner_target = answering(ok)
    local inner = answering(redirect(inner_target.url .. "/inner"))
    local other = answering(ok)
    local s = answering(redirect(other.url .. "/outer"))
    local order = {}
    local w = world(s, function(request, url, self)
      order[#order + 1] = url
      if request ~= self.request then return end
      local nested = self.session:connect("127.0.0.1", inner.port):open_request()
      assert.same({ 200, "end" }, { exchange(nested) })
      nested:close()
      order[#order + 1] = other:accepted()
    end)
    assert.same({ 200, "end" }, { exchange(w.request) })
    assert.same({ other.url .. "/outer", inner_target.url .. "/inner", 0 }, order)
    w.session:close()
    for _, each in ipairs { s, other, inner, inner_target } do each:close() end
  end)

  it("may close the request after another one: the hop is not sent", function()
    local nested = p:keepalive("nested")
    local other = answering(ok)
    local s = answering(redirect(other.url .. "/there"))
    local w = world(s, function(request, _, self)
      local inner <close> = self.session:connect("127.0.0.1", nested.port):open_request()
      assert.same({ 200, "nested" }, { exchange(inner) })
      request:close()
    end)
    assert(w.request:send())
    assert.equal(12017, select(3, w.request:receive_response()))
    w.session:close()
    assert.equal(0, other:accepted())
    for _, each in ipairs { s, other, nested } do each:close() end
  end)
end)

describe("Across origins a redirect", function()
  p:for_tests()
  local made = certs.new():for_tests()

  local secrets = lines("Authorization: basic", "A: 1", "cookie: c=d", "Proxy-Authorization: p",
    "B: 2")

  it("keeps the caller's credentials and Host within one", function()
    for _, host in ipairs { false, "virtual.example" } do
      for _, location in ipairs { "/1", "http://127.0.0.1:%d/1" } do
        local s = p:script({ "recv_head" }, { "wait" })
        s:close()
        -- The port is known before the script that names it.
        s = p:serve { port = s.port, connections = { {
          { "recv_head" }, { "send", redirect(location:format(s.port)) },
          { "recv_head" }, { "send", ok }, { "recv_eof" } } } }
        local session <close> = open()
        local request = session:connect("127.0.0.1", s.port):open_request()
        if host then assert(request:add_headers("Host: " .. host, "replace")) end
        assert.equal(200, exchange(request, secrets))
        local expected = head(s, "GET /1", secrets, "", "")
        if host then expected = expected:gsub("Host: [^\r]*", "Host: " .. host) end
        assert.equal(expected, second(s))
        s:close()
      end
    end
  end)

  local function check_dropped(target, from, options)
    local session <close> = open(options)
    local request = session:connect("127.0.0.1", from.port):open_request("GET", "/",
      { secure = from.url:find("^https") ~= nil })
    assert(request:add_headers("Host: virtual.example", "replace"))
    assert.equal(200, exchange(request, secrets))
    assert.equal(lines("GET /there HTTP/1.1", "Host: " .. target.url:match("//(.*)"), "A: 1",
      "B: 2", "", ""), target:received()[1])
    from:close()
    target:close()
  end

  it("drops them on the way to another port", function()
    local target = answering(ok)
    check_dropped(target, answering(redirect(target.url .. "/there")))
  end)

  it("drops them on the way to another name of the same machine", function()
    local target = answering(ok)
    target.url = "http://localhost:" .. target.port
    check_dropped(target, answering(redirect(target.url .. "/there")))
  end)

  it("drops them on the way to another scheme", function()
    local tls = { cert = made.good.cert, key = made.good.key }
    local target = p:serve { tls = tls, connections = { {
      { "recv_head" }, { "send", ok } } } }
    check_dropped(target, answering(redirect(target.url .. "/there")), { ca_file = made.ca })
  end)

  it("does not give them back on the way home", function()
    local home = p:script({ "recv_head" }, { "wait" }, { "send", ok }, { "recv_eof" })
    local away = answering(redirect(home.url .. "/home"))
    local s = p:serve { connections = { { { "recv_head" }, { "send", redirect(away.url) } } } }
    home:go()
    local session <close> = open()
    assert.equal(200, exchange(session:connect("127.0.0.1", s.port):open_request(), secrets))
    assert.equal(head(home, "GET /home", "A: 1", "B: 2", "", ""), home:received()[1])
    for _, each in ipairs { s, away, home } do each:close() end
  end)
end)

describe("After a redirect", function()
  p:for_tests()

  it("a request that is sent again begins where it was opened, with all its fields", function()
    local other = p:keepalive("there")
    local s = p:script({ "loop", -1, { { "recv_head" }, { "recv_body" },
      { "send", redirect(other.url .. "/there", 303) } } })
    local session <close> = open()
    local request = session:connect("127.0.0.1", s.port):open_request("POST", "/first")
    for _ = 1, 3 do
      assert.same({ 200, "there" }, { exchange(request, "Authorization: a", "body") })
      assert.equal(other.url .. "/there", request:query_option("url"))
    end
    local text = head(s, "POST /first", "Authorization: a", "Content-Length: 4", "", "body")
    assert.same({ text:rep(3) }, s:received())
    assert.equal(2, session:query_option("connections_opened"))
    s:close()
    other:close()
  end)

  it("a connection handle and other requests of it are what they were", function()
    local other = p:keepalive("there")
    local s = answering(redirect(other.url .. "/there"), ok)
    local session <close> = open()
    local connection = session:connect("127.0.0.1", s.port)
    local before = connection:open_request("GET", "/before")
    local text = tostring(connection)
    assert.same({ 200, "there" }, { exchange(connection:open_request("GET", "/moves")) })
    assert.equal(text, tostring(connection))
    assert.equal(s.url .. "/before", before:query_option("url"))
    assert.same({ 200, "end" }, { exchange(before) })
    s:close()
    other:close()
  end)

  it("Accept-Encoding is asked for once by each hop", function()
    local s = answering(redirect("/next"), redirect("/last"), ok)
    local session <close> = assert(hinternet.open())
    assert.equal(200, exchange(session:connect("127.0.0.1", s.port):open_request()))
    local _, count = s:received()[1]:gsub("\r\nAccept%-Encoding: ", "")
    assert.equal(3, count)
    s:close()
  end)

  it("to a server that is gone the error names that server", function()
    local port = p:closed_port()
    local s = answering(redirect("http://127.0.0.1:" .. port .. "/"))
    local session <close> = open()
    local request = session:connect("127.0.0.1", s.port):open_request()
    local _, message, code = exchange(request)
    assert.equal(12029, code)
    assert.equal("cannot connect (connection refused) while connecting to 127.0.0.1:" .. port,
      message)
    s:close()
  end)

  it("the one-call functions tell where they ended", function()
    local s = answering(redirect("/next?q"), ok)
    local r = assert(hinternet.get(s.url .. "/first"))
    assert.same({ 200, "end", s.url .. "/next?q" }, { r.status, r.body, r.url })
    s:close()
  end)
end)
