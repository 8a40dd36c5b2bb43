-- Waits that are broken off: by Ctrl-C, by an error in a callback, by closing
-- the coroutine that waits. Nothing is lost without notice: the handle answers
-- "operation cancelled" from then on, and its connection is not used again.

local hinternet = require "hinternet"
local socket = require "socket"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local CANCELLED = 12017

local good = peer.response(200, {}, "good")
local head = "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"

-- What a peer does so that a call waits for ever, once on the first
-- connection. Later connections are answered.
local stalls = {
  send = { { "recv_head" }, { "stall" } },
  receive_response = { { "recv_head" }, { "stall" } },
  query_data_available = { { "recv_head" }, { "send", head:format(100) .. "abc" }, { "stall" } },
  read = { { "recv_head" }, { "send", head:format(100) .. "abc" }, { "stall" } },
  write = { { "recv_head" }, { "stall" } },
}
local call_names = { "send", "write", "receive_response", "query_data_available", "read" }

local function serve(p, call)
  return p:serve { rcvbuf = 4096, connections = { stalls[call], { { "keepalive", "good" } } } }
end

-- ------------------------------------------------------------------- Ctrl-C

-- What every child begins with. Its calls would give up by themselves, so that
-- a child that was not interrupted ends too.
local prelude = [[
io.stdout:setvbuf "no"
local hinternet = require "hinternet"
local session = hinternet.open()
session:set_timeouts { resolve = 50, connect = 50, send = 50, receive = 50, response = 50 }
local connection = session:connect("127.0.0.1", PORT)
local request = connection:open_request("POST", "/")
local function code(...) return (select(3, ...)) end
]]

-- Starts a script in an interpreter of its own; its id is known at once.
local function start(script, port)
  script = (prelude .. script):gsub("PORT", tostring(port))
  local inner = ("echo $$; exec env %s -e %s 2>&1"):format(process.interpreter(),
    process.quote(script))
  local pipe = assert(io.popen("LD_PRELOAD= LUA_INIT= exec sh -c " .. process.quote(inner), "r"))
  return { pipe = pipe, pid = assert(pipe:read("n", "l")) }
end

-- Everything a child still prints, and how it ended.
local function finish(child)
  local text = child.pipe:read("a")
  local ok, how, status = child.pipe:close()
  return text, ok, how, status
end

-- Interrupts a child that waits.
local function interrupt(child)
  process.wait_asleep(child.pid)
  process.kill(child.pid, "INT")
end

-- The interrupted call, then what the handles say afterwards.
local scripts = {
  send = [[
    local large = ("x"):rep(20000000)
    local function wait() print "ready" return request:send(nil, large) end
  ]],
  write = [[
    request:send(nil, nil, "chunked")
    local large = ("x"):rep(20000000)
    local function wait() print "ready" return request:write(large) end
  ]],
  receive_response = [[
    request:send()
    local function wait() print "ready" return request:receive_response() end
  ]],
  query_data_available = [[
    request:send() request:receive_response() request:read(3)
    local function wait() print "ready" return request:query_data_available() end
  ]],
  read = [[
    request:send() request:receive_response() request:read(3)
    local function wait() print "ready" return request:read(10) end
  ]],
}
local afterwards = [[
local ok, problem = pcall(wait)
print(ok, (tostring(problem):gsub("^.*: ", "")))
print(code(request:read(1)), code(request:receive_response()),
  code(request:query_data_available()), code(request:write("x")))
print(request:is_valid(), request:close())
local second = connection:open_request("GET", "/")
assert(second:send())
assert(second:receive_response())
print(second:read("a"), session:query_option("connections_opened"))
print(session:close())
]]
local expected = "false\tinterrupted!\n12017\t12017\t12017\t12017\ntrue\ttrue\ngood\t2\ntrue\n"

describe("Ctrl-C", function()
  local p = peer.new():for_tests()

  for _, call in ipairs(call_names) do
    it("breaks off " .. call .. ", which answers operation cancelled from then on", function()
      local s = serve(p, call)
      local child = start(scripts[call] .. afterwards, s.port)
      assert.equal("ready", child.pipe:read("l"))
      assert.is_true(s:wait_accepted(1))
      interrupt(child)
      local text, ok = finish(child)
      assert.equal(expected, text)
      assert.is_true(ok)
      s:close()
    end)
  end

  it("breaks off a connect", function()
    local child = start([[
      local ok, problem = pcall(function() print "ready" return request:send() end)
      print(ok, (tostring(problem):gsub("^.*: ", "")))
      print(code(request:receive_response()), request:close(), session:close())
    ]], p:blackhole_port())
    assert.equal("ready", child.pipe:read("l"))
    interrupt(child)
    assert.equal("false\tinterrupted!\n12017\ttrue\ttrue\n", (finish(child)))
  end)

  it("breaks off a call of the module's own session, which serves on", function()
    local s = serve(p, "read")
    local child = start([[
      local url = "http://127.0.0.1:" .. PORT .. "/"
      local ok, problem = pcall(function() print "ready" return hinternet.get(url) end)
      print(ok, (tostring(problem):gsub("^.*: ", "")))
      print(hinternet.get(url).body, hinternet.session():query_option("connections_opened"))
    ]] , s.port)
    child.pipe:read("l")
    assert.is_true(s:wait_accepted(1))
    interrupt(child)
    local text = finish(child)
    s:close()
    assert.equal("false\tinterrupted!\ngood\t2\n", text)
  end)

  for _, call in ipairs { "poll()", "run()", "all { URL }" } do
    it("breaks off " .. call .. ", and the tasks go on with the next", function()
      local s = p:script({ "recv_head" }, { "wait" }, { "send", good })
      local child = start(([[
        local url = "http://127.0.0.1:" .. PORT .. "/"
        local task = session:spawn(function() return session:get(url).body end)
        local silent = "http://127.0.0.1:" .. SILENT .. "/"
        print "ready"
        local ok, problem
        repeat
          ok, problem = pcall(function() return hinternet.CALL end)
        until not ok
        print((tostring(problem):gsub("^.*: ", "")))
        hinternet.run()
        print(task:join())
      ]]):gsub("CALL", call):gsub("URL", "silent"):gsub("SILENT", tostring(p:blackhole_port())),
        s.port)
      assert.equal("ready", child.pipe:read("l"))
      assert.is_true(s:wait_accepted(1))
      interrupt(child)
      assert.equal("interrupted!", child.pipe:read("l"))
      s:go()
      assert.equal("good\n", (finish(child)))
      s:close()
    end)
  end

  it("breaks off a sleep, of which nothing is left", function()
    local child = start([[
      session:close()
      local ok, problem = pcall(function() print "ready" return hinternet.sleep(math.huge) end)
      print(ok, (tostring(problem):gsub("^.*: ", "")))
      print(require "hinternet.core".live())
      print(hinternet.sleep(0))
    ]], 1)
    assert.equal("ready", child.pipe:read("l"))
    interrupt(child)
    assert.equal("false\tinterrupted!\n0\t0\ntrue\n", (finish(child)))
  end)

  it("ends a script that does not catch it, and all its handles", function()
    local s = serve(p, "read")
    local child = start(scripts.read .. "wait()", s.port)
    assert.equal("ready", child.pipe:read("l"))
    interrupt(child)
    local text, ok, how, status = finish(child)
    assert.matches("interrupted!", text, 1, true)
    assert.is_nil(ok)
    assert.same({ "exit", 1 }, { how, status })
    s:close()
  end)

  it("lets a broken request be sent again", function()
    local s = serve(p, "read")
    local child = start(scripts.read .. [[
      print((pcall(wait)))
      print(code(request:read(1)))
      print(request:send(), request:receive_response(), request:read("a"))
      print(session:query_option("connections_opened"), session:close())
    ]], s.port)
    assert.equal("ready", child.pipe:read("l"))
    interrupt(child)
    assert.equal("false\n12017\ntrue\ttrue\tgood\n2\ttrue\n", (finish(child)))
    s:close()
  end)

  -- The child reads a body of counted bytes that never stops coming, until the
  -- signal breaks a read off. What the next read gives must be what follows
  -- what was read before, or 12017. A signal that comes when the bytes are on
  -- their way from read to the script (or in it) takes them away from the
  -- script, not from the library: the place where it struck tells. Lua has it
  -- strike when read itself returns, too, and it may strike when the wait has
  -- its result and is being left.
  local counting = [[
    local pieces, got = {}, 0
    local where = "?"
    local function at(from, n)
      local first, last = from // 8, (from + n - 1) // 8
      local text = {}
      for i = first, last do text[#text + 1] = ("%08d"):format(i) end
      return table.concat(text):sub(from % 8 + 1, from % 8 + n)
    end
    assert(request:send() and request:receive_response())
    local piece, mode = PIECE
    local function loop()
      print "ready"
      while true do
        local data = assert(request:read(piece, mode))
        got = got + #data
        pieces[#pieces + 1] = data
      end
    end
    local ok, problem = xpcall(loop, function(problem)
      local struck = debug.getinfo(2, "Sn")
      local is_script
      if struck.what == "C" then
        is_script = struck.name == "read"
      else
        is_script = struck.short_src:find "command line"
      end
      where = is_script and "script" or "library"
      return problem
    end)
    local text = table.concat(pieces)
    local data, _, number = request:read(1000)
    local answer = number or "data"
    if text ~= at(0, #text) then answer = "a hole before the signal" end
    if data and where == "library" and data ~= at(#text, #data) then answer = "a hole" end
    print(tostring(problem):match "interrupted!", answer)
  ]]

  for _, case in ipairs {
    { "pieces as they come", "4096", 0 },
    { "pieces as they come", "4096", 0.0007 },
    { "pieces as they come", "100", 0.0031 },
    { "filled pieces", "5000, 'fill'", 0.0013 },
    { "filled pieces", "100000, 'fill'", 0.0023 },
    { "filled pieces", "7, 'fill'", 0.0041 },
  } do
    it(("loses no byte of a body read in %s (%s), whenever it comes"):format(case[1], case[2]),
      function()
        local numbers = {}
        for i = 0, 24999 do numbers[#numbers + 1] = ("%08d"):format(i) end
        local s = p:script({ "recv_head" },
          { "send", "HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" },
          { "send_slowly", table.concat(numbers), 1600, 0.0005 }, { "stall" })
        local child = start((counting:gsub("PIECE", case[2])), s.port)
        assert.equal("ready", child.pipe:read("l"))
        socket.sleep(case[3])
        process.kill(child.pid, "INT")
        local text = finish(child)
        assert.is_true(text == "interrupted!\t12017\n" or text == "interrupted!\tdata\n", text)
        s:close()
      end)
  end
end)

-- --------------------------------------------------------- errors of callbacks

-- A request whose next call of that name waits for ever.
local function begin(s, call)
  local session = assert(hinternet.open())
  local request = session:connect("127.0.0.1", s.port):open_request("POST", "/")
  local args = {}
  if call == "send" then
    args = { nil, ("x"):rep(20000000) }
  else
    assert(request:send())
  end
  if call == "read" or call == "query_data_available" then
    assert(request:receive_response())
    assert.equal("abc", request:read(3))
  end
  return {
    session = session,
    request = request,
    wait = function() return request[call](request, table.unpack(args, 1, 2)) end,
  }
end

local function assert_broken(w)
  local request = w.request
  for _, answer in ipairs {
    { request:read(1) }, { request:read("a") }, { request:query_data_available() },
    { request:receive_response() }, { request:write("x") }, { request:read_to(1) },
  } do
    assert.is_nil(answer[1])
    assert.equal(CANCELLED, answer[3], answer[2])
  end
  assert.is_true(request:is_valid())
end

local function assert_new_connection(w)
  local second = w.request:parent():open_request("GET", "/")
  assert(second:send())
  assert(second:receive_response())
  assert.equal("good", second:read("a"))
  assert.equal(2, w.session:query_option("connections_opened"))
end

describe("A callback inside a blocking call", function()
  local p = peer.new():for_tests()

  local at = {
    send = "sending_request", receive_response = "receiving_response",
    query_data_available = "receiving_response", read = "receiving_response",
  }

  for call, status in pairs(at) do
    it("breaks off " .. call .. " when it raises an error, which arrives unchanged", function()
      local s = serve(p, call)
      local w = begin(s, call)
      local problem = { "an error object" }
      w.request:set_status_callback(function(_, what)
        if what == status then error(problem) end
      end)
      local ok, got = pcall(w.wait)
      assert.is_false(ok)
      assert.equal(problem, got)
      w.request:set_status_callback(nil)
      assert_broken(w)
      assert_new_connection(w)
      assert.is_true(w.request:close())
      w.session:close()
      s:close()
    end)

    it("breaks off " .. call .. " when the coroutine it has yielded from is closed", function()
      local s = serve(p, call)
      local w = begin(s, call)
      w.request:set_status_callback(function(_, what)
        if what == status then coroutine.yield(what) end
      end)
      local parked = coroutine.create(w.wait)
      assert.same({ true, status }, { coroutine.resume(parked) })
      assert.is_true(coroutine.close(parked))
      w.request:set_status_callback(nil)
      assert_broken(w)
      assert_new_connection(w)
      w.session:close()
      s:close()
    end)

    it("breaks off " .. call .. " when the coroutine it has yielded from is dropped", function()
      local s = serve(p, call)
      local w = begin(s, call)
      w.request:set_status_callback(function(_, what)
        if what == status then coroutine.yield(what) end
      end)
      coroutine.wrap(w.wait)()
      collectgarbage()
      collectgarbage()
      w.request:set_status_callback(nil)
      assert_broken(w)
      assert_new_connection(w)
      w.session:close()
      s:close()
    end)

    it("breaks off " .. call .. " when its error ends a coroutine that nobody closes", function()
      local s = serve(p, call)
      local w = begin(s, call)
      w.request:set_status_callback(function(_, what)
        if what == status then error("from the callback", 0) end
      end)
      local dead = coroutine.create(w.wait)
      assert.same({ false, "from the callback" }, { coroutine.resume(dead) })
      w.request:set_status_callback(nil)
      assert_broken(w)
      assert_new_connection(w)
      assert.equal("dead", coroutine.status(dead))
      w.session:close()
      s:close()
    end)
  end

  it("may be followed by a new send on the same request, however the wait ended", function()
    for _, ending in ipairs { "error", "dead coroutine", "closed coroutine" } do
      local s = serve(p, "receive_response")
      local w = begin(s, "receive_response")
      w.request:set_status_callback(function(_, what)
        if what ~= "receiving_response" then return end
        if ending == "closed coroutine" then coroutine.yield() end
        error "broken off"
      end)
      local thread = coroutine.create(w.wait)
      if ending == "error" then pcall(w.wait) else coroutine.resume(thread) end
      if ending == "closed coroutine" then coroutine.close(thread) end
      w.request:set_status_callback(nil)
      assert(w.request:send(), ending)
      assert(w.request:receive_response())
      assert.equal("good", w.request:read("a"))
      assert.equal(2, w.session:query_option("connections_opened"))
      w.session:close()
      s:close()
    end
  end)

  it("may yield, and the call goes on when its coroutine is resumed", function()
    local s = p:keepalive("hello")
    local session = assert(hinternet.open())
    local request = session:connect("127.0.0.1", s.port):open_request("GET", "/")
    request:set_status_callback(function(_, status) coroutine.yield(status) end)
    local seen = {}
    local thread = coroutine.wrap(function()
      assert(request:send())
      assert(request:receive_response())
      return "body", request:read("a")
    end)
    local status, body
    repeat
      status, body = thread()
      seen[#seen + 1] = status
    until body
    assert.equal("hello", body)
    assert.same({ "resolving_name", "name_resolved", "connecting_to_server",
      "connected_to_server", "sending_request", "request_sent", "receiving_response",
      "response_received", "body" }, seen)
    request:set_status_callback(nil)
    session:close()
    s:close()
  end)

  it("may yield while others of its session work", function()
    local s = p:script({ "recv_head" }, { "wait" }, { "send", good })
    local other = p:keepalive("other")
    local session = assert(hinternet.open())
    local request = session:connect("127.0.0.1", s.port):open_request("GET", "/")
    assert(request:send())
    request:set_status_callback(function(_, status)
      if status == "receiving_response" then coroutine.yield(status) end
    end)
    local thread = coroutine.create(function()
      assert(request:receive_response())
      return request:read("a")
    end)
    assert.same({ true, "receiving_response" }, { coroutine.resume(thread) })
    for i = 1, 3 do
      if i == 2 then s:go() end -- the parked call's completion arrives meanwhile
      local second = session:connect("127.0.0.1", other.port):open_request("GET", "/")
      assert(second:send())
      assert(second:receive_response())
      assert.equal("other", second:read("a"))
    end
    assert.same({ true, "good" }, { coroutine.resume(thread) })
    request:set_status_callback(nil)
    session:close()
    s:close()
    other:close()
  end)

  it("that raises while another session's wait goes on breaks off only its own", function()
    local s, other = serve(p, "receive_response"), p:keepalive("hello")
    local outer = begin(s, "receive_response")
    local inner = assert(hinternet.open())
    local request = inner:connect("127.0.0.1", other.port):open_request("GET", "/")
    request:set_status_callback(function(_, status)
      if status == "sending_request" then error("inner", 0) end
    end)
    local problem
    outer.request:set_timeouts { receive = 0.3, response = 0.3 }
    outer.request:set_status_callback(function(_, status)
      if status == "receiving_response" then
        problem = select(2, pcall(request.send, request))
      end
    end)
    local busy = os.clock()
    local _, _, number = outer.wait()
    assert.equal(12002, number)
    -- What the other session has not been told yet keeps nobody busy.
    assert.is_true(os.clock() - busy < 0.25, "the wait was spent running")
    assert.equal("inner", problem)
    request:set_status_callback(nil)
    assert.equal(CANCELLED, (select(3, request:read(1))))
    outer.request:set_status_callback(nil)
    outer.session:close()
    inner:close()
    s:close()
    other:close()
  end)
end)
