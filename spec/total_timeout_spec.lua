-- total_timeout, from a send to the end of the body: where it strikes and what
-- it is called. And what a request tells of its times and bytes.

local socket = require "socket"
local hinternet = require "hinternet"
local certs = require "spec.support.certs"
local exchange = require "spec.support.exchange"
local patience = require "spec.support.patience"
local peer = require "spec.support.peer"

local ready = patience.ready

local connect = exchange.connect

local p = peer.new()
local TIME = 0.15

-- A test for which the time may be over too early.
local function it_in_time(name, test)
  require("busted").it(name, function() patience.try(TIME, test) end)
end

local phases = { "connecting to", "sending to", "waiting for the response of", "receiving from" }
local rank = {}
for i, words in ipairs(phases) do rank[words] = i end

-- act() fails because the time is over, while doing what the words say.
local function expect(words, port, act)
  local result = table.pack(act())
  local got = rank[tostring(result[2]):match("^total timeout while (.*) %d")]
  if got and rank[words] and got < rank[words] then patience.too_early(result[2]) end
  assert.same({ nil, ("total timeout while %s 127.0.0.1:%d"):format(words, port), 12002 },
    { result[1], result[2], result[3] })
end

local function expect_after(words, port, act)
  local began = socket.gettime()
  expect(words, port, act)
  local took = socket.gettime() - began
  assert.is_true(took >= TIME * 0.9, "took only " .. took)
  assert.is_true(took < 25, "took " .. took)
end

local head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"

describe("total_timeout", function()
  p:for_tests()

  it("ends a send that cannot connect", function()
    local port = p:blackhole_port()
    local session <close>, connection = connect({ port = port }, { total_timeout = TIME })
    local request = connection:open_request()
    expect_after("connecting to", port, function() return request:send() end)
    assert.equal(12002, select(3, request:receive_response()))
    session:close()
  end)

  it("ends a send that waits for a connection", function()
    local s = p:script({ "recv_head" }, { "send", head }, { "recv_eof" })
    local session <close>, connection = connect(s, { max_conns_per_server = 1, total_timeout = 5 })
    local first = connection:open_request()
    assert(first:send())
    assert(first:receive_response())
    local request = connection:open_request()
    assert(request:set_option("total_timeout", TIME))
    expect_after("waiting for a connection to", s.port, function() return request:send() end)
    session:close()
    s:close()
  end)

  it_in_time("ends a send nobody reads, however steadily it goes", function(limit)
    local steps = { { "recv_head" } }
    for _ = 1, 100 do
      steps[#steps + 1] = { "recv_body", 1000 }
      steps[#steps + 1] = { "stall", 0.02 }
    end
    local s = p:serve { rcvbuf = 4096, connections = { steps } }
    local session <close>, connection = connect(s, { total_timeout = limit })
    local body = ("x"):rep(16 << 20)
    local request = connection:open_request("POST", "/")
    expect_after("sending to", s.port, function() return request:send(nil, body) end)
    request = connection:open_request("POST", "/")
    ready(request:send(nil, nil, #body))
    expect("sending to", s.port, function() return request:write(body) end)
    session:close()
    s:close()
  end)

  it_in_time("ends the wait for a head that drips", function(limit)
    local s = p:script({ "recv_head" },
      { "drip", "HTTP/1.1 200 OK\r\n" .. ("A: b\r\n"):rep(200), 0.01 })
    local session <close>, connection = connect(s, { total_timeout = limit })
    local request = connection:open_request()
    ready(request:send())
    expect("waiting for the response of", s.port, function()
      return request:receive_response()
    end)
    session:close()
    s:close()
  end)

  local reads = {
    ["read"] = function(request)
      while true do
        local piece, message, code = request:read(1)
        if not piece then return piece, message, code end
      end
    end,
    ["read(n, fill)"] = function(request) return request:read(1000, "fill") end,
    ["read(a)"] = function(request) return request:read("a") end,
    ["read_to"] = function(request)
      local file <close> = assert(io.tmpfile())
      return request:read_to(file)
    end,
    ["query_data_available"] = function(request)
      while true do
        local n, message, code = request:query_data_available()
        if not n then return n, message, code end
        request:read(n)
      end
    end,
  }
  for name, act in pairs(reads) do
    it_in_time("ends a body that drips into " .. name, function(limit)
      local s = p:script({ "recv_head" },
        { "send", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" },
        { "drip", ("x"):rep(1000), 0.01 })
      local session <close>, connection = connect(s, { total_timeout = limit })
      local request = connection:open_request()
      ready(request:send())
      ready(request:receive_response())
      expect("receiving from", s.port, function() return act(request) end)
      assert.equal(12002, select(3, request:read()))
      session:close()
      s:close()
    end)
  end

  it_in_time("holds between operations too: the next one answers at once", function(limit)
    for _, stage in ipairs { "sent", "received", "half read" } do
      local s = p:serve { connections = { { { "recv_head" }, { "send", head .. "01234" },
        { "wait" }, { "send", "56789" }, { "recv_eof" } }, { { "keepalive", "again" } } } }
      local session <close>, connection = connect(s, { total_timeout = limit })
      local request = connection:open_request()
      ready(request:send())
      local words, act = "sending to", request.receive_response
      if stage ~= "sent" then
        ready(request:receive_response())
        words, act = "receiving from", request.read
        if stage == "half read" then assert.equal("01234", (ready(request:read(5, "fill")))) end
      end
      s:go() -- what is asked for is there: it comes too late all the same
      socket.sleep(limit * 1.5)
      for _ = 1, 2 do
        expect(words, s.port, function() return act(request) end)
      end
      if stage ~= "sent" then
        assert.equal(12002, select(3, request:query_data_available()))
      end
      -- A new send is a new request, with all its time before it.
      ready(request:send())
      ready(request:receive_response())
      assert.equal("again", (ready(request:read("a"))))
      session:close()
      s:close()
    end
  end)

  it_in_time("spans the hops of redirects", function(limit)
    local s = p:script({ "loop", -1, { { "recv_head" }, { "stall", limit / 4 },
      { "send", peer.response(302, { "Location: /next" }) } } })
    local session <close>, connection = connect(s, { max_http_automatic_redirects = 100,
      total_timeout = limit })
    local request = connection:open_request()
    ready(request:send())
    -- Mostly it strikes while a hop is waited for, but a hop does more than that.
    local done, message, code = request:receive_response()
    assert.same({ nil, 12002 }, { done, code })
    assert.matches("^total timeout while %l+", message)
    if request:query_option("request_stats").redirects < 2 then patience.too_early() end
    session:close()
    s:close()
  end)

  it_in_time("ends while the callback of a redirect is busy", function(limit)
    local s = p:script({ "recv_head" }, { "send", peer.response(302, { "Location: /next" }) },
      { "recv_eof" })
    local session <close>, connection = connect(s, { total_timeout = limit })
    session:set_status_callback(nil)
    local request = connection:open_request()
    request:set_status_callback(function() socket.sleep(limit * 1.5) end, { "redirect" })
    ready(request:send())
    assert.equal(12002, select(3, request:receive_response()))
    session:close()
    assert.is_true(s:wait(1))
    s:close()
  end)

  it_in_time("does not strike once the body has ended", function(limit)
    local s = p:keepalive("done")
    local session <close>, connection = connect(s, { total_timeout = limit })
    for _, act in ipairs {
      function(request) return request:read("a") end,
      function(request) return request:read(4) end,
      function(request)
        assert.equal(4, (ready(request:query_data_available())))
        return request:read()
      end,
    } do
      local request = connection:open_request()
      ready(request:send())
      ready(request:receive_response())
      assert.equal("done", (ready(act(request))))
      socket.sleep(limit * 1.2)
      assert.is_nil(request:read())
      assert.equal(0, request:query_data_available())
    end
    s:close()
    s = p:answer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
    local request = session:connect("127.0.0.1", s.port):open_request("HEAD", "/")
    ready(request:send())
    ready(request:receive_response())
    socket.sleep(limit * 1.2)
    assert.same({ n = 1 }, table.pack(request:read()))
    s:close()
  end)

  it_in_time("tells an async callback which phase it was", function(limit)
    local s = p:script({ "recv_head" }, { "recv_eof" })
    local failure
    local session <close>, connection = connect(s, { async = true, total_timeout = limit })
    local request = connection:open_request()
    request:set_status_callback(function(handle, status, info)
      if status == "sendrequest_complete" then handle:receive_response() end
      if status == "request_error" then failure = info end
    end)
    ready(request:send())
    while not failure do session:poll(1) end
    if failure.operation == "send" then patience.too_early(failure.message) end
    assert.same({ operation = "receive_response", code = 12002, phase = "response",
      host = "127.0.0.1:" .. s.port,
      message = "total timeout while waiting for the response of 127.0.0.1:" .. s.port }, failure)
    s:close()
  end)

  it("may be false, for none, and is the request's own from its making on", function()
    local s = p:script({ "recv_head" }, { "stall", TIME * 2 }, { "send", head .. "0123456789" })
    local session <close>, connection = connect(s, { total_timeout = TIME })
    local request = connection:open_request()
    assert(request:set_option("total_timeout", false))
    assert.equal(TIME, session:query_option("total_timeout"))
    assert(request:send())
    assert(request:receive_response())
    assert.equal("0123456789", request:read("a"))
    s:close()
  end)
end)

local order = { "resolve_start", "resolve_end", "connect_end", "secure_end", "acquired",
  "send_end", "response_start", "response_head_end", "end" }

describe("request_times", function()
  p:for_tests()
  local made
  setup(function() made = certs.make() end)
  teardown(function() made:remove() end)

  -- Those that are there must be in order, and be exactly these.
  local function check(times, ...)
    local present, last = {}, 0
    for _, name in ipairs(order) do
      local at = times[name]
      if at then
        assert.is_true(at >= last, name .. " comes too early")
        last = at
        present[#present + 1] = name
        times[name] = nil
      end
    end
    assert.same({ ... }, present)
    assert.is_nil((next(times)))
  end

  local function fetch(connection, options)
    local request = connection:open_request("GET", "/", options)
    assert(request:send())
    assert(request:receive_response())
    assert.equal("hello", request:read("a"))
    return request
  end

  local reused = { "acquired", "send_end", "response_start", "response_head_end", "end" }

  it("tells every part of a first request, and not what a reused connection spares", function()
    local s = p:keepalive("hello")
    local session <close> = assert(hinternet.open())
    local connection = session:connect("127.0.0.1", s.port)
    check(fetch(connection):query_option("request_times"), "resolve_start", "resolve_end",
      "connect_end", table.unpack(reused))
    check(fetch(connection):query_option("request_times"), table.unpack(reused))
    s:close()
  end)

  it("tells of the TLS handshake", function()
    local s = p:serve { connections = { { { "keepalive", "hello" } } },
      tls = { cert = made.good.cert, key = made.good.key } }
    local session <close> = assert(hinternet.open { ca_file = made.ca })
    local connection = session:connect("127.0.0.1", s.port)
    check(fetch(connection, { secure = true }):query_option("request_times"), "resolve_start",
      "resolve_end", "connect_end", "secure_end", table.unpack(reused))
    check(fetch(connection, { secure = true }):query_option("request_times"),
      table.unpack(reused))
    s:close()
  end)

  it("tells how far a request has come, in seconds from its start", function()
    local s = p:script({ "recv_head" }, { "stall", 0.05 }, { "send", head .. "01234" },
      { "stall", 0.05 }, { "send", "56789" })
    local session <close> = assert(hinternet.open())
    local request = session:connect("127.0.0.1", s.port):open_request()
    assert.equal(12019, select(3, request:query_option("request_times")))
    assert(request:send())
    assert.is_nil(request:query_option("request_times").response_start)
    assert(request:receive_response())
    local times = request:query_option("request_times")
    assert.is_nil(times["end"])
    assert.is_true(times.response_start >= 0.045 and times.response_start < 60)
    assert.equal("0123456789", request:read("a"))
    local later = request:query_option("request_times")
    assert.equal(times.response_start, later.response_start)
    assert.is_true(later["end"] >= 0.095 and later["end"] < 60)
    s:close()
  end)

  it("is that of the last hop after a redirect", function()
    patience.try(0.1, function(limit)
      local s = p:script({ "recv_head" }, { "stall", limit },
        { "send", peer.response(302, { "Location: /next" }) }, { "keepalive", "hello" })
      local session <close> = assert(hinternet.open())
      local request = fetch(session:connect("127.0.0.1", s.port))
      local times = request:query_option("request_times")
      if times["end"] >= limit then patience.too_early() end
      check(times, table.unpack(reused))
      s:close()
    end)
  end)
end)

describe("request_stats", function()
  p:for_tests()

  it("counts bytes as they went over the wire", function()
    local answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    local body = "5\r\nhello\r\n0\r\n\r\n"
    local s = p:script({ "loop", 2, { { "recv_head" }, { "recv_body" },
      { "send", answer .. body } } })
    local session <close> = assert(hinternet.open())
    local connection = session:connect("127.0.0.1", s.port)
    for i = 1, 2 do
      local request = connection:open_request("POST", "/")
      assert.equal(12019, select(3, request:query_option("request_stats")))
      assert(request:send(nil, "ab", 4))
      assert.equal(2, request:write("cd"))
      assert(request:receive_response())
      assert.equal("hello", request:read("a"))
      local sent = s:received()[1]
      assert.same({ request_size = #sent // i - 2, request_body_size = 4,
        response_header_size = #answer, response_body_size = 5,
        received = #answer + #body, connection_reused = i == 2, retried = false,
        redirects = 0 }, request:query_option("request_stats"))
    end
    s:close()
  end)

  it("tells of a request that was sent twice", function()
    local s = p:serve { connections = {
      { { "recv_head" }, { "send", peer.response(200, {}, "one") }, { "recv_head" }, { "reset" } },
      { { "keepalive", "two" } },
    } }
    local session <close> = assert(hinternet.open())
    local connection = session:connect("127.0.0.1", s.port)
    for i, body in ipairs { "one", "two" } do
      local request = connection:open_request()
      assert(request:send())
      assert(request:receive_response())
      assert.equal(body, request:read("a"))
      local stats = request:query_option("request_stats")
      assert.equal(i == 2, stats.retried)
      assert.is_false(stats.connection_reused)
    end
    s:close()
  end)
end)
