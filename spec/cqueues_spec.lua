-- hinternet.cqueues in controllers of cqueues.

local adapter = require "spec.support.adapter"
local condition = require "cqueues.condition"
local cqueues = require "cqueues"
local hinternet = require "hinternet"
local loop = require "hinternet.cqueues"
local peer = require "spec.support.peer"

local function every(seconds, f)
  local stopped = false
  cqueues.running():wrap(function()
    while not stopped do
      cqueues.sleep(seconds)
      f()
    end
  end)
  return function() stopped = true end
end

local function run(main)
  local controller = cqueues.new()
  controller:wrap(loop.wrap(main))
  assert(controller:loop())
end

describe("in a controller of cqueues", function()
  adapter.behaves { loop = loop, run = run, every = every }
end)

describe("hinternet.cqueues", function()
  local servers = peer.new():for_tests()

  it("cancels the calls of a controller that is closed", function()
    local silent = servers:script({ "recv_head" }, { "stall" })
    local session <close> = assert(hinternet.open())
    local request = session:connect("127.0.0.1", silent.port):open_request()
    local controller = cqueues.new()
    controller:wrap(loop.wrap(function()
      assert(request:send())
      request:receive_response()
      error("not reached")
    end))
    assert(controller:loop(0.2))
    controller:close()
    local gone = setmetatable({ controller }, { __mode = "v" })
    controller = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.is_nil(gone[1])
    assert.equal(12017, select(3, request:receive_response()))
    silent:close()
  end)

  it("keeps no controller that it drives", function()
    local gone = setmetatable({}, { __mode = "v" })
    do
      local controller = cqueues.new()
      gone[1] = controller
      controller:wrap(loop.wrap(function() hinternet.sleep(3) end))
      assert(controller:step(0))
      assert.equal(2, controller:count()) -- the one that sleeps, one that drives
    end
    for _ = 1, 3 do collectgarbage() end
    assert.is_nil(gone[1])
  end)

  it("has one coroutine of a controller drive, for as long as there is need", function()
    local server = servers:script({ "recv_head" }, { "wait" },
      { "send", peer.response(200, nil, "late") })
    local session <close> = assert(hinternet.open())
    local controller, bodies = cqueues.new(), {}
    for _ = 1, 2 do
      for i = 1, 3 do
        controller:wrap(loop.wrap(function() bodies[i] = session:get(server.url).body end))
      end
      local accepted = server:accepted()
      repeat assert(controller:step(0.01)) until server:accepted() == accepted + 3
      assert.equal(4, controller:count())
      for _ = 1, 3 do server:go() end
      assert(controller:loop())
      assert.equal(0, controller:count())
      assert.same({ "late", "late", "late" }, bodies)
    end
    server:close()
  end)

  it("serves several controllers, one inside the other", function()
    local server = servers:serve { connections = {
      { { "recv_head" }, { "stall", 0.2 }, { "send", peer.response(200, nil, "slow") } },
    } }
    local session <close> = assert(hinternet.open())
    local bodies = {}
    run(function()
      local inner = cqueues.new()
      for i = 1, 3 do
        inner:wrap(loop.wrap(function() bodies[i] = session:get(server.url).body end))
      end
      loop.spawn(function() bodies[4] = session:get(server.url).body end)
      assert(inner:loop())
      bodies[5] = session:get(server.url).body
    end)
    assert.same({ "slow", "slow", "slow", "slow", "slow" }, bodies)
  end)

  it("reports an error through the controller and loses nobody else's call", function()
    local server = servers:serve { connections = {
      { { "recv_head" }, { "stall", 0.2 }, { "send", peer.response(200, nil, "slow") } },
    } }
    local session <close> = assert(hinternet.open { async = true })
    session:set_status_callback(function(_, status) error("in " .. status) end,
      { "sendrequest_complete" })
    local request = session:connect("127.0.0.1", server.port):open_request()
    assert(request:send())
    local plain <close> = assert(hinternet.open())
    local controller, body = cqueues.new(), nil
    controller:wrap(loop.wrap(function() body = plain:get(server.url).body end))
    controller:wrap(loop.wrap(function()
      plain:get(server.url)
      error("of a coroutine")
    end))
    local problems = {}
    for problem in controller:errors() do problems[#problems + 1] = tostring(problem) end
    assert.equal("slow", body)
    assert.equal(2, #problems)
    assert.matches("in sendrequest_complete", problems[1])
    assert.matches("of a coroutine", problems[2])
  end)

  it("has one condition for all waits of a coroutine", function()
    local server = servers:keepalive("fine")
    local session <close> = assert(hinternet.open())
    local new, made = condition.new, 0
    local restore <close> = setmetatable({}, { __close = function() condition.new = new end })
    condition.new = function(...)
      made = made + 1
      return new(...)
    end
    run(function()
      for _ = 1, 3 do assert.equal("fine", session:get(server.url).body) end
    end)
    assert.equal(1, made)
    server:close()
    return restore
  end)

  it("asks for a controller, the running one or another", function()
    assert.error_matches(loop.start, "outside of every controller")
    local server = servers:script({ "recv_head" }, { "stall" })
    local session <close> = assert(hinternet.open { async = true })
    local heard
    session:set_status_callback(function(_, status) heard = status end, { "sendrequest_complete" })
    local request = session:connect("127.0.0.1", server.port):open_request()
    assert(request:send())
    local controller = cqueues.new()
    loop.start(controller)
    assert(controller:loop())
    assert.equal("sendrequest_complete", heard)
    server:close()
  end)
end)
