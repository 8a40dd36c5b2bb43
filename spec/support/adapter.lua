--- What every adapter to a foreign loop must do, shown with the real loop.
--
--   adapter.behaves {
--     loop = require "hinternet.luv",
--     run = function(main) ... end,    -- runs main() in a coroutine of the loop
--                                      -- with loop.wrap, until all is done
--     every = function(seconds, f) ... end,   -- a timer; answers what stops it
--   }

local core = require "hinternet.core"
local hinternet = require "hinternet"
local leaks = require "spec.support.leaks"
local peer = require "spec.support.peer"
local socket = require "socket"

local adapter = {}

local function level1(session, server, path)
  local request <close> = assert(session:connect("127.0.0.1", server.port)
    :open_request("GET", path))
  assert(request:send())
  assert(request:receive_response())
  return assert(request:read("a"))
end

local function level2(session, server, path)
  return assert(session:get(server.url .. path, { timeout = 50 })).body
end

-- A server whose n-th connection answers with its number after some time.
local function slow(servers, count, seconds)
  local scripts = {}
  for i = 1, count do
    scripts[i] = { { "recv_head" }, { "stall", seconds },
      { "send", peer.response(200, nil, tostring(i)) } }
  end
  return servers:serve { connections = scripts }
end

--- Declares the tests.
---@param loop table
function adapter.behaves(loop)
  local busted = require "busted" -- its globals are a spec file's only
  local it, assert = busted.it, require "luassert"
  local servers
  busted.setup(function()
    servers = peer.start()
    hinternet.pollable() -- its descriptors stay
  end)
  busted.teardown(function() servers:stop() end)
  leaks.watch()

  -- Runs main in the loop; raises what it raised.
  local function run(main)
    local ended, ok, problem = false, nil, nil
    loop.run(function()
      ok, problem = xpcall(main, debug.traceback)
      ended = true
    end)
    assert.is_true(ended, "the loop ended before its coroutine")
    if not ok then error(problem, 0) end
  end

  -- Runs the functions side by side and waits for all of them.
  local function together(functions)
    local running, problem = #functions, nil
    for _, f in ipairs(functions) do
      loop.loop.spawn(function()
        local ok, text = xpcall(f, debug.traceback)
        if not ok then problem = text end
        running = running - 1
      end)
    end
    return function()
      assert.equal(0, running)
      if problem then error(problem, 0) end
    end
  end

  for _, async in ipairs { false, true } do
    local kind = async and "an asynchronous" or "a synchronous"

    it("waits for twenty requests of " .. kind .. " session at once, and for a timer", function()
      local scripts = {}
      for i = 1, 20 do
        scripts[i] = { { "recv_head" }, { "wait" },
          { "send", peer.response(200, nil, tostring(i)) } }
      end
      local server = servers:serve { connections = scripts }
      local session <close> = assert(hinternet.open { async = async })
      local ticks, bodies, check = 0, {}, nil
      run(function()
        local stop = loop.every(0.01, function()
          ticks = ticks + 1
          if ticks > 5 and ticks <= 25 then server:go() end
        end)
        local functions, left = {}, 20
        for i = 1, 20 do
          functions[i] = function()
            local body = (i % 2 == 0 and level1 or level2)(session, server, "/")
            bodies[#bodies + 1] = tonumber(body)
            left = left - 1
            if left == 0 then stop() end
          end
        end
        check = together(functions)
      end)
      check()
      table.sort(bodies)
      for i = 1, 20 do assert.equal(i, bodies[i]) end
      assert.is_true(ticks > 5)
    end)

    it("ends soon after the last of many calls in " .. kind .. " session", function()
      local server = servers:keepalive(("x"):rep(300000))
      local session <close> = assert(hinternet.open { async = async })
      local began = socket.gettime()
      run(function()
        for i = 1, 20 do
          assert.equal(300000, #(i % 2 == 0 and level1 or level2)(session, server, "/" .. i))
        end
        local request <close> = session:connect("127.0.0.1", server.port):open_request()
        assert(request:send())
        assert(request:receive_response())
        local size = 0
        for piece in request:chunks(5000) do size = size + #piece end
        assert.equal(300000, size)
      end)
      assert.equal(1, session:query_option("connections_opened"))
      assert.is_true(socket.gettime() - began < 40) -- no timer was waited for
    end)
  end

  it("stops no timer while a response trickles in", function()
    local server = servers:script({ "recv_head" },
      { "send", "HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n" },
      { "drip", ("x"):rep(60), 0.01 })
    local session <close> = assert(hinternet.open())
    local ticks, body = 0, nil
    run(function()
      local stop = loop.every(0.01, function() ticks = ticks + 1 end)
      body = level2(session, server, "/")
      stop()
    end)
    assert.equal(60, #body)
    assert.is_true(ticks >= 5, "only " .. ticks .. " ticks")
  end)

  it("passes every argument on", function()
    local server = servers:keepalive("hello")
    local session <close> = assert(hinternet.open())
    local spawned, wrapped
    run(function()
      loop.loop.spawn(function(...)
        level2(session, server, "/")
        spawned = table.pack(...)
      end, "a", nil, "c", nil)
      loop.loop.wrap(function(...) wrapped = table.pack(...) end)("d", nil, false, nil)
    end)
    assert.same({ n = 4, "a", nil, "c" }, spawned)
    assert.same({ n = 4, "d", nil, false }, wrapped)
  end)

  it("gives each coroutine its own failure", function()
    local silent = servers:script({ "recv_head" }, { "stall" })
    local server = slow(servers, 1, 0.3)
    local session <close> = assert(hinternet.open {
      receive_timeout = 0.2, receive_response_timeout = 0.2,
    })
    local check
    run(function()
      check = together {
        function()
          local _, message, code = session:get(("http://127.0.0.1:%d/"):format(
            servers:closed_port()))
          assert.equal(12029, code, message)
        end,
        function()
          local _, message, code = session:get(silent.url)
          assert.equal(12002, code, message)
        end,
        function()
          local _, message, code = session:get(silent.url, { timeout = 0.1 })
          assert.equal(12002, code, message)
        end,
        function()
          local patient <close> = assert(hinternet.open())
          assert.equal("1", level2(patient, server, "/"))
        end,
      }
    end)
    check()
    silent:close()
  end)

  it("ends a wait when its session is closed", function()
    local silent = servers:script({ "recv_head" }, { "stall" })
    local session <close> = assert(hinternet.open())
    local check
    run(function()
      check = together {
        function()
          local _, message, code = session:get(silent.url)
          assert.equal(12017, code, message)
        end,
        function()
          local other <close> = assert(hinternet.open())
          assert.equal("1", level2(other, slow(servers, 1, 0.1), "/"))
          session:close()
        end,
      }
    end)
    check()
    silent:close()
  end)

  it("delivers the callbacks of an asynchronous session", function()
    local server = servers:answer(peer.response(200, nil, "hello"))
    local session <close> = assert(hinternet.open { async = true })
    local heard, body = {}, nil
    session:set_status_callback(function(request, status, info)
      heard[#heard + 1] = status
      if status == "sendrequest_complete" then
        assert(request:receive_response())
      elseif status == "headers_available" then
        assert(request:read(100))
      elseif status == "read_complete" then
        body = info
      end
    end, { "all_completions" })
    local request = session:connect("127.0.0.1", server.port):open_request()
    assert.is_true(request:send())
    assert.is_nil(heard[1])
    run(loop.loop.start)
    assert.same({ "sendrequest_complete", "headers_available", "read_complete" }, heard)
    assert.equal("hello", body)
  end)

  it("waits for a list of requests", function()
    local server = slow(servers, 4, 0.1)
    local session <close> = assert(hinternet.open { async = true })
    local results, failed
    run(function()
      local list = { server.url, server.url, server.url, server.url, "nonsense" }
      results, failed = session:all(list, { at_once = 10 })
    end)
    assert.equal(1, failed)
    for i = 1, 4 do assert.equal(200, results[i].status) end
  end)

  it("sleeps while others go on", function()
    local server = slow(servers, 1, 0.05)
    local session <close> = assert(hinternet.open { async = true })
    local check, slept, sleepers = nil, 0, {}
    for i = 1, 100 do
      sleepers[i] = function()
        local began = core.now()
        assert.is_true(hinternet.sleep(i / 1000))
        assert.is_true(core.now() - began >= i / 1000)
        assert.is_true(hinternet.sleep(0))
        slept = slept + 1
      end
    end
    sleepers[101] = function() assert.equal("1", level1(session, server, "/")) end
    run(function() check = together(sleepers) end)
    check()
    assert.equal(100, slept)
    assert.equal(0, (select(2, core.live())))
  end)

  it("moves tasks, and waits for one", function()
    local server = slow(servers, 2, 0.1)
    local session <close> = assert(hinternet.open())
    local bodies = {}
    run(function()
      session:spawn(function() bodies[1] = level1(session, server, "/") end)
      local task = session:spawn(function() return level2(session, server, "/") end)
      bodies[2] = task:join()
    end)
    table.sort(bodies)
    assert.same({ "1", "2" }, bodies)
  end)
end

return adapter
