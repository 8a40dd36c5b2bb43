-- Requests of a list, several at a time, and how far a body has come.

local hinternet = require "hinternet"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local wait = require "spec.support.wait"
local socket = require "socket"

local function blame(f, ...)
  local ok, message = pcall(f, ...)
  assert.is_false(ok)
  return (message:gsub("^[^:]*all_spec.lua:%d+: ", "here: "))
end

describe("all", function()
  local p = peer.new():for_tests()

  -- Connections that answer one request each, when the spec says go.
  local function holding()
    return p:serve { connections = { {
      { "recv_head" }, { "wait" }, { "send", peer.response(200, {}, "held") },
    } } }
  end

  -- Polls until then, and a little longer: what comes too early is seen.
  local function poll_until(done, seconds)
    wait.polling("what is to be", done)
    local deadline = socket.gettime() + seconds
    while socket.gettime() < deadline do hinternet.poll(0.01) end
  end

  it("answers in the order of the list, whatever ends first", function()
    local slow, fast = holding(), p:keepalive("fast")
    local order = {}
    local results, failed = hinternet.all({ slow.url, fast.url, { url = fast.url } }, {
      progress = function(done, total, index, result)
        order[#order + 1] = ("%d/%d %s"):format(done, total, result.body)
        assert.equal(index == 1 and "held" or "fast", result.body)
        if done == 2 then slow:go() end
      end,
    })
    assert.equal(0, failed)
    assert.same({ "held", "fast", "fast" },
      { results[1].body, results[2].body, results[3].body })
    assert.same({ "1/3 fast", "2/3 fast", "3/3 held" }, order)
    slow:close()
    fast:close()
  end)

  it("says of each item that failed why", function()
    local s = p:keepalive("fine")
    local results, failed = hinternet.all { s.url, "http://127.0.0.1:1/", "nonsense", s.url }
    assert.equal(2, failed)
    assert.equal(4, #results)
    assert.same({ "fine", "fine" }, { results[1].body, results[4].body })
    assert.same({ 12029, 12006 }, { results[2].code, results[3].code })
    assert.matches("while connecting to 127.0.0.1:1", results[2].message, 1, true)
    assert.equal("nonsense", results[3].url)
    assert.is_nil(results[2].status)
    s:close()
  end)

  it("has no more than at_once under way", function()
    local s, list = holding(), {}
    local session <close> = assert(hinternet.open())
    for i = 1, 6 do list[i] = s.url end
    local task = session:spawn(function() return session:all(list, { at_once = 2 }) end)
    for i = 1, 6 do
      local wanted = math.min(i + 1, 6)
      poll_until(function() return s:accepted() >= wanted end, 0.03)
      assert.equal(wanted, s:accepted())
      s:go()
    end
    assert.equal(0, select(2, task:join()))
    s:close()
  end)

  it("has sixteen under way where nothing is said", function()
    local s, list = holding(), {}
    local session <close> = assert(hinternet.open())
    for i = 1, 18 do list[i] = s.url end
    local task = session:spawn(function() return session:all(list) end)
    poll_until(function() return s:accepted() >= 16 end, 0.03)
    assert.equal(16, s:accepted())
    for _ = 1, 18 do s:go() end
    assert.equal(0, select(2, task:join()))
    s:close()
  end)

  it("takes options for all and for each, a method and a body", function()
    local s = p:serve { connections = { { { "echo" } } } }
    local results = hinternet.all({
      s.url .. "/a", { url = s.url .. "/b", method = "POST", body = "text" },
      { url = s.url .. "/c", headers = { X = "own" } },
    }, { headers = { X = "common" }, at_once = 1 })
    assert.matches("^GET /a HTTP/1.1\r\n.*X: common\r\n", results[1].body)
    assert.matches("^POST /b HTTP/1.1\r\n.*X: common\r\n.*text$", results[2].body)
    assert.matches("^GET /c HTTP/1.1\r\n.*X: own\r\n", results[3].body)
    s:close()
  end)

  it("works in a task, in sync and async sessions, and with an empty list", function()
    local s = p:keepalive("fine")
    for _, async in ipairs { false, true } do
      local session <close> = assert(hinternet.open { async = async })
      local task = session:spawn(function()
        local results, failed = session:all { s.url, s.url }
        return failed, results[1].body, results[2].body
      end)
      assert.same({ 0, "fine", "fine" }, { task:join() })
      assert.same({ {}, 0 }, { session:all {} })
    end
    s:close()
  end)

  it("gives up the rest when progress answers false, or raises", function()
    local s = p:serve { connections = { { { "recv_head" },
      { "send", peer.response(200, {}, "one") }, { "close" } },
      { { "recv_head" }, { "stall" } } } }
    local told = 0
    local results, failed = hinternet.all({ s.url, s.url, s.url }, {
      at_once = 2, progress = function()
        told = told + 1
        return false
      end,
    })
    assert.equal(2, failed)
    assert.equal(1, told)
    assert.same({ nil, 12017, 12017 }, { results[1].code, results[2].code, results[3].code })
    assert.equal("one", results[1].body)
    s:close()
    s = p:keepalive("fine")
    results, failed = hinternet.all({ s.url, s.url, s.url }, {
      at_once = 1, progress = function() return false end,
    })
    assert.equal(2, failed)
    for i = 2, 3 do
      assert.equal("operation cancelled: the list was given up", results[i].message)
    end
    assert.equal(1, #s:received())
    s:close()
    s = p:keepalive("fine")
    assert.equal("stop", select(2, pcall(hinternet.all, { s.url, s.url }, {
      progress = function() error("stop", 0) end,
    })))
    s:close()
  end)

  it("ends with the task that runs it", function()
    local s = p:serve { connections = { { { "recv_head" }, { "stall" } } } }
    local session <close> = assert(hinternet.open())
    local task = session:spawn(function() return session:all { s.url, s.url } end)
    poll_until(function() return s:accepted() == 2 end, 0)
    task:cancel()
    session:run()
    assert.same({ nil, 12017 }, { (task:join()), (select(3, task:join())) })
    local _, operations = require("hinternet.core").live()
    assert.equal(0, operations)
    s:close()
  end)

  it("ends with its coroutine, which its own progress may close", function()
    local s = p:keepalive("fine")
    local session <close> = assert(hinternet.open())
    local thread, closed, told = nil, nil, 0
    local task = session:spawn(function()
      thread = coroutine.running()
      session:all({ s.url, s.url, s.url }, { at_once = 1, progress = function()
        told = told + 1
        closed = closed or { coroutine.close(thread) }
      end })
    end)
    local ok, message = pcall(session.run, session)
    assert.same({ true }, closed)
    assert.same({ false, "the coroutine of the task was closed" }, { ok, message })
    assert.equal("failed", task:status())
    assert.equal(3, told)
    session:run()
    s:close()
  end)

  it("blames its caller for what cannot be meant, before anything begins", function()
    local url = "http://127.0.0.1:1/"
    for _, row in ipairs {
      { "bad argument #1 to 'all' (table expected, got nil)" },
      { "bad argument #2 to 'all' (table expected, got string)", {}, "x" },
      { "bad item 2 (URL or table with one expected, got number)", { url, 5 } },
      { "bad item 1 (URL or table with one expected, got table)", { {} } },
      { "bad item 1 (method: string expected, got boolean)", { { url = url, method = true } } },
      { "bad item 1 (unknown option 'nonsense')", { { url = url, nonsense = 1 } } },
      { "unknown option 'nonsense'", { url }, { nonsense = 1 } },
      { "bad option 'at_once' (integer from 1 on expected)", { url }, { at_once = 0 } },
      { "bad option 'progress' (function expected, got boolean)", { url }, { progress = true } },
    } do
      assert.equal("here: " .. row[1],
        blame(function() local _ = hinternet.all(row[2], row[3]) end))
    end
    local session <close> = assert(hinternet.open())
    local said
    session:set_status_callback(function()
      said = blame(function() local _ = session:all { url } end)
    end, { "handle_created" })
    session:connect("127.0.0.1")
    assert.equal("here: call it inside spawn, or in the main program", said)
    session:set_status_callback()
    said = nil
    session:spawn(function()
      coroutine.wrap(function() said = blame(function() local _ = session:all { url } end) end)()
    end)
    session:run()
    assert.equal("here: call it inside spawn, or in the main program", said)
  end)

  it("of a session that is closed is refused as a whole", function()
    local session = assert(hinternet.open())
    session:close()
    local results, message, code = session:all { "http://127.0.0.1:1/" }
    assert.same({ nil, 6 }, { results, code })
    assert.is_string(message)
  end)
end)

describe("progress", function()
  local p = peer.new():for_tests()

  local function serve_body(size, fields)
    return p:serve { connections = { { { "recv_head" },
      { "send", ("HTTP/1.1 200 OK\r\n%s\r\n"):format(fields) },
      { "send_repeat", ("x"):rep(1000), size // 1000 } } } }
  end

  it("tells how far a body has come, and its length if that is known", function()
    for _, row in ipairs {
      { "Content-Length: 1000000\r\n", 1000000 }, { "Connection: close\r\n", nil },
    } do
      local s, seen, total = serve_body(1000000, row[1]), { 0 }, nil
      local r = assert(hinternet.get(s.url, { progress = function(bytes, length)
        assert.is_true(bytes > seen[#seen])
        seen[#seen + 1], total = bytes, length
      end }))
      assert.equal(1000000, #r.body)
      assert.is_true(#seen > 10)
      assert.equal(1000000, seen[#seen])
      assert.equal(row[2], total)
      s:close()
    end
  end)

  it("cancels with false, and keeps max_body", function()
    local s = serve_body(1000000, "Content-Length: 1000000\r\n")
    assert.equal(12017, select(3, hinternet.get(s.url, {
      progress = function() return false end })))
    assert.equal(122, select(3, hinternet.get(s.url, {
      progress = function() end, max_body = 100000 })))
    s:close()
  end)

  it("tells of a download, whose file goes when it is cancelled", function()
    local s = serve_body(3000000, "Content-Length: 3000000\r\n")
    local folder, calls, last = process.temp_folder(), 0, nil
    local path = folder .. "/file"
    assert.equal(3000000, (hinternet.download(s.url, path, {
      progress = function(bytes, total)
        calls, last = calls + 1, bytes
        assert.equal(3000000, total)
      end,
    })))
    assert.is_true(calls > 3)
    assert.equal(3000000, last)
    assert(os.remove(path))
    assert.equal(12017, select(3, hinternet.download(s.url, path, {
      progress = function() return false end })))
    assert.is_nil(io.open(path))
    process.remove_folder(folder)
    s:close()
  end)
end)
