-- A connection's own settings: its two ends, the local address and interface,
-- keep-alive probes, small writes, the race between addresses.

local socket = require "socket"
local hinternet = require "hinternet"
local exchange = require "spec.support.exchange"
local peer = require "spec.support.peer"
local wait = require "spec.support.wait"

local fetch, finish, new = exchange.fetch, exchange.finish, exchange.new

local p = peer.new()

local function keep(options)
  options.connections = { { { "keepalive", "hello" } } }
  return p:serve(options)
end

-- A server that may be at any host: only its port counts.
local function at(host, server)
  return { host = host, port = server.port, url = "http:" }
end

-- What the callback of a session hears of the way: "status info".
local function listen(session)
  local heard = {}
  session:set_status_callback(function(_, status, info)
    heard[#heard + 1] = status .. " " .. tostring(info)
  end, { "resolving_name", "name_resolved", "connecting_to_server", "connected_to_server" })
  return heard
end

describe("A connection", function()
  p:for_tests()

  it("tells its two ends, also when it has ended, until the next send", function()
    local s = keep {}
    local six = keep { v6 = true }
    local session <close> = hinternet.open()
    for _, server in ipairs { s, six } do
      local request = new(session, server)
      assert.equal(12019, select(3, request:query_option("connection_info")))
      assert.equal("hello", finish(request))
      local info = request:query_option("connection_info")
      assert.equal(server.host, info.local_address)
      assert.equal(server.host, info.remote_address)
      assert.equal(server.port, info.remote_port)
      assert.is_true(info.local_port > 0 and info.local_port ~= info.remote_port)
      request:close()
    end
    assert.equal(12018, select(3, session:query_option("connection_info")))
    local gone = p:answer("HTTP/1.1 200 OK\r\n\r\nhello")
    local request = new(session, gone)
    assert(request:send())
    local info = request:query_option("connection_info")
    assert.equal(gone.port, info.remote_port)
    assert(request:receive_response())
    assert.equal("hello", request:read("a"))
    assert.same(info, request:query_option("connection_info"))
    gone:close()
    assert.equal(12029, select(3, request:send()))
    assert.equal(12019, select(3, request:query_option("connection_info")))
    for _, each in ipairs { s, six } do each:close() end
  end)

  it("comes from the local address that is set", function()
    local s = keep {}
    local six = keep { v6 = true }
    local session <close> = hinternet.open { local_address = "127.0.0.2" }
    local request = new(session, s)
    assert.equal("hello", finish(request))
    assert.equal("127.0.0.2", request:query_option("connection_info").local_address)
    assert.same({ "127.0.0.2" }, s:clients())
    assert.equal("127.0.0.2", session:query_option("local_address"))
    assert.equal(12018, select(3, request:set_option("local_address", "127.0.0.1")))
    assert(session:set_option("local_address", "::1"))
    assert.equal("hello", fetch(session, six))
    assert.same({ "::1" }, six:clients())
    s:close()
    six:close()
  end)

  it("made from elsewhere is not used any more, idle or busy", function()
    local s = p:serve { connections = { { { "keepalive", "hello" } } } }
    local session <close> = hinternet.open()
    assert.equal("hello", fetch(session, s))
    assert(session:set_option("local_address", "127.0.0.2"))
    local busy = new(session, s)
    assert(busy:send())
    assert(busy:receive_response())
    assert(session:set_option("local_address", "127.0.0.3"))
    assert.equal("hello", busy:read("a"))
    assert.equal("hello", finish(busy))
    assert(session:set_option("local_address", ""))
    assert.equal("hello", finish(busy))
    assert.same({ "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.1" }, s:clients())
    s:close()
  end)

  it("takes only addresses of the local one's family", function()
    local s = keep {}
    local session <close> = hinternet.open { local_address = "0.0.0.0" }
    local heard = listen(session)
    assert.equal("hello", fetch(session, at("both.test", s), { resolve_to = "::1,127.0.0.1" }))
    assert.same({ "connecting_to_server 127.0.0.1", "connected_to_server 127.0.0.1" },
      { heard[3], heard[4] })
    assert(session:set_option("local_address", "::"))
    assert.same({ nil, "cannot connect (no address is of the local address's family) while "
      .. "connecting to 127.0.0.1:" .. s.port, 12029 }, { fetch(session, s) })
    s:close()
  end)

  it("cannot come from an address or interface that is not there", function()
    local s = keep {}
    local session <close> = hinternet.open { local_address = "192.0.2.1" }
    local there = "127.0.0.1:" .. s.port
    assert.same({ nil, "cannot connect (the local address is not this machine's) while "
      .. "connecting to " .. there, 12029 }, { fetch(session, s) })
    for _, text in ipairs { "localhost", "127.0.0.1:80", "x", "127.0.0.1, ::1" } do
      assert.equal(87, select(3, session:set_option("local_address", text)))
    end
    assert(session:set_option("local_address", ""))
    assert(session:set_option("interface", "nosuch0"))
    local _, message, code = fetch(session, s)
    assert.equal(12029, code)
    assert.matches("^cannot connect %(no %l+ ?%l* ?[%l ]*network interface%) while connecting",
      message)
    for _, text in ipairs { ("x"):rep(16), "a\0b" } do
      assert.equal(87, select(3, session:set_option("interface", text)))
    end
    assert.equal("nosuch0", session:query_option("interface"))
    s:close()
  end)

  it("goes through the interface that is set, or is told that it must not", function()
    local s = keep {}
    local session <close> = hinternet.open { interface = "lo" }
    local body, message, code = fetch(session, s)
    if not body then
      assert.equal(12029, code)
      assert.matches("no permission to choose the network interface", message)
    end
    assert(session:set_option("interface", ""))
    assert.equal("hello", fetch(session, s))
    s:close()
  end)

  -- The timer that Linux shows for an established connection: 2 is keep-alive.
  local function timer(info)
    local file <close> = assert(io.open("/proc/net/tcp", "r"))
    for line in file:lines() do
      local from, to, state, active =
        line:match("^%s*%d+: %x+:(%x+) %x+:(%x+) (%x+) %x+:%x+ (%x+):")
      if state == "01" and tonumber(from, 16) == info.local_port
        and tonumber(to, 16) == info.remote_port then
        return tonumber(active, 16)
      end
    end
  end

  -- The same once what was sent has been acknowledged: until then the timer is
  -- that of the retransmission.
  local function silent_timer(info)
    local active
    wait.sleeping("an acknowledgement", function()
      active = timer(info)
      return active ~= 1
    end)
    return active
  end

  it("is probed while it is silent when tcp_keepalive is set", function()
    local s = keep {}
    for _, on in ipairs { false, true } do
      local session <close> = hinternet.open { tcp_keepalive = on, tcp_keepalive_idle = 100,
        tcp_keepalive_interval = 7 }
      assert.equal(on, session:query_option("tcp_keepalive"))
      assert.equal(100, session:query_option("tcp_keepalive_idle"))
      assert.equal(7, session:query_option("tcp_keepalive_interval"))
      local request = new(session, s)
      assert.equal("hello", finish(request))
      local active = silent_timer(request:query_option("connection_info"))
      if active then assert.equal(on, active == 2) end
      for _, name in ipairs { "tcp_keepalive_idle", "tcp_keepalive_interval" } do
        assert.equal(87, select(3, session:set_option(name, -1)))
        assert.equal(87, select(3, session:set_option(name, 32768)))
      end
    end
    s:close()
  end)

  it("holds small writes back or not, as tcp_no_delay says", function()
    local s = p:serve { connections = { { { "echo" } } } }
    local session <close> = hinternet.open()
    assert.equal(0, session:query_option("tcp_no_delay"))
    for word, number in pairs { on = 1, off = 2, auto = 0 } do
      assert(session:set_option("tcp_no_delay", word))
      assert.equal(number, session:query_option("tcp_no_delay"))
      assert(session:set_option("tcp_no_delay", number))
      local request = session:connect("127.0.0.1", s.port):open_request("POST", "/")
      assert(request:set_option("disable_feature", "keep_alive"))
      assert(request:send(nil, "a", 3))
      assert(request:write("b"))
      assert(request:write("c"))
      assert(request:receive_response())
      assert.matches("\r\n\r\nabc$", request:read("a"))
    end
    assert.equal(87, select(3, session:set_option("tcp_no_delay", 3)))
    assert.has_error(function() session:set_option("tcp_no_delay", "maybe") end)
    s:close()
  end)

  it("is tried at the next address after 250 ms, or only after the one before", function()
    local port = p:blackhole_port()
    local s = keep { host = "127.0.0.3", port = port }
    local server = at("two.test", s)
    local fast <close> = hinternet.open { resolve_to = "127.0.0.1,127.0.0.3" }
    assert.is_true(fast:query_option("ipv6_fast_fallback"))
    assert(fast:set_timeouts { connect = 60 })
    local began = socket.gettime()
    assert.equal("hello", fetch(fast, server))
    assert.is_true(socket.gettime() - began < 50)
    local slow <close> = hinternet.open { resolve_to = "127.0.0.1,127.0.0.3",
      ipv6_fast_fallback = false }
    assert(slow:set_timeouts { connect = 0.4 })
    local heard = listen(slow)
    began = socket.gettime()
    assert.equal("hello", fetch(slow, server))
    assert.is_true(socket.gettime() - began > 0.35)
    assert.same({ "connecting_to_server 127.0.0.1", "connecting_to_server 127.0.0.3",
      "connected_to_server 127.0.0.3" }, { heard[3], heard[4], heard[5] })
    s:close()
  end)

  it("tells the system's error number behind a failure", function()
    local port = p:closed_port()
    local s = keep {}
    local session <close> = hinternet.open()
    local request = new(session, at("127.0.0.1", { port = port }))
    assert.equal(0, request:query_option("extended_error"))
    assert.equal(12029, select(3, finish(request)))
    assert.equal(111, request:query_option("extended_error"))
    request:close()
    request = new(session, s)
    assert.equal(0, request:query_option("extended_error"))
    assert.equal("hello", finish(request))
    assert.equal(0, request:query_option("extended_error"))
    s:close()
  end)
end)
