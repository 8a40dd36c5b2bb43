-- What is particular to the binding: handles as values of Lua, files of Lua's
-- under operations of C, and calls that go on in Lua.

local hinternet = require "hinternet"
local leaks = require "spec.support.leaks"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local wait = require "spec.support.wait"

local function handles(port)
  local session = assert(hinternet.open())
  local connection = assert(session:connect("127.0.0.1", port or 1))
  return { session, connection, assert(connection:open_request()) }
end

describe("A handle", function()
  leaks.watch()

  it("is told from everything else", function()
    local t <close> = handles()[1]
    local of_file = io.stdout
    for _, value in ipairs { 1, "session", {}, print, of_file, coroutine.create(print) } do
      assert.is_nil(hinternet.type(value))
      for _, name in ipairs { "is_valid", "close", "query_option", "connect", "get" } do
        assert.is_false((pcall(t[name], value, "x")), name)
      end
    end
    assert.is_nil(hinternet.type(nil))
    assert.is_nil(hinternet.type(false))
  end)

  it("is blamed by name for a wrong kind or argument", function()
    local list = handles()
    local session <close>, connection, request = table.unpack(list)
    for _, row in ipairs {
      { function() request.send(session) end,
        "bad argument #1 to 'send' (hinternet.request expected, got hinternet.session)" },
      { function() request.send(1) end,
        "bad argument #1 to 'send' (hinternet.request expected, got number)" },
      { function() request:send(1, 2, {}) end,
        "bad argument #1 to 'send' (string expected, got number)", true },
      { function() request:send(nil, {}) end,
        "bad argument #2 to 'send' (string expected, got table)" },
      { function() request:read({}) end,
        "bad argument #1 to 'read' (integer expected, got table)" },
      { function() request:write() end,
        "bad argument #1 to 'write' (string expected, got nil)", true },
      { function() request:read_to("name") end,
        "bad argument #1 to 'read_to' (file or descriptor expected, got string)" },
      { function() connection:open_request("GET", "/", { secure = 1 }) end,
        "bad argument #3 to 'open_request' ('secure' must be a boolean)" },
      { function() session:connect({}) end,
        "bad argument #1 to 'connect' (string expected, got table)" },
      { function() hinternet.open { nonsense = 1 } end,
        "bad argument #1 to 'open' (unknown option 'nonsense')" },
    } do
      local ok, message = pcall(row[1])
      assert.is_false(ok, row[2])
      local place, text = message:match("^(.-): (.*)$")
      assert.equal("spec/lua_spec.lua:" .. debug.getinfo(row[1], "S").linedefined, place)
      if not row[3] then assert.equal(row[2], text) end
    end
  end)

  it("closes with its scope, once, and twice without harm", function()
    for i = 1, 3 do
      local list = handles()
      do
        local handle <close> = list[i]
        assert.is_true(handle:is_valid())
      end
      assert.is_false(list[i]:is_valid())
      do
        local handle <close> = list[i]
        assert.is_false(handle:is_valid())
        assert.equal(6, (select(3, handle:close())))
      end
      list[1]:close()
    end
  end)

  it("looks the same closed as open, to Lua", function()
    local session <close>, _, request = table.unpack(handles())
    local open = { getmetatable(request), request.send, request.close, io.type(request) }
    request:close()
    assert.same(open, { getmetatable(request), request.send, request.close, io.type(request) })
    assert.matches("^request %(0x%x+%): closed$", tostring(request))
    assert.equal("closed request", hinternet.type(request))
    assert.is_true(session:is_valid())
  end)
end)

describe("hinternet.features", function()
  it("says what this build has", function()
    local features = hinternet.features
    assert.is_true(features.reactor == "epoll" or features.reactor == "poll")
    assert.same({ true, true, false }, { features.gzip, features.deflate, features.http2 })
    for _, name in ipairs { "brotli", "zstd", "idn", "negotiate", "psl" } do
      assert.is_boolean(features[name])
    end
    local p = peer.start()
    local s = p:echo()
    local accepted = assert(hinternet.get(s.url)).body:match("Accept%-Encoding: ([^\r]*)")
    assert.equal(features.brotli, accepted:find("br", 1, true) ~= nil)
    assert.equal(features.zstd, accepted:find("zstd", 1, true) ~= nil)
    leaks.begin()
    s:close()
    p:stop()
  end)
end)

describe("A Lua file", function()
  local p = peer.new():for_tests()

  local function request_to(s, method)
    local session = assert(hinternet.open())
    return session:connect("127.0.0.1", s.port):open_request(method or "PUT"), session
  end

  it("that is a pipe gives only what was announced", function()
    local s = p:echo()
    for _, row in ipairs { { 4, nil, 4 }, { 4, 9, 4 }, { 4, 2, 2 }, { 70000, nil, 70000 } } do
      local request, session = request_to(s)
      assert(request:send(nil, nil, row[1]))
      local pipe = assert(io.popen("printf 'abcd%070000d' 1", "r"))
      assert.equal("a", pipe:read(1))
      assert.equal(row[3], request:write_from(pipe, row[2]))
      assert.equal(70003 - row[3], #pipe:read("a"))
      pipe:close()
      if row[3] < row[1] then assert.equal(2, request:write("XY")) end
      assert(request:receive_response())
      assert.equal(row[1], #request:read("a"):match("\r\n\r\n(.*)"))
      session:close()
    end
    s:close()
  end)

  it("that is a pipe is sent by an asynchronous session, with what was read ahead", function()
    local s = p:echo()
    local session = assert(hinternet.open { async = true })
    local request = session:connect("127.0.0.1", s.port):open_request("PUT")
    local done
    request:set_status_callback(function(_, status, info) done = { status, info } end,
      { "all_completions" })
    local function complete(...)
      assert.is_true((...))
      done = nil
      wait.polling("a completion", function() return done end, session)
      return done
    end
    complete(request:send(nil, nil, "chunked"))
    local pipe = assert(io.popen("printf 'first\nsecond\nthird'", "r"))
    assert.equal("first", pipe:read("l"))
    assert.same({ "write_complete", 12 }, complete(request:write_from(pipe)))
    pipe:close()
    complete(request:receive_response())
    complete(request:read("a"))
    assert.matches("\r\n\r\nsecond\nthird$", done[2])
    session:close()
    s:close()
  end)

  it("stands where its operation ended when that is closed or fails", function()
    local part = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" .. ("x"):rep(1000)
    for _, ending in ipairs { "fails", "is closed" } do
      local s = p:script({ "recv_head" }, { "send", part }, { "wait" }, { "close" })
      local session = assert(hinternet.open { async = ending == "is closed" })
      local request = session:connect("127.0.0.1", s.port):open_request()
      local file = assert(io.tmpfile())
      file:write("before")
      local function step(...)
        assert.is_true((...))
        if ending == "fails" then return end
        local done
        request:set_status_callback(function(_, status)
          done = status == "sendrequest_complete" or status == "headers_available"
        end, { "all_completions" })
        wait.polling("a completion", function() return done end, session)
      end
      step(request:send())
      step(request:receive_response())
      if ending == "fails" then
        s:go()
        assert.equal(12030, (select(3, request:read_to(file))))
      else
        assert.is_true(request:read_to(file))
        wait.polling("a part of the body", function()
          return request:query_option("request_stats").response_body_size >= 1000
        end, session)
        request:set_status_callback(nil)
        request:close()
      end
      assert.equal(1006, file:seek())
      file:write("after")
      file:seek("set", 1004)
      assert.equal("xxafter", file:read("a"))
      file:close()
      session:close()
      s:close()
    end
  end)

  -- The child waits in the operation until the signal; then it prints where its
  -- file stands, and what it reads or writes next.
  local function interrupted(port, script)
    local prelude = [[
      io.stdout:setvbuf "no"
      local hinternet = require "hinternet"
      local session = hinternet.open()
      session:set_timeouts { connect = 50, send = 50, receive = 50, response = 50 }
      local request = session:connect("127.0.0.1", PORT):open_request("PUT", "/")
      local file = assert(io.tmpfile())
    ]]
    script = (prelude .. script):gsub("PORT", tostring(port))
    local inner = ("echo $$; exec env %s -e %s 2>&1"):format(process.interpreter(),
      process.quote(script))
    local pipe = assert(io.popen("LD_PRELOAD= LUA_INIT= exec sh -c " .. process.quote(inner),
      "r"))
    local pid = assert(pipe:read("n", "l"))
    assert.equal("ready", pipe:read("l"))
    return pipe, pid
  end

  it("stands behind what was written to it when Ctrl-C ends read_to", function()
    local s = p:script({ "recv_head" },
      { "send", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789" }, { "stall" })
    local pipe, pid = interrupted(s.port, [[
      file:write("before ")
      request:send() request:receive_response()
      request:query_data_available()
      print((pcall(function() print "ready" return request:read_to(file) end)))
      print(file:seek())
      file:write(" after") file:seek("set")
      print(file:read("a"))
    ]])
    process.wait_asleep(pid)
    process.kill(pid, "INT")
    assert.equal("false\n17\nbefore 0123456789 after\n", pipe:read("a"))
    pipe:close()
    s:close()
  end)

  it("stands behind what was sent of it when Ctrl-C ends write_from", function()
    local s = p:serve { rcvbuf = 4096, connections = { { { "recv_head" }, { "stall" } } } }
    local pipe, pid = interrupted(s.port, [[
      local size = 30000000
      file:write(("0123456789"):rep(size // 10)) file:seek("set", 10)
      request:send(nil, nil, size - 10)
      print((pcall(function() print "ready" return request:write_from(file) end)))
      local at = file:seek()
      local next_five = ("0123456789"):rep(2):sub(at % 10 + 1, at % 10 + 5)
      print(at > 10 and at < size, file:read(5) == next_five)
    ]])
    process.wait_asleep(pid)
    process.kill(pid, "INT")
    assert.equal("false\ntrue\ttrue\n", pipe:read("a"))
    pipe:close()
    s:close()
  end)
end)
