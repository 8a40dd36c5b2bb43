-- The proving ground proves itself: what the other specs rely on.

local socket = require "socket"
local hinternet = require "hinternet"
local bencode = require "spec.support.bencode"
local certs = require "spec.support.certs"
local nginx = require "spec.support.nginx"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local wait = require "spec.support.wait"

local function dial(port, host)
  local sock = (host == "::1" and socket.tcp6 or socket.tcp)()
  sock:settimeout(5)
  assert(sock:connect(host or "127.0.0.1", port))
  return sock
end

local function exchange(port, text, host)
  local sock = dial(port, host)
  if text ~= "" then assert(sock:send(text)) end
  local all, message, partial = sock:receive("*a")
  sock:close()
  return all or partial, message
end

local get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

describe("bencode", function()
  it("keeps every kind of value", function()
    local value = { 1, -5, 0.25, "", "a\0\r\n\255", { x = "y" }, { 1, { 2 } } }
    assert.same(value, bencode.decode(bencode.encode(value)))
  end)
end)

describe("a wait", function()
  it("gives what came, and says what did not come", function()
    local turns, patience = 0, process.PATIENCE
    finally(function() process.PATIENCE = patience end)
    assert.equal("third", wait.sleeping("a turn", function()
      turns = turns + 1
      return turns == 3 and "third"
    end))
    process.PATIENCE = 0
    assert.error_matches(function() wait.sleeping("the moon", function() end) end,
      "^this does not come: the moon$")
  end)

  it("for what is polled for ends at once when nothing is pending", function()
    local session <close> = assert(hinternet.open())
    for _, of in ipairs { false, session } do
      assert.error_matches(function() wait.polling("the sun", function() end, of or nil) end,
        "^nothing is pending, and this did not come: the sun$")
    end
    wait.poll_out()
  end)
end)

describe("the scripted peer", function()
  local p
  setup(function() p = peer.start() end)
  teardown(function() p:stop() end)

  it("sends exact bytes and keeps what it got", function()
    local bytes = "HTTP/1.1 200\0 \r\n\255\n\n"
    local s = p:answer(bytes)
    assert.equal(bytes, exchange(s.port, get))
    assert.is_true(s:wait(1))
    assert.same({ get }, s:received())
    assert.equal(1, s:accepted())
    assert.same({ "" }, s:errors())
    s:close()
  end)

  it("runs one script per connection and repeats the last", function()
    local s = p:serve { connections = {
      { { "send", "one" } }, { { "send", "two" } },
    } }
    assert.equal("one", exchange(s.port, ""))
    assert.equal("two", exchange(s.port, ""))
    assert.equal("two", exchange(s.port, ""))
    s:close()
  end)

  it("sends slowly, drips and repeats", function()
    local s = p:script({ "send_slowly", "abcdef", 4, 0.02 }, { "stall", 0.02 },
      { "drip", "xyz", 0.01 }, { "loop", 2, { { "send", "-" } } },
      { "send_repeat", "0123456789", 100000 })
    local started = socket.gettime()
    local text = exchange(s.port, "")
    assert.is_true(socket.gettime() - started >= 0.05)
    assert.equal("abcdefxyz--" .. ("0123456789"):rep(100000), text)
    s:close()
  end)

  it("resets, refuses and swallows connections", function()
    local s = p:script({ "recv_head" }, { "reset" })
    assert.equal("", exchange(s.port, get))
    assert.matches("ConnectionResetError", process.run((
      "%s -c 'import socket; s = socket.create_connection((\"127.0.0.1\", %d));"
      .. " s.send(b\"\\r\\n\\r\\n\"); s.recv(1)' || true"):format(
      process.program("python3"), s.port)))
    s:close()
    local _, refused = socket.connect("127.0.0.1", p:closed_port())
    assert.equal("connection refused", refused)
    local hole = socket.tcp()
    hole:settimeout(0.1)
    local _, stuck = hole:connect("127.0.0.1", p:blackhole_port())
    assert.equal("timeout", stuck)
    hole:close()
  end)

  it("echoes requests, chunked bodies decoded", function()
    local s = p:echo()
    local body = "4\r\nwiki\r\n3;x=y\r\nped\r\n0\r\nTrailer: x\r\n\r\n"
    local head = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" ..
      "Connection: close\r\n\r\n"
    local text = exchange(s.port, head .. body)
    assert.equal(head .. "wikiped", text:match("\r\n\r\n(.*)$"))
    s:close()
  end)

  it("answers GETs for as long as they come", function()
    local s = p:keepalive("hello", "X-A: b\r\n")
    local sock = dial(s.port)
    for _ = 1, 100 do
      assert(sock:send(get))
      local head = {}
      repeat
        head[#head + 1] = assert(sock:receive("*l"))
      until head[#head] == ""
      assert.equal("X-A: b", head[3])
      assert.equal("hello", sock:receive(5))
    end
    sock:close()
    s:close()
  end)

  it("waits for the spec's word and ends with its server", function()
    local s = p:script({ "wait" }, { "send", "now" }, { "stall" })
    local sock = dial(s.port)
    assert.is_true(s:wait_accepted(1))
    s:go()
    assert.equal("now", sock:receive(3))
    s:close()
    local _, message = sock:receive(1)
    assert.equal("closed", message)
    sock:close()
  end)

  it("listens on IPv6", function()
    local s = p:serve { v6 = true, connections = { { { "send", "six" } } } }
    assert.equal("http://[::1]:" .. s.port, s.url)
    assert.equal("six", exchange(s.port, "", "::1"))
    s:close()
  end)

  it("says what is wrong with a script", function()
    local s = p:script({ "no_such_step" })
    exchange(s.port, "")
    s:wait(1)
    assert.matches("no_such_step", s:errors()[1])
    s:close()
  end)
end)

describe("the leak check", function()
  local leaks = require "spec.support.leaks"

  it("sees an open handle and an open descriptor", function()
    leaks.begin()
    local session = assert(hinternet.open {})
    local function check() leaks.check(0.1) end
    assert.error_matches(check, "1 handles %(was 0%)")
    session:close()
    leaks.check()
    local file = assert(io.open("Makefile"))
    assert.error_matches(check, "Makefile")
    file:close()
    leaks.check()
  end)
end)

describe("certificates and nginx", function()
  local p, made, n
  setup(function()
    p = peer.start()
    made = certs.make()
    n = nginx.start(made)
  end)
  teardown(function()
    n:stop()
    p:stop()
    made:remove()
  end)

  local function s_client(port, more)
    return process.run(("printf 'GET /file HTTP/1.0\\r\\n\\r\\n' | " ..
      "openssl s_client -connect 127.0.0.1:%d -servername localhost " ..
      "-CAfile %s -verify_ip 127.0.0.1 -ign_eof %s"):format(port, made.ca,
      more or ""))
  end

  it("verifies the good one and names what is wrong with the rest", function()
    local said = {
      https = "Verification: OK",
      wrong = "IP address mismatch",
      expired = "certificate has expired",
      untrusted = "unable to get local issuer certificate",
      self_signed = "self[- ]signed certificate",
    }
    for kind, text in pairs(said) do
      assert.matches(text, s_client(n[kind .. "_port"]))
    end
  end)

  it("does TLS in the peer, of a chosen version, and sees the name", function()
    local s = p:serve {
      tls = { cert = made.good.cert, key = made.good.key, version = "1.2" },
      connections = { { { "recv_head" }, { "send", "sealed" } } },
    }
    assert.equal("https://127.0.0.1:" .. s.port, s.url)
    local text = s_client(s.port)
    assert.matches("sealed", text)
    assert.matches("TLSv1.2", text)
    assert.same({ "localhost" }, s:sni())
    s:close()
  end)

  it("serves files, statuses and drains bodies", function()
    local function curl(text) return exchange(n.http_port, text) end
    local tail = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    assert.matches("Content%-Length: 1024", curl("GET /file" .. tail .. "\r\n"))
    assert.matches("Content%-Length: 1073741824",
      curl("HEAD /big" .. tail .. "\r\n"))
    assert.matches("^HTTP/1.1 204 ", curl("GET /empty" .. tail .. "\r\n"))
    assert.matches("^HTTP/1.1 503 ", curl("GET /status/503" .. tail .. "\r\n"))
    assert.matches("chunked", curl("GET /chunked" .. tail .. "\r\n"))
    assert.matches("\r\n\r\n5$",
      curl("POST /length" .. tail .. "Content-Length: 5\r\n\r\nhello"))
    assert.matches("\r\n\r\n6$", curl("POST /length" .. tail ..
      "Transfer-Encoding: chunked\r\n\r\n6\r\nchunks\r\n0\r\n\r\n"))
    assert.matches("GET /file 200", n:log("access.log"))
  end)
end)

describe("specs.py", function()
  local folder
  setup(function() folder = process.temp_folder() end)
  teardown(function() process.remove_folder(folder) end)

  local function write(name, text)
    local file <close> = assert(io.open(("%s/%s_spec.lua"):format(folder, name), "w"))
    file:write(text)
  end

  -- What it says of files of the folder, without what takes time or a version.
  local function run(options, ...)
    local command = { ("%s spec/support/specs.py --log %s/log %s"):format(
      process.program("python3"), folder, options) }
    for _, name in ipairs { ... } do
      command[#command + 1] = ("%s/%s_spec.lua"):format(folder, name)
    end
    command[#command + 1] = ("-- env LUA_PATH=%s %s %s -o plainTerminal"
      .. " --helper=spec/support/record.lua || true"):format(process.quote(package.path),
      arg[-1], process.quote(arg[0]))
    local said = process.run(table.concat(command, " "))
    local lines = {}
    for line in said:gmatch("[^\n]+") do
      if line:find("^FAILED " .. folder:gsub("%p", "%%%0") .. ".*:") or line:find "^SKIPPED"
        or line:find "^%d+ passed" then
        lines[#lines + 1] = (line:gsub(folder:gsub("%p", "%%%0") .. "/", ""))
      end
    end
    return lines
  end

  it("names a test that hangs or crashes, and runs the rest", function()
    write("hang", [[
      describe("(%d) tests", function()
        it("pass", function() end)
        it("hang in Lua", function() while true do end end)
        it("hang in C", function() os.execute "exec sleep 600" end)
        it("crash", function() os.execute "kill -SEGV $PPID" end)
        it("exit", function() os.exit(3) end)
        it("fail", function() error "so" end)
        it("pass last", function() end)
      end)
      describe("after", function()
        after_each(function() error "left over" end)
        it("this one", function() end)
      end)
    ]])
    write("load", "while true do end")
    local at = "hang_spec.lua: (%d) tests "
    assert.same({
      "FAILED " .. at .. "hang in Lua: took longer than 3 s: hang_spec.lua:3: interrupted!",
      "FAILED " .. at .. "hang in C: took longer than 3 s, and was ended",
      "FAILED " .. at .. "crash: busted ended with status -11",
      "FAILED " .. at .. "exit: busted ended with status 3",
      "FAILED " .. at .. "fail: hang_spec.lua:7: so",
      "FAILED hang_spec.lua: after after_each: hang_spec.lua:11: left over",
      "FAILED load_spec.lua: load_spec.lua: took longer than 3 s: load_spec.lua:1: interrupted!",
      "3 passed, 7 failed, 0 skipped",
    }, run("--each 3 --grace 1", "hang", "load"))
  end)

  it("names what runs when the job's time is over", function()
    write("slow", 'it("sleeps", function() os.execute "exec sleep 600" end)')
    write("later", 'it("passes", function() end)')
    local over = ": the job took longer than 2 s, and this was "
    assert.same({
      "FAILED slow_spec.lua: sleeps" .. over .. "running",
      "FAILED later_spec.lua: later_spec.lua" .. over .. "not begun",
      "0 passed, 2 failed, 0 skipped",
    }, run("--all 2 --at-once 1", "slow", "later"))
  end)

  it("counts what cannot be tried, and no other pending test, as skipped", function()
    write("pending", 'pending("a (cannot be tried here: b)") pending("c")')
    assert.same({
      "FAILED pending_spec.lua: c: pending",
      "SKIPPED pending_spec.lua: a (cannot be tried here: b)",
      "0 passed, 1 failed, 1 skipped",
    }, run("", "pending"))
  end)
end)
