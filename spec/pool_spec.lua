-- The connections of a session: how many there may be to one server, who waits
-- and whose turn it is, and that none is used that should not be.

local hinternet = require "hinternet"
local exchange = require "spec.support.exchange"
local leaks = require "spec.support.leaks"
local peer = require "spec.support.peer"
local socket = require "socket"

local fetch = exchange.ask

local p = peer.new()
local function begin(connection)
  local request = connection:open_request()
  assert(request:send())
  assert(request:receive_response())
  return request
end

local function hurried(connection)
  local request <close> = connection:open_request()
  return exchange.finish(exchange.set(request, { connect_timeout = 0.1 }))
end

-- A server whose first response is not whole until s:go().
local function holding(first)
  local steps = { { "recv_head" }, { "send", first or "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n"
    .. "Connection: keep-alive\r\n\r\nab" }, { "wait" }, { "send", "cd" },
    { "keepalive", "next" } }
  return p:serve { connections = { steps, { { "keepalive", "other" } } } }
end

local function text_of_wait(port)
  return "timeout while waiting for a connection to 127.0.0.1:" .. port
end

describe("max_conns_per_server", function()
  p:for_tests()

  it("makes a request wait for a place, as long as connect_timeout", function()
    local s = holding()
    local session <close> = assert(hinternet.open { max_conns_per_server = 1 })
    local connection = session:connect("127.0.0.1", s.port)
    local first = begin(connection)
    assert.same({ n = 3, nil, text_of_wait(s.port), 12002 },
      table.pack(hurried(connection)))
    assert.equal(1, s:accepted())
    s:go()
    assert.equal("abcd", first:read("a"))
    assert.equal("next", fetch(connection))
    assert.equal(1, session:query_option("connections_opened"))
    s:close()
  end)

  it("counts for each server by itself", function()
    local s, other = holding(), p:keepalive("other")
    local session <close> = assert(hinternet.open { max_conns_per_server = 1 })
    local first = begin(session:connect("127.0.0.1", s.port))
    assert.equal("other", fetch(session:connect("127.0.0.1", other.port)))
    local free <close> = assert(hinternet.open { max_conns_per_server = 1 })
    assert.equal("other", fetch(free:connect("127.0.0.1", s.port)))
    first:close()
    s:close()
    other:close()
  end)

  it("of 0 is two", function()
    local s = p:serve { connections = { { { "recv_head" },
      { "send", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab" }, { "stall" } } } }
    local session <close> = assert(hinternet.open { max_conns_per_server = 0 })
    assert.equal(2, session:query_option("max_conns_per_server"))
    local connection = session:connect("127.0.0.1", s.port)
    local first, second = begin(connection), begin(connection)
    assert.equal(12002, select(3, hurried(connection)))
    assert.equal(2, s:accepted())
    assert.is_true(first:is_valid() and second:is_valid())
    s:close()
  end)

  it("counts connections that lie idle, and uses them", function()
    local s = p:keepalive("body")
    local session <close> = assert(hinternet.open { max_conns_per_server = 1 })
    local connection = session:connect("127.0.0.1", s.port)
    for _ = 1, 5 do assert.equal("body", fetch(connection)) end
    assert.equal(1, session:query_option("connections_opened"))
    assert.equal(4, session:query_option("connections_reused"))
    s:close()
  end)

  it("gives up a body nobody reads any more for a request that waits", function()
    local s = p:serve { connections = {
      { { "recv_head" }, { "send", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nab" },
        { "recv_eof" } },
      { { "keepalive", "next" } },
    } }
    local session <close> = assert(hinternet.open { max_conns_per_server = 1,
      connect_timeout = 50 })
    local connection = session:connect("127.0.0.1", s.port)
    begin(connection):close() -- its rest is being read away from now on
    assert.equal("next", fetch(connection))
    assert.equal(2, s:accepted())
    s:close()
  end)

  it("may be lowered: what is then too much ends after its response, or at once", function()
    local s = p:serve { connections = { { { "recv_head" },
      { "send", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab" }, { "wait" },
      { "send", "cd" }, { "recv_eof" } } } }
    local session <close> = assert(hinternet.open())
    local connection = session:connect("127.0.0.1", s.port)
    local requests = {}
    for i = 1, 3 do requests[i] = begin(connection) end
    for _ = 1, 3 do s:go() end
    assert.equal("abcd", requests[1]:read("a"))
    assert(session:set_option("max_conns_per_server", 1))
    assert.is_true(s:wait(1))
    assert.equal("abcd", requests[2]:read("a"))
    assert.is_true(s:wait(2))
    assert.equal("abcd", requests[3]:read("a"))
    assert.is_false(s:wait(3, 0.1))
    s:close()
  end)

  it("holds for redirects too", function()
    local s = p:serve { connections = { { { "recv_head" },
      { "send", peer.response(302, { "Location: /next", "Connection: close" }, "moved") } },
      { { "keepalive", "next" } } } }
    local session <close> = assert(hinternet.open { max_conns_per_server = 1,
      connect_timeout = 50 })
    assert.equal("next", fetch(session:connect("127.0.0.1", s.port)))
    s:close()
  end)
end)

describe("max_conns_per_1_0_server", function()
  p:for_tests()

  local old = "HTTP/1.0 200 OK\r\nContent-Length: 4\r\nConnection: keep-alive\r\n\r\nab"

  it("holds once a server has shown that it speaks HTTP/1.0", function()
    local s = holding(old)
    local session <close> = assert(hinternet.open { max_conns_per_1_0_server = 1 })
    local connection = session:connect("127.0.0.1", s.port)
    local first = begin(connection)
    assert.same({ n = 3, nil, text_of_wait(s.port), 12002 },
      table.pack(hurried(connection)))
    s:go()
    assert.equal("abcd", first:read("a"))
    s:close()
  end)

  it("does not hold for one that speaks HTTP/1.1", function()
    local s = holding()
    local session <close> = assert(hinternet.open { max_conns_per_1_0_server = 1 })
    local connection = session:connect("127.0.0.1", s.port)
    local first = begin(connection)
    assert.equal("other", fetch(connection))
    first:close()
    s:close()
  end)

  it("is no more than max_conns_per_server", function()
    local s = holding(old)
    local session <close> = assert(hinternet.open { max_conns_per_1_0_server = 5,
      max_conns_per_server = 1 })
    local connection = session:connect("127.0.0.1", s.port)
    local first = begin(connection)
    assert.equal(12002, select(3, hurried(connection)))
    first:close()
    s:close()
  end)
end)

describe("Requests that wait for a connection", function()
  p:for_tests()

  -- An async session whose requests go on by themselves; what happened to each
  -- is in `log`, by the name it was given.
  local function world(port, options)
    options.async = true
    local self = { session = assert(hinternet.open(options)), log = {}, names = {} }
    self.session:set_status_callback(function(request, status, info)
      local name = self.names[request]
      if not name then return end
      if status == "sendrequest_complete" then request:receive_response() end
      if status == "headers_available" and name ~= "held" then request:read("a") end
      if status == "headers_available" and name == "held" then self.held = request end
      if status == "read_complete" then self.log[#self.log + 1] = name end
      if status == "request_error" then
        self.log[#self.log + 1] = name .. " " .. info.code .. " " .. tostring(info.phase)
      end
    end)
    self.connection = self.session:connect("127.0.0.1", port)
    function self.start(name, connect_timeout)
      local request = self.connection:open_request()
      if connect_timeout then assert(request:set_timeouts { connect = connect_timeout }) end
      self.names[request] = name
      assert(request:send())
      return request
    end
    function self.run(done)
      while not done() do assert(self.session:poll(1)) end
    end
    return self
  end

  it("get it in the order they came", function()
    local s = holding()
    local w = world(s.port, { max_conns_per_server = 1 })
    w.start("held")
    w.run(function() return w.held end)
    for i = 1, 5 do w.start(tostring(i)) end
    for _ = 1, 5 do w.session:poll(0) end
    assert.same({}, w.log)
    s:go()
    assert(w.held:read("a"))
    w.run(function() return #w.log == 6 end)
    assert.equal("held 1 2 3 4 5", table.concat(w.log, " "))
    assert.equal(1, s:accepted())
    w.session:close()
    s:close()
  end)

  it("may be closed while they wait: the others move up", function()
    local s = holding()
    local w = world(s.port, { max_conns_per_server = 1 })
    w.start("held")
    w.run(function() return w.held end)
    local requests = {}
    for i = 1, 4 do requests[i] = w.start(tostring(i)) end
    for _ = 1, 5 do w.session:poll(0) end
    requests[1]:close()
    requests[3]:close()
    s:go()
    assert(w.held:read("a"))
    w.run(function() return #w.log == 5 end)
    table.sort(w.log)
    assert.same({ "1 12017 acquire", "2", "3 12017 acquire", "4", "held" }, w.log)
    w.session:close()
    s:close()
  end)

  local huge = "HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\nab"

  it("do not lose their turn to one that is closed when it was called", function()
    local s = holding(huge)
    local w = world(s.port, { max_conns_per_server = 1 })
    w.start("held")
    w.run(function() return w.held end)
    local requests = {}
    for i = 1, 3 do requests[i] = w.start(tostring(i)) end
    for _ = 1, 5 do w.session:poll(0) end
    w.held:close() -- its connection goes, and the first in line is called
    requests[1]:close()
    requests[2]:close()
    w.run(function() return w.log[#w.log] == "3" end)
    assert.equal(2, s:accepted())
    w.session:close()
    s:close()
  end)

  it("do not wait for the rest of a body that nobody reads any more", function()
    local s = holding()
    local w = world(s.port, { max_conns_per_server = 1, connect_timeout = 50 })
    w.start("held")
    w.run(function() return w.held end)
    for i = 1, 2 do w.start(tostring(i)) end
    for _ = 1, 5 do w.session:poll(0) end
    w.held:close() -- two bytes are still to come, and will not
    w.run(function() return #w.log == 2 end)
    assert.same({ "1", "2" }, w.log)
    assert.equal(2, s:accepted())
    w.session:close()
    s:close()
  end)

  it("fail one by one when nothing becomes free", function()
    local s = holding()
    local w = world(s.port, { max_conns_per_server = 1 })
    w.start("held")
    w.run(function() return w.held end)
    for i = 1, 3 do w.start(tostring(i), 0.1) end
    w.run(function() return #w.log == 3 end)
    table.sort(w.log) -- those whose time is up in one moment, in any order
    assert.same({ "1 12002 acquire", "2 12002 acquire", "3 12002 acquire" }, w.log)
    s:go()
    assert(w.held:read("a"))
    w.run(function() return #w.log == 4 end)
    w.start("late")
    w.run(function() return #w.log == 5 end)
    assert.equal("late", w.log[5])
    w.session:close()
    s:close()
  end)

  it("go on when the connection in use breaks", function()
    local s = p:serve { connections = {
      { { "recv_head" }, { "send", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab" },
        { "wait" }, { "reset" } },
      { { "keepalive", "other" } },
    } }
    local w = world(s.port, { max_conns_per_server = 1 })
    w.start("held")
    w.run(function() return w.held end)
    w.start("next")
    for _ = 1, 5 do w.session:poll(0) end
    s:go()
    assert(w.held:read("a"))
    w.run(function() return #w.log == 2 end)
    table.sort(w.log)
    assert.same({ "held 12030 receive", "next" }, w.log)
    w.session:close()
    s:close()
  end)

  it("go on when the server cannot be reached, each with its own error", function()
    local port = p:closed_port()
    local w = world(port, { max_conns_per_server = 1 })
    for i = 1, 3 do w.start(tostring(i)) end
    w.run(function() return #w.log == 3 end)
    assert.same({ "1 12029 connect", "2 12029 connect", "3 12029 connect" }, w.log)
    w.session:close()
  end)

  it("end with their session", function()
    local s = holding()
    local w = world(s.port, { max_conns_per_server = 1 })
    w.start("held")
    w.run(function() return w.held end)
    w.start("1")
    w.start("2")
    for _ = 1, 5 do w.session:poll(0) end
    w.session:close()
    assert.same({ "1 12017 acquire", "2 12017 acquire" }, w.log)
    s:close()
  end)

  it("are called when the limit is raised, as many as there is room for", function()
    local s = p:serve { connections = {
      { { "recv_head" }, { "send", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab" },
        { "stall" } },
      { { "keepalive", "next" } },
    } }
    local w = world(s.port, { max_conns_per_server = 1, connect_timeout = 50 })
    w.start("held")
    w.run(function() return w.held end)
    for i = 1, 3 do w.start(tostring(i)) end
    for _ = 1, 5 do w.session:poll(0) end
    assert.same({}, w.log)
    assert(w.session:set_option("max_conns_per_server", 2))
    w.run(function() return #w.log == 3 end)
    assert.same({ "1", "2", "3" }, w.log)
    assert.equal(2, s:accepted())
    w.session:close()
    s:close()
  end)

  it("of two sessions do not wait for each other", function()
    local s = holding()
    local w = world(s.port, { max_conns_per_server = 1 })
    w.start("held")
    w.run(function() return w.held end)
    local other <close> = assert(hinternet.open { max_conns_per_server = 1 })
    assert.equal("other", fetch(other:connect("127.0.0.1", s.port)))
    w.session:close()
    s:close()
  end)
end)

describe("keep_alive_timeout", function()
  p:for_tests()

  it("is how long a connection lies idle before it is closed", function()
    local s, other = p:keepalive("body"), p:keepalive("other")
    local session <close> = assert(hinternet.open())
    local connection = session:connect("127.0.0.1", s.port)
    local before = leaks.descriptors()
    assert.equal("body", fetch(connection))
    assert.equal("body", fetch(connection))
    assert.equal(1, session:query_option("connections_opened"))
    assert.equal(before + 1, leaks.descriptors())
    assert(session:set_option("keep_alive_timeout", 0.05))
    socket.sleep(0.1)
    local busy <close> = assert(hinternet.open()) -- whoever waits looks after all
    assert.equal("other", fetch(busy:connect("127.0.0.1", other.port)))
    for _ = 1, 3 do busy:poll(0) end
    assert.equal(before + 1, leaks.descriptors()) -- of the other
    assert.equal("body", fetch(connection))
    assert.equal(2, session:query_option("connections_opened"))
    assert.equal(1, session:query_option("connections_reused"))
    s:close()
    other:close()
  end)

  it("has passed for a connection that nobody looked at as well", function()
    local s = p:keepalive("body")
    local session <close> = assert(hinternet.open { keep_alive_timeout = 0.05 })
    local connection = session:connect("127.0.0.1", s.port)
    for i = 1, 2 do
      assert.equal("body", fetch(connection))
      assert.equal(i, session:query_option("connections_opened"))
      socket.sleep(0.1)
    end
    s:close()
  end)

  it("may be changed, also for what lies idle, or be none", function()
    local s = p:script({ "recv_head" }, { "send", peer.response(200, {}, "body") }, { "recv_eof" })
    local session <close> = assert(hinternet.open { keep_alive_timeout = false })
    assert.equal("body", fetch(session:connect("127.0.0.1", s.port)))
    assert.is_false(s:wait(1, 0.1))
    assert(session:set_option("keep_alive_timeout", 0.01))
    assert.is_true(s:wait(1))
    s:close()
  end)

  it("is shorter for a server that says so", function()
    local session <close> = assert(hinternet.open())
    for text, opened in pairs { ["timeout=0"] = 2, ["max=3, timeout=60"] = 1 } do
      local s = p:keepalive("body", "Keep-Alive: " .. text .. "\r\n")
      local before = session:query_option("connections_opened")
      local connection = session:connect("127.0.0.1", s.port)
      for _ = 1, 2 do assert.equal("body", fetch(connection)) end
      assert.equal(before + opened, session:query_option("connections_opened"), text)
      s:close()
    end
  end)
end)

describe("A connection of the pool", function()
  p:for_tests()

  it("that died while it lay idle is replaced without a word", function()
    local s = p:serve { connections = {
      { { "recv_head" }, { "send", peer.response(200, {}, "one") } },
      { { "recv_head" }, { "send", peer.response(200, {}, "two") }, { "wait" }, { "reset" } },
      { { "keepalive", "three" } },
    } }
    local session <close> = assert(hinternet.open { max_conns_per_server = 1 })
    local connection = session:connect("127.0.0.1", s.port)
    assert.equal("one", fetch(connection))
    assert.is_true(s:wait(1))
    assert.equal("two", fetch(connection))
    s:go()
    assert.is_true(s:wait(2))
    assert.equal("three", fetch(connection))
    assert.equal(3, session:query_option("connections_opened"))
    s:close()
  end)

  it("whose response was cut off by closing the request is never given to the next", function()
    for _, framing in ipairs { "Content-Length: 40", "Content-Length: 4000000",
      "Transfer-Encoding: chunked" } do
      local trap = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrap"
      local s = p:serve { connections = {
        { { "recv_head" }, { "send", "HTTP/1.1 200 OK\r\n" .. framing .. "\r\n\r\n" },
          { "wait" }, { "send", trap }, { "stall" } },
        { { "keepalive", "good" } },
      } }
      local session <close> = assert(hinternet.open())
      local connection = session:connect("127.0.0.1", s.port)
      begin(connection):close()
      s:go()
      assert.equal("good", fetch(connection), framing)
      assert.equal("good", fetch(connection))
      s:close()
    end
  end)

  it("is closed with its session, idle or not", function()
    local s = p:script({ "recv_head" }, { "send", peer.response(200, {}, "body") }, { "recv_eof" })
    local session = assert(hinternet.open())
    local connection = session:connect("127.0.0.1", s.port)
    local first = begin(connection)
    assert.equal("body", fetch(connection))
    assert.is_true(first:is_valid())
    session:close()
    assert.is_true(s:wait(2))
    assert.same({ "", "" }, s:errors())
    s:close()
  end)

  it("is not kept when the request says so", function()
    local s = p:script({ "recv_head" }, { "send", peer.response(200, {}, "body") }, { "recv_eof" })
    local session <close> = assert(hinternet.open())
    local connection = session:connect("127.0.0.1", s.port)
    local request = connection:open_request()
    assert(request:set_option("disable_feature", "keep_alive"))
    for i = 1, 2 do
      assert(request:send())
      assert(request:receive_response())
      assert.equal("body", request:read("a"))
      assert.is_true(s:wait(i))
    end
    request = connection:open_request()
    assert(request:send())
    assert(request:set_option("expire_connection", true))
    assert(request:receive_response())
    assert.equal("body", request:read("a"))
    assert.is_true(s:wait(3))
    assert.equal(3, session:query_option("connections_opened"))
    assert.equal(0, session:query_option("connections_reused"))
    s:close()
  end)
end)
