-- The module in C programs that embed Lua: those of spec/host, which hold the
-- amalgamation, as they are and under sanitizers.

local certs = require "spec.support.certs"
local names = require "spec.support.names"
local nginx = require "spec.support.nginx"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local source = require "spec.support.source"

local chain, server

setup(function()
  process.run("make -s --no-print-directory hosts")
  chain = certs.make()
  server = nginx.start(chain)
end)
teardown(function()
  server:stop()
  chain:remove()
end)

-- A program's output; raises when it ends with another status than 0. What a
-- parent's threads share with it is left alone in a child: no leak. Where a
-- system spreads addresses widely the thread sanitizer finds no room.
local function run(program, ...)
  local leaks = program:match("/forked$") and 0 or 1
  local words = { ("ASAN_OPTIONS=detect_leaks=%d"):format(leaks), "timeout 120",
    program:match("^tsan/") and "$(setarch -R true 2>/dev/null && echo setarch -R)" or "",
    "build/host/" .. program }
  for _, word in ipairs { ... } do words[#words + 1] = process.quote(word) end
  return process.run(table.concat(words, " "))
end

local function both_urls() return server.http .. "/file", server.https .. "/file", chain.ca end

local fetch_both = [[
  local http, https, ca = ...
  local session <close> = assert(hinternet.open())
  assert(session:set_option("ca_file", ca))
  for _, url in ipairs { http, https } do
    local r = assert(session:get(url))
    assert(r.status == 200 and #r.body == 1024)
  end
]]

describe("The amalgamation", function()
  it("exports its own names only", function()
    local count = 0
    for _, line in ipairs(source.output("nm -g --defined-only build/host/plain/hinternet.o")) do
      local name = line:match("^%x+ %a (%S+)$")
      if name then
        count = count + 1
        assert.is_truthy(name:match("^luaopen_hinternet") or name:match("^hn_"), name)
      end
    end
    assert.is_true(count > 40)
  end)

  it("compiles as it is under another name for the reactor, without warnings", function()
    process.run("cc -std=c11 -Wall -Wextra -Wpedantic -Wundef -Werror -fsyntax-only "
      .. "-DHN_REACTOR_POLL $(pkg-config --cflags lua5.4 openssl zlib) "
      .. "build/amalgamation/hinternet.c")
  end)

  it("needs no file beside it", function()
    local script = [[
      package.path, package.cpath = "", ""
      for name in io.lines "/proc/self/maps" do assert(not name:find "core%.so") end
    ]] .. fetch_both .. [[
      for _, name in ipairs { "get", "download", "request" } do assert(hinternet[name]) end
      print(hinternet.version, require "hinternet" == hinternet)
    ]]
    for _, variant in ipairs { "plain", "asan" } do
      assert.matches("^%d+%.%d+%.%d+%s+true\n$", run(variant .. "/run", script, both_urls()))
    end
  end)

  it("names its files and lines in errors", function()
    assert.matches("^script:1: bad argument #1 to 'open' %(table expected, got number%)\n$",
      run("plain/run", "print(select(2, pcall(function() hinternet.open(1) end)))"))
    assert.equal("=hinternet.http\n", run("plain/run",
      "print(debug.getinfo(require 'hinternet.http'.get, 'S').source)"))
  end)

  it("is content with few standard libraries", function()
    run("plain/run", "-f", fetch_both .. [[
      assert(not io and not os and not debug and not utf8)
      assert(session:post(http:gsub("file$", "length"), { body = "abc" }).body == "3")
      assert(session:post(http:gsub("file$", "length"), { form = { a = "b" } }).body == "3")
      assert(not session:get "http://127.0.0.1:1/")
    ]], both_urls())
  end)
end)

describe("A runtime that a program makes", function()
  it("serves one state at a time; handles go to Lua and back", function()
    for _, variant in ipairs { "plain", "asan" } do
      local p = peer.start()
      run(variant .. "/given", p:keepalive("hello").url)
      p:stop()
    end
  end)
end)

describe("The memory account of a program", function()
  it("has what closed requests leave for the next ones, and none of large heads", function()
    run("plain/account")
  end)
end)

describe("A runtime that a finaliser frees", function()
  it("leaves every call an error or a result, wherever it runs", function()
    local p = peer.start()
    local points = tonumber(run("asan/freed", p:keepalive("hello").url .. "/"))
    assert.is_true(points > 300, points)
    p:stop()
  end)
end)

describe("Coroutines that a hook of the program's suspends anywhere", function()
  -- Eight on one session: every call is answered, whoever took its events.
  local script = source.read("spec/support/yielding.lua")

  for _, mode in ipairs { "quiet", "timed", "heard", "tasks" } do
    it("have every call answered: " .. mode, function()
      local p = peer.start()
      local ok, slow = p:keepalive "hello", p:script({ "stall" })
      local closes = p:script({ "recv_head" }, { "reset" })
      for _, every in ipairs { 1, 2, 3, 7, 50, 333, 1000 } do
        local said = run("plain/yielding", tostring(every), script, mode, server.http, ok.url,
          slow.url, closes.url, "http://127.0.0.1:1")
        assert.is_true(tonumber(said) > 0)
      end
      p:stop()
    end)
  end
end)

describe("States on threads", function()
  it("work side by side", function()
    local script = "for _ = 1, 20 do " .. fetch_both .. " end"
    for _, host in ipairs { "127.0.0.1", "localhost" } do -- the latter is looked up
      local http, https = server.http:gsub("127.0.0.1", host), server.https:gsub("127.0.0.1", host)
      for _, variant in ipairs { "plain", "tsan" } do
        run(variant .. "/threads", "8", script, http .. "/file", https .. "/file", chain.ca)
      end
    end
  end)
end)

-- A script for names.lua that runs a program with a script of its own.
local function in_names(program, script)
  return ([[
    require("spec.support.process").run("timeout 60 build/host/plain/%s " .. %q)
    say "ended"
  ]]):format(program, process.quote(script))
end

describe("lua_close", function()
  -- Sends, waits for a head, reads, connects and handshakes, sync and async, in
  -- tasks, and in a coroutine that nobody resumes.
  local script = [[
    local stalling, half, blackhole, plain = ...
    local function start(session, port, secure, method)
      session:set_status_callback(heard)
      local connection = assert(session:connect("127.0.0.1", port))
      local request = assert(connection:open_request(method, "/", { secure = secure }))
      kept[#kept + 1] = request
      return request
    end
    kept = {}
    async = assert(hinternet.open { async = true })
    for _ = 1, 5 do
      assert(start(async, blackhole):send())
      assert(start(async, stalling, true):send()) -- in the handshake
      assert(start(async, stalling):send())
      assert(start(async, stalling, false, "PUT"):send(nil, ("x"):rep(3000000)))
      assert(start(async, plain):send())
    end
    tasks = assert(hinternet.open { async = true })
    tasks:set_status_callback(heard, { "handle_closing", "close_connection" })
    local base = "http://127.0.0.1:"
    local parked = {
      function() return tasks:get(base .. stalling) end,
      function() return tasks:get("https://127.0.0.1:" .. stalling) end,
      function() return tasks:post(base .. stalling, { body = ("x"):rep(10000000) }) end,
      function() return tasks:all { base .. half, base .. blackhole, base .. plain } end,
      function()
        local guard <close> = setmetatable({}, { __close = heard })
        local response <close> = assert(tasks:get(base .. half, { stream = true }))
        assert(response:read(3) == "abc")
        reached = true
        return response:read(1)
      end,
    }
    for i, f in ipairs(parked) do parked[i] = tasks:spawn(f) end
    tasks:spawn(function() return parked[1]:join() end)
    local before = os.time()
    repeat hinternet.poll(0.01) until reached or os.time() > before + 50
    assert(reached)
    tasks:spawn(heard) -- never begins
    reading = start(hinternet.open { async = true }, half)
    assert(reading:send())
    reading:parent():parent():poll(1)
    for _ = 1, 20 do async:poll(0.005) end
    sync = assert(hinternet.open())
    half_read = start(sync, half)
    assert(half_read:send() and half_read:receive_response() and half_read:read(2))
    parked = coroutine.create(function()
      half_read:set_status_callback(coroutine.yield)
      half_read:close()
    end)
    coroutine.resume(parked)
    assert(hinternet.get("http://127.0.0.1:" .. plain .. "/file"))
  ]]

  it("ends whatever is under way, calls nobody and leaves nothing", function()
    local p = peer.start()
    local stalling = p:script({ "stall" })
    local half = p:script({ "recv_head" },
      { "send", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc" }, { "stall" })
    for _, variant in ipairs { "plain", "asan" } do
      run(variant .. "/closing", "3", script, stalling.port, half.port,
        p:blackhole_port(), server.http_port)
    end
    p:stop()
  end)

  it("leaves a stuck look-up behind", function()
    local n = names.prepare()
    local said, seconds = n:run(in_names("closing 1", [[
      session = hinternet.open { async = true }
      for i = 1, 20 do
        requests = { session:connect("silent." .. i .. ".test", 80):open_request(), requests }
        assert(requests[1]:send())
      end
      session:poll(0.1)
    ]]))
    assert.same({ "ended" }, said)
    assert.is_true(seconds < 20)
    n:remove()
  end)
end)

describe("The module as a library", function()
  local prologue = [[
    package.path, package.cpath = "lua/?.lua", "build/?.so"
    local hinternet = require "hinternet"
  ]]

  it("is loaded and let go of again and again, and nothing grows", function()
    local said = run("plain/unload", "200", prologue .. fetch_both, both_urls())
    assert.matches("^%d+ KiB after 21 rounds, %d+ KiB after 200\n$", said)
  end)

  it("stays for the look-ups that end after it was let go of", function()
    local n = names.prepare()
    assert.same({ "ended" }, (n:run(in_names("unload 20", prologue .. [[
      local session = hinternet.open { async = true }
      local request = session:connect("slow.test", 80):open_request()
      assert(request:send())
      local stop = os.clock() + 0.1
      repeat session:poll(0) until os.clock() > stop
    ]]))))
    assert.is_true(n:questions "slow.test" >= 20)
    n:remove()
  end)
end)

describe("A program that forks", function()
  it("has a child whose handles are invalid, which may open its own", function()
    local before = [[
      local port, url = ...
      session = assert(hinternet.open())
      request = session:connect("127.0.0.1", port):open_request("GET", "/")
      assert(request:send() and request:receive_response() and request:read(2) == "ab")
      parked = assert(hinternet.open { async = true })
      task = parked:spawn(function()
        local response <close> = parked:get("http://127.0.0.1:" .. port, { stream = true })
        assert(response:read(2) == "ab")
        waits = true
        return response:read "a"
      end)
      repeat hinternet.poll(0.01) until waits
      return assert(session:get(url)).status == 200
    ]]
    local child = [[
      local _, url = ...
      assert(not session:is_valid() and not request:is_valid() and not parked:is_valid())
      assert(select(3, request:read(1)) == 6 and select(3, session:get(url)) == 6)
      local own <close> = assert(hinternet.open())
      assert(own:get(url).status == 200)
      local side = own:spawn(function() return own:get(url).status end)
      hinternet.run()
      assert(select(3, task:join()) == 12017) -- its call went with its handle
      return side:join() == 200 and hinternet.get(url).status == 200
    ]]
    local after = [[
      local _, url = ...
      assert(request:read "a" == "cd" and task:join() == "cd")
      return session:get(url).status == 200 and session:is_valid()
    ]]
    for _, variant in ipairs { "plain", "asan" } do
      local p = peer.start()
      local s = p:script({ "recv_head" },
        { "send", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab" }, { "stall", 1 },
        { "send", "cd" }, { "recv_eof" })
      run(variant .. "/forked", before, child, after, s.port, server.http .. "/file")
      assert.equal(2, #s:received())
      p:stop()
    end
  end)
end)

describe("A program's own", function()
  it("signal handlers, locale and closed streams stay as they are", function()
    local p = peer.start()
    -- A peer that goes away meanwhile: SIGPIPE would be raised here.
    local rude = p:script({ "recv_head" }, { "reset" })
    run("plain/intact", fetch_both .. [[
      local _, _, _, rude = ...
      assert(not hinternet.post(rude, { body = ("x"):rep(1000000) }))
    ]], server.http .. "/file", server.https .. "/file", chain.ca, rude.url)
    p:stop()
  end)
end)

describe("A script under its host's policy", function()
  local prologue = [[
    local folder, allowed, port, http, https = ...
    local host, own = allowed:match "//(.-):(%d+)$"
    own, port = math.tointeger(own), math.tointeger(port)
    -- Forbidden; or no host, no name to the resolver, no place to be led to.
    local refusals = { [5] = true, [87] = true, [12005] = true, [12007] = true, [12156] = true }
    local function refused(what, ok, message, code)
      if ok or not refusals[code] then
        error(("%s: %s %s %s"):format(what, ok, message, code), 2)
      end
    end
    local function forbidden(what, ok, message, code)
      refused(what, ok, message, code)
      assert(code == 5, what .. ": " .. message)
    end
    local function go(request, ...)
      local ok, message, code = request:send(...)
      if not ok then return nil, message, code end
      return request:receive_response()
    end
    local function at(session, to, to_port)
      local connection, message, code = session:connect(to, to_port)
      if not connection then return nil, message, code end
      return go(assert(connection:open_request()))
    end
  ]]

  local p, allowed, other, folder

  before_each(function()
    folder = process.temp_folder()
    p = peer.start()
    other = p:keepalive("forbidden")
    allowed = p:keepalive("allowed")
  end)
  after_each(function()
    p:stop()
    process.remove_folder(folder)
  end)

  -- Nobody may have reached the other server, nor nginx.
  local function try(script, url)
    local before = #server:log("access.log")
    run("asan/policed", prologue .. script, folder, url or allowed.url, other.port,
      server.http, server.https)
    assert.same({}, other:received())
    assert.equal(before, #server:log("access.log"))
  end

  it("reaches what it may and nothing else, however that is spelt", function()
    try [[
      assert(hinternet.get(allowed).body == "allowed")
      for _, name in ipairs { "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1",
        "::1", "[::ffff:127.0.0.1]", "::ffff:7f00:1", "localhost", "LOCALHOST.", "127.0.0.1.",
        "127.0.0.2", "0.0.0.0", "::", "169.254.169.254", "10.0.0.1", "example.org" } do
        refused(name, at(hinternet.open(), name, port))
      end
      forbidden("a session's own", at(hinternet.open(), host, port))
      for _, url in ipairs { http, https, "HTTP://127.0.0.1:" .. port,
        "https://" .. host .. ":" .. own, "http://user:x@127.0.0.1:" .. port,
        allowed .. "@127.0.0.1:" .. port } do
        refused(url, hinternet.get(url))
        refused(url, hinternet.open():get(url))
      end
    ]]
  end)

  it("is not led elsewhere by a redirect", function()
    for _, target in ipairs { other.url .. "/", "//localhost:" .. other.port,
      server.http .. "/file", server.https .. "/file", "http://2130706433:" .. other.port } do
      local s = p:answer(("HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n")
        :format(target))
      try([[
        local session = assert(hinternet.open { redirect_policy = "always" })
        refused("redirect", at(session, host, own))
        refused("redirect", session:get(allowed))
      ]], s.url)
    end
  end)

  it("gains nothing by options, files and fields", function()
    process.run("printf 'still there' >" .. process.quote(folder .. "/precious"))
    try [[
      for name, value in pairs {
        unix_socket = folder .. "/socket", resolve_to = "127.0.0.2",
        resolution_hostname = "localhost", ca_file = folder .. "/ca.pem",
        crl_file = folder .. "/crl.pem", security_flags = { "ignore_cert_cn_invalid" },
      } do
        local judged = 0
        for level = 1, 2 do
          local session = assert(hinternet.open())
          local request = assert(session:connect(host, own):open_request())
          local handle = level == 1 and session or request
          local ok, message, code = handle:set_option(name, value)
          if ok then ok, message, code = at(session, host, own) end
          if ok then ok, message, code = go(request) end
          if code ~= 12018 then -- not an option of this level
            judged = judged + 1
            forbidden(name, ok, message, code)
          end
        end
        assert(judged > 0, name)
      end
      forbidden("verify", hinternet.get(https, { verify = false }))
      forbidden("Host", hinternet.get(allowed, { headers = { Host = "127.0.0.1:" .. port } }))
      local request = hinternet.open():connect(host, own):open_request()
      assert(go(request))
      forbidden("read_to", request:read_to(io.stdout))
      request = hinternet.open():connect(host, own):open_request("PUT")
      assert(request:send(nil, nil, 4))
      forbidden("write_from", request:write_from(io.stdin))
      forbidden("download", hinternet.download(allowed, folder .. "/precious"))
      forbidden("download", hinternet.download(allowed, folder .. "/new", { max_body = 0 }))
      forbidden("download", hinternet.download(allowed, io.stdout))
      forbidden("new_file", require "hinternet.core".new_file(folder .. "/precious"))
    ]]
    assert.equal("precious\n", process.run("cd " .. process.quote(folder) .. "; ls -A"))
    assert.equal("still there", process.run("cd " .. process.quote(folder) .. "; cat precious"))
    process.run("rm " .. process.quote(folder .. "/precious"))
  end)

  it("gains nothing by loading the module again, nor by its inner parts", function()
    try [[
      local core = require "hinternet.core"
      local again = assert(package.loadlib("build/hinternet/core.so", "luaopen_hinternet_core"))
      assert(again() == core)
      for name in pairs(package.loaded) do
        if name:find "^hinternet" then package.loaded[name] = nil end
      end
      assert(require "hinternet.core" == core)
      local anew = require "hinternet"
      forbidden("anew", anew.get(http))
      forbidden("core", at(core.open(), host, port))
      local session = anew.open { async = true }
      local task = session:spawn(function() return at(session, host, port) end)
      anew.run()
      forbidden("a task", task:join())
      assert(type(getmetatable(session)) == "string")
      assert(not pcall(setmetatable, session, {}))
      package.loaded["hinternet.core"], package.path, package.cpath = nil, "lua/?.lua", "build/?.so"
      package.preload["hinternet.core"], package.preload.hinternet = nil, nil
      package.loaded.hinternet = nil
      assert(require "hinternet.core" == core)
      forbidden("from files", require("hinternet").get(http))
    ]]
  end)

  it("takes no more than it may", function()
    try [[
      local sessions = {}
      local ok, message, code
      repeat
        sessions[#sessions + 1], message, code = hinternet.open()
      until code
      assert(code == 8 and #sessions == 100)
      for _, session in ipairs(sessions) do session:close() end
      ok, message, code = hinternet.post(allowed, { body = ("x"):rep(1001) })
      assert(code == 122, message)
      assert(hinternet.post(allowed, { body = ("x"):rep(1000) }))
    ]]
  end)
end)

describe("The host with frames", function()
  it("downloads while its frames go on, and tells how long poll took", function()
    local said = run("frames", "examples/host/downloads.lua", server.https .. "/text", "100",
      chain.ca)
    assert.matches("^100 of 100 downloads, 104857600 bytes\n", said)
    local frames, sum = math.tointeger(said:match("\n(%d+) frames of 16%.7 ms")), 0
    for count in said:gmatch("\n +[%a%d. ]- +(%d+) #*%f[\n]") do sum = sum + count end
    assert.equal(frames, sum)
    assert.is_true(frames > 100)
    -- 2 ms on a machine that does nothing else; here others may be at work.
    local p50, p99, most = said:match("\np50 ([%d.]+) +p99 ([%d.]+) +max ([%d.]+)\n$")
    assert.is_true(tonumber(p50) < 16 and tonumber(p50) <= tonumber(p99))
    assert.is_true(tonumber(p99) <= tonumber(most))
  end)

  it("says what is wrong with its script", function()
    local ok, said = pcall(run, "frames", "no/such.lua")
    assert.is_false(ok)
    assert.matches("frames: no/such.lua: cannot open no/such.lua", said, 1, true)
  end)
end)
