-- hinternet.copas in the loop of Copas. Debian has Copas for Lua 5.1 and 5.2;
-- it is written in Lua and runs in 5.4 as it is.

for _, name in ipairs { "coxpcall", "copas" } do
  package.preload[name] = package.preload[name]
    or assert(loadfile("/usr/share/lua/5.1/" .. name .. ".lua"))
end

local adapter = require "spec.support.adapter"
local copas = require "copas"
local hinternet = require "hinternet"
local is_pending = require "hinternet.loop".is_pending
local loop = require "hinternet.copas"
local peer = require "spec.support.peer"
local socket = require "socket"

-- This Copas has no timers and no end of its loop.
local timers = {}

local function every(seconds, f)
  timers[f] = { seconds = seconds, due = socket.gettime() }
  return function() timers[f] = nil end
end

local function run_timers()
  for f, timer in pairs(timers) do
    if socket.gettime() >= timer.due then
      timer.due = timer.due + timer.seconds
      f()
    end
  end
end

local function run(main)
  local ended = false
  loop.spawn(function()
    main()
    ended = true
  end)
  repeat
    copas.step(0.005)
    run_timers()
  until ended and not is_pending() and not copas.step(0)
end

describe("in the loop of Copas", function()
  adapter.behaves { loop = loop, run = run, every = every }
end)

describe("hinternet.copas", function()
  local servers = peer.new():for_tests()

  it("lets the handlers of a server wait", function()
    local upstream = servers:script({ "recv_head" }, { "stall", 0.1 },
      { "send", peer.response(200, nil, "from afar") })
    local session <close> = assert(hinternet.open())
    local listener = assert(socket.bind("127.0.0.1", 0))
    local url = ("http://127.0.0.1:%d/"):format(select(2, listener:getsockname()))
    copas.addserver(listener, loop.wrap(function(client)
      repeat local line = copas.receive(client) until line == ""
      local body = session:get(upstream.url).body
      copas.send(client, peer.response(200, { "Connection: close" }, body))
      client:close()
    end))
    local bodies = {}
    run(function()
      local tasks = {}
      for i = 1, 3 do
        tasks[i] = session:spawn(function() bodies[i] = session:get(url).body end)
      end
      for i = 1, 3 do tasks[i]:join() end
    end)
    assert.same({ "from afar", "from afar", "from afar" }, bodies)
    listener:close()
  end)

  it("passes on every argument, and has one thread drive while there is need", function()
    local server = servers:keepalive("hello")
    local session <close> = assert(hinternet.open())
    local addthread, threads, got = copas.addthread, 0, nil
    copas.addthread = function(...)
      threads = threads + 1
      return addthread(...)
    end
    local restore <close> = setmetatable({}, { __close = function()
      copas.addthread = addthread
    end })
    for i = 1, 3 do
      run(function()
        loop.spawn(function(...) got = table.pack(...) end, "a", nil, "c", nil)
        assert.equal("hello", session:get(server.url).body)
        assert.equal("hello", session:get(server.url).body)
      end)
      assert.same({ n = 4, "a", nil, "c" }, got)
      -- Of each run: the run's, the spawned one, and one that drives.
      assert.is_true(threads >= 3 * i, "the driver of an earlier run is still there")
    end
    return restore
  end)

  it("has one thread drive, however often it is started", function()
    local server = servers:script({ "recv_head" }, { "stall" })
    local session <close> = assert(hinternet.open { async = true })
    local heard
    session:set_status_callback(function(_, status) heard = status end, { "sendrequest_complete" })
    local request = session:connect("127.0.0.1", server.port):open_request()
    assert(request:send())
    local addthread, threads = copas.addthread, 0
    local restore <close> = setmetatable({}, { __close = function()
      copas.addthread = addthread
    end })
    copas.addthread = function(...)
      threads = threads + 1
      return addthread(...)
    end
    for _ = 1, 3 do loop.start() end
    repeat copas.step(0.005) until heard and not is_pending() and not copas.step(0)
    assert.equal(1, threads)
    server:close()
    return restore
  end)

  it("answers the thread that it spawns", function()
    local running
    local thread = loop.spawn(function() running = coroutine.running() end)
    repeat copas.step(0) until running
    assert.equal(running, thread)
  end)

  it("has Copas report errors, and loses nobody else's call", function()
    local server = servers:script({ "recv_head" }, { "stall", 0.1 },
      { "send", peer.response(200, nil, "slow") })
    local session <close> = assert(hinternet.open { async = true })
    session:set_status_callback(function() error("of a callback") end, { "sendrequest_complete" })
    local plain <close> = assert(hinternet.open())
    local printed, body = {}, nil
    local print = _G.print
    _G.print = function(text) printed[#printed + 1] = text end -- as Copas does
    local restore <close> = setmetatable({}, { __close = function() _G.print = print end })
    assert(session:connect("127.0.0.1", server.port):open_request():send())
    run(function()
      loop.spawn(function(url)
        plain:get(url)
        error("of a thread")
      end, server.url)
      body = plain:get(server.url).body
    end)
    assert.equal("slow", body)
    table.sort(printed)
    assert.equal(2, #printed)
    assert.matches("of a callback", printed[1])
    assert.not_matches("hinternet/copas.lua:%d+: ", printed[1])
    assert.matches("of a thread", printed[2])
    return restore
  end)

  it("looks at the network only when there is news of it", function()
    local server = servers:script({ "recv_head" }, { "wait" },
      { "send", peer.response(200, nil, "late") })
    local session <close> = assert(hinternet.open())
    local body, polls, poll = nil, 0, hinternet.poll
    local restore <close> = setmetatable({}, { __close = function() hinternet.poll = poll end })
    hinternet.poll = function(...)
      polls = polls + 1
      return poll(...)
    end
    loop.spawn(function() body = session:get(server.url).body end)
    repeat copas.step(0.005) until server:accepted() == 1
    for _ = 1, 20 do copas.step(0.005) end
    polls = 0
    for _ = 1, 20 do copas.step(0.001) end
    assert.is_true(polls < 10, polls .. " polls")
    server:go()
    repeat copas.step(0.005) until body and not is_pending()
    copas.step(0)
    assert.equal("late", body)
    return restore
  end)

  it("spawns nothing where the build cannot be waited for", function()
    local pollable = hinternet.pollable
    local restore <close> = setmetatable({}, { __close = function()
      hinternet.pollable = pollable
    end })
    hinternet.pollable = function() return nil, "not supported", 50 end
    assert.error_matches(function() loop.spawn(error) end, "not supported")
    return restore
  end)
end)
