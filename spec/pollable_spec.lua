-- What other loops watch, and how long one poll works.

local core = require "hinternet.core"
local hinternet = require "hinternet"
local leaks = require "spec.support.leaks"
local peer = require "spec.support.peer"
local socket = require "socket"

local pollable, message, code = hinternet.pollable() -- its descriptors stay

describe("A pollable", function()
  local p = peer.new():for_tests()

  -- Whether LuaSocket's select, which asks for the descriptor alone, sees it.
  local function is_readable(seconds)
    local watched = { getfd = function() return pollable:getfd() end }
    return socket.select({ watched }, nil, seconds)[watched] ~= nil
  end

  -- Goes on whenever the descriptor says so, until f says that it is enough.
  local function drive_until(f)
    while not f() do
      assert.is_true(is_readable(50), "nothing to do")
      hinternet.poll(0)
    end
  end

  if not pollable then
    it("is refused by a build whose reactor has no descriptor", function()
      assert.equal("poll", hinternet.features.reactor)
      assert.equal(50, code, message)
    end)
    return
  end

  it("speaks for tasks: to those who ask, and by its descriptor", function()
    local session <close> = assert(hinternet.open())
    hinternet.poll(0)
    assert.equal(pollable:pollfd(), pollable:getfd())
    assert.equal("r", pollable:events())
    assert.is_nil(pollable:timeout())
    assert.is_false(pollable:dirty())
    assert.is_false(is_readable(0))
    local turns = 0
    local task = session:spawn(function()
      for _ = 1, 3 do
        turns = turns + 1
        coroutine.yield()
      end
    end)
    assert.equal(0, pollable:timeout())
    assert.is_true(pollable:dirty())
    drive_until(function() return task:status() == "done" end)
    assert.equal(3, turns)
    hinternet.poll(0)
    assert.is_false(pollable:dirty())
    assert.is_false(is_readable(0))
  end)

  it("is readable for the network and for queued events, and then no more", function()
    local s, heard = p:keepalive("fine"), {}
    local session <close> = assert(hinternet.open { async = true })
    session:set_status_callback(function(request, status)
      heard[#heard + 1] = status
      if status == "sendrequest_complete" then request:receive_response() end
    end, { "all_completions" })
    local request <close> = session:connect("127.0.0.1", s.port):open_request()
    assert.is_true(request:send())
    drive_until(function() return heard[2] end)
    assert.same({ "sendrequest_complete", "headers_available" }, heard)
    assert.is_true(request:close())
    while is_readable(0) do hinternet.poll(0) end
    assert.is_false(pollable:dirty())
    s:close()
  end)

  it("is readable when a deadline is due, which it can tell before", function()
    local s, failure = p:script({ "recv_head" }, { "stall" }), nil
    local session <close> = assert(hinternet.open { async = true })
    local LIMIT = 0.3
    session:set_status_callback(function(request, status, info)
      if status == "sendrequest_complete" then
        request:set_timeouts { receive = LIMIT, response = LIMIT }
        request:receive_response()
      end
      failure = status == "request_error" and info.code or failure
    end, { "all_completions" })
    local request <close> = session:connect("127.0.0.1", s.port):open_request()
    assert.is_true(request:send())
    drive_until(function()
      local left = pollable:timeout()
      return left and left > 0 and left <= LIMIT
    end)
    assert.is_nil(failure)
    drive_until(function() return failure end)
    assert.equal(12002, failure)
    s:close()
  end)

  it("is not readable for a deadline in a million years", function()
    local s = p:script({ "recv_head" }, { "wait" }, { "close" })
    for _, long in ipairs { 1e14, 1e300 } do
      local session <close> = assert(hinternet.open { async = true, total_timeout = long })
      session:set_timeouts { receive = long, response = long }
      local request <close> = session:connect("127.0.0.1", s.port):open_request()
      assert.is_true(request:send())
      drive_until(function() return pollable:timeout() > 3e13 end)
      assert.is_false(is_readable(0))
    end
    s:close()
  end)

  it("drives a whole transfer in LuaSocket's select", function()
    local s = p:keepalive(("x"):rep(300000))
    local session <close> = assert(hinternet.open())
    local task = session:spawn(function() return #assert(session:get(s.url)).body end)
    while task:status() ~= "done" do
      assert.equal(pollable, socket.select({ pollable }, nil, 5)[1])
      hinternet.poll(0)
    end
    assert.equal(300000, task:join())
    s:close()
  end)
end)

describe("poll_budget", function()
  leaks.watch()

  it("leaves what is over to the next poll, and passes nobody over", function()
    local session <close> = assert(hinternet.open { poll_budget = 0.001 })
    local done = {}
    for i = 1, 3 do
      session:spawn(function()
        local stop = core.now() + 0.002
        repeat until core.now() > stop
        done[#done + 1] = i
      end)
    end
    for i = 1, 3 do
      assert.equal(1, hinternet.poll())
      assert.equal(i, #done)
    end
    assert.same({ 1, 2, 3 }, done)
    assert.is_false(hinternet.poll())
    assert(session:set_option("poll_budget", false))
    for _ = 1, 3 do session:spawn(function() done[#done + 1] = true end) end
    assert.equal(3, hinternet.poll(0))
  end)
end)
