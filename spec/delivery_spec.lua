--- What becomes of tasks when they end, or when what they belong to does, and who
--- is told of what.

local hinternet = require "hinternet"
local leaks = require "spec.support.leaks"
local parked = require "hinternet.parked"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local wait = require "spec.support.wait"

local function open(options) return assert(hinternet.open(options)) end

local function collect() for _ = 1, 4 do collectgarbage() end end

local function stalling(p)
  return p:serve { connections = { { { "recv_head" }, { "stall" } } } }
end

describe("A session", function()
  local p = peer.new():for_tests()

  -- What a task of the session holds, known weakly.
  local function spawn(session, f)
    local held, weak = {}, setmetatable({}, { __mode = "v" })
    weak[1] = held
    session:spawn(function() return f and f(), held end)
    return weak
  end

  it("lets go of tasks that have ended", function()
    local session <close> = open()
    local weak = spawn(session)
    session:run()
    collect()
    assert.is_nil(weak[1])
  end)

  it("lets go of them while run goes on", function()
    local session <close> = open()
    local gone
    session:spawn(function()
      local weak = spawn(session)
      for _ = 1, 3 do hinternet.sleep(0) end
      collect()
      gone = weak[1] == nil
    end)
    session:run()
    assert.is_true(gone)
  end)

  it("lets go of one that never started while run goes on", function()
    local session <close> = open()
    local gone
    session:spawn(function()
      local weak = setmetatable({}, { __mode = "v" })
      do
        local held = {}
        weak[1] = held
        session:spawn(function() return held end):cancel()
      end
      for _ = 1, 3 do hinternet.sleep(0) end
      collect()
      gone = weak[1] == nil
    end)
    session:run()
    assert.is_true(gone)
  end)

  it("has run raise a failure that was there before a collection", function()
    local session <close> = open()
    session:spawn(function() error("kept", 0) end)
    session:spawn(function()
      coroutine.yield()
      collect()
    end)
    assert.same({ false, "kept" }, { pcall(session.run, session) })
  end)

  it("is kept by the task that is all that knows it", function()
    local weak = setmetatable({}, { __mode = "v" })
    local function begin()
      local session = open()
      weak[1] = session
      return session:spawn(function(...)
        coroutine.yield()
        return select("#", ...), nil
      end, 1, nil)
    end
    local task = begin()
    hinternet.poll(0)
    collect()
    assert.is_true(weak[1]:is_valid())
    assert.same({ 2, n = 2 }, table.pack(task:join()))
    assert.equal("hinternet.task", getmetatable(task))
  end)

  it("is kept by a run, though one that was broken off is collected meanwhile", function()
    local session <close> = open()
    local broken = coroutine.create(hinternet.run)
    local a, b, ended
    a = session:spawn(function() return b:join() end)
    b = session:spawn(function() return a:join() end)
    assert.same({ false, "every task waits for another" }, { coroutine.resume(broken) })
    a:cancel()
    b:cancel()
    session:spawn(function()
      broken = nil -- luacheck: ignore
      collect()
    end)
    local function go_on()
      for _ = 1, 3 do coroutine.yield() end
      ended = (ended or 0) + 1
    end
    open():spawn(go_on)
    session:spawn(function()
      open():spawn(go_on)
      collect()
    end)
    session:run()
    assert.equal(2, ended)
  end)

  it("closes the variables of a task that fails, with the error", function()
    local session <close> = open()
    local closed
    session:spawn(function()
      local v <close> = setmetatable({}, { __close = function(_, problem) closed = problem end })
      error("bad", v and 0)
    end)
    assert.same({ false, "bad" }, { pcall(session.run, session) })
    assert.equal("bad", closed)
  end)

  it("is polled at once for a task that yielded by itself", function()
    local session <close> = open()
    session:spawn(coroutine.yield)
    assert.equal(1, hinternet.poll(0))
    assert.is_true(require("hinternet.loop").is_pending())
    assert.equal(1, hinternet.poll(0))
    assert.is_false(hinternet.poll(0))
  end)

  it("that nobody can reach takes its ready tasks along", function()
    local weak = spawn(open())
    collect()
    assert.is_nil(weak[1])
    assert.is_false(hinternet.poll(0))
  end)

  it("is not kept by a run that was broken off, nor are its failures kept silent", function()
    local s = stalling(p)
    local said = process.run(("%s -e %s 2>&1"):format(process.interpreter(), process.quote(([[
      local hinternet = require "hinternet"
      warn "@on"
      local weak = setmetatable({}, { __mode = "v" })
      local function try()
        local session, held = hinternet.open { async = true }, {}
        weak[1] = held
        session:set_status_callback(function() error "broken off" end, { "sending_request" })
        session:spawn(function() error("nobody joins this", 0) end)
        session:spawn(function()
          local request = session:connect("127.0.0.1", %d):open_request()
          request:send()
          request:receive_response()
          return held
        end)
        print(select(2, pcall(hinternet.run)):match "broken off")
      end
      try()
      for _ = 1, 4 do collectgarbage() end
      print(weak[1], hinternet.poll(0))
    ]]):format(s.port))))
    assert.matches("Lua warning: hinternet: error in a task: nobody joins this\n", said, 1, true)
    assert.matches("broken off\nnil\tfalse\n",
      said:gsub("Lua warning:.-\n", ""), 1, true)
    s:close()
  end)
end)

describe("A parked call that fails", function()
  local p = peer.new():for_tests()

  -- A session with a task parked in receive_response, and what the call answers.
  local function park(server, session)
    local request = session:connect("127.0.0.1", server.port):open_request()
    local task = session:spawn(function()
      assert(request:send())
      return request:receive_response()
    end)
    return task, request
  end

  local function until_waiting(server, task)
    wait.polling("a waiting task", function()
      return server:accepted() == 1 and task:status() == "waiting"
    end)
  end

  local function expect_failure(task)
    local answers = table.pack(task:join())
    assert.equal(3, answers.n)
    assert.is_nil(answers[1])
    assert.is_string(answers[2])
    assert.equal("integer", math.type(answers[3]))
    assert.is_true(answers[3] > 0)
  end

  it("answers nil, message, code when another blocking call delivers it", function()
    local broken = p:script({ "recv_head" }, { "wait" }, { "close" })
    local other = p:script({ "recv_head" }, { "wait" },
      { "send", peer.response(200, {}, "late") })
    local session <close> = open()
    local task = park(broken, session)
    until_waiting(broken, task)
    local request = session:connect("127.0.0.1", other.port):open_request()
    local heard
    request:set_status_callback(function(_, status)
      if status == "request_sent" then
        heard = true
        broken:go()
        other:go()
      end
    end)
    assert(request:send())
    assert.is_true(heard)
    assert(request:receive_response())
    expect_failure(task)
    for _, s in ipairs { broken, other } do s:close() end
  end)

  it("answers the same when a close delivers it", function()
    local s = stalling(p)
    local session <close> = open()
    session:set_status_callback(function() end, { "handle_closing" })
    local task, request = park(s, session)
    until_waiting(s, task)
    assert.is_true(request:close())
    assert.equal("ready", task:status())
    expect_failure(task)
    s:close()
  end)

  it("says that its handle was closed when a later handle has its place", function()
    local s = stalling(p)
    local session <close> = open { async = true }
    local connection = assert(session:connect("localhost", s.port)) -- is looked up: waits
    local woken = {}
    local function park_in_send(request)
      local answers = {}
      local thread = coroutine.create(parked.wrap({
        wait = function(token)
          answers.token = token
          coroutine.yield()
        end,
        wake = function(token) woken[#woken + 1] = token end,
      }, function() answers[1] = table.pack(request:send()) end))
      assert(coroutine.resume(thread))
      return thread, answers
    end
    local request = assert(connection:open_request())
    local thread, answers = park_in_send(request)
    assert.is_table(answers.token)
    assert.is_true(request:close())
    local later = {} -- one of these has the closed one's place
    for i = 1, 4 do later[i] = assert(connection:open_request()) end
    for i = 1, 4 do later[i] = { park_in_send(later[i]) } end
    assert.same({ answers.token }, woken)
    assert(coroutine.resume(thread))
    assert.same({ nil, "operation cancelled: its handle was closed", 12017, n = 3 }, answers[1])
    wait.polling("five wakings", function() return #woken == 5 end)
    for i = 1, 4 do
      assert(coroutine.resume(later[i][1]))
      assert.same({ true, n = 1 }, later[i][2][1])
    end
    collectgarbage()
    s:close()
  end)
end)

describe("A callback", function()
  leaks.watch()

  it("that closes a handle of another session is told so before close returns", function()
    local log = {}
    local a <close> = open()
    local b <close> = open()
    local connection = assert(b:connect("127.0.0.1", 1))
    connection:set_status_callback(function(_, status) log[#log + 1] = status end)
    a:set_status_callback(function(_, status)
      if status ~= "handle_created" or log.closed then return end
      log.closed = true
      assert.is_true(connection:close())
      assert.same({ "handle_closing" }, { table.unpack(log) })
      log[#log + 1] = "returned"
    end)
    assert(a:connect("127.0.0.1", 1))
    assert.same({ "handle_closing", "returned" }, { table.unpack(log) })
  end)

  it("that closes a handle of its own session is told so once it has returned", function()
    local log, told = {}, false
    local session <close> = open()
    local connection = assert(session:connect("127.0.0.1", 1))
    connection:set_status_callback(function(_, status) log[#log + 1] = status end)
    session:set_status_callback(function()
      if told then return end
      told = true
      assert.is_true(connection:close())
      log[#log + 1] = "returned"
    end, { "handle_created" })
    assert(session:connect("127.0.0.1", 1))
    assert.same({ "returned", "handle_closing" }, log)
  end)

  it("that makes a handle is told of it once it has returned", function()
    local log = {}
    local session <close> = open()
    session:set_status_callback(function()
      log[#log + 1] = "called"
      if #log > 1 then return end
      assert(session:connect("127.0.0.1", 1))
      log[#log + 1] = "returned"
    end, { "handle_created" })
    assert(session:connect("127.0.0.1", 1))
    assert.same({ "called", "returned", "called" }, log)
  end)
end)

describe("A call that is refused in a callback", function()
  local p = peer.new():for_tests()

  it("leaves the wait around it alone, in a task and outside", function()
    local s = p:keepalive("fine")
    for _, inside in ipairs { false, true } do
      local session <close> = open()
      local codes, body = {}, nil
      session:set_status_callback(function(request, status)
        if status == "sending_request" then
          codes[1] = select(3, request:send())
          codes[2] = select(3, request:receive_response())
        elseif status == "receiving_response" then
          codes[3] = select(3, request:receive_response())
          codes[4] = select(3, request:read())
        end
      end)
      local function get() body = assert(session:get(s.url)).body end
      if inside then session:spawn(get) else get() end
      session:run()
      assert.same({ 12019, 12019, 12019, 12019 }, codes)
      assert.equal("fine", body)
    end
    s:close()
  end)
end)

describe("A poll that an error breaks off anywhere", function()
  it("leaves the next one to do its work", function()
    local said = process.run(("%s -e %s 2>&1"):format(process.interpreter(), process.quote [[
      local hinternet = require "hinternet"
      local steps, ok = 0, nil
      repeat
        steps = steps + 1
        local session <close> = hinternet.open()
        session:spawn(function() end)
        ok = pcall(function()
          debug.sethook(function()
            debug.sethook()
            error("broken off", 0)
          end, "", steps)
          hinternet.poll(0)
          debug.sethook()
        end)
        assert(session:spawn(function() return "done" end):join() == "done")
      until ok
      print(steps > 50)
    ]]))
    assert.equal("true\n", said)
  end)
end)

describe("A join that cannot end", function()
  it("is blamed on its caller", function()
    local session <close> = open()
    local a, b
    a = session:spawn(function() return b:join() end)
    b = session:spawn(function() return a:join() end)
    local line = debug.getinfo(1, "l").currentline + 1
    local ok, message = pcall(function() assert(a:join()) end)
    assert.is_false(ok)
    assert.matches(("delivery_spec.lua:%d: the task waits for what cannot happen"):format(line),
      message, 1, true)
    a:cancel()
    b:cancel()
    session:run()
  end)
end)

describe("A task that an error breaks after its end", function()
  it("has ended well", function()
    local session <close> = open()
    local function f()
      local own = debug.getinfo(1, "f").func
      debug.sethook(function()
        local left = debug.getinfo(2, "Sf")
        if left.what ~= "Lua" or left.func == own then return end
        debug.sethook()
        error("too late", 0)
      end, "r")
      return "result"
    end
    local task = session:spawn(f)
    session:run()
    assert.equal("done", task:status())
    assert.equal("result", task:join())
  end)
end)

describe("A task that joins itself", function()
  it("is refused in a coroutine of its own, too", function()
    local session <close> = open()
    local task
    task = session:spawn(function()
      return coroutine.wrap(function() return select(2, pcall(task.join, task)) end)()
    end)
    session:run()
    assert.equal("a task cannot join itself", task:join())
  end)

  it("is blamed where it does", function()
    local session <close> = open()
    local task
    task = session:spawn(function()
      return select(2, pcall(function() task:join() end)), debug.getinfo(1, "l").currentline
    end)
    session:run()
    local message, line = task:join()
    assert.equal(("spec/delivery_spec.lua:%d: a task cannot join itself"):format(line),
      (message:gsub("^[^:]*/spec/", "spec/"):gsub("^%./", "")))
  end)
end)
