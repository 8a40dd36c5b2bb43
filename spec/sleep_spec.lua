-- hinternet.sleep: time passes as any call waits.

local core = require "hinternet.core"
local hinternet = require "hinternet"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local wrap = require "hinternet.parked".wrap

local sleep = hinternet.sleep

local CANCELLED = 12017

-- That it sleeps for so long at least.
local function check(seconds)
  local began = core.now()
  assert.is_true(sleep(seconds))
  assert.is_true(core.now() - began >= seconds)
end

-- What runs now.
local function operations() return (select(2, core.live())) end

describe("sleep", function()
  local p = peer.new()
  p:for_tests()
  setup(function()
    hinternet.pollable() -- its descriptors stay
  end)

  it("blocks the main program, for no less than it is asked to", function()
    for _, seconds in ipairs { 0, 0.0001, 0.0011, 0.005, 0.0123, 5e-324 } do
      for _ = 1, 5 do check(seconds) end
    end
    assert.equal(0, operations())
  end)

  it("is no business of sessions", function()
    assert.is_nil(hinternet.open {}.sleep)
    local session <close> = hinternet.open { async = true }
    assert.is_false(session:poll())
    check(0.01) -- blocks beside an asynchronous one, too
  end)

  for name, bad in pairs {
    ["nothing"] = { "number expected, got nil" },
    ["a numeral"] = { "number expected, got string", "1" },
    ["a table"] = { "number expected, got table", {} },
    ["a negative number"] = { "seconds expected, got %-0.5", -0.5 },
    ["minus infinity"] = { "seconds expected, got %-inf", -math.huge },
    ["NaN"] = { "seconds expected, got %-?nan", 0 / 0 },
  } do
    it("raises at the caller's line for " .. name, function()
      local ok, problem = pcall(function() sleep(bad[2]) end)
      local line = debug.getinfo(1, "l").currentline - 1
      assert.is_false(ok)
      assert.matches("sleep_spec.lua:" .. line .. ": bad argument #1 to 'sleep' %(" .. bad[1],
        problem)
      assert.equal(0, operations())
    end)
  end

  for _, async in ipairs { false, true } do
    local kind = async and "an asynchronous" or "a synchronous"

    it("yields in a task of " .. kind .. " session", function()
      local session <close> = hinternet.open { async = async }
      local server, log = p:script({ "recv_head" }, { "wait" },
        { "send", peer.response(200, nil, "hello") }), {}
      local task = session:spawn(function()
        local body = session:get(server.url).body
        log[#log + 1] = body
      end)
      for i = 1, 3 do
        session:spawn(function()
          check(i / 100)
          log[#log + 1] = "slept"
          if #log == 3 then server:go() end
        end)
      end
      session:run()
      assert.same({ "slept", "slept", "slept", "hello" }, log)
      assert.equal("done", task:status())
    end)
  end

  it("lets the others have their turn when it is for no time at all", function()
    local session <close> = hinternet.open()
    local server = p:keepalive("hello")
    local log, body = {}, nil
    for i = 1, 2 do
      session:spawn(function()
        for _ = 1, 3 do
          log[#log + 1] = i
          assert.is_true(sleep(0))
        end
      end)
    end
    session:spawn(function()
      while not body do sleep(0) end
    end)
    session:spawn(function() body = session:get(server.url).body end)
    session:run()
    assert.same({ 1, 2, 1, 2, 1, 2 }, log)
    assert.equal("hello", body)
  end)

  it("moves the network, but calls no callback, where it blocks", function()
    local server = p:script({ "recv_head" }, { "wait" }, { "send", peer.response(204) },
      { "stall" })
    local session <close> = hinternet.open { async = true }
    local heard = {}
    session:set_status_callback(function(request, status)
      heard[#heard + 1] = status
      if status == "sendrequest_complete" then request:receive_response() end
    end, { "all_completions" })
    local request = session:connect("127.0.0.1", server.port):open_request()
    assert.is_true(request:send())
    repeat check(0.001) until operations() == 0
    assert.same({}, heard)
    assert.equal(1, hinternet.poll(0))
    assert.same({ "sendrequest_complete" }, heard)
    server:go()
    repeat check(0) until operations() == 0
    assert.equal(1, hinternet.poll(0))
    assert.same({ "sendrequest_complete", "headers_available" }, heard)
    server:close()
  end)

  it("blocks in a callback, from poll, a task or a blocking call", function()
    local server, calls = p:keepalive("hello"), 0
    local function callback()
      check(0.002)
      calls = calls + 1
    end
    for _, async in ipairs { false, true } do
      local session <close> = hinternet.open { async = async }
      session:set_status_callback(callback, { "request_sent" })
      session:spawn(function() assert(session:get(server.url)) end)
      session:run()
      if not async then assert(session:get(server.url)) end
    end
    assert.equal(3, calls)
  end)

  it("blocks in a coroutine of the user's own, and inside table.sort", function()
    local session <close> = hinternet.open()
    local thread = coroutine.wrap(function()
      check(0.002)
      return "done"
    end)
    assert.equal("done", thread())
    local other
    session:spawn(function()
      table.sort({ 2, 1 }, function(a, b)
        check(0.002)
        return a < b
      end)
      assert.equal("ready", other:status())
    end)
    other = session:spawn(function() end)
    session:run()
  end)

  it("lets a thousand tasks sleep at once", function()
    local session <close> = hinternet.open { async = true }
    local began, ended, tasks = core.now(), 0, {}
    for i = 1, 1000 do
      session:spawn(function()
        assert.is_true(sleep(0.02 + i % 7 / 1000))
        ended = ended + 1
        assert.is_true(core.now() - began >= 0.02 + i % 7 / 1000)
      end)
      tasks[i] = session:spawn(sleep, math.huge)
    end
    repeat hinternet.poll() until ended == 1000
    assert.same({ 1001, 1000 }, { core.live() })
    for i = 1, 1000 do tasks[i]:cancel() end
    session:run()
    assert.same({ 1, 0 }, { core.live() })
  end)

  it("goes on from sleep to sleep, and costs nothing that stays", function()
    local session <close> = hinternet.open()
    session:spawn(function()
      for _ = 1, 2000 do assert(sleep(0)) end
    end)
    session:run()
    for _ = 1, 2000 do assert(sleep(0)) end
    assert.same({ 1, 0 }, { core.live() })
  end)

  it("is nothing that run could take for a deadlock", function()
    local session <close> = hinternet.open()
    local task = session:spawn(sleep, 0.01)
    local joined = session:spawn(function() return task:join() end)
    hinternet.run()
    assert.is_true(joined:join())
  end)

  it("tells other loops when it is over #watched", function()
    local session <close> = hinternet.open()
    local task = session:spawn(sleep, 500)
    repeat hinternet.poll(0) until task:status() == "waiting"
    local left = core.timeout()
    assert.is_true(left > 400 and left <= 500.002, left)
    task:cancel()
    hinternet.run()
    assert.is_nil(core.timeout())
  end)

  it("ends with 12017 when its task is cancelled, however long it was for", function()
    local session <close> = hinternet.open()
    local first, second
    local task = session:spawn(function()
      first = table.pack(sleep(math.huge))
      second = table.pack(sleep(0))
    end)
    repeat hinternet.poll(0) until task:status() == "waiting"
    assert.equal(1, operations())
    task:cancel()
    assert.equal(0, operations())
    hinternet.run()
    for _, answer in ipairs { first, second } do
      assert.is_nil(answer[1])
      assert.matches("cancelled", answer[2])
      assert.equal(CANCELLED, answer[3])
    end
    assert.equal("cancelled", task:status())
  end)

  it("takes a time that no clock reaches as for ever", function()
    local session <close> = hinternet.open()
    for _, seconds in ipairs { math.huge, 1e12, 1e300, math.maxinteger } do
      local task = session:spawn(sleep, seconds)
      repeat hinternet.poll(0) until task:status() == "waiting"
      assert.is_nil(core.timeout())
      task:cancel()
    end
    local task = session:spawn(sleep, 9e11)
    repeat hinternet.poll(0) until task:status() == "waiting"
    assert.is_true(core.timeout() > 8e11)
    task:cancel()
    hinternet.run()
  end)

  it("ends with its task's session, which lets no other sleep end", function()
    local session, other <close> = hinternet.open(), hinternet.open()
    local log = {}
    for i = 1, 3 do
      session:spawn(function()
        local _, message, code = sleep(math.huge)
        log[#log + 1] = i .. " " .. message .. " " .. code
      end)
    end
    local rest = other:spawn(sleep, math.huge)
    repeat hinternet.poll(0) until operations() == 4
    assert.is_true(session:close())
    for i = 1, 3 do
      assert.equal(i .. " operation cancelled: its session was closed 12017", log[i])
    end
    assert.equal("waiting", rest:status())
    assert.equal(1, operations())
    rest:cancel()
    hinternet.run()
  end)

  it("goes with a session that nobody can reach, and with its coroutine", function()
    do
      local session = hinternet.open()
      session:spawn(sleep, math.huge)
      hinternet.poll(0)
      assert.equal(1, operations())
    end
    collectgarbage()
    collectgarbage()
    assert.same({ 0, 0 }, { core.live() })
    local waiter = { wait = coroutine.yield, wake = function() end }
    local thread = coroutine.create(wrap(waiter, sleep))
    assert.is_true(coroutine.resume(thread, 500))
    assert.same({ 1, 1 }, { core.live() })
    thread = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.same({ 0, 0 }, { core.live() })
  end)

  it("ends with the coroutine that is closed, at once", function()
    local waiter = { wait = coroutine.yield, wake = function() end }
    local thread = coroutine.create(wrap(waiter, sleep))
    assert.is_true(coroutine.resume(thread, 500))
    collectgarbage "stop"
    assert.is_true(coroutine.close(thread))
    assert.same({ 0, 0 }, { core.live() })
    collectgarbage "restart"
  end)

  it("may be called by finalisers, those of a closing state too", function()
    local slept
    setmetatable({}, { __gc = function() slept = sleep(0.001) end })
    collectgarbage()
    collectgarbage()
    assert.is_true(slept)
    local text = process.run(process.interpreter() .. " -e " .. process.quote [[
      local function last() print(select("#", hinternet.sleep(0.001)), hinternet.sleep(0.001)) end
      first = setmetatable({}, { __gc = last })
      hinternet = require "hinternet"
      hinternet.sleep(0)
      second = setmetatable({}, { __gc = last })
    ]])
    assert.equal("1\ttrue\n3\tnil\truntime is shutting down\t12012\n", text)
  end)

  it("works for others that have the core alone, once for each sleeper", function()
    local sleeper <close> = core.new_sleeper()
    assert.is_true(core.sleep(sleeper, 0))
    assert.equal(12019, select(3, core.sleep(sleeper, 0)))
    local wrong = { hinternet.open(), 1, {}, io.stdout }
    for _, value in ipairs(wrong) do assert.is_false(pcall(core.sleep, value, 0)) end
    assert.equal(87, select(3, core.sleep(core.new_sleeper(), -2)))
    assert.equal(87, select(3, core.sleep(core.new_sleeper(), math.maxinteger)))
    wrong[1]:close()
  end)
end)
