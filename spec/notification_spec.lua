-- What a status callback hears, in order: tables of calls and notifications.
-- The sequences are those WinHTTP's own clients rely on.

local hinternet = require "hinternet"
local certs = require "spec.support.certs"
local notification = require "spec.support.notification"
local peer = require "spec.support.peer"

local names = notification.names

-- The rows nearly every table begins and ends with.
local opening = { "connection:open_request", { "handle_created", on = "request" } }
local created = { { "session:connect", "handle_created" }, opening }
local closing = {
  { "request:close", "handle_closing" },
  { "connection:close", "handle_closing" },
  { "session:close", "handle_closing" },
}

local function table_of(...)
  local rows = {}
  for _, part in ipairs { ... } do
    -- A row begins with a string, a list of rows with a table.
    for _, row in ipairs(type(part[1]) == "table" and part or { part }) do
      rows[#rows + 1] = row
    end
  end
  return rows
end

local large_head = "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"

-- A send that opens a connection.
local function fresh_send(host, address)
  return { "request:send", { "resolving_name", host },
    { "name_resolved", address }, { "connecting_to_server", address },
    { "connected_to_server", address }, "sending_request", "request_sent" }
end

local plain_send = fresh_send("127.0.0.1", "127.0.0.1")
local reusing_send = { "request:send", "sending_request", "request_sent" }
local receive = { "request:receive_response", "receiving_response",
  "response_received" }

describe("A status callback", function()
  local p = peer.new():for_tests()

  local function world(server, options)
    options = options or {}
    options.port = server.port
    return notification.world(options)
  end

  describe("of a sync session", function()
    it("follows a plain GET from its handles' creation to their closing", function()
      local s = p:keepalive("hello")
      world(s):run(table_of(created, plain_send, receive,
        { "request:query_data_available", gives = 5 },
        { "request:read", gives = "hello" },
        { "request:query_data_available", gives = 0 },
        closing))
      s:close()
    end)

    it("hears nothing of a body that is already here, and a pair for each read that is not",
      function()
        local s = p:script({ "recv_head" },
          { "send", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nab" },
          { "wait" }, { "send", "cd" }, { "wait" }, { "send", "ef" })
        local w = world(s, { on = { receiving_response = function(self)
          if self.request:is_valid() and self.reading then s:go() end
        end } })
        w:run(table_of(created, plain_send, receive,
          { "request:read", args = { 2 }, gives = "ab" }))
        w.reading = true
        w:run(table_of(
          { "request:query_data_available", "receiving_response",
            { "response_received", 2 }, gives = 2 },
          { "request:read", args = { 2 }, gives = "cd" },
          { "request:read", "receiving_response", { "response_received", 2 },
            args = { 2 }, gives = "ef" },
          { "request:query_data_available", gives = 0 },
          closing))
        s:close()
      end)

    it("hears of no look-up and no connect when the connection is used again", function()
      local s = p:keepalive("hello")
      local w = world(s):run(table_of(created, plain_send, receive,
        { "request:read", args = { "a" }, gives = "hello" },
        { "request:close", "handle_closing" },
        opening, reusing_send, receive,
        -- Nobody reads this body: it is drained, not dropped.
        { "request:close", "handle_closing" },
        opening, reusing_send, receive,
        { "request:close", "handle_closing" }))
      assert.equal(1, w.session:query_option("connections_opened"))
      w:run { { "connection:close", "handle_closing" }, { "session:close", "handle_closing" } }
      s:close()
    end)

    it("is told how many bytes went out and came in", function()
      local head = "GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n"
      local answer = peer.response(200, {}, "hello")
      local s = p:answer(answer)
      local w = world(s, { session = { decompression = 0, user_agent = "" } })
      w:run(table_of(created))
      assert(w.request:send())
      local heard = w:take()
      assert.equal(#head:format(s.port), heard[#heard].info)
      assert(w.request:receive_response())
      heard = w:take()
      assert.equal(#answer, heard[#heard].info)
      w.session:close()
      s:close()
    end)

    it("hears of a connection that cannot be made up to the connect", function()
      local port = p:closed_port()
      notification.world { port = port }:run(table_of(created,
        { "request:send", { "resolving_name", "127.0.0.1" },
          { "name_resolved", "127.0.0.1" },
          { "connecting_to_server", "127.0.0.1" }, fails = 12029 },
        { "request:receive_response", fails = 12019 },
        closing))
    end)

    it("hears of a name that does not resolve up to the look-up", function()
      local w = notification.world { host = "nothing.invalid", port = 80 }
      assert(w.session:set_timeouts { resolve = 20 })
      w:run(table_of(created,
        { "request:send", { "resolving_name", "nothing.invalid" }, fails = 12007 },
        { "request:receive_response", fails = 12019 },
        closing))
    end)

    it("hears that a connection is closed when the request asked for it", function()
      local s = p:answer(peer.response(200, { "Connection: close" }, "hello"))
      local read = { "request:read", "closing_connection", "connection_closed",
        args = { "a" }, gives = "hello" }
      local send = table.move(plain_send, 1, #plain_send, 1, { args = { "Connection: close" } })
      local w = world(s):run(table_of(created, send, receive, read,
        { "request:close", "handle_closing" },
        opening, send, receive, read))
      assert.equal(2, w.session:query_option("connections_opened"))
      w:run(closing)
      s:close()
    end)

    it("hears nothing of it when the server closes after its response, as it said", function()
      local s = p:answer(peer.response(200, { "Connection: close" }, "hello"))
      local read = { "request:read", args = { "a" }, gives = "hello" }
      local w = world(s):run(table_of(created, plain_send, receive, read,
        { "request:close", "handle_closing" },
        opening, plain_send, receive, read))
      assert.equal(2, w.session:query_option("connections_opened"))
      w:run(closing)
      s:close()
    end)

    it("hears that closing a request with a large unread body closes its connection", function()
      local s = p:script({ "recv_head" },
        { "send", large_head .. "ab" }, { "recv_eof" })
      world(s):run(table_of(created, plain_send, receive,
        { "request:close", "closing_connection", "connection_closed", "handle_closing" },
        { "connection:close", "handle_closing" }, { "session:close", "handle_closing" }))
      assert.is_true(s:wait(1))
      s:close()
    end)

    it("hears the same when such a request is sent again", function()
      local s = p:serve { connections = {
        { { "recv_head" }, { "send", large_head .. "ab" },
          { "recv_eof" } },
        { { "keepalive", "hello" } },
      } }
      local again = { "request:send", "closing_connection", "connection_closed" }
      table.move(plain_send, 2, #plain_send, 4, again)
      world(s):run(table_of(created, plain_send, receive, again, receive,
        { "request:read", args = { "a" }, gives = "hello" }, closing))
      s:close()
    end)

    it("may be set at any time and hears what comes from then on", function()
      local s = p:script({ "recv_head" }, { "send", large_head .. "a" }, { "wait" },
        { "send", "b" }, { "recv_eof" })
      local w = world(s)
      w.session:set_status_callback(nil)
      w:run { { "session:connect" }, { "connection:open_request" }, { "request:send" } }
      w.request:set_status_callback(w:listener())
      w:run { receive, { "request:read", args = { 1 }, gives = "a" } }
      w.request:set_status_callback(nil)
      s:go()
      w:run { { "request:read", args = { 1 }, gives = "b" } }
      w.request:set_status_callback(w:listener(), { "receive_response", "close_connection" })
      w:run { { "request:close", "closing_connection", "connection_closed" } }
      w.session:close()
      s:close()
    end)

    it("is told the number of each interim response", function()
      local s = p:script({ "recv_head" },
        { "send", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" },
        { "wait" }, { "send", peer.response(200, {}, "hi") })
      local w = world(s, { on = { intermediate_response = function(_, _, status)
        if status == 103 then s:go() end
      end } })
      w:run(table_of(created, plain_send,
        { "request:receive_response", "receiving_response", "response_received",
          { "intermediate_response", 100 }, { "intermediate_response", 103 },
          "receiving_response", "response_received" },
        { "request:read", gives = "hi" },
        { "request:close", "[closing_connection]", "[connection_closed]", "handle_closing" },
        { "connection:close", "handle_closing" }, { "session:close", "handle_closing" }))
      s:close()
    end)

    it("hears that the connection of a body cut short is closed", function()
      local s = p:answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhell")
      world(s):run(table_of(created, plain_send, receive,
        { "request:read", args = { 4 }, gives = "hell" },
        { "request:read", "receiving_response", { "response_received", 0 },
          "closing_connection", "connection_closed", fails = 12030 },
        { "request:read", fails = 12019 },
        closing))
      s:close()
    end)

    it("hears that a connection without a response is closed", function()
      local s = p:script({ "recv_head" })
      world(s):run(table_of(created, plain_send,
        { "request:receive_response", "receiving_response", { "response_received", 0 },
          "closing_connection", "connection_closed", fails = 12030 },
        { "request:read", fails = 12019 },
        closing))
      s:close()
    end)
  end)

  describe("of an https request", function()
    local made = certs.new():for_tests()

    local function serve(certificate)
      return p:serve { connections = { { { "keepalive", "hello" } } },
        tls = { cert = certificate.cert, key = certificate.key } }
    end

    it("hears what a plain one hears", function()
      local s = serve(made.good)
      world(s, { secure = true, session = { ca_file = made.ca } }):run(table_of(
        created, plain_send, receive,
        { "request:read", args = { "a" }, gives = "hello" },
        { "request:close", "handle_closing" },
        opening, reusing_send, receive,
        { "request:read", args = { "a" }, gives = "hello" },
        closing))
      s:close()
    end)

    for _, case in ipairs {
      { "untrusted", 0x08, "of an unknown authority" },
      { "self_signed", 0x08, "that signed itself" },
      { "wrong", 0x10, "for another name" },
      { "expired", 0x20, "that has expired" },
    } do
      it("is told what is wrong with a certificate " .. case[3] .. " before the call fails",
        function()
          local s = serve(made[case[1]])
          world(s, { secure = true, session = { ca_file = made.ca } }):run(table_of(created,
            { "request:send", "resolving_name", "name_resolved",
              "connecting_to_server", "connected_to_server",
              "closing_connection", "connection_closed",
              { "secure_failure", case[2] }, fails = 12175 },
            { "request:receive_response", fails = 12019 },
            closing))
          assert.is_true(s:wait(1))
          assert.same({ "" }, s:received())
          s:close()
        end)
    end
  end)

  describe("while handles are closed", function()
    local function opened(options)
      return notification.world(options or {}):run(created)
    end

    it("hears handle_closing once for each, child first", function()
      opened():run(table_of(closing,
        { "request:close", fails = 6 },
        { "connection:close", fails = 6 },
        { "session:close", fails = 6 }))
    end)

    it("hears a subtree's handle_closing from the leaves up when the parent goes first", function()
      local w = opened()
      w:run {
        { "session:close",
          { "handle_closing", w.request, on = "request" },
          { "handle_closing", w.connection, on = "connection" },
          { "handle_closing", w.session, on = "session" } },
        { "request:close", fails = 6 },
        { "connection:close", fails = 6 },
      }
    end)

    it("hears all children before their parent, each in the order they were made", function()
      local w = opened()
      local first = { w.connection, w.request }
      w:run { opening }
      local second = { w.request }
      w:run(created)
      assert(w.session:close())
      local heard = w:take()
      local expected = { first[2], second[1], first[1], w.request, w.connection, w.session }
      assert.equal(#expected, #heard)
      for i, item in ipairs(heard) do
        assert.equal("handle_closing", item.status)
        assert.equal(expected[i], item.handle)
        assert.equal(expected[i], item.info)
      end
    end)

    it("hears nothing of a handle after its handle_closing", function()
      local s = p:keepalive("hello")
      local closed, after = {}, {}
      local session = assert(hinternet.open())
      session:set_status_callback(function(handle, status)
        if closed[handle] then after[#after + 1] = status end
        if status == "handle_closing" then closed[handle] = true end
        if status == "connecting_to_server" then handle:parent():close() end
      end)
      local connection = session:connect("127.0.0.1", s.port)
      local request = connection:open_request("GET", "/")
      request:send()
      assert.is_false(request:is_valid())
      session:close()
      assert.same({}, after)
      assert.is_true(closed[request] and closed[connection] and closed[session])
      s:close()
    end)
  end)

  describe("with a list of statuses", function()
    it("hears only those", function()
      local s = p:keepalive("hello")
      local w = world(s)
      w.session:set_status_callback(w:listener(), { "request_sent", "handle_closing" })
      w:run {
        { "session:connect" },
        { "connection:open_request" },
        { "request:send", "request_sent" },
        { "request:receive_response" },
        { "request:read", gives = "hello" },
        { "request:close", "handle_closing" },
        { "session:close", { "handle_closing", on = "connection" }, "handle_closing" },
      }
      s:close()
    end)

    it("takes the groups WinHTTP has flags for", function()
      local groups = {
        resolve_name = "resolving_name, name_resolved",
        connect_to_server = "connecting_to_server, connected_to_server",
        send_request = "sending_request, request_sent",
        receive_response = "receiving_response, response_received",
        close_connection = "closing_connection, connection_closed",
        handles = "handle_created, handle_created, handle_closing, handle_closing, "
          .. "handle_closing",
        all_completions = "",
      }
      local s = p:answer(peer.response(200, { "Connection: close" }, "hello"))
      for group, expected in pairs(groups) do
        local w = world(s)
        w.session:set_status_callback(w:listener(), { group })
        local connection = w.session:connect(w.host, w.port)
        local request = connection:open_request("GET", "/")
        assert(request:send("Connection: close"))
        assert(request:receive_response())
        assert.equal("hello", request:read("a"))
        w.session:close()
        assert.equal(expected, names(w:take()), group)
      end
      s:close()
    end)

    it("hears nothing with an empty list", function()
      local w = notification.world {}
      w.session:set_status_callback(w:listener(), {})
      w:run { { "session:connect" }, { "connection:open_request" }, { "session:close" } }
    end)

    it("refuses a status it does not know", function()
      local session <close> = assert(hinternet.open())
      assert.has_error(function()
        session:set_status_callback(print, { "handle_opened" })
      end, "bad argument #2 to 'set_status_callback' (unknown status 'handle_opened')")
      assert.has_error(function() session:set_status_callback(12) end)
    end)
  end)

  describe("is copied to a child at its creation, so", function()
    it("a later change of the parent does not reach it", function()
      local w = notification.world {}
      w:run(created)
      w.session:set_status_callback(nil)
      w:run {
        { "request:close", "handle_closing" },
        opening,
        { "session:close", { "handle_closing", on = "request" },
          { "handle_closing", on = "connection" } },
      }
    end)

    it("a child made after it was taken away hears nothing", function()
      local w = notification.world {}
      w.session:set_status_callback(nil)
      w:run {
        { "session:connect" }, { "connection:open_request" },
        { "request:close" }, { "session:close" },
      }
    end)

    it("a callback of a connection is heard by the requests made from it, not by others", function()
      local w = notification.world {}
      local session = w.session
      session:set_status_callback(nil)
      w:run { { "session:connect" } }
      w.connection:set_status_callback(w:listener(), { "handles" })
      w:run {
        opening,
        { "request:close", "handle_closing" },
        { "session:connect" },
        { "connection:open_request" },
        { "request:close" },
      }
      session:close()
      assert.equal("handle_closing", names(w:take()))
    end)

    it("a child may have another one", function()
      local w = notification.world {}
      w:run(created)
      local own = {}
      w.request:set_status_callback(function(_, status) own[#own + 1] = status end)
      w:run { { "request:close" } }
      assert.same({ "handle_closing" }, own)
      w.session:close()
    end)

    it("its list of statuses goes along", function()
      local w = notification.world {}
      w.session:set_status_callback(w:listener(), { "handle_closing" })
      w:run { { "session:connect" }, { "connection:open_request" },
        { "request:close", "handle_closing" } }
      w.session:close()
    end)
  end)

  describe("that makes calls itself", function()
    it("may run a whole exchange while another waits", function()
      local s = p:keepalive("inner")
      local outer = p:keepalive("outer")
      local seen = {}
      local w = world(outer, { on = { sending_request = function(self, handle)
        if self.nested or handle ~= self.request then return end
        self.nested = true
        local connection <close> = self.session:connect("127.0.0.1", s.port)
        local request <close> = connection:open_request("GET", "/")
        assert(request:send())
        assert(request:receive_response())
        seen.body = request:read("a")
        seen.own = request
      end } })
      w:run(created)
      assert(w.request:send())
      assert(w.request:receive_response())
      assert.equal("outer", w.request:read("a"))
      assert.equal("inner", seen.body)
      local by_handle, order = {}, {}
      for _, item in ipairs(w:take()) do
        local list = item.handle == w.request and order or by_handle
        list[#list + 1] = item.status
        if item.handle == seen.own then seen[#seen + 1] = item.status end
      end
      assert.equal("resolving_name, name_resolved, connecting_to_server, connected_to_server, "
        .. "sending_request, request_sent, receiving_response, response_received",
        table.concat(order, ", "))
      assert.equal("handle_created, resolving_name, name_resolved, connecting_to_server, "
        .. "connected_to_server, sending_request, request_sent, receiving_response, "
        .. "response_received, handle_closing", table.concat(seen, ", "))
      w.session:close()
      s:close()
      outer:close()
    end)

    it("gets the data of a handle's notification while the handle is what it was", function()
      local s = p:keepalive("hello")
      local urls = {}
      local w = world(s, { on = { response_received = function(_, handle)
        urls[#urls + 1] = handle:query_option("url")
      end } })
      w:run(table_of(created, plain_send, receive, closing))
      assert.same({ s.url .. "/" }, urls)
      s:close()
    end)
  end)

  it("never hears a completion in a sync session, whatever succeeds or fails", function()
    local completions = { headers_available = true, data_available = true,
      read_complete = true, write_complete = true, request_error = true,
      sendrequest_complete = true }
    local s = p:echo()
    local w = world(s)
    w:run(created)
    local request = w.connection:open_request("POST", "/")
    assert(request:send(nil, nil, "chunked"))
    assert.equal(5, request:write("hello"))
    assert(request:receive_response())
    assert.is_true(request:query_data_available() > 0)
    assert.is_string(request:read(3))
    assert.is_string(request:read("a"))
    local refused = w.session:connect("127.0.0.1", p:closed_port()):open_request("GET", "/")
    assert.is_nil(refused:send())
    assert.is_nil(refused:receive_response())
    w.session:close()
    local heard = w:take()
    assert.is_true(#heard > 15, #heard)
    for _, item in ipairs(heard) do assert.is_nil(completions[item.status], item.status) end
    s:close()
  end)

  it("is told what a group of statuses names", function()
    local core = require "hinternet.core"
    local statuses = core.statuses()
    local session <close> = assert(hinternet.open())
    local function mask_of(list)
      assert.is_true(session:set_status_callback(print, list))
      return (select(2, core.callback(session)))
    end
    for group, list in pairs {
      resolve_name = { "resolving_name", "name_resolved" },
      connect_to_server = { "connecting_to_server", "connected_to_server" },
      send_request = { "sending_request", "request_sent" },
      receive_response = { "receiving_response", "response_received" },
      close_connection = { "closing_connection", "connection_closed" },
      handles = { "handle_created", "handle_closing" },
      all_completions = { "sendrequest_complete", "headers_available", "data_available",
        "read_complete", "write_complete", "request_error" },
    } do
      local bits = 0
      for _, name in ipairs(list) do bits = bits | statuses[name] end
      local all = 0
      for _, bit in pairs(statuses) do all = all | bit end
      assert.equal(bits, mask_of { group } & all, group)
      assert.equal(bits | statuses.redirect, mask_of { "redirect", group } & all, group)
    end
    for _, bits in pairs(statuses) do
      assert.equal(bits, mask_of(nil) & bits)
      assert.equal(bits, mask_of { "all_notifications" } & bits)
    end
    assert.is_true(session:set_status_callback(nil))
    assert.is_nil((core.callback(session)))
    session:close()
    assert.same({ nil, "invalid handle (session is closed)", 6 },
      { session:set_status_callback(print) })
  end)
end)
