-- Tasks: functions side by side whose calls wait by yielding.

local hinternet = require "hinternet"
local core = require "hinternet.core"
local peer = require "spec.support.peer"
local wait = require "spec.support.wait"

local p = peer.new()
-- Connections that answer one request, when the spec says go.
local function holding(body)
  return p:serve { connections = { {
    { "recv_head" }, { "wait" }, { "send", peer.response(200, {}, body or "held") },
  } } }
end

local function stalling()
  return p:serve { connections = { { { "recv_head" }, { "stall" } } } }
end

local function open(options) return assert(hinternet.open(options)) end

-- Polls until the server has that many connections, or nobody is left to connect.
local function poll_until_accepted(server, count)
  wait.polling(count .. " connections", function() return server:accepted() >= count end)
end

describe("A task", function()
  p:for_tests()

  it("starts with the next poll, and not before", function()
    local session <close>, seen = open(), {}
    local task = session:spawn(function(...) seen = { ... } return "done" end, 1, nil, 3)
    assert.same({}, seen)
    assert.equal("ready", task:status())
    assert.equal(1, hinternet.poll(0))
    assert.same({ 1, nil, 3 }, seen)
    assert.equal("done", task:status())
    assert.equal("hinternet.task: done", tostring(task))
    assert.is_false(hinternet.poll(0))
  end)

  it("waits by yielding, in both kinds of sessions and on both levels", function()
    for _, async in ipairs { false, true } do
      local s, log = holding(), {}
      local session <close> = open { async = async }
      local function level1(name)
        local connection = session:connect("127.0.0.1", s.port)
        local request <close> = connection:open_request()
        assert.is_true(request:send())
        log[#log + 1] = name .. " sent"
        assert.is_true(request:receive_response())
        assert.equal(4, request:query_data_available())
        assert.equal("he", request:read(2))
        assert.equal("ld", request:read("a"))
        assert.is_nil((request:read()))
        log[#log + 1] = name .. " read"
      end
      local function level2(name)
        log[#log + 1] = name .. " begun"
        assert.equal("held", assert(session:get(s.url)).body)
        log[#log + 1] = name .. " read"
      end
      session:spawn(level1, "a")
      session:spawn(level2, "b")
      poll_until_accepted(s, 2)
      table.sort(log)
      assert.same({ "a sent", "b begun" }, log)
      s:go()
      s:go()
      session:run()
      table.sort(log)
      assert.same({ "a read", "a sent", "b begun", "b read" }, log)
      s:close()
    end
  end)

  it("may write, copy files and stream", function()
    local s = p:serve { connections = { { { "loop", -1, { { "echo" } } } } } }
    local session <close> = open { async = true }
    local file = assert(io.tmpfile())
    file:write("from a file")
    file:seek("set")
    local pipe = assert(io.popen("printf 'from a pipe'"))
    local task = session:spawn(function()
      local connection = session:connect("127.0.0.1", s.port)
      local request <close> = connection:open_request("POST")
      assert(request:send(nil, nil, "chunked"))
      assert.equal(11, request:write("from memory"))
      assert.equal(11, request:write_from(file))
      assert.equal(11, request:write_from(pipe))
      assert(request:receive_response())
      local out <close> = assert(io.tmpfile())
      assert(request:read_to(out) > 33)
      out:seek("set")
      local text = out:read("a")
      for _, part in ipairs { "from memory", "from a file", "from a pipe" } do
        assert.is_truthy(text:find(part, 1, true), text)
      end
      local response <close> = assert(session:get(s.url .. "/stream", { stream = true }))
      local lines = 0
      for _ in response:lines() do lines = lines + 1 end
      return lines > 2
    end)
    assert.is_true(task:join())
    file:close()
    pipe:close()
    s:close()
  end)

  it("is one of many", function()
    local s, sum = p:keepalive("x"), 0
    local session <close> = open()
    for _ = 1, 100 do
      session:spawn(function()
        for _ = 1, 3 do
          local body = assert(session:get(s.url)).body
          sum = sum + #body
        end
      end)
    end
    session:run()
    assert.equal(300, sum)
    s:close()
  end)

  it("that yields by itself goes on with the next poll", function()
    local session <close>, log = open(), {}
    for i = 1, 2 do
      session:spawn(function()
        for turn = 1, 3 do
          log[#log + 1] = i .. turn
          coroutine.yield()
        end
      end)
    end
    assert.equal(2, hinternet.poll(0))
    assert.same({ "11", "21" }, log)
    session:run()
    assert.same({ "11", "21", "12", "22", "13", "23" }, log)
  end)

  it("may use coroutines: in those a sync call blocks, an async one returns", function()
    local s = p:keepalive("fine")
    local session <close> = open()
    local async <close> = open { async = true }
    local task = session:spawn(function()
      local pieces = coroutine.wrap(function()
        for _ = 1, 2 do coroutine.yield(assert(session:get(s.url)).body) end
      end)
      local inside = coroutine.wrap(function()
        local request = async:connect("127.0.0.1", s.port):open_request()
        local sent = request:send()
        request:close()
        return sent, select(2, pcall(async.get, async, s.url))
      end)
      return pieces() .. pieces(), assert(async:get(s.url)).body, inside()
    end)
    local both, own, sent, message = task:join()
    assert.same({ "finefine", "fine", true }, { both, own, sent })
    assert.matches("call it inside spawn, or use a sync session", message, 1, true)
    s:close()
  end)

  it("is not resumed by a poll inside poll, as a finaliser may call it", function()
    local session <close>, messages = open(), {}
    local task = session:spawn(function() return "once" end)
    -- What a hook calls comes between any two instructions.
    debug.sethook(function()
      debug.sethook()
      local _, message = pcall(function() local _ = hinternet.poll(0) end)
      messages[#messages + 1] = message
    end, "", 100)
    task:join()
    debug.sethook()
    assert.equal("once", task:join())
    assert.matches("task_spec%.lua:%d+: poll called inside ", messages[1])
  end)

  it("cannot poll or run, nor join itself", function()
    local session <close> = open()
    for _, name in ipairs { "poll", "run" } do
      local task = session:spawn(function()
        return pcall(function() local _ = hinternet[name]() end)
      end)
      local ok, message = task:join()
      assert.is_false(ok)
      assert.matches("task_spec%.lua:%d+: " .. name .. " called inside a task$", message)
    end
    local task
    task = session:spawn(function() return pcall(task.join, task) end)
    assert.matches("a task cannot join itself", select(2, task:join()), 1, true)
  end)

  it("refuses what is no function, and a closed session", function()
    local session = open()
    assert.matches("bad argument #1 to 'spawn' (function expected, got nil)",
      select(2, pcall(session.spawn, session)), 1, true)
    session:close()
    for _, name in ipairs { "spawn", "poll", "run", "pollable" } do
      local answer, message, code = session[name](session, name == "spawn" and print or nil)
      assert.same({ nil, 6 }, { answer, code })
      assert.is_string(message)
    end
  end)

  it("is of a session, as poll and run are, and of nothing else", function()
    local session <close> = open()
    local connection = session:connect("127.0.0.1", 1)
    for _, name in ipairs { "spawn", "poll", "run", "pollable", "all" } do
      for kind, what in pairs { connection = connection, string = "session" } do
        local ok, message = pcall(function() local _ = session[name](what, {}) end)
        assert.is_false(ok)
        assert.matches("^[^:]*task_spec.lua:%d+: bad self %(hinternet.session expected, got "
          .. kind .. "%)$", message)
      end
    end
  end)

  it("that reads a response another one reads is refused, and disturbs nobody", function()
    local s = p:script({ "recv_head" }, { "send", "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" },
      { "wait" }, { "send", "streamed" }, { "stall" })
    local session <close> = open()
    local response
    local reader = session:spawn(function()
      response = assert(session:get(s.url, { stream = true }))
      return response:read("a")
    end)
    while reader:status() ~= "waiting" or not response do hinternet.poll(0.1) end
    local other = session:spawn(function() return response:read(1) end)
    assert.equal(12019, select(3, other:join()))
    s:go()
    assert.equal("streamed", reader:join())
    s:close()
  end)
end)

describe("join", function()
  p:for_tests()

  it("answers what the function answered, in a task and outside", function()
    local s = holding()
    local session <close> = open()
    local first = session:spawn(function() return session:get(s.url).body, nil, 7 end)
    local second = session:spawn(function() return select("#", first:join()), first:join() end)
    poll_until_accepted(s, 1)
    assert.equal("waiting", second:status())
    s:go()
    assert.same({ 3, "held", nil, 7 }, { second:join() })
    assert.same({ "held", nil, 7 }, { first:join() })
    s:close()
  end)

  it("raises the error of the function, as it was", function()
    local session <close> = open()
    local value = {}
    local failing = session:spawn(function() error(value) end)
    local joining = session:spawn(function() return pcall(failing.join, failing) end)
    assert.same({ false, value }, { joining:join() })
    assert.equal("failed", failing:status())
    assert.is_true(rawequal(value, select(2, pcall(failing.join, failing))))
    session:run() -- which has nothing to raise: the error was joined
  end)

  it("fails when nothing can happen any more", function()
    local session <close> = open()
    local a, b
    a = session:spawn(function() return b:join() end)
    b = session:spawn(function() return a:join() end)
    assert.matches("the task waits for what cannot happen", select(2, pcall(a.join, a)), 1, true)
    assert.matches("every task waits for another", select(2, pcall(hinternet.run)), 1, true)
    a:cancel()
    session:run()
    assert.equal(12017, select(3, a:join()))
    assert.equal("cancelled", a:status())
  end)
end)

describe("run", function()
  p:for_tests()

  it("finishes all tasks, also those they spawn, then raises the first error", function()
    local s, done = p:keepalive("fine"), {}
    local session = open()
    local other <close> = open()
    session:spawn(function() error("first", 0) end)
    session:spawn(function()
      session:get(s.url)
      other:spawn(function()
        session:get(s.url)
        done[#done + 1] = "grandchild"
      end)
      done[#done + 1] = "child"
    end)
    session:spawn(function() error("second", 0) end)
    assert.same({ false, "first" }, { pcall(other.run, other) })
    assert.same({ "child", "grandchild" }, done)
    session:run()
    session:close()
    s:close()
  end)

  it("says further errors as warnings", function()
    local process = require "spec.support.process"
    local folder = process.temp_folder()
    local path = folder .. "/script.lua"
    local file = assert(io.open(path, "w"))
    file:write [[
      local hinternet = require "hinternet"
      local session = hinternet.open()
      warn "@on"
      for _, text in ipairs { "one", "two", "three" } do
        session:spawn(function() error(text, 0) end)
      end
      session:spawn(function() error(setmetatable({}, { __tostring = error })) end)
      print(pcall(session.run, session))
      session:spawn(function() error("never joined", 0) end)
      hinternet.poll(0)
    ]]
    file:close()
    local said = process.run(process.interpreter() .. " " .. path .. " 2>&1")
    process.remove_folder(folder)
    assert.matches("false\tone\n", said, 1, true)
    assert.matches("Lua warning: hinternet: error in a task: two\n", said, 1, true)
    assert.matches("Lua warning: hinternet: error in a task: three\n", said, 1, true)
    assert.matches("Lua warning: hinternet: error in a task: (error object without text)\n", said,
      1, true)
    assert.matches("Lua warning: hinternet: error in a task: never joined\n", said, 1, true)
    assert.is_nil(said:find("error in a task: one", 1, true))
  end)

  it("leaves the others be when one fails", function()
    local s, bodies = holding(), {}
    local session <close> = open()
    local good = session:spawn(function() bodies[1] = session:get(s.url).body end)
    local bad = session:spawn(function()
      local request <close> = session:connect("127.0.0.1", s.port):open_request()
      request:send()
      error("bad", 0)
    end)
    poll_until_accepted(s, 2)
    assert.same({ false, "bad" }, { pcall(bad.join, bad) })
    s:go()
    s:go()
    good:join()
    assert.same({ "held" }, bodies)
    s:close()
  end)
end)

describe("cancel", function()
  p:for_tests()

  it("ends the parked call and all later ones with 12017", function()
    local s = stalling()
    local session <close>, log = open(), {}
    local task = session:spawn(function()
      log[1] = select(3, session:get(s.url))
      log[2] = select(3, session:get(s.url))
      local request <close> = session:connect("127.0.0.1", s.port):open_request()
      log[3] = select(3, request:send())
      log[4] = select(3, request:receive_response())
      return "its end"
    end)
    poll_until_accepted(s, 1)
    assert.is_true(task:cancel())
    assert.equal(0, select(2, core.live()))
    assert.equal("its end", task:join())
    assert.same({ 12017, 12017, 12017, 12017 }, log)
    assert.equal("cancelled", task:status())
    assert.is_false(task:cancel())
    assert.equal(1, s:accepted())
    s:close()
  end)

  it("keeps a task that has not started from it", function()
    local session <close> = open()
    local task = session:spawn(function() error "started" end)
    task:cancel()
    local result, message, code = task:join()
    assert.same({ nil, 12017 }, { result, code })
    assert.matches("operation cancelled", message, 1, true)
  end)

  it("comes with the end of a task variable", function()
    local s = stalling()
    local session <close> = open()
    local task
    do
      local scoped <close> = session:spawn(function() return select(3, session:get(s.url)) end)
      task = scoped
      poll_until_accepted(s, 1)
    end
    assert.equal(12017, task:join())
    s:close()
  end)

  it("of a task that joins leaves the other alone", function()
    local s = holding()
    local session <close> = open()
    local first = session:spawn(function() return session:get(s.url).body end)
    local second = session:spawn(function() return first:join() end)
    poll_until_accepted(s, 1)
    second:cancel()
    assert.equal(12017, select(3, second:join()))
    s:go()
    assert.equal("held", first:join())
    s:close()
  end)
end)

describe("Closing a session", function()
  p:for_tests()

  it("resumes its parked calls in the order they parked, before close returns", function()
    for _, async in ipairs { false, true } do
      local s, log, order = stalling(), {}, {}
      local session = open { async = async }
      local other <close> = open()
      local requests = {}
      -- Handles are made in another order than the calls park in.
      for _, i in ipairs { 3, 1, 4, 2 } do
        requests[i] = session:connect("127.0.0.1", s.port):open_request()
      end
      for i = 1, 4 do
        other:spawn(function()
          assert(requests[i]:send())
          order[#order + 1] = i .. " 12017"
          local code = select(3, requests[i]:receive_response())
          log[#log + 1] = i .. " " .. code
        end)
      end
      local elsewhere = other:spawn(function() return select(3, other:get(s.url)) end)
      while #order < 4 do hinternet.poll(0.1) end
      assert.same({}, log)
      session:close()
      assert.same(order, log)
      assert.equal("waiting", elsewhere:status())
      elsewhere:cancel()
      assert.equal(12017, elsewhere:join())
      s:close()
    end
  end)

  it("works from one of its own tasks", function()
    local s, log = stalling(), {}
    local session = open()
    session:spawn(function()
      local code = select(3, session:get(s.url))
      log[#log + 1] = code
    end)
    session:spawn(function()
      coroutine.yield()
      session:close()
      log[#log + 1] = "closed"
      log[#log + 1] = select(3, session:get(s.url))
    end)
    hinternet.run()
    assert.same({ 12017, "closed", 6 }, log)
    s:close()
  end)
end)

describe("A parked call", function()
  p:for_tests()

  it("survives being resumed by somebody else", function()
    local s = holding()
    local session <close> = open()
    local thread
    local task = session:spawn(function()
      thread = coroutine.running()
      return session:get(s.url).body
    end)
    poll_until_accepted(s, 1)
    for _ = 1, 3 do assert.is_true(coroutine.resume(thread)) end
    s:go()
    assert.equal("held", task:join())
    s:close()
  end)

  it("whose coroutine is closed cancels its operation", function()
    local s = stalling()
    local session <close> = open()
    local thread, request
    local task = session:spawn(function()
      thread = coroutine.running()
      request = session:connect("127.0.0.1", s.port):open_request()
      assert(request:send())
      request:receive_response()
    end)
    poll_until_accepted(s, 1)
    for _ = 1, 10 do hinternet.poll(0) end
    coroutine.close(thread)
    assert.equal(0, select(2, core.live()))
    assert.equal(12017, select(3, request:receive_response()))
    task:cancel()
    assert.matches("the coroutine of the task was closed", select(2, pcall(task.join, task)), 1,
      true)
    s:close()
  end)

  it("is left parked by a blocking call of the main program, and gets its result", function()
    local answer = { "send", peer.response(200, {}, "fine") }
    local s = p:serve { connections = { { { "recv_head" }, { "wait" }, answer },
      { { "loop", -1, { { "recv_head" }, answer } } } } }
    local session <close> = open()
    local task = session:spawn(function() return assert(session:get(s.url)).body end)
    poll_until_accepted(s, 1)
    repeat
      assert.equal("fine", assert(session:get(s.url)).body)
    until s:received()[1] ~= ""
    s:go()
    assert.is_true(s:wait(1)) -- all of the answer is there
    for _ = 1, 5 do assert.equal("fine", assert(session:get(s.url)).body) end
    assert.not_equal("done", task:status())
    assert.equal("fine", task:join())
    s:close()
  end)

  it("hears no callback of its completion, but all notifications", function()
    local s, heard = p:keepalive("fine"), {}
    local session <close> = open { async = true }
    session:set_status_callback(function(_, status) heard[#heard + 1] = status end)
    session:spawn(function() session:get(s.url) end)
    session:run()
    local text = table.concat(heard, " ")
    assert.matches("sending_request request_sent receiving_response response_received", text, 1,
      true)
    for _, status in ipairs { "sendrequest_complete", "headers_available", "read_complete" } do
      assert.is_nil(text:find(status, 1, true), status)
    end
    s:close()
  end)

  it("goes with a session that nobody can reach", function()
    local s = stalling()
    local gone = setmetatable({}, { __mode = "v" })
    do
      local session = open()
      session:spawn(function()
        gone[1] = coroutine.running() -- what spawn answered may be dropped at once
        session:get(s.url)
      end)
      poll_until_accepted(s, 1)
      assert.is_not_nil(gone[1])
      assert.is_true(session:is_valid())
    end
    for _ = 1, 3 do collectgarbage() end
    assert.is_nil(gone[1])
    assert.same({ 0, 0 }, { core.live() })
    hinternet.run() -- it counts no more
    s:close()
  end)

  it("keeps its session when the task is all that knows it", function()
    local s = holding()
    local task = (function()
      local session = open()
      return session:spawn(function() return session:get(s.url).body end)
    end)()
    poll_until_accepted(s, 1)
    collectgarbage()
    s:go()
    assert.equal("held", task:join())
    s:close()
  end)
end)
