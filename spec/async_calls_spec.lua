-- Which call blocks, yields or returns: every place a call can come from, in
-- sync and async sessions, on both levels.

local hinternet = require "hinternet"
local parked = require "hinternet.parked"
local peer = require "spec.support.peer"

local p = peer.new()

local function new_request(session, server)
  return assert(session:connect("127.0.0.1", server.port)):open_request()
end

local REFUSAL = "call it inside spawn, or use a sync session"

-- Makes a call of each kind from one place and tells what each did. A call that
-- waits has a result to show, and gives others their turn if it yields: on_turn
-- is called in the first turn of each.
local function observe(around, server, on_turn)
  local sync, async = assert(hinternet.open()), assert(hinternet.open { async = true })
  local seen = { turns = 0 }
  local calls = {
    sync1 = function()
      local request <close> = new_request(sync, server)
      local ok = request:send() and request:receive_response()
      return ok and request:read("a")
    end,
    sync2 = function() return assert(sync:get(server.url)).body end,
    async1 = function()
      local request <close> = new_request(async, server)
      assert.is_true(request:send())
      -- The response cannot be asked for before the request is out.
      local ok, _, code = request:receive_response()
      return ok and request:read("a") or code
    end,
    async2 = function()
      local ok, result = pcall(async.get, async, server.url)
      if not ok then return result end
      return assert(result).body
    end,
  }
  local done, is_calling = false, false
  local other = sync:spawn(function()
    while not done do
      seen.turns = seen.turns + 1
      if is_calling and on_turn then on_turn() end
      is_calling = false
      coroutine.yield()
    end
  end)
  around(function()
    for name, call in pairs(calls) do
      local before = seen.turns
      is_calling = true
      seen[name] = { result = call(), yielded = seen.turns > before }
    end
    done = true
  end, sync)
  done = true
  other:join()
  async:close()
  sync:close()
  return seen
end

local function assert_blocks_or_returns(seen)
  for _, name in ipairs { "sync1", "sync2" } do
    assert.same({ result = "hello", yielded = false }, seen[name], name)
  end
  assert.same({ result = 12019, yielded = false }, seen.async1)
  assert.matches(REFUSAL, seen.async2.result, 1, true)
  assert.is_false(seen.async2.yielded)
end

local function assert_waits(seen)
  for _, name in ipairs { "sync1", "sync2", "async1", "async2" } do
    assert.same({ result = "hello", yielded = true }, seen[name], name)
  end
end

-- Places below which Lua cannot yield.
local boundaries = {
  ["table.sort"] = function(f)
    table.sort({ 1, 2 }, function() f() return false end)
  end,
  ["string.gsub"] = function(f) ("x"):gsub("x", function() f() end) end,
  ["a finaliser"] = function(f)
    local called = false
    setmetatable({}, { __gc = function() called = true f() end })
    repeat collectgarbage() until called
  end,
  ["a coroutine of its own"] = function(f) coroutine.wrap(f)() end,
  ["a coroutine of its own in pcall"] = function(f)
    coroutine.wrap(function() assert(pcall(f)) end)()
  end,
  ["load's reader"] = function(f)
    assert(load(function() f() return nil end))
  end,
}

-- Places through which Lua can.
local passages = {
  ["its function"] = function(f) f() end,
  ["pcall"] = function(f) assert(pcall(f)) end,
  ["xpcall"] = function(f) assert(xpcall(f, print)) end,
  ["a metamethod"] = function(f)
    local _ = setmetatable({}, { __index = function() f() end }).field
  end,
  ["an operator"] = function(f)
    local _ = setmetatable({}, { __add = function() f() end }) + 1
  end,
  ["a comparison"] = function(f)
    local meta = { __lt = function() f() return true end }
    local _ = setmetatable({}, meta) < setmetatable({}, meta)
  end,
  ["an iterator"] = function(f)
    for _ in function(_, at) if not at then f() return 1 end end do end -- luacheck: ignore
  end,
  ["the end of a scope"] = function(f)
    local _ <close> = setmetatable({}, { __close = f })
  end,
  ["dofile"] = function(f)
    local name = os.tmpname()
    local file <close> = assert(io.open(name, "w"))
    file:write("call_of_the_spec()")
    file:flush()
    rawset(_G, "call_of_the_spec", f)
    dofile(name)
    rawset(_G, "call_of_the_spec", nil)
    os.remove(name)
  end,
}

describe("A call from", function()
  p:for_tests()

  local function check(around, assertion)
    local s = p:keepalive("hello")
    assertion(observe(around, s))
    s:close()
  end

  -- The answer waits until another had a turn: what is there at once is not
  -- waited for.
  local function check_waits(around)
    local s = p:serve { connections = { { { "loop", -1, { { "recv_head" }, { "wait" },
      { "send", peer.response(200, {}, "hello") } } } } } }
    assert_waits(observe(around, s, function() s:go() end))
    s:close()
  end

  it("the main program blocks in a sync session and returns in an async one", function()
    check(function(f) f() end, assert_blocks_or_returns)
  end)

  for name, boundary in pairs(boundaries) do
    it(name .. " in the main program does the same", function()
      check(boundary, assert_blocks_or_returns)
    end)

    it(name .. " in a task does the same", function()
      check(function(f, session)
        session:spawn(boundary, f):join()
      end, assert_blocks_or_returns)
    end)

    it(name .. " in a coroutine that has a waiter does the same", function()
      check(function(f)
        local thread = coroutine.create(function()
          parked.set_waiter { wait = coroutine.yield, wake = function() end }
          boundary(f)
        end)
        assert(coroutine.resume(thread))
        assert.equal("dead", coroutine.status(thread))
      end, assert_blocks_or_returns)
    end)
  end

  for name, passage in pairs(passages) do
    it("a task through " .. name .. " yields in both", function()
      check_waits(function(f, session)
        session:spawn(passage, f):join()
      end)
    end)

    it("a coroutine that has a waiter through " .. name .. " waits through it", function()
      check_waits(function(f)
        local woken, waits = {}, 0
        local thread = coroutine.create(function()
          parked.set_waiter {
            wait = function()
              waits = waits + 1
              coroutine.yield()
            end,
            wake = function(token) woken[#woken + 1] = token.thread end,
          }
          passage(f)
        end)
        assert(coroutine.resume(thread))
        while coroutine.status(thread) ~= "dead" do
          hinternet.poll(1)
          if table.remove(woken) then assert(coroutine.resume(thread)) end
        end
        assert.is_true(waits >= 4)
      end)
    end)
  end

  it("the callback of a blocking call blocks or returns", function()
    check(function(f)
      local session <close> = assert(hinternet.open())
      session:set_status_callback(function() f() end, { "handle_created" })
      session:connect("127.0.0.1", 80)
    end, assert_blocks_or_returns)
  end)

  it("a callback that poll calls does the same", function()
    check(function(f)
      local session <close> = assert(hinternet.open { async = true })
      session:set_status_callback(function() f() end, { "handle_created" })
      session:connect("127.0.0.1", 80)
      hinternet.poll(0)
    end, assert_blocks_or_returns)
  end)

  it("a callback that a task's own call delivers does the same", function()
    for _, async in ipairs { false, true } do
      for _, status in ipairs { "handle_created", "handle_closing" } do
        check(function(f, owner)
          owner:spawn(function()
            local session = assert(hinternet.open { async = async })
            local first = true
            session:set_status_callback(function()
              if first then first = false f() end
            end, { status })
            session:connect("127.0.0.1", 80)
            session:close()
          end):join()
        end, assert_blocks_or_returns)
      end
    end
  end)
end)

describe("A task goes on to yield after", function()
  p:for_tests()

  local function outcome(act)
    local s = p:script({ "recv_head" }, { "wait" }, { "send", peer.response(200, {}, "hello") })
    local session <close> = assert(hinternet.open())
    local turns, is_calling = 0, false
    local task = session:spawn(function()
      act(session)
      local before = turns
      is_calling = true
      assert.equal("hello", session:get(s.url).body)
      return turns > before
    end)
    session:spawn(function()
      while task:status() ~= "done" do
        turns = turns + 1
        if is_calling then s:go() end
        is_calling = false
        coroutine.yield()
      end
    end)
    assert.is_true(task:join())
    s:close()
  end

  it("a callback that raised in it", function()
    outcome(function()
      local session = assert(hinternet.open())
      session:set_status_callback(error, { "handle_created" })
      assert.is_false(pcall(session.connect, session, "127.0.0.1", 80))
      session:set_status_callback(nil)
      session:close()
    end)
  end)

  it("callbacks that raised during a close", function()
    outcome(function()
      local session = assert(hinternet.open())
      session:set_status_callback(error, { "handle_closing" })
      assert.is_false(pcall(session.close, session))
    end)
  end)

  it("a call that blocked below a C function", function()
    outcome(function(session)
      table.sort({ 1, 2 }, function()
        assert(session:connect("127.0.0.1", 80)):close()
        return false
      end)
    end)
  end)
end)

describe("A blocking call", function()
  p:for_tests()

  it("of a sync session leaves what async sessions hear to poll", function()
    local s = p:keepalive("hello")
    local heard = {}
    local async <close> = assert(hinternet.open { async = true })
    async:set_status_callback(function(_, status) heard[#heard + 1] = status end,
      { "sendrequest_complete" })
    local request = new_request(async, s)
    assert.is_true(request:send())
    local sync <close> = assert(hinternet.open())
    for _ = 1, 3 do assert.equal("hello", sync:get(s.url).body) end
    assert.same({}, heard)
    -- The network went on all the same.
    assert.equal(2, s:accepted())
    assert.equal(1, hinternet.poll(10))
    assert.same({ "sendrequest_complete" }, heard)
    s:close()
  end)

  it("in a callback delivers what its own operation raises, and nothing else", function()
    local s = p:keepalive("hello")
    local heard = {}
    local sync = assert(hinternet.open())
    local inner
    sync:set_status_callback(function(handle, status)
      heard[#heard + 1] = (handle == inner and "inner " or "outer ") .. status
      if status == "connected_to_server" and not inner then
        sync:set_status_callback(nil)
        inner = new_request(sync, s)
        inner:set_status_callback(function(_, what) heard[#heard + 1] = "inner " .. what end)
        assert.is_true(inner:send())
      end
    end, { "connect_to_server", "send_request" })
    local outer = new_request(sync, s)
    assert.is_true(outer:send())
    assert.same({ "outer connecting_to_server", "outer connected_to_server",
      "inner resolving_name", "inner name_resolved", "inner connecting_to_server",
      "inner connected_to_server", "inner sending_request", "inner request_sent",
      "outer sending_request", "outer request_sent" }, heard)
    sync:close()
    s:close()
  end)
end)
