-- Times: what each of them bounds, what is said when it is over, and how they
-- and the other options are set and inherited.

local socket = require "socket"
local hinternet = require "hinternet"
local exchange = require "spec.support.exchange"
local leaks = require "spec.support.leaks"
local patience = require "spec.support.patience"
local peer = require "spec.support.peer"

local p = peer.new()
local TIME = 0.2

-- act() must fail after about TIME.
local function expect(text, code, act)
  local began = socket.gettime()
  local ok, message, got = act()
  local took = socket.gettime() - began
  assert.is_nil(ok)
  assert.equal(text, message)
  assert.equal(code, got)
  assert.is_true(took < 25, "took " .. took)
  return took
end

local function expect_timeout(words, port, act)
  local took = expect(("timeout while %s 127.0.0.1:%d"):format(words, port),
    12002, act)
  assert.is_true(took >= TIME * 0.9, "took only " .. took)
end

describe("A timeout", function()
  p:for_tests()

  local head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"

  it("of the connect says where to", function()
    local port = p:blackhole_port()
    local session <close>, connection =
      exchange.connect({ port = port }, { connect_timeout = TIME })
    local request = connection:open_request("GET", "/")
    expect_timeout("connecting to", port, function() return request:send() end)
    assert.equal(12019, select(3, request:receive_response()))
    assert.is_true(session:is_valid())
  end)

  it("of a send says where to, whoever brings the body", function()
    local server = p:serve { rcvbuf = 4096, connections = { { { "stall" } } } }
    local session <close>, connection = exchange.connect(server)
    local body = ("x"):rep(8 << 20)
    local request = connection:open_request("POST", "/")
    assert(request:set_timeouts { send = TIME })
    expect_timeout("sending to", server.port, function()
      return request:send(nil, body)
    end)
    request = connection:open_request("POST", "/")
    assert(request:send(nil, nil, #body))
    assert(request:set_timeouts { send = TIME })
    expect_timeout("sending to", server.port, function()
      return request:write(body)
    end)
    local file <close> = assert(io.tmpfile())
    file:write(body)
    file:seek("set")
    request = connection:open_request("POST", "/")
    assert(request:send(nil, nil, "chunked"))
    assert(request:set_timeouts { send = TIME })
    expect_timeout("sending to", server.port, function()
      return request:write_from(file)
    end)
    assert.is_true(server:wait_accepted(3))
    session:close()
    server:close()
  end)

  it("of the response says whose, and costs the connection", function()
    local server = p:serve { connections = {
      { { "recv_head" }, { "recv_eof" } }, { { "keepalive", "ok" } },
    } }
    local session <close>, connection = exchange.connect(server)
    local request = connection:open_request("GET", "/")
    assert(request:set_timeouts { receive = TIME, response = TIME })
    assert(request:send())
    expect_timeout("waiting for the response of", server.port, function()
      return request:receive_response()
    end)
    assert.is_true(server:wait(1))
    assert(request:set_timeouts { receive = 60, response = 60 })
    assert(request:send())
    assert.equal("ok", exchange.receive(request))
    assert.equal(2, server:accepted())
    session:close()
    server:close()
  end)

  it("of the response bounds the whole head, however steady", function()
    local server = p:script({ "recv_head" },
      { "drip", "HTTP/1.1 200 OK\r\n" .. ("A: b\r\n"):rep(100), 0.02 })
    local session <close>, connection = exchange.connect(server)
    local request = connection:open_request("GET", "/")
    assert(request:set_timeouts { receive = TIME, response = TIME })
    assert(request:send())
    expect_timeout("waiting for the response of", server.port, function()
      return request:receive_response()
    end)
    session:close()
    server:close()
  end)

  local reads = {
    ["read(n)"] = function(request) return request:read(5) end,
    ["read(n, fill)"] = function(request) return request:read(10, "fill") end,
    ["query_data_available"] = function(request)
      return request:query_data_available()
    end,
    ["read_to"] = function(request)
      local file <close> = assert(io.tmpfile())
      return request:read_to(file)
    end,
  }
  for name, act in pairs(reads) do
    it("of " .. name .. " says where from", function()
      local server = p:serve { connections = {
        { { "recv_head" }, { "send", head .. "12345" }, { "recv_eof" } },
        { { "keepalive", "ok" } },
      } }
      local session <close>, connection = exchange.connect(server)
      local request = connection:open_request("GET", "/")
      assert(request:send())
      assert(request:receive_response())
      assert.equal("12345", request:read(5, "fill"))
      assert(request:set_timeouts { receive = TIME })
      expect_timeout("receiving from", server.port, function()
        return act(request)
      end)
      assert.equal(12019, select(3, request:read(1)))
      assert.is_true(server:wait(1))
      request = connection:open_request("GET", "/")
      assert(request:send())
      assert.equal("ok", exchange.receive(request))
      session:close()
      server:close()
    end)
  end

  it("of the body begins anew with every byte", function()
    patience.try(0.5, function(limit)
      local server = p:script({ "recv_head" },
        { "send", head }, { "drip", "0123456789", limit / 8 })
      local session <close>, connection = exchange.connect(server)
      local request = connection:open_request("GET", "/")
      assert(request:send())
      assert(request:receive_response())
      assert(request:set_timeouts { receive = limit })
      assert.equal("0123456789", patience.ready(request:read("a")))
      session:close()
      server:close()
    end)
  end)

  it("that is false never comes", function()
    local server = p:script({ "recv_head" }, { "stall", 0.3 },
      { "send", head }, { "stall", 0.3 }, { "send", "0123456789" })
    local session <close>, connection = exchange.connect(server)
    assert(session:set_timeouts { receive = false, response = false,
      connect = false, resolve = false, send = false })
    local request = connection:open_request("GET", "/")
    assert(request:send())
    assert.equal("0123456789", exchange.receive(request))
    session:close()
    server:close()
  end)

  it("as long as numbers go bounds nothing, in calls, tasks and polls", function()
    local s = p:script { "loop", -1, { { "recv_head" }, { "stall", 0.01 },
      { "send", "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=9223372036854774\r\n"
        .. "Content-Length: 2\r\n\r\n" },
      { "stall", 0.01 }, { "send", "ok" } } }
    for _, long in ipairs { 1e300, math.maxinteger, 1e15, math.huge } do
      local session <close> = hinternet.open { total_timeout = long, keep_alive_timeout = long,
        poll_budget = long }
      assert(session:set_timeouts { resolve = long, connect = long, send = long, receive = long,
        response = long })
      for _ = 1, 2 do
        assert.equal("ok", assert(session:get(s.url .. "/")).body)
        local task = session:spawn(function()
          return assert(session:get(s.url .. "/", { timeout = long })).body
        end)
        while session:poll(long) do end
        assert.equal("ok", (task:join()))
      end
      assert.equal(1, session:query_option("connections_opened"))
      session:set_option("poll_budget", false)
    end
    s:close()
  end)
end)

describe("A host", function()
  p:for_tests()

  it("that refuses is named with its port", function()
    local port = p:closed_port()
    local session <close>, connection = exchange.connect { port = port }
    local request = connection:open_request("GET", "/")
    for _ = 1, 2 do
      expect("cannot connect (connection refused) while connecting to "
        .. "127.0.0.1:" .. port, 12029, function() return request:send() end)
    end
    session:close()
  end)

  it("that is an IPv6 address is named in brackets", function()
    local server = p:serve { v6 = true, connections = { { { "stall" } } } }
    server:close()
    local session <close>, connection = exchange.connect(server)
    local request = connection:open_request("GET", "/")
    expect("cannot connect (connection refused) while connecting to [::1]:"
      .. server.port, 12029, function() return request:send() end)
    session:close()
  end)

  it("that has no address is named without a port", function()
    local session <close> = hinternet.open {}
    local name = "no-such-host.invalid"
    local request = session:connect(name, 81):open_request("GET", "/")
    local ok, message, code = request:send()
    assert.is_nil(ok)
    assert.matches("while resolving " .. name, message, 1, true)
    assert.equal(12007, code)
    session:close()
  end)
end)

-- -------------------------------------------------------------- how to set it

describe("set_timeouts", function()
  leaks.watch()

  local options = {
    resolve = "resolve_timeout", connect = "connect_timeout",
    send = "send_timeout", receive = "receive_timeout",
    response = "receive_response_timeout",
  }

  it("has defaults", function()
    local session <close> = hinternet.open {}
    local defaults = { resolve = 30, connect = 60, send = 30, receive = 30,
      response = 90 }
    for name, option in pairs(options) do
      assert.equal(defaults[name], session:query_option(option))
    end
  end)

  it("sets what it is given and nothing else", function()
    local session <close> = hinternet.open {}
    assert.is_true(session:set_timeouts { connect = 1.25, response = 100 })
    assert.equal(1.25, session:query_option("connect_timeout"))
    assert.equal(100, session:query_option("receive_response_timeout"))
    assert.equal(30, session:query_option("send_timeout"))
    assert.is_true(session:set_timeouts {})
    assert.is_true(session:set_timeouts { send = 0.0001 })
    assert.equal(0.001, session:query_option("send_timeout"))
    assert.is_true(session:set_timeouts { send = false })
    assert.is_false(session:query_option("send_timeout"))
  end)

  it("refuses times that are none, and then sets nothing", function()
    local session <close> = hinternet.open {}
    local request = session:connect("h.test"):open_request()
    for _, handle in ipairs { session, request } do
      for name, option in pairs(options) do
        for _, bad in ipairs { 0, -1, -0.5, 0 / 0, -math.huge } do
          local times = { resolve = 7, connect = 7, send = 7, receive = 7 }
          times[name] = bad
          local ok, message, code = handle:set_timeouts(times)
          assert.is_nil(ok)
          assert.matches("invalid parameter", message)
          assert.equal(87, code)
          ok, message, code = handle:set_option(option, bad)
          assert.is_nil(ok)
          assert.matches("invalid parameter", message)
          assert.equal(87, code)
        end
      end
      assert.equal(30, handle:query_option("resolve_timeout"))
      for name in pairs(options) do
        assert.is_true(handle:set_timeouts { receive = 1, [name] = 1e6 })
        assert.equal(1e6, handle:query_option(options[name]))
        assert.is_true(handle:set_timeouts { receive = 1, [name] = math.huge })
        assert.is_false(handle:query_option(options[name]))
      end
    end
  end)

  it("raises for what is no time and no timeout", function()
    local session <close> = hinternet.open {}
    assert.has_error(function() session:set_timeouts() end)
    assert.has_error(function() session:set_timeouts(5) end)
    assert.has_error(function() session:set_timeouts { total = 5 } end)
    assert.has_error(function() session:set_timeouts { send = true } end)
    assert.has_error(function() session:set_timeouts { send = "5" } end)
    assert.has_error(function() session:set_option("send_timeout", true) end)
    assert.has_error(function() session:set_option("send_timeout", "5") end)
    assert.has_error(function() session:set_option("send_timeout", nil) end)
  end)

  it("of a closed handle answers 6", function()
    local session = hinternet.open {}
    session:close()
    assert.equal(6, select(3, session:set_timeouts { send = 1 }))
    assert.equal(6, select(3, session:set_timeouts { send = 0 }))
    assert.equal(6, select(3, session:query_option("send_timeout")))
    assert.equal(6, select(3, session:set_option("send_timeout", 1)))
  end)

  it("of a session reaches the requests made later, not those before",
    function()
      local session <close> = hinternet.open { send_timeout = 5 }
      local connection = session:connect("h.test")
      local before = connection:open_request()
      assert.equal(5, before:query_option("send_timeout"))
      assert(session:set_timeouts { send = 6 })
      assert.equal(5, before:query_option("send_timeout"))
      local after = connection:open_request()
      assert.equal(6, after:query_option("send_timeout"))
      assert(after:set_timeouts { send = 7 })
      assert.equal(6, session:query_option("send_timeout"))
      assert.equal(7, after:query_option("send_timeout"))
      assert.equal(6, connection:open_request():query_option("send_timeout"))
    end)

  it("of a connection are its session's, to be read only", function()
    local session <close> = hinternet.open {}
    local connection = session:connect("h.test")
    for _, option in pairs(options) do
      assert(session:set_option(option, 95))
      assert.equal(95, connection:query_option(option))
      local ok, message, code = connection:set_option(option, 96)
      assert.is_nil(ok)
      assert.matches("incorrect handle type", message)
      assert.equal(12018, code)
      assert.equal(95, session:query_option(option))
    end
    assert.equal(12018, select(3, connection:set_timeouts { send = 1 }))
  end)
end)

describe("receive_response_timeout", function()
  leaks.watch()

  -- response, receive, what is read
  local rows = {
    { 0.1, 30, 30 }, { 0.1, 0.05, 0.1 }, { 5, 5, 5 }, { 5, 6, 6 },
    { false, 1, false }, { 1, false, false },
  }
  it("never reads lower than receive_timeout", function()
    local session <close> = hinternet.open {}
    local request = session:connect("h.test"):open_request()
    for _, handle in ipairs { session, request } do
      for _, row in ipairs(rows) do
        assert(handle:set_timeouts { response = row[1], receive = row[2] })
        assert.equal(row[3], handle:query_option("receive_response_timeout"))
        assert.equal(row[2], handle:query_option("receive_timeout"))
      end
    end
  end)
end)

describe("An option", function()
  leaks.watch()

  -- name, what can be done on session, connection and request: q(uery), s(et)
  local rows = {
    { "resolve_timeout", "qs", "q", "qs" },
    { "connect_timeout", "qs", "q", "qs" },
    { "send_timeout", "qs", "q", "qs" },
    { "receive_timeout", "qs", "q", "qs" },
    { "receive_response_timeout", "qs", "q", "qs" },
    { "connect_retries", "qs", "", "qs", 0, 17 },
    { "max_http_status_continue", "qs", "", "qs", -1, 1001 },
    { "max_response_header_size", "qs", "", "qs", 63, (16 << 20) + 1 },
    { "max_response_drain_size", "qs", "", "qs", -1, (1 << 40) + 1 },
    { "max_response_body", "qs", "", "qs", -1, (1 << 46) + 1 },
    { "context_value", "qs", "qs", "qs" },
    { "user_agent", "qs", "", "" },
    { "ca_file", "qs", "", "qs" },
    { "handle_type", "q", "q", "q" },
    { "parent_handle", "", "q", "q" },
    { "url", "", "", "q" },
    { "connections_opened", "q", "", "" },
    { "connections_reused", "q", "", "" },
  }

  it("has levels where it can be read and set", function()
    local session <close> = hinternet.open {}
    local connection = session:connect("h.test")
    local handles = { session, connection, connection:open_request() }
    for _, row in ipairs(rows) do
      local name = row[1]
      local readable = row[2] .. row[3] .. row[4]
      for level, handle in ipairs(handles) do
        local rights = row[level + 1]
        local value, message, code = handle:query_option(name)
        local where = name .. " on level " .. level
        if rights == "" then
          assert.is_nil(value, where)
          assert.matches("incorrect handle type: " .. name, message)
          assert.equal(12018, code, where)
        else
          assert.is_nil(message, where)
        end
        local ok
        if value == nil then value = 1 end
        if type(value) == "number" and not name:find("timeout") then
          value = math.tointeger(value)
        end
        ok, message, code = handle:set_option(name, value)
        if rights:find("s") then
          assert.is_true(ok, where)
        else
          assert.is_nil(ok, where)
          local level_first = rights == "" or readable:find("s")
          assert.equal(level_first and 12018 or 12011, code, where)
          assert.is_string(message)
        end
      end
    end
  end)

  it("that is a number has bounds", function()
    local session <close> = hinternet.open {}
    local request = session:connect("h.test"):open_request()
    for _, row in ipairs(rows) do
      if row[5] then
        for _, handle in ipairs { session, request } do
          for i, inside in ipairs { 1, -1 } do
            local bound = row[4 + i]
            assert.equal(87, select(3, handle:set_option(row[1], bound)))
            assert.is_true(handle:set_option(row[1], bound + inside))
            assert.equal(bound + inside, handle:query_option(row[1]))
          end
          assert.has_error(function() handle:set_option(row[1], "x") end)
          assert.has_error(function() handle:set_option(row[1], 1.5) end)
          assert.has_error(function() handle:set_option(row[1], false) end)
        end
      end
    end
  end)

  it("that is unknown raises on every level", function()
    local session <close> = hinternet.open {}
    local connection = session:connect("h.test")
    for _, handle in ipairs { session, connection, connection:open_request() }
    do
      for _, name in ipairs { "nonsense", "", "Connect_Timeout", "url\0" } do
        assert.has_error(function() handle:query_option(name) end)
        assert.has_error(function() handle:set_option(name, 1) end)
      end
      assert.has_error(function() handle:query_option() end)
      assert.has_error(function() handle:set_option("context_value") end)
    end
  end)

  it("can be given to open, under the same rules", function()
    local session <close> = hinternet.open { connect_timeout = 1.5,
      user_agent = "me", max_response_body = 10, send_timeout = false }
    assert.equal(1.5, session:query_option("connect_timeout"))
    assert.equal("me", session:query_option("user_agent"))
    assert.equal(10, session:query_option("max_response_body"))
    assert.is_false(session:query_option("send_timeout"))
    local none, message, code = hinternet.open { connect_timeout = 0 }
    assert.is_nil(none)
    assert.matches("invalid parameter: connect_timeout", message)
    assert.equal(87, code)
    assert.equal(12011, select(3, hinternet.open { handle_type = 1 }))
    assert.has_error(function() hinternet.open { nonsense = 1 } end)
    assert.has_error(function() hinternet.open { connect_timeout = "1" } end)
    assert.has_error(function() hinternet.open(5) end)
  end)

  it("context_value is copied to children and then their own", function()
    local session <close> = hinternet.open { context_value = 11 }
    local connection = session:connect("h.test")
    local request = connection:open_request()
    assert.equal(11, request:query_option("context_value"))
    assert(connection:set_option("context_value", math.mininteger))
    assert.equal(11, session:query_option("context_value"))
    assert.equal(11, request:query_option("context_value"))
    assert.equal(math.mininteger,
      connection:open_request():query_option("context_value"))
  end)

  it("tells kind and parent", function()
    local session <close> = hinternet.open {}
    local connection = session:connect("h.test")
    local request = connection:open_request("GET", "/a")
    assert.same({ 1, 2, 3 }, { session:query_option("handle_type"),
      connection:query_option("handle_type"),
      request:query_option("handle_type") })
    assert.equal(session, connection:query_option("parent_handle"))
    assert.equal(connection, request:query_option("parent_handle"))
    assert.equal("http://h.test/a", request:query_option("url"))
  end)
end)
