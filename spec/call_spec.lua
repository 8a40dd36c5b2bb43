-- What a call of the one-call layer leaves, takes and counts.

local hinternet = require "hinternet"
local coded = require "spec.support.coded"
local hops = require "spec.support.hops"
local peer = require "spec.support.peer"

local core = require "hinternet.core"

local TOO_LARGE, URL, CANCELLED, BROKEN = 122, 12005, 12017, 12030

describe("A call", function()
  local p, echo = peer.new(), nil
  p:for_tests()
  setup(function() echo = p:echo() end)

  local function serve(...) return p:serve { connections = { ... } } end
  -- Answers one request after the other with these texts.
  local function answering(...) return serve(hops.answers(...)) end

  describe("closes its request when it returns", function()
    local function live() return (core.live()) end

    it("though it has failed before its head", function()
      local broken = serve { { "recv_head" }, { "close" } }
      local session <close> = assert(hinternet.open())
      collectgarbage()
      collectgarbage "stop"
      local _, _, code = session:get(broken.url, { timeout = 5 })
      assert.equal(BROKEN, code)
      local before = live()
      for _, options in ipairs { { timeout = 5 }, { stream = true }, { timeout = 0 },
        { headers = "bad" }, { body = function() return nil, "no more" end } } do
        assert.is_nil((session:get(broken.url, options)))
        assert.equal(before, live())
      end
      local path = os.tmpname()
      assert.is_nil((session:download(broken.url, path)))
      assert.equal(before, live())
      os.remove(path)
      collectgarbage "restart"
    end)

    it("though it has failed after it, or raised", function()
      local session <close> = assert(hinternet.open())
      local s = serve { { "loop", -1, { { "recv_head" },
        { "send", peer.response(200, nil, "0123456789") } } } }
      assert(session:get(s.url, { timeout = 5 }))
      collectgarbage()
      collectgarbage "stop"
      local before = live()
      assert.is_nil((session:get(s.url, { max_body = 9 })))
      assert.equal(before, live())
      local function progress() error "enough" end
      assert.is_false((pcall(session.get, session, s.url, { progress = progress })))
      assert.equal(before, live())
      collectgarbage "restart"
    end)
  end)

  describe("with progress", function()
    it("takes a body as long as max_body", function()
      for _, size in ipairs { 10, 32768, 40000, 65536 } do
        local text = peer.response(200, nil, ("x"):rep(size))
        local s = answering(text, text)
        local told
        local options = { max_body = size, progress = function(n, total)
          told = { n, total }
        end }
        assert.equal(size, #assert(hinternet.get(s.url, options)).body)
        assert.same({ size, size }, told)
        options.max_body = size - 1
        local _, message, code = hinternet.get(s.url, options)
        assert.same({ "buffer limit reached: body larger than max_body", TOO_LARGE },
          { message, code })
      end
    end)

    it("writes to a file no more than max_body, however large that is", function()
      local path = os.tmpname()
      for _, size in ipairs { 524287, 524288, 524289, 600000 } do
        local text = peer.response(200, nil, ("x"):rep(size))
        local s = answering(text, text)
        local told = 0
        local options = { max_body = size, progress = function(n) told = n end }
        assert.equal(size, (assert(hinternet.download(s.url, path, options))))
        assert.equal(size, told)
        options.max_body = size - 1
        local bytes, message, code = hinternet.download(s.url, path, options)
        assert.same({ "buffer limit reached: body larger than max_body", TOO_LARGE },
          { message, code })
        assert.is_nil(bytes)
      end
      os.remove(path)
    end)

    it("is given up where that answers false, and only there", function()
      local text = peer.response(200, nil, "0123456789")
      local path = os.tmpname()
      for _, ask in ipairs {
        function(s, options) return hinternet.get(s.url, options) end,
        function(s, options) return hinternet.download(s.url, path, options) end,
      } do
        local s = answering(text, text)
        for _, answer in ipairs { true, "x" } do
          assert.is_truthy((ask(s, { progress = function() return answer end })))
        end
        local r, message, code = ask(answering(text), { progress = function() return false end })
        assert.same({ nil, "operation cancelled: by its progress function", CANCELLED },
          { r, message, code })
      end
      os.remove(path)
    end)

    it("is told a total only of what is handed out", function()
      local text = coded.make()
      local head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " .. #text.short
        .. "\r\n\r\n"
      local s = answering(head .. text.short, head .. text.short)
      local totals = {}
      local function progress(_, total) totals[#totals + 1] = total or false end
      assert.equal("hello\n", assert(hinternet.get(s.url, { progress = progress })).body)
      assert.same({ false }, totals)
      totals = {}
      local r = assert(hinternet.get(s.url, { progress = progress, decompression = false }))
      assert.equal(text.short, r.body)
      assert.same({ #text.short }, totals)
    end)
  end)

  it("with options has a body though it is empty", function()
    local empty = peer.response(200, nil, "")
    local s = answering(empty, empty)
    assert.equal("", assert(hinternet.get(s.url, { timeout = 5 })).body)
    assert.equal("", assert(hinternet.get(s.url, { progress = print })).body)
  end)

  it("over plain HTTP does without a client certificate", function()
    assert.equal(200, assert(hinternet.get(echo.url, { client_cert = "/nowhere" })).status)
  end)

  it("of download tells a body that breaks at max_body from a longer one", function()
    local s = serve { { "recv_head" }, { "send",
      "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789" } }
    local path = os.tmpname()
    local _, message, code = hinternet.download(s.url, path, { max_body = 10 })
    assert.equal(BROKEN, code, message)
    os.remove(path)
  end)

  it("of download takes 200 to 299 for success", function()
    local path = os.tmpname()
    local s = answering(peer.response(299, nil, "body"), peer.response(300, nil, "choices"),
      peer.response(200, nil, "body"), peer.response(400, nil, "bad"))
    for _, row in ipairs { { 4 }, { nil, 300 }, { 4 }, { nil, 400 } } do
      local bytes, message, code, r = hinternet.download(s.url, path)
      assert.equal(row[1], bytes)
      if not bytes then
        assert.same({ "the server answered " .. row[2] .. " Status", row[2], row[2] },
          { message, code, r.status })
      end
    end
    os.remove(path)
  end)

  it("with history lets a callback hear what it has asked for alone", function()
    local s = answering("HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
      peer.response(200, nil, "b"))
    local session <close> = assert(hinternet.open())
    local heard = {}
    session:set_status_callback(function(_, status) heard[#heard + 1] = status end,
      { "headers_available", "response_received" })
    local r = assert(session:get(s.url, { history = true }))
    assert.same({ { status = 302, url = s.url .. "/" } }, r.history)
    assert.is_true(#heard > 0)
    for _, status in ipairs(heard) do assert.equal("response_received", status) end
  end)

  it("is refused with a user, or a password alone, in its URL", function()
    for _, user in ipairs { "user@", "user:@", ":password@", "@", "user:password@" } do
      local url = echo.url:gsub("//", "//" .. user)
      for _, options in ipairs { false, {} } do
        local r, message, code = hinternet.get(url, options or nil)
        assert.same({ nil, URL }, { r, code })
        assert.matches("credentials in a URL are not sent", message, 1, true)
      end
    end
  end)

  it("goes on after the connection of the one before was closed", function()
    local session <close> = assert(hinternet.open())
    for _ = 1, 2 do
      local r <close> = assert(hinternet.get(echo.url, { stream = true }))
      assert.is_true(r.request:parent():close())
      assert.is_table((hinternet.get(echo.url)))
      assert.is_table((hinternet.get(echo.url, {})))
      local other <close> = assert(session:get(echo.url, { stream = true }))
      assert.is_true(other.request:parent():close())
      assert.is_table((session:get(echo.url)))
    end
  end)

  it("takes true and false for every option that is a boolean", function()
    for _, name in ipairs { "redirects", "decompression", "history", "stream", "verify" } do
      for _, value in ipairs { true, false } do
        local r <close> = assert(hinternet.get(echo.url, { [name] = value }))
        assert.equal(200, r.status)
      end
    end
    local session <close> = assert(hinternet.open())
    for name, option in pairs(core.options()) do
      if option.type == "boolean" and option.set:find "S" then
        for _, value in ipairs { true, false } do
          assert.is_true(session:set_option(name, value))
          local other <close> = assert(hinternet.open { [name] = value })
          if option.query:find "S" then assert.equal(value, other:query_option(name)) end
        end
      end
    end
  end)

  it("raises for a method that is no text, of the module and of sessions", function()
    local session <close> = assert(hinternet.open())
    for _, method in ipairs { 1, true, {} } do
      local wanted = "bad argument #1 to 'request' (string expected, got " .. type(method) .. ")"
      local _, message = pcall(function() local _ = session:request(method, echo.url) end)
      assert.equal(wanted, message:match("^spec/call_spec.lua:%d+: (.*)$"))
      _, message = pcall(function() local _ = hinternet.request(method, echo.url) end)
      assert.equal(wanted, message:match("^spec/call_spec.lua:%d+: (.*)$"))
    end
  end)

  it("tells why its request cannot be made, be its origin known or not", function()
    local session <close> = assert(hinternet.open())
    for i = 1, 2 do
      local before = core.live()
      local r, message, code = session:request("NO METHOD", echo.url)
      assert.same({ nil, 'invalid parameter: the method "NO METHOD" is none', 87 },
        { r, message, code })
      if i == 2 then assert.equal(before, (core.live())) end
      assert(session:get(echo.url))
    end
  end)

  it("says why the module's session cannot be opened", function()
    assert.is_true(hinternet.session():close())
    local open = core.open
    local guard <close> = setmetatable({}, { __close = function() core.open = open end })
    assert.is_not_nil(guard)
    core.open = function() return nil, "no room", 8 end
    for _, options in ipairs { false, {} } do
      assert.same({ nil, "no room", 8 }, { hinternet.get(echo.url, options or nil) })
    end
    assert.same({ nil, "no room", 8 }, { hinternet.all { echo.url } })
    core.open = open
    assert(hinternet.get(echo.url))
  end)

  it("sends a standard method in upper case, and others as they are", function()
    local session <close> = assert(hinternet.open())
    for _, name in ipairs { "get", "Post", "pUT", "patch", "delete", "options", "trace" } do
      local list = hinternet.all { { method = name, url = echo.url } }
      for _, r in ipairs { hinternet.request(name, echo.url), session:request(name, echo.url),
        hinternet.request(name, echo.url, {}), list[1] } do
        assert.equal(name:upper() .. " / HTTP/1.1", r.body:match("^[^\r]*"))
      end
    end
    assert.equal("", assert(hinternet.request("head", echo.url)).body)
    assert.equal("brew /", assert(hinternet.request("brew", echo.url)).body:match("^%S+ %S+"))
    local request = assert(assert(session:connect("127.0.0.1", echo.port)):open_request("get"))
    assert(request:send())
    assert(request:receive_response())
    assert.equal("get / HTTP/1.1", request:read("a"):match("^[^\r]*"))
  end)

  it("sends each of two fields of a name", function()
    local session <close> = assert(hinternet.open())
    local connection = assert(session:connect("127.0.0.1", echo.port))
    local function pieces()
      local left = { "b", "ody" }
      return function() return table.remove(left, 1) end
    end
    local file = assert(io.tmpfile())
    assert(file:write("body"))
    for _, headers in ipairs {
      { { "X", "1" }, { "Y", "3" }, { "x", "2" }, { "X", "2" } },
      "X: 1\r\nY: 3\r\nx: 2\r\nX: 2",
    } do
      for _, options in ipairs { {}, { body = "body" }, { body = pieces() }, { body = file },
        { json = "1" } } do
        options.headers = headers
        file:seek("set")
        local text = assert(hinternet.post(echo.url, options)).body
        assert.matches("\r\nX: 1\r\nY: 3\r\nx: 2\r\nX: 2\r\n", text, 1, true)
      end
      local request = assert(connection:open_request())
      assert(request:add_headers("X: 0\r\nZ: 0"))
      assert(request:send(headers))
      assert(request:receive_response())
      local text = request:read("a")
      assert.matches("\r\nZ: 0\r\nX: 1\r\nY: 3\r\nx: 2\r\nX: 2\r\n", text, 1, true)
      assert.is_nil(text:find("X: 0", 1, true))
      assert(request:send("X: 4")) -- goes over the first alone, as ever
      request:close()
    end
    file:close()
  end)

  it("sends one Host, however many it is given", function()
    local session <close> = assert(hinternet.open())
    local connection = assert(session:connect("127.0.0.1", echo.port))
    local three = "Host: a\r\nHost: b\r\nHost: c"
    for _, how in ipairs { "send", "add_headers" } do
      local request = assert(connection:open_request())
      if how == "send" then
        assert(request:send(three))
      else
        assert(request:add_headers(three))
        assert(request:send())
      end
      assert(request:receive_response())
      local hosts = {}
      for host in request:read("a"):gmatch("\r\nHost: (%w+)") do hosts[#hosts + 1] = host end
      assert.same({ "c" }, hosts)
      request:close()
    end
  end)

  it("takes whole numbers that are floats", function()
    local s = answering("HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
      peer.response(200, nil, "0123456789"), peer.response(200, nil, "0123456789"))
    local r = assert(hinternet.get(s.url, { redirects = 4 / 2, max_body = 10.0 }))
    assert.equal("0123456789", r.body)
    local path = os.tmpname()
    assert.equal(10, (hinternet.download(s.url, path, { max_body = 1e3 })))
    os.remove(path)
  end)

  it("answers the URL that it asked, and doubles no mark of its query", function()
    local base = echo.url
    local upper = base:gsub("http", "HTTP")
    for _, row in ipairs {
      { upper .. "/A b\xc3\xa4", nil, "/A%20b%C3%A4" },
      { upper, nil, "/" },
      { base .. "?q=a b", nil, "/?q=a%20b" },
      { base .. "/a%20b~{#part}", nil, "/a%20b~%7B" },
      { base .. "/x", "?a=1", "/x?a=1" },
      { base .. "/x?", "a=1", "/x?a=1" },
      { base .. "/x?b&", "&a=1", "/x?b&a=1" },
      { base .. "/x?b", "?a=1", "/x?b&a=1" },
      { base .. "/x?b", { a = 1 }, "/x?b&a=1" },
      { base, { h = 8, c = 3, a = 1, g = 7, e = 5, b = 2, f = 6, d = 4, [9] = 0 },
        "/?9=0&a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8" },
      { base .. "/x&", "a=1#2 3", "/x&?a=1%232%203" },
      { base .. "/it's", { a = 1e-7, b = 1e300, c = 2.5, d = math.huge },
        "/it's?a=1e-07&b=1e%2B300&c=2.5&d=inf" },
      { base, { { "a", "!*'()~-._" } }, "/?a=%21%2A%27%28%29~-._" },
    } do
      local r = assert(hinternet.get(row[1], { query = row[2] }))
      assert.equal(base .. row[3], r.url)
      assert.equal(row[3], r.body:match("^GET (%S+) HTTP"))
    end
    local path = os.tmpname()
    os.remove(path)
    p:serve { path = path, connections = { { { "echo" } } } }
    local r = assert(hinternet.get("HTTP://Example.TEST:80/X", { unix_socket = path }))
    assert.equal("http://example.test/X", r.url)
    assert.matches("\r\nHost: example.test\r\n", r.body, 1, true)
    r = assert(hinternet.get("http://ABCDEFGHIJKLMNOPQRSTUVWXYZ.test/", { unix_socket = path }))
    assert.equal("http://abcdefghijklmnopqrstuvwxyz.test/", r.url)
    local other = answering("HTTP/1.1 302 Found\r\nLocation: HTTP://LOCALHOST:" .. echo.port
      .. "/A%20b\r\nContent-Length: 0\r\n\r\n")
    assert.equal("http://localhost:" .. echo.port .. "/A%20b", assert(hinternet.get(other.url)).url)
  end)

  it("of many origins leaves the handles of the last few alone", function()
    local session <close> = assert(hinternet.open())
    local function get(name)
      return assert(session:get(("http://%s.test:%d/"):format(name, echo.port),
        { resolve_to = "127.0.0.1", stream = true }))
    end
    local function count()
      collectgarbage()
      collectgarbage()
      return (core.live())
    end
    local before = count()
    for i = 1, 63 do get("h" .. i):close() end
    local r = get("h1")
    r.request:parent():close()
    r:close()
    get("h1"):close() -- in its place, and not counted again
    r = nil -- luacheck: ignore
    get("h64"):close()
    assert.equal(before + 64, count())
    for i = 1, 64 do get("H" .. i):close() end -- the same
    assert.equal(before + 64, count())
    get("h65"):close()
    assert.equal(before + 1, count())
  end)

  it("has the context value of its session when it begins", function()
    local session <close> = assert(hinternet.open())
    local seen = {}
    session:set_status_callback(function(handle)
      seen[#seen + 1] = handle:query_option("context_value")
    end, { "sending_request" })
    for value = 7, 9 do
      assert.is_true(session:set_option("context_value", value))
      assert(session:get(echo.url))
    end
    assert.same({ 7, 8, 9 }, seen)
  end)

  it("hears what its session's callback is when it begins", function()
    local session <close> = assert(hinternet.open())
    local own = assert(hinternet.session())
    local heard
    local function hear(name)
      return function(_, status) if status == "sending_request" then heard = name end end
    end
    for _, call in ipairs {
      { session, function() return session:get(echo.url) end },
      { own, function() return hinternet.get(echo.url) end },
      { own, function() return hinternet.get(echo.url, { timeout = 5 }) end },
    } do
      heard = nil
      assert(call[2]())
      assert.is_nil(heard)
      call[1]:set_status_callback(hear "first")
      assert(call[2]())
      assert.equal("first", heard)
      call[1]:set_status_callback(hear "second", { "send_request" })
      assert(call[2]())
      assert.equal("second", heard)
      heard = nil
      call[1]:set_status_callback(hear "third", { "redirect" })
      assert(call[2]())
      assert.is_nil(heard)
      call[1]:set_status_callback(nil)
      assert(call[2]())
      assert.is_nil(heard)
    end
    assert.equal(1, session:query_option("connections_opened"))
  end)
end)
