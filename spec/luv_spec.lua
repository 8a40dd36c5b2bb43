-- hinternet.luv in the loop of libuv.

local adapter = require "spec.support.adapter"
local hinternet = require "hinternet"
local loop = require "hinternet.luv"
local luv = require "luv"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local function every(seconds, f)
  local timer = luv.new_timer()
  timer:start(0, math.ceil(seconds * 1000), f)
  return function() timer:close() end
end

local function run(main)
  loop.spawn(main)
  luv.run()
end

describe("in libuv's loop", function()
  adapter.behaves { loop = loop, run = run, every = every }
end)

describe("hinternet.luv", function()
  local servers = peer.new():for_tests()

  it("cancels the call of a coroutine that is closed", function()
    local silent = servers:script({ "recv_head" }, { "stall" })
    local session <close> = assert(hinternet.open())
    local request = session:connect("127.0.0.1", silent.port):open_request()
    local thread = loop.spawn(function()
      assert(request:send())
      request:receive_response()
      error("not reached")
    end)
    local timer = luv.new_timer()
    timer:start(100, 0, function()
      timer:close()
      assert(coroutine.close(thread))
    end)
    luv.run()
    assert.equal("dead", coroutine.status(thread))
    assert.equal(12017, select(3, request:receive_response()))
    silent:close()
  end)

  it("ends the sleep of a coroutine that is closed", function()
    local thread = loop.spawn(hinternet.sleep, math.huge)
    local timer = luv.new_timer()
    timer:start(1, 0, function()
      timer:close()
      assert(coroutine.close(thread))
    end)
    luv.run()
    assert.equal("dead", coroutine.status(thread))
  end)

  it("keeps a coroutine that nothing else holds", function()
    local server = servers:script({ "recv_head" }, { "stall", 0.2 },
      { "send", peer.response(200, nil, "kept") })
    local body
    loop.spawn(function()
      local session <close> = hinternet.open()
      body = session:get(server.url).body
    end)
    local timer = luv.new_timer()
    timer:start(0, 10, function()
      collectgarbage()
      if body then timer:close() end
    end)
    luv.run()
    assert.equal("kept", body)
  end)

  it("makes callbacks for luv, which may wait", function()
    local server = servers:keepalive("hello")
    local session <close> = hinternet.open()
    local timer, bodies = luv.new_timer(), {}
    timer:start(0, 1, loop.wrap(function()
      local body = session:get(server.url).body
      bodies[#bodies + 1] = body
      if #bodies == 3 then timer:close() end
    end))
    luv.run()
    assert.equal("hello", bodies[3])
  end)

  it("leaves nothing in the loop", function()
    local server = servers:keepalive("hello")
    loop.spawn(function() assert(hinternet.get(server.url)) end)
    luv.run()
    local left = 0
    luv.walk(function(handle) if not handle:is_closing() then left = left + 1 end end)
    assert.equal(0, left)
    assert.is_false(luv.loop_alive())
  end)

  it("lets luv report errors as those of its own callbacks, with a traceback", function()
    local server = servers:keepalive("hello")
    local script = [[
      local hinternet, loop = require "hinternet", require "hinternet.luv"
      loop.spawn(function()
        local guard <close> = setmetatable({}, { __close = function() print("closed") end })
        assert(hinternet.get("%s"))
        local function innermost() error("told") end
        innermost()
      end)
      require "luv".run()]]
    local ok, text = pcall(process.run, process.interpreter() .. " -e "
      .. process.quote(script:format(server.url)))
    assert.is_false(ok)
    assert.matches("Uncaught Error", text)
    assert.matches("told\nstack traceback:", text)
    assert.not_matches("luv.lua:%d+: %(command line%)", text)
    assert.matches("in local 'innermost'", text, 1, true) -- of its own coroutine
    assert.matches("\nclosed\n", text)
  end)

  it("raises the error of a status callback as it is", function()
    local server = servers:keepalive("hello")
    local script = [[
      local hinternet, loop = require "hinternet", require "hinternet.luv"
      local session = hinternet.open { async = true }
      session:set_status_callback(function() error("told") end, { "sendrequest_complete" })
      session:connect("127.0.0.1", %d):open_request():send()
      loop.start()
      require "luv".run()]]
    local ok, text = pcall(process.run, process.interpreter() .. " -e "
      .. process.quote(script:format(server.port)))
    assert.is_false(ok)
    assert.matches("told", text)
    assert.not_matches("luv.lua:%d+: %(command line%):3: told", text)
  end)

  it("ends when a session is closed that had the only call", function()
    local silent = servers:script({ "recv_head" }, { "stall" })
    local session, code = assert(hinternet.open()), nil
    loop.spawn(function() code = select(3, session:get(silent.url)) end)
    local timer, late = luv.new_timer(), luv.new_timer()
    timer:start(0, 10, function()
      if silent:accepted() == 0 then return end
      timer:close()
      session:close()
    end)
    late:start(50000, 0, function() luv.stop() end)
    late:unref()
    luv.run()
    assert.equal(12017, code)
    assert.is_false(luv.loop_alive())
    late:close()
    luv.run()
  end)

  it("lets go of a coroutine that has ended, or was closed", function()
    local server, silent = servers:keepalive("hello"), servers:script({ "recv_head" }, { "stall" })
    local session <close> = assert(hinternet.open())
    local weak = setmetatable({}, { __mode = "k" })
    weak[loop.spawn(function() assert(session:get(server.url)) end)] = true
    weak[loop.spawn(function() session:get(silent.url) end)] = silent
    local timer = luv.new_timer()
    timer:start(0, 10, function()
      if silent:accepted() == 0 then return end
      timer:close()
      for thread, waits in pairs(weak) do
        if waits == silent then coroutine.close(thread) end
      end
    end)
    luv.run()
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(weak))
  end)
end)
