-- Coroutines of a foreign loop: their calls wait as that loop says.

local core = require "hinternet.core"
local hinternet = require "hinternet"
local parked = require "hinternet.parked"
local peer = require "spec.support.peer"

local function open(options) return assert(hinternet.open(options)) end

describe("A coroutine with a waiter", function()
  local p = peer.new():for_tests()

  it("waits through it, on both levels, and blocks again without", function()
    local s = p:keepalive("fine")
    local session <close> = open()
    local async <close> = open { async = true }
    local ready, tokens = {}, {}
    local waiter = {
      wait = function(token)
        tokens[token] = true
        coroutine.yield("waiting")
      end,
      wake = function(token) ready[#ready + 1] = token end,
    }
    local thread = coroutine.create(function()
      local token = parked.set_waiter(waiter)
      local bodies = session:get(s.url).body .. async:get(s.url).body
      parked.set_waiter(nil)
      local request <close> = async:connect("127.0.0.1", s.port):open_request()
      return bodies, request:send(), token
    end)
    local results = table.pack(coroutine.resume(thread))
    while coroutine.status(thread) ~= "dead" do
      assert.same({ true, "waiting", n = 2 }, results)
      while not ready[1] do hinternet.poll(0.1) end
      table.remove(ready)
      results = table.pack(coroutine.resume(thread))
    end
    assert.same({ true, "finefine", true }, { table.unpack(results, 1, 3) })
    assert.equal(results[4], next(tokens))
    assert.is_nil(next(tokens, results[4]))
    s:close()
  end)

  -- A request whose response has come, and a coroutine parked in reading it;
  -- has answers whether the read is settled.
  local function parked_in_read(session, server)
    local settled = false
    local request = session:connect("127.0.0.1", server.port):open_request()
    assert(request:send())
    assert(request:receive_response())
    local thread = coroutine.create(parked.wrap({
      wait = coroutine.yield, wake = function() settled = true end,
    }, function() return request:read(5) end))
    assert(coroutine.resume(thread))
    return request, thread, function() return settled end
  end

  local function answer_in_two()
    return p:script({ "recv_head" }, { "send", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" },
      { "wait" }, { "send", "lost?" }, { "stall" })
  end

  it("loses no byte in silence when it is closed before it has its result", function()
    for _, settle in ipairs { false, true } do
      local s = answer_in_two()
      local session <close> = open()
      local request, thread, settled = parked_in_read(session, s)
      s:go()
      while settle and not settled() do hinternet.poll(0.1) end
      assert.is_true(coroutine.close(thread))
      assert.equal(12017, select(3, request:read(5)))
      s:close()
    end
  end)

  it("ends its operation when nobody holds it any more", function()
    local s = answer_in_two()
    local session <close> = open()
    local request = parked_in_read(session, s)
    for _ = 1, 3 do collectgarbage() end
    assert.equal(12017, select(3, request:read(5)))
    s:close()
  end)

  it("has no hold on the next one's call once it has its result", function()
    local s = p:script({ "recv_head" }, { "send", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" },
      { "wait" }, { "send", "first" }, { "wait" }, { "send", "other" })
    local session <close> = open()
    local request, thread, settled = parked_in_read(session, s)
    s:go()
    while not settled() do hinternet.poll(0.1) end
    assert.same({ true, "first" }, { coroutine.resume(thread) })
    local task = session:spawn(function() return request:read(5) end)
    hinternet.poll(0)
    thread, settled = nil, nil -- luacheck: ignore
    for _ = 1, 3 do collectgarbage() end
    s:go()
    assert.equal("other", task:join())
    s:close()
  end)

  it("hears why its call has ended: another session's end is no reason", function()
    local silent = p:script({ "recv_head" }, { "stall" })
    local session <close> = open()
    local other = open()
    local request, said
    local task = session:spawn(function()
      request = session:connect("127.0.0.1", silent.port):open_request()
      assert(request:send())
      return request:receive_response()
    end)
    while silent:accepted() == 0 do hinternet.poll(0.01) end
    session:set_status_callback(function()
      request:close() -- of which is told once this function has returned
      said = other:close()
    end, { "handle_created" })
    session:connect("127.0.0.1")
    assert.is_true(said)
    local _, message, code = task:join()
    assert.equal(12017, code)
    assert.not_matches("session", message)
    silent:close()
  end)

  it("hears of the end of a task before the close that ends it returns", function()
    local s = p:script({ "recv_head" }, { "stall" })
    local session = open()
    local task = session:spawn(function() return select(3, session:get(s.url)) end)
    while s:accepted() == 0 do hinternet.poll(0.01) end
    local woken = 0
    local thread = coroutine.create(parked.wrap({
      wait = coroutine.yield, wake = function() woken = woken + 1 end,
    }, function() return task:join() end))
    assert(coroutine.resume(thread))
    session:close()
    assert.equal(1, woken)
    assert.same({ true, 12017 }, { coroutine.resume(thread) })
    s:close()
  end)

  it("keeps no result that it was given", function()
    local size = 8 << 20
    local s = p:serve { connections = { { { "recv_head" },
      { "send", ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(size) }, { "wait" },
      { "send_repeat", ("x"):rep(1 << 10), size >> 10 } } } }
    local session <close> = open()
    local function used()
      for _ = 1, 3 do collectgarbage() end
      return collectgarbage("count") * 1024
    end
    local task = session:spawn(function()
      local request <close> = session:connect("127.0.0.1", s.port):open_request()
      assert(request:send())
      assert(request:receive_response())
      local before = used()
      s:go()
      assert.equal(size, #request:read("a"))
      return used() - before
    end)
    assert.is_true(task:join() < size // 2)
    s:close()
  end)

  it("that raises leaves a request that can be broken off, and no operation", function()
    local s = p:script({ "recv_head" }, { "stall" })
    local session <close> = open()
    local request = session:connect("127.0.0.1", s.port):open_request()
    assert(request:send())
    local _, before = core.live()
    local thread = coroutine.create(parked.wrap({
      wait = function() error("broken", 0) end, wake = function() end,
    }, function() return request:receive_response() end))
    assert.same({ false, "broken" }, { coroutine.resume(thread) })
    assert.equal(before + 1, (select(2, core.live())))
    assert.equal(12017, select(3, request:receive_response()))
    assert.equal(before, (select(2, core.live())))
    assert.equal("dead", coroutine.status(thread))
    s:close()
  end)

  it("has a result that came before its task was cancelled", function()
    local s = answer_in_two()
    local other = p:keepalive("fine")
    local session <close> = open()
    local is_reading
    local task = session:spawn(function()
      local request <close> = session:connect("127.0.0.1", s.port):open_request()
      assert(request:send())
      assert(request:receive_response())
      is_reading = true
      local data = request:read(5)
      return data, select(3, request:read(5))
    end)
    while not is_reading do hinternet.poll(0.01) end
    s:go()
    repeat assert(session:get(other.url)) until task:status() == "ready"
    task:cancel()
    assert.same({ "lost?", 12017 }, { task:join() })
    s:close()
    other:close()
  end)

  it("keeps its waiter where an adapter's function is called in it", function()
    local s, waits = p:keepalive("fine"), 0
    local session <close> = open()
    local function get() return session:get(s.url).body end
    local other = parked.wrap({ wait = function() waits = waits + 1 end }, get)
    local task = session:spawn(other)
    assert.equal("fine", task:join())
    assert.equal(0, waits)
    s:close()
  end)
end)
