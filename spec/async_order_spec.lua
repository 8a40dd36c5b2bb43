-- What the callback of an asynchronous session hears, in order: tables of calls
-- and of what poll delivers after each.

local hinternet = require "hinternet"
local certs = require "spec.support.certs"
local notification = require "spec.support.notification"
local peer = require "spec.support.peer"

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

local plain_send = { "request:send", { "resolving_name", "127.0.0.1" },
  { "name_resolved", "127.0.0.1" }, { "connecting_to_server", "127.0.0.1" },
  { "connected_to_server", "127.0.0.1" }, "sending_request", "request_sent",
  "sendrequest_complete" }
local reusing_send = { "request:send", "sending_request", "request_sent",
  "sendrequest_complete" }
local receive = { "request:receive_response", "receiving_response",
  "response_received", "headers_available" }
local read_all = { "request:read", { "read_complete", "hello" }, args = { "a" } }

-- How an operation fails.
local function failing(operation, code)
  return { "request_error", { operation = operation, code = code } }
end

local p = peer.new()

local function world(server, options)
  options = options or {}
  options.port = server.port
  options.session = options.session or {}
  options.session.async = true
  return notification.world(options)
end

describe("The callback of an async session", function()
  p:for_tests()

  it("follows a GET from its handles' creation to their closing", function()
    local s = p:keepalive("hello")
    world(s):run(table_of(created, plain_send, receive,
      { "request:query_data_available", { "data_available", 5 } },
      { "request:read", { "read_complete", "hello" }, args = { 5 } },
      { "request:query_data_available", { "data_available", 0 } },
      { "request:query_data_available", { "data_available", 0 } },
      { "request:read", "read_complete" },
      { "request:read", "read_complete", args = { "a" } },
      closing))
    s:close()
  end)

  it("hears a pair for each read from the network before its completion", function()
    local s = p:script({ "recv_head" },
      { "send", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nab" },
      { "wait" }, { "send", "cd" }, { "wait" }, { "send", "ef" })
    local w = world(s, { on = { receiving_response = function(self)
      if self.reading then s:go() end
    end } })
    w:run(table_of(created, plain_send, receive,
      { "request:read", { "read_complete", "ab" }, args = { 2 } }))
    w.reading = true
    w:run(table_of(
      { "request:query_data_available", "receiving_response",
        { "response_received", 2 }, { "data_available", 2 } },
      { "request:read", { "read_complete", "cd" }, args = { 2 } },
      { "request:read", "receiving_response", { "response_received", 2 },
        { "read_complete", "ef" }, args = { 2 } },
      closing))
    s:close()
  end)

  it("hears that a connection is closed before the completion that ends its body", function()
    local s = p:script({ "recv_head" }, { "send", peer.response(200, {}, "hello") },
      { "recv_eof" })
    local w = world(s):run(table_of(created, plain_send, receive,
      { "request:receive_response", fails = 12019 },
      { "request:query_data_available", { "data_available", 5 } }))
    assert(w.request:set_option("expire_connection"))
    w:run(table_of({ "request:read", "closing_connection", "connection_closed",
      { "read_complete", "hello" }, args = { "a" } }, closing))
    s:close()
  end)

  it("hears nothing of it when that is what the server has said", function()
    local s = p:answer(peer.response(200, { "Connection: close" }, "hello"))
    world(s):run(table_of(created, plain_send, receive,
      { "request:query_data_available", { "data_available", 5 } },
      { "request:read", { "read_complete", "hello" }, args = { "a" } },
      closing))
    s:close()
  end)

  it("hears it when the request is closed, if nobody read that far", function()
    local s = p:script({ "recv_head" },
      { "send", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nhello" },
      { "recv_eof" })
    world(s):run(table_of(created, plain_send, receive,
      { "request:read", { "read_complete", "hello" } },
      { "request:close", "closing_connection", "connection_closed", "handle_closing" },
      { "connection:close", "handle_closing" }, { "session:close", "handle_closing" }))
    s:close()
  end)

  it("hears of a redirect before its hop, and one completion of it", function()
    local target = p:keepalive("hello")
    local s = p:script({ "recv_head" },
      { "send", peer.response(302, { "Location: " .. target.url .. "/there" }, "") })
    world(s):run(table_of(created, plain_send,
      { "request:receive_response", "receiving_response", "response_received",
        "[closing_connection]", "[connection_closed]",
        { "redirect", target.url .. "/there" },
        "resolving_name", "name_resolved", "connecting_to_server", "connected_to_server",
        "sending_request", "request_sent", "receiving_response", "response_received",
        "headers_available" },
      read_all, closing))
    s:close()
    target:close()
  end)

  it("hears of a connection that cannot be made up to the connect", function()
    local port = p:closed_port()
    world({ port = port }):run(table_of(created,
      { "request:send", { "resolving_name", "127.0.0.1" },
        { "name_resolved", "127.0.0.1" }, { "connecting_to_server", "127.0.0.1" },
        { "request_error", { operation = "send", code = 12029, phase = "connect",
          host = "127.0.0.1:" .. port } } },
      { "request:receive_response", fails = 12019 },
      closing))
  end)

  it("hears of a name that does not resolve up to the look-up", function()
    local w = world({ port = 80 }, { host = "nothing.invalid" })
    assert(w.session:set_timeouts { resolve = 20 })
    w:run(table_of(created,
      { "request:send", { "resolving_name", "nothing.invalid" },
        { "request_error", { operation = "send", code = 12007, phase = "resolve",
          host = "nothing.invalid" } } },
      { "request:receive_response", fails = 12019 },
      closing))
  end)

  it("hears of a response that does not come, and that its connection is closed", function()
    local s = p:script({ "recv_head" })
    world(s):run(table_of(created, plain_send,
      { "request:receive_response", "receiving_response", { "response_received", 0 },
        "closing_connection", "connection_closed", failing("receive_response", 12030) },
      { "request:read", fails = 12019 },
      closing))
    s:close()
  end)

  it("hears of no look-up and no connect while the connection is used again", function()
    local chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    local last = peer.response(200, { "Connection: close" }, "hello")
    local s = p:serve { connections = {
      { { "recv_head" }, { "send", peer.response(200, {}, "hello") },
        { "recv_head" }, { "send", chunked },
        { "recv_head" }, { "send", last } },
      { { "keepalive", "hello" } },
    } }
    local again = { { "request:close", "handle_closing" }, opening }
    world(s):run(table_of(created, plain_send, receive, read_all,
      again, reusing_send, receive, read_all,
      again, reusing_send, receive,
      read_all, again, plain_send, receive, read_all, closing))
    assert.equal(2, s:accepted())
    s:close()
  end)
end)

describe("The callback of an async session over https", function()
  local made = certs.new():for_tests()
  p:for_tests()

  local function secure_world(certificate)
    local s = p:serve { connections = { { { "keepalive", "hello" } } },
      tls = { cert = certificate.cert, key = certificate.key } }
    return s, world(s, { secure = true, session = { ca_file = made.ca } })
  end

  it("hears what it hears over http", function()
    local s, w = secure_world(made.good)
    w:run(table_of(created, plain_send, receive, read_all,
      { "request:close", "handle_closing" },
      opening, reusing_send, receive, read_all, closing))
    s:close()
  end)

  for _, case in ipairs {
    { "untrusted", 0x08, "of an unknown authority" },
    { "wrong", 0x10, "for another name" },
    { "expired", 0x20, "that has expired" },
  } do
    it("is told what is wrong with a certificate " .. case[3] .. " before the failure",
      function()
        local s, w = secure_world(made[case[1]])
        w:run(table_of(created,
          { "request:send", "resolving_name", "name_resolved",
            "connecting_to_server", "connected_to_server",
            "closing_connection", "connection_closed",
            { "secure_failure", case[2] },
            { "request_error", { operation = "send", code = 12175, phase = "secure" } } },
          { "request:receive_response", fails = 12019 },
          closing))
        s:close()
      end)
  end
end)

-- ------------------------------------------------- closing what is under way

local part = "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\nab"

-- Operations that never end by themselves: what the server does, the rows up to
-- the operation, and the operation's own.
local pending = {
  { name = "send", while_connecting = true, rows = {
    { "request:send", "resolving_name", "name_resolved", "connecting_to_server",
      pending = true } } },
  { name = "receive_response", connected = true,
    script = { { "recv_head" }, { "stall" } },
    rows = { plain_send,
      { "request:receive_response", "receiving_response", pending = true } } },
  { name = "query_data_available", connected = true,
    script = { { "recv_head" }, { "send", part }, { "stall" } },
    rows = { plain_send, receive,
      { "request:read", { "read_complete", "ab" } },
      { "request:query_data_available", "receiving_response", pending = true } } },
  { name = "read", connected = true,
    script = { { "recv_head" }, { "send", part }, { "stall" } },
    rows = { plain_send, receive,
      { "request:read", "receiving_response", args = { 5, "fill" }, pending = true } } },
  { name = "write", connected = true, script = { { "recv_head" }, { "stall" } },
    rows = {
      { "request:send", "resolving_name", "name_resolved", "connecting_to_server",
        "connected_to_server", "sending_request", "request_sent", "sendrequest_complete",
        args = { nil, nil, 1 << 26 } },
      { "request:write", args = { ("x"):rep(1 << 26) }, pending = true } } },
}

describe("Closing while an operation is pending", function()
  p:for_tests()

  local function begin(case)
    local s
    if case.while_connecting then
      s = { port = p:blackhole_port(), close = function() end }
    else
      s = p:serve { connections = { case.script }, rcvbuf = 4096 }
    end
    return s, world(s):run(table_of(created, case.rows))
  end

  -- The operation ends, then what it was done with, then the handles.
  local function ending(case, ...)
    local cancelled = failing(case.name, 12017)
    cancelled.on = "request"
    local row = { cancelled }
    if case.connected then
      row[#row + 1] = { "closing_connection", on = "request" }
      row[#row + 1] = { "connection_closed", on = "request" }
    end
    for _, kind in ipairs { ... } do row[#row + 1] = { "handle_closing", on = kind } end
    return row
  end

  for _, case in ipairs(pending) do
    it("its request cancels " .. case.name, function()
      local s, w = begin(case)
      w:run {
        { "request:close", table.unpack(ending(case, "request")) },
        { "connection:close", "handle_closing" },
        { "session:close", "handle_closing" },
      }
      s:close()
    end)

    it("its connection cancels " .. case.name, function()
      local s, w = begin(case)
      w:run {
        { "connection:close", table.unpack(ending(case, "request", "connection")) },
        { "session:close", "handle_closing" },
      }
      s:close()
    end)

    it("its session cancels " .. case.name .. ", and tells at once", function()
      local s, w = begin(case)
      w:run {
        { "session:close", table.unpack(ending(case, "request", "connection", "session")) },
      }
      assert.is_false(hinternet.poll(0))
      s:close()
    end)
  end
end)

describe("A poll in a coroutine", function()
  -- A coroutine that an error or a yield in a callback has left within `drive`.
  local function leave(act, drive)
    local session = hinternet.open { async = true }
    local request = session:connect("127.0.0.1", 1):open_request()
    request:set_status_callback(function() act("left") end, { "request_error" })
    assert(request:send())
    local thread = coroutine.create(drive)
    local _, problem = coroutine.resume(thread)
    assert.matches("left", problem)
    session:close()
    return thread
  end

  it("that an error or a yield has left is in nobody's way", function()
    for _, act in ipairs { error, coroutine.yield } do
      local thread = leave(act, function()
        while hinternet.poll(5) do end -- luacheck: ignore 542
      end)
      local session <close> = hinternet.open()
      local task = session:spawn(function() return "done" end)
      hinternet.run()
      assert.equal("done", task:join())
      coroutine.close(thread)
      assert.is_false(hinternet.poll(0))
    end
  end)

  it("that died in run keeps no task", function()
    local weak = setmetatable({}, { __mode = "v" })
    local function begin()
      local session = hinternet.open() -- until run has begun
      weak[1] = session
      session:spawn(function()
        while true do coroutine.yield() end
      end)
      leave(error, hinternet.run)
    end
    begin()
    hinternet.poll(0)
    for _ = 1, 4 do collectgarbage() end
    assert.is_nil(weak[1])
  end)
end)
