-- Asynchronous sessions: operations that return at once, and callbacks.

local hinternet = require "hinternet"
local peer = require "spec.support.peer"
local wait = require "spec.support.wait"

local p = peer.new()

-- An async session whose callback keeps its completions.
local function open(statuses)
  local self = { heard = {} }
  self.session = assert(hinternet.open { async = true })
  self.session:set_status_callback(function(handle, status, info)
    self.heard[#self.heard + 1] = { handle = handle, status = status, info = info }
  end, statuses or { "all_completions" })
  return self
end

local function new_request(self, server, method)
  self.connection = assert(self.session:connect("127.0.0.1", server.port))
  self.request = assert(self.connection:open_request(method))
  return self.request
end

-- Polls until something was heard, and takes it.
local function next_heard(self)
  wait.polling("a notification", function() return #self.heard > 0 end)
  local item = table.remove(self.heard, 1)
  return item.status, item.info, item.handle
end

-- A start, and the completion it leads to.
local function expect(self, method, args, status, info)
  assert.is_true((self.request[method](self.request, table.unpack(args or {}, 1, 4))))
  local heard, told, handle = next_heard(self)
  assert.equal(status, heard)
  assert.same(info, told)
  assert.equal(self.request, handle)
  assert.same({}, self.heard)
end

local function begin_reading(self, server)
  new_request(self, server)
  expect(self, "send", nil, "sendrequest_complete")
  expect(self, "receive_response", nil, "headers_available")
end

-- -------------------------------------------------------------- completions

describe("An operation of an async session", function()
  p:for_tests()

  it("is told with what it gives", function()
    local s, w = p:echo(), open()
    new_request(w, s, "POST")
    expect(w, "send", { nil, "ab", 13 }, "sendrequest_complete")
    expect(w, "write", { "cde" }, "write_complete", 3)
    expect(w, "write", { "" }, "write_complete", 0)
    local file <close> = assert(io.tmpfile())
    file:write("[from file]")
    file:seek("set", 1)
    expect(w, "write_from", { file, 4 }, "write_complete", 4)
    expect(w, "write_from", { file, 4 }, "write_complete", 4)
    assert.equal(9, file:seek())
    expect(w, "write_from", { file, 0 }, "write_complete", 0)
    expect(w, "receive_response", nil, "headers_available")
    local n = w.request:query_headers("content_length")
    assert.is_true(n > 40)
    expect(w, "query_data_available", nil, "data_available", n)
    expect(w, "read", { 4 }, "read_complete", "POST")
    expect(w, "read", { 3, "fill" }, "read_complete", " / ")
    local out <close> = assert(io.tmpfile())
    expect(w, "read_to", { out, 8 }, "read_complete", 8)
    assert.equal(8, out:seek())
    out:seek("set")
    assert.equal("HTTP/1.1", out:read("a"))
    assert(w.request:read("a"))
    local status, rest = next_heard(w)
    assert.equal("read_complete", status)
    assert.equal(n - 4 - 3 - 8, #rest)
    assert.matches("\r\n\r\nabcdefrom fil$", rest)
    for _, args in ipairs { {}, { 5 }, { 5, "fill" }, { "a" } } do
      expect(w, "read", args, "read_complete", nil)
    end
    expect(w, "read_to", { out }, "read_complete", 0)
    expect(w, "query_data_available", nil, "data_available", 0)
    w.session:close()
    s:close()
  end)

  it("returns before anything is sent, whatever the size", function()
    local s, w = p:script({ "recv_head" }, { "recv_body", 1 << 22 }, { "wait" },
      { "send", peer.response(200, {}, "ok") }), open()
    new_request(w, s, "POST")
    assert.is_true(w.request:send(nil, ("x"):rep(1 << 22)))
    assert.equal(0, s:accepted())
    assert.equal("sendrequest_complete", (next_heard(w)))
    assert.is_true(w.request:receive_response())
    assert.equal(0, hinternet.poll(0.01))
    s:go()
    assert.equal("headers_available", (next_heard(w)))
    expect(w, "read", { "a" }, "read_complete", "ok")
    w.session:close()
    s:close()
  end)

  it("keeps what it was given until it has completed", function()
    local s, w = p:echo(), open()
    new_request(w, s, "POST")
    do
      local size = 1 << 20
      assert.is_true(w.request:send(nil, ("a"):rep(size), 3 * size))
      assert.equal("sendrequest_complete", (next_heard(w)))
      assert.is_true(w.request:write(("b"):rep(size)))
      collectgarbage()
      collectgarbage()
      assert.equal("write_complete", (next_heard(w)))
      local file = assert(io.tmpfile())
      file:write(("c"):rep(size))
      file:seek("set")
      assert.is_true(w.request:write_from(file))
    end
    collectgarbage()
    collectgarbage()
    assert.equal("write_complete", (next_heard(w)))
    expect(w, "receive_response", nil, "headers_available")
    assert.is_true(w.request:read("a"))
    local _, body = next_heard(w)
    assert.matches("^a+b+c+$", body:match("\r\n\r\n(.*)$"))
    w.session:close()
    s:close()
  end)

  it("that copies to a file keeps it, too", function()
    local s, w = p:keepalive(("x"):rep(1 << 20)), open()
    begin_reading(w, s)
    do
      local name <const> = os.tmpname()
      assert.is_true(w.request:read_to(assert(io.open(name, "wb"))))
      collectgarbage()
      collectgarbage()
      local status, count = next_heard(w)
      assert.equal("read_complete", status)
      assert.equal(1 << 20, count)
      collectgarbage()
      local copy <close> = assert(io.open(name, "rb"))
      assert.equal(1 << 20, copy:seek("end"))
      os.remove(name)
    end
    w.session:close()
    s:close()
  end)
end)

describe("A failing operation of an async session", function()
  p:for_tests()

  local function assert_error(self, expected)
    local status, info = next_heard(self)
    assert.equal("request_error", status)
    assert.is_string(info.message)
    assert.matches(expected.message, info.message)
    expected.message = info.message
    assert.same(expected, info)
    assert.same({}, self.heard)
  end

  local function cut(body)
    return p:answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" .. body)
  end

  it("is told with its name, code, message, phase and host: send", function()
    local w, port = open(), p:closed_port()
    new_request(w, { port = port })
    assert.is_true(w.request:send())
    assert_error(w, { operation = "send", code = 12029, phase = "connect",
      host = "127.0.0.1:" .. port, message = "connection refused" })
    w.session:close()
  end)

  it("receive_response", function()
    local s, w = p:script({ "recv_head" }), open()
    new_request(w, s)
    expect(w, "send", nil, "sendrequest_complete")
    assert.is_true(w.request:receive_response())
    assert_error(w, { operation = "receive_response", code = 12030, phase = "response",
      host = "127.0.0.1:" .. s.port, message = "without a response" })
    w.session:close()
    s:close()
  end)

  for _, case in ipairs {
    { "query_data_available", "query_data_available", {} },
    { "read", "read", { 5 } },
    { "read", "read", { 5, "fill" } },
    { "read", "read", { "a" } },
    { "read_to", "read", { 1 } },
  } do
    it(("%s(%s)"):format(case[1], table.concat(case[3], ", ")), function()
      local s, w = cut(""), open()
      begin_reading(w, s)
      assert.is_true(w.request[case[1]](w.request, table.unpack(case[3])))
      assert_error(w, { operation = case[2], code = 12030, phase = "receive",
        host = "127.0.0.1:" .. s.port, message = "closed inside the body" })
      w.session:close()
      s:close()
    end)
  end

  it("write and write_from", function()
    for _, method in ipairs { "write", "write_from" } do
      local s, w = p:script({ "recv_head" }, { "stall" }), open()
      assert(w.session:set_option("send_timeout", 0.2))
      new_request(w, s, "POST")
      expect(w, "send", { nil, nil, 1 << 26 }, "sendrequest_complete")
      local file <close> = assert(io.tmpfile())
      file:seek("set", (1 << 26) - 1)
      file:write("x")
      file:seek("set")
      assert.is_true(w.request[method](w.request,
        method == "write" and ("x"):rep(1 << 26) or file))
      assert_error(w, { operation = "write", code = 12002, phase = "send",
        host = "127.0.0.1:" .. s.port, message = "^timeout" })
      w.session:close()
      s:close()
    end
  end)

  it("write_from and read_to, when the file is to blame", function()
    local s, w = p:echo(), open()
    new_request(w, s, "POST")
    expect(w, "send", { nil, nil, 5 }, "sendrequest_complete")
    local unreadable <close> = assert(io.open("/dev/null", "wb"))
    assert.is_true(w.request:write_from(unreadable, 5))
    local status, info = next_heard(w)
    assert.equal("request_error", status)
    assert.equal("write", info.operation)
    assert.equal(30, info.code)
    begin_reading(w, s)
    local unwritable <close> = assert(io.open("/dev/null", "rb"))
    assert.is_true(w.request:read_to(unwritable))
    status, info = next_heard(w)
    assert.equal("request_error", status)
    assert.equal("read", info.operation)
    assert.equal(29, info.code)
    w.session:close()
    s:close()
  end)

  it("is told nothing when the call itself failed", function()
    local w = open()
    new_request(w, { port = 80 }, "POST")
    local function assert_refused(code, ...)
      local result, message, answered = ...
      assert.is_nil(result)
      assert.is_string(message)
      assert.equal(code, answered)
    end
    assert_refused(87, w.request:send("bad header\n"))
    assert_refused(12019, w.request:receive_response())
    assert_refused(12019, w.request:query_data_available())
    assert_refused(12019, w.request:read(1))
    assert_refused(12019, w.request:write("x"))
    assert_refused(87, w.request:read(0))
    w.request:close()
    assert_refused(6, w.request:send())
    assert.is_false(hinternet.poll(0))
    assert.same({}, w.heard)
    w.session:close()
  end)
end)

-- ----------------------------------------------------------- one for each side

describe("A second operation on the same side", function()
  p:for_tests()

  local function assert_busy(result, message, code)
    assert.is_nil(result)
    assert.is_string(message)
    assert.equal(12019, code)
  end

  it("fails at once with 12019 and does not disturb the first: send", function()
    local s, w = p:keepalive("hello"), open()
    new_request(w, s)
    assert.is_true(w.request:send())
    assert_busy(w.request:send())
    assert_busy(w.request:write("x"))
    assert_busy(w.request:receive_response())
    assert_busy(w.request:read(1))
    wait.poll_out()
    assert.equal(1, #w.heard)
    assert.equal("sendrequest_complete", (next_heard(w)))
    w.session:close()
    s:close()
  end)

  it("write", function()
    local s, w = p:script({ "recv_head" }, { "wait" }, { "recv_body", 1 << 24 },
      { "send", peer.response(200, {}, "ok") }), open()
    new_request(w, s, "POST")
    expect(w, "send", { nil, nil, 1 << 24 }, "sendrequest_complete")
    assert.is_true(w.request:write(("x"):rep(1 << 24)))
    assert_busy(w.request:write("y"))
    assert_busy(w.request:write_from(0))
    assert_busy(w.request:send())
    s:go()
    wait.poll_out()
    assert.equal(1, #w.heard)
    local status, count = next_heard(w)
    assert.equal("write_complete", status)
    assert.equal(1 << 24, count)
    expect(w, "receive_response", nil, "headers_available")
    w.session:close()
    s:close()
  end)

  it("of those that receive", function()
    local s, w = p:script({ "recv_head" }, { "wait" },
      { "send", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n" },
      { "wait" }, { "send", "a" }, { "wait" }, { "send", "b" }, { "wait" },
      { "send", "cdef" }), open()
    new_request(w, s)
    expect(w, "send", nil, "sendrequest_complete")
    for _, case in ipairs {
      { "receive_response", {}, "headers_available" },
      { "query_data_available", {}, "data_available", 1 },
      { "read", { 2, "fill" }, "read_complete", "ab" },
      { "read", { "a" }, "read_complete", "cdef" },
    } do
      assert.is_true(w.request[case[1]](w.request, table.unpack(case[2])))
      assert_busy(w.request:receive_response())
      assert_busy(w.request:query_data_available())
      assert_busy(w.request:read(1))
      assert_busy(w.request:read("a"))
      assert_busy(w.request:read_to(1))
      assert_busy(w.request:send())
      s:go()
      wait.poll_out()
      assert.equal(1, #w.heard)
      local status, info = next_heard(w)
      assert.equal(case[3], status)
      assert.equal(case[4], info)
    end
    w.session:close()
    s:close()
  end)

  it("is refused until its completion was taken", function()
    local s, w = p:keepalive("hello"), open()
    begin_reading(w, s)
    assert.is_true(w.request:query_data_available())
    local sync <close> = assert(hinternet.open())
    local other = sync:connect("127.0.0.1", s.port):open_request()
    assert.is_true(other:send())
    assert_busy(w.request:read(1))
    assert.same({}, w.heard)
    wait.poll_out()
    assert.equal("data_available", (next_heard(w)))
    expect(w, "read", { 1 }, "read_complete", "h")
    w.session:close()
    s:close()
  end)
end)

-- ------------------------------------------------------------- the callback

describe("The status callback of an async session", function()
  p:for_tests()

  it("is called by poll only, and by the close of the session", function()
    local s, w = p:keepalive("hello"), open({ "all_notifications" })
    new_request(w, s)
    assert.is_true(w.request:send())
    local sync <close> = assert(hinternet.open())
    assert(sync:connect("127.0.0.1", s.port):open_request():send())
    w.request:close()
    w.connection:close()
    assert.same({}, w.heard)
    w.session:close()
    assert.equal("handle_created", w.heard[1].status)
    assert.equal(w.session, w.heard[#w.heard].handle)
    assert.is_false(hinternet.poll(0))
    s:close()
  end)

  it("hears in the order in which things happened, whichever session", function()
    local all = {}
    local sessions, connections = {}, {}
    for i = 1, 3 do
      sessions[i] = assert(hinternet.open { async = true })
      sessions[i]:set_status_callback(function(_, status, info)
        all[#all + 1] = ("%d %s %s"):format(i, status, hinternet.type(info))
      end)
    end
    for _, i in ipairs { 2, 3, 1, 2, 1, 3 } do
      connections[#connections + 1] = sessions[i]:connect("127.0.0.1", 80)
    end
    assert.equal(6, sessions[3]:poll(0))
    local expected = {}
    for n, i in ipairs { 2, 3, 1, 2, 1, 3 } do
      expected[n] = i .. " handle_created connection"
    end
    assert.same(expected, all)
    all = {}
    for _, n in ipairs { 4, 1, 6, 3, 2, 5 } do connections[n]:close() end
    assert.equal(6, hinternet.poll(0))
    local owner = { 2, 3, 1, 2, 1, 3 }
    for at, n in ipairs { 4, 1, 6, 3, 2, 5 } do
      assert.equal(owner[n] .. " handle_closing closed connection", all[at])
    end
    for _, session in ipairs(sessions) do session:close() end
  end)

  it("is the one that is set when its turn comes", function()
    local s, w = p:keepalive("hello"), open()
    new_request(w, s)
    assert.is_true(w.request:send())
    local other = {}
    w.request:set_status_callback(function(_, status) other[#other + 1] = status end,
      { "all_completions" })
    wait.poll_out()
    assert.same({ "sendrequest_complete" }, other)
    assert.is_true(w.request:receive_response())
    w.request:set_status_callback(nil)
    wait.poll_out()
    assert.same({ "sendrequest_complete" }, other)
    assert.same({}, w.heard)
    assert.equal(200, w.request:query_headers("status_code"))
    w.session:close()
    s:close()
  end)

  it("is spared what its list leaves out, and the operation is over all the same", function()
    local s, w = p:keepalive("hello"), open { "headers_available", "read_complete" }
    new_request(w, s)
    assert.is_true(w.request:send())
    wait.poll_out()
    assert.same({}, w.heard)
    expect(w, "receive_response", nil, "headers_available")
    assert.is_true(w.request:query_data_available())
    wait.poll_out()
    assert.same({}, w.heard)
    expect(w, "read", { "a" }, "read_complete", "hello")
    w.session:set_status_callback(nil)
    local silent = w.session:connect("127.0.0.1", s.port):open_request()
    assert.is_true(silent:send())
    wait.poll_out()
    assert.is_true(silent:receive_response())
    wait.poll_out()
    assert.equal(200, silent:query_headers("status_code"))
    w.session:close()
    s:close()
  end)

  it("finds its caller's number in the context value", function()
    local seen = {}
    local session = assert(hinternet.open { async = true })
    assert(session:set_option("context_value", 7))
    session:set_status_callback(function(handle, status)
      if status == "handle_created" then
        seen[#seen + 1] = hinternet.type(handle) .. " " .. handle:query_option("context_value")
      end
    end)
    local connection = session:connect("127.0.0.1", 80)
    assert.is_true(hinternet.poll(0) > 0)
    assert(connection:set_option("context_value", 8))
    local request = connection:open_request()
    assert.is_true(hinternet.poll(0) > 0)
    assert(request:set_option("context_value", 9))
    assert.same({ "session 7", "request 8" }, seen)
    assert.equal(7, session:query_option("context_value"))
    assert.equal(8, connection:query_option("context_value"))
    assert.equal(9, request:query_option("context_value"))
    session:close()
  end)

  it("that raises raises from poll, unchanged, and the next poll goes on", function()
    local s = p:keepalive("hello")
    local session = assert(hinternet.open { async = true })
    -- What the others announce would not come about: hold_spec has them.
    local raising = { handle_created = true, request_sent = true, sendrequest_complete = true }
    local heard, raised = {}, {}
    session:set_status_callback(function(_, status)
      heard[#heard + 1] = status
      if raising[status] then error({ status }, 0) end
    end)
    local request = session:connect("127.0.0.1", s.port):open_request()
    assert.is_true(request:send())
    repeat
      local ok, result = pcall(hinternet.poll, 10)
      if not ok then raised[#raised + 1] = result[1] end
    until ok and heard[#heard] == "sendrequest_complete"
    assert.same({ "handle_created", "handle_created", "resolving_name", "name_resolved",
      "connecting_to_server", "connected_to_server", "sending_request", "request_sent",
      "sendrequest_complete" }, heard)
    assert.same({ "handle_created", "handle_created", "request_sent", heard[#heard] }, raised)
    session:set_status_callback(nil)
    request:set_status_callback(nil)
    assert.is_true(request:receive_response())
    wait.poll_out()
    assert.equal(200, request:query_headers("status_code"))
    pcall(session.close, session)
    s:close()
  end)

  it("may be in the middle of several sessions", function()
    local s = p:keepalive("hello")
    local bodies = {}
    local sessions = {}
    for i = 1, 4 do
      sessions[i] = assert(hinternet.open { async = true })
      sessions[i]:set_status_callback(function(request, status, info)
        if status == "sendrequest_complete" then request:receive_response() end
        if status == "headers_available" then request:read("a") end
        if status == "read_complete" then
          bodies[#bodies + 1] = i .. info
          local following = sessions[i + 1]
          if following then
            assert(following:connect("127.0.0.1", s.port):open_request():send())
          end
        end
      end)
    end
    assert(sessions[1]:connect("127.0.0.1", s.port):open_request():send())
    repeat until not sessions[2]:poll(10)
    assert.same({ "1hello", "2hello", "3hello", "4hello" }, bodies)
    for _, session in ipairs(sessions) do session:close() end
    s:close()
  end)
end)

-- ------------------------------------------------------------------- poll

describe("poll", function()
  p:for_tests()

  it("answers false when nothing is pending, 0 when nothing happened, else how much", function()
    assert.is_false(hinternet.poll())
    assert.is_false(hinternet.poll(0))
    local s, w = p:script({ "recv_head" }, { "wait" },
      { "send", peer.response(200, {}, "ok") }), open()
    assert.is_false(w.session:poll())
    new_request(w, s)
    expect(w, "send", nil, "sendrequest_complete")
    assert.is_false(hinternet.poll())
    assert.is_true(w.request:receive_response())
    assert.equal(0, hinternet.poll(0))
    assert.equal(0, hinternet.poll(0.02))
    s:go()
    assert.equal(1, hinternet.poll())
    assert.equal("headers_available", (next_heard(w)))
    assert.is_false(hinternet.poll())
    w.session:close()
    assert.equal(6, select(3, w.session:poll()))
    s:close()
  end)

  it("refuses what is no time", function()
    for _, bad in ipairs { -1, 0 / 0, "soon", {} } do
      assert.error_matches(function() hinternet.poll(bad) end,
        "bad argument #1 to 'poll' %(seconds expected")
    end
  end)

  it("and run raise in a callback, and leave the wait as it was", function()
    local s, w = p:keepalive("hello"), open()
    local problems = {}
    new_request(w, s)
    w.request:set_status_callback(function()
      for _, call in ipairs { hinternet.poll, hinternet.run } do
        local ok, problem = pcall(call)
        problems[#problems + 1] = not ok and problem
      end
    end, { "sendrequest_complete" })
    assert.is_true(w.request:send())
    wait.poll_out()
    assert.equal(2, #problems)
    assert.matches("poll called inside a status callback$", problems[1])
    assert.matches("run called inside a status callback$", problems[2])
    w.session:close()
    s:close()
  end)
end)
