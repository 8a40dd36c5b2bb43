-- Bodies that go to files and come from them, where these are pipes, FIFOs or
-- sockets: nobody but their own call waits for them, under its deadlines, and
-- what the caller does with his file meanwhile is his affair.

local socket = require "socket"
local hinternet = require "hinternet"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local wait = require "spec.support.wait"

local WRITE_FAULT, READ_FAULT, TIMEOUT, CANCELLED = 29, 30, 12002, 12017
local SIZE = 1000000 -- far more than a pipe holds

describe("A copy between a body and", function()
  local p, folder, fifo, large, echo = peer.new():for_tests()

  setup(function()
    folder = process.temp_folder()
    fifo = folder .. "/fifo"
    process.run("mkfifo " .. process.quote(fifo))
    large = p:keepalive(("0123456789"):rep(SIZE // 10))
    echo = p:echo()
  end)
  teardown(function() process.remove_folder(folder) end)

  -- Both ends at once: opening does not wait, and nobody reads.
  local function open_fifo() return assert(io.open(fifo, "r+b")) end

  local function requested(session, method, server)
    local connection = assert(session:connect("127.0.0.1", (server or large).port))
    return assert(connection:open_request(method or "GET", "/"))
  end

  -- A request whose body is to be read.
  local function received(session, server)
    local request = requested(session, "GET", server)
    assert(request:send())
    assert(request:receive_response())
    return request
  end

  -- ------------------------------------------------------------- deadlines

  it("a full pipe ends when its time is over", function()
    local session <close> = assert(hinternet.open())
    local file <close> = open_fifo()
    for option, value in pairs { receive_timeout = 0.05, total_timeout = 0.05 } do
      local request = requested(session)
      assert(request:set_option(option, value))
      assert(request:send())
      local ok, message, code = request:receive_response()
      if ok then ok, message, code = request:read_to(file) end
      assert.same({ nil, TIMEOUT }, { ok, code }, message)
    end
    local bytes, _, code = hinternet.download(large.url, file, { timeout = 0.05 })
    assert.same({ nil, TIMEOUT }, { bytes, code })
    assert.same({ nil, TIMEOUT }, { hinternet.download(large.url, fifo, { timeout = 0.05 }),
      (select(3, hinternet.download(large.url, fifo, { timeout = 0.05 }))) })
  end)

  it("an empty pipe ends when its time is over", function()
    local session <close> = assert(hinternet.open())
    local file <close> = open_fifo()
    for option, value in pairs { send_timeout = 0.05, total_timeout = 0.05 } do
      local request = requested(session, "PUT", echo)
      assert(request:set_option(option, value))
      assert(request:send(nil, nil, "chunked"))
      assert.equal(TIMEOUT, (select(3, request:write_from(file))))
    end
    assert.equal(TIMEOUT, (select(3, hinternet.put(echo.url, { body = file, timeout = 0.05 }))))
  end)

  it("an empty pipe ends when the server has answered, or is gone", function()
    local file <close> = open_fifo()
    local early = p:script({ "recv_head" },
      { "send", "HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno" }, { "stall" })
    local gone = p:script({ "recv_head" }, { "close" })
    local r = assert(hinternet.put(early.url, { body = file }))
    assert.same({ 413, "no" }, { r.status, r.body })
    assert.equal(12030, (select(3, hinternet.put(gone.url, { body = file }))))
    early:close()
    gone:close()
  end)

  it("a pipe goes on while something moves, however long it takes in all", function()
    local session <close> = assert(hinternet.open())
    local request = requested(session)
    assert(request:set_option("receive_timeout", 2))
    assert(request:send())
    assert(request:receive_response())
    local file <close> = open_fifo()
    local drained = 0
    session:spawn(function() assert.equal(SIZE, request:read_to(file)) end)
    session:spawn(function()
      while drained < SIZE do
        drained = drained + #file:read(10000)
        session:get(echo.url)
      end
    end)
    hinternet.run()
    assert.equal(SIZE, drained)
  end)

  -- ----------------------------------------------------------------- others

  it("a pipe lets other tasks go on, and one at its other end", function()
    local session <close> = assert(hinternet.open())
    local file <close> = open_fifo()
    local log = {}
    session:spawn(function()
      local request = received(session)
      table.insert(log, (request:read_to(file, SIZE)))
      request:close()
    end)
    session:spawn(function()
      local request = requested(session, "PUT", echo)
      assert(request:send(nil, nil, SIZE))
      table.insert(log, (request:write_from(file, SIZE)))
      assert(request:receive_response())
      table.insert(log, request:read("a"):sub(-20))
      request:close()
    end)
    hinternet.run()
    assert.same({ SIZE, SIZE, "01234567890123456789" }, log)
  end)

  it("a pipe is broken off by closing its handles", function()
    for _, level in ipairs { "request", "session" } do
      local session = assert(hinternet.open())
      local file <close> = open_fifo()
      local request, code
      session:spawn(function()
        request = received(session)
        code = select(3, request:read_to(file))
      end)
      session:spawn(function()
        repeat session:get(echo.url) until request and not code
        session:get(echo.url)
        local handle = level == "request" and request or session
        handle:close()
      end)
      pcall(hinternet.run)
      assert.equal(CANCELLED, code, level)
      session:close()
    end
  end)

  -- A child that copies to a pipe nobody reads.
  local function child(script, port)
    script = ([[
      io.stdout:setvbuf "no"
      local hinternet = require "hinternet"
      local session = hinternet.open()
      session:set_timeouts { connect = 60, send = 60, receive = 60, response = 60 }
      local connection = session:connect("127.0.0.1", PORT)
      local file = assert(io.open(FIFO, "r+b"))
    ]] .. script):gsub("PORT", tostring(port)):gsub("FIFO", ("%q"):format(fifo))
    local inner = ("echo $$; exec env %s -e %s 2>&1"):format(process.interpreter(),
      process.quote(script))
    local pipe = assert(io.popen("LD_PRELOAD= LUA_INIT= exec sh -c " .. process.quote(inner), "r"))
    local pid = assert(pipe:read("n", "l"))
    assert.equal("ready", pipe:read("l"))
    return pipe, pid
  end

  it("a pipe is broken off by Ctrl-C", function()
    local silent = p:script({ "recv_head" }, { "recv_until", "x" }, { "stall" })
    local file = open_fifo()
    local function interrupt(script, server, until_it_waits)
      local pipe, pid = child(script, server.port)
      until_it_waits()
      process.kill(pid, "INT")
      assert.matches("interrupted!\n12017\n$", pipe:read("a"))
      pipe:close()
    end
    interrupt([[
      local request = connection:open_request("GET", "/")
      request:send() request:receive_response()
      print "ready"
      print(select(2, pcall(request.read_to, request, file)))
      print(select(3, request:read(1)))
    ]], large, function() assert.equal("0", file:read(1)) end)
    file:close() -- and what was in it is gone
    file = open_fifo()
    interrupt([[
      local request = connection:open_request("PUT", "/")
      request:send(nil, nil, "chunked")
      print "ready"
      print(select(2, pcall(request.write_from, request, file)))
      print(select(3, request:write "y"))
    ]], silent, function()
      assert(file:write "x")
      file:flush()
      wait.sleeping("a chunk", function()
        return table.concat(silent:received()):find("\r\nx\r\n", 1, true)
      end)
    end)
    file:close()
    silent:close()
  end)

  -- -------------------------------------------------------------- no reader

  it("a pipe or socket without a reader fails, and no signal ends the process", function()
    local pipe = child([[
      print "ready"
      local function try(how, ...) print(how, select(2, ...), (select(3, ...))) end
      local function request()
        local r = connection:open_request("GET", "/")
        assert(r:send()) assert(r:receive_response())
        return r
      end
      local dead = io.popen("exec true", "w")
      try("pipe", request():read_to(dead))
      dead:write "pending"
      try("pending", request():read_to(dead))
      dead:setvbuf "no"
      local socket = require "socket"
      local listener = socket.bind("127.0.0.1", 0)
      local near = socket.connect("127.0.0.1", (select(2, listener:getsockname())))
      local far = listener:accept()
      far:setoption("linger", { on = true, timeout = 0 })
      far:close()
      try("socket", request():read_to(near:getfd()))
      print(require "hinternet".get("http://127.0.0.1:PORT/").status)
    ]], large.port)
    local said = pipe:read("a")
    assert.matches("pipe\tcannot write the file %(broken pipe%)\t29\n", said)
    assert.matches("pending\tcannot write the file: what it has buffered cannot be written\t29\n",
      said)
    assert.matches("socket\tcannot write the file %(.-\t29\n", said)
    assert.matches("\n200\n", said)
    pipe:close()
  end)

  -- ------------------------------------------------------------ other files

  it("a socket waits for its peer", function()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local near = assert(socket.connect("127.0.0.1", (select(2, listener:getsockname()))))
    local far = assert(listener:accept())
    local session <close> = assert(hinternet.open())
    local request = received(session)
    local sum = 0
    session:spawn(function() assert.equal(SIZE, request:read_to(near:getfd())) end)
    session:spawn(function()
      far:settimeout(0)
      while sum < SIZE do
        local data, _, part = far:receive(100000)
        sum = sum + #(data or part)
        session:get(echo.url)
      end
    end)
    hinternet.run()
    assert.equal(SIZE, sum)
    for _, s in ipairs { listener, near, far } do s:close() end
  end)

  it("a device is written at once", function()
    local session <close> = assert(hinternet.open())
    local null <close> = assert(io.open("/dev/null", "wb"))
    assert.equal(SIZE, received(session):read_to(null))
    local full <close> = assert(io.open("/dev/full", "wb"))
    assert.same({ nil, "cannot write the file (no space left on device)", WRITE_FAULT },
      { received(session):read_to(full) })
    local zero <close> = assert(io.open("/dev/zero", "rb"))
    local request = requested(session, "PUT", echo)
    assert(request:send(nil, nil, 5))
    assert.equal(5, request:write_from(zero, 5))
  end)

  it("what is no file to read from, or is not open, fails", function()
    local session <close> = assert(hinternet.open())
    local request = requested(session, "PUT", echo)
    assert(request:send(nil, nil, 5))
    local here <close> = assert(io.open("/", "rb"))
    assert.same({ nil, "cannot read the file (is a directory)", READ_FAULT },
      { request:write_from(here) })
    assert.same({ nil, "cannot write the file (bad file descriptor)", WRITE_FAULT },
      { received(session):read_to(9999) })
    local closed = assert(io.open("/dev/null"))
    closed:close()
    for _, what in ipairs { closed, session, "name", io } do
      assert.is_false((pcall(request.read_to, request, what)))
      assert.is_false((pcall(request.write_from, request, what)))
    end
  end)

  it("a file goes on when the caller closes it, and not into another", function()
    local slow = p:script({ "recv_head" },
      { "send", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst" }, { "wait" },
      { "send", " last" })
    local session = assert(hinternet.open { async = true })
    local request = requested(session, "GET", slow)
    local done
    request:set_status_callback(function(_, status) done = status end, { "all_completions" })
    local function complete(...)
      assert.is_true((...))
      done = nil
      wait.polling("a completion", function() return done end, session)
      assert.not_equal("request_error", done)
    end
    complete(request:send())
    complete(request:receive_response())
    local meant, innocent = folder .. "/meant", folder .. "/innocent"
    local file = assert(io.open(meant, "wb"))
    assert.is_true(request:read_to(file))
    file:close()
    local other = assert(io.open(innocent, "wb")) -- has the same number now
    slow:go()
    done = nil
    wait.polling("a completion", function() return done end, session)
    assert.equal("read_complete", done)
    session:close()
    other:close()
    for name, text in pairs { [meant] = "first last", [innocent] = "" } do
      local written <close> = assert(io.open(name, "rb"))
      assert.equal(text, written:read("a"), name)
    end
    slow:close()
  end)

  it("a file is both at once, read and written", function()
    local session <close> = assert(hinternet.open())
    local file <close> = assert(io.tmpfile())
    assert.equal(SIZE, received(session):read_to(file))
    assert.equal(0, file:seek("set"))
    local request = requested(session, "PUT", echo)
    assert(request:send(nil, nil, SIZE))
    assert.equal(SIZE, request:write_from(file))
    assert.equal(SIZE, file:seek())
  end)

  -- ------------------------------------------------------------ unknown size

  it("a file that does not tell its size sends it all, in chunks", function()
    local said = io.open("/proc/version"):read("a")
    local body = assert(hinternet.put(echo.url, { body = assert(io.open("/proc/version")) })).body
    assert.equal(1, body:find("PUT", 1, true))
    assert.is_truthy(body:find("Transfer-Encoding: chunked", 1, true))
    assert.equal(said, body:sub(-#said))
    local file <close> = assert(io.open("/proc/version"))
    assert.equal(5, #file:read(5))
    body = assert(hinternet.put(echo.url, { body = file })).body
    assert.equal("\r\n\r\n" .. said:sub(6), body:sub(-#said + 1))
    local empty <close> = assert(io.tmpfile())
    assert.is_truthy(assert(hinternet.put(echo.url, { body = empty })).body
      :find("Content-Length: 0", 1, true))
  end)
end)
