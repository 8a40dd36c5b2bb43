-- The one-call layer: bodies of requests, whatever they are made of, bodies that
-- a redirect wants again, and bodies of responses that go to a file.

local hinternet = require "hinternet"
local patience = require "spec.support.patience"
local peer = require "spec.support.peer"

local READ_FAULT, WRITE_FAULT, TOO_LARGE = 30, 29, 122
local TIMEOUT, RESEND, TOO_MANY = 12002, 12032, 12156

local function redirect(status, location)
  return peer.response(status, { "Location: " .. location, "Connection: close" }, "moved")
end

-- The body that an echoed request had, and one of its fields.
local function body_of(r) return (r.body:match("\r\n\r\n(.*)$")) end
local function field_of(r, name)
  return r.body:match("\r\n" .. name:gsub("%-", "%%-") .. ": ([^\r\n]*)\r\n")
end

-- A file of its own with some text, standing at a place.
local function file_with(text, at)
  local file = assert(io.tmpfile())
  file:write(text)
  file:seek("set", at or 0)
  return file
end

local function pieces(...)
  local list, i = { ... }, 0
  return function()
    i = i + 1
    return list[i]
  end
end

describe("A call of the one-call layer", function()
  local p, echo, url = peer.new(), nil, nil
  p:for_tests()
  setup(function()
    echo = p:echo()
    url = echo.url .. "/path"
  end)

  local function serve(...) return p:serve { connections = { ... } } end
  -- One answer for each connection.
  local function answering(...)
    local scripts = {}
    for _, text in ipairs { ... } do
      scripts[#scripts + 1] = { { "recv_head" }, { "recv_body" }, { "send", text } }
    end
    return serve(table.unpack(scripts))
  end

  describe("has a body", function()
    it("of text, with its length", function()
      local large = ("0123456789"):rep(20000)
      for _, text in ipairs { "text", "", large } do
        local r = assert(hinternet.post(url, { body = text }))
        assert.equal(tostring(#text), field_of(r, "Content-Length"))
        assert.equal(text, body_of(r))
      end
    end)

    it("of the pieces that a function answers until nil, chunked", function()
      local r = assert(hinternet.put(url, { body = pieces("one", "", "two", ("x"):rep(100000)) }))
      assert.equal("chunked", field_of(r, "Transfer-Encoding"))
      assert.equal("onetwo" .. ("x"):rep(100000), body_of(r))
      r = assert(hinternet.put(url, { body = function() end }))
      assert.equal("", body_of(r))
    end)

    it("of such pieces, with the length its own field announces", function()
      local r = assert(hinternet.put(url, {
        headers = { ["Content-Length"] = 6 }, body = pieces("one", "two") }))
      assert.same({ "6", "onetwo" }, { field_of(r, "Content-Length"), body_of(r) })
      assert.is_nil(field_of(r, "Transfer-Encoding"))
      local s = serve { { "recv_head" }, { "recv_eof" } }
      local _, message, code = hinternet.put(s.url, {
        headers = { ["Content-Length"] = 7 }, body = pieces("one", "two") })
      assert.same({ "the body ended after 6 of the 7 bytes announced", READ_FAULT },
        { message, code })
      _, message, code = hinternet.put(s.url, {
        headers = { ["Content-Length"] = 5 }, body = pieces("one", "two") })
      assert.same({ "invalid parameter: 3 bytes to write, where 3 of the 5 bytes announced are "
        .. "given: 2 are left", 87 }, { message, code })
    end)

    it("of another length than its own field announces, is refused with both lengths", function()
      local s = serve { { "recv_head" }, { "recv_eof" } }
      local GOES_ON = "invalid parameter: the body goes on behind the 6 bytes announced: at least "
      local ENDED = "the body ended after 3 of the 6 bytes announced"
      for _, row in ipairs {
        { pieces("one", "two", "more"), GOES_ON .. "10 were given", 87 },
        { pieces("onetwo", "", "", "m"), GOES_ON .. "7 were given", 87 },
        { pieces("one"), ENDED, READ_FAULT },
        { "one", ENDED, READ_FAULT },
        { "onetwo3", "invalid parameter: a body of 7 bytes is longer than the 6 announced", 87 },
      } do
        local r, message, code = hinternet.put(s.url, {
          headers = { ["Content-Length"] = 6 }, body = row[1] })
        assert.same({ nil, row[2], row[3] }, { r, message, code })
      end
    end)

    it("is not asked for more once it is answered, and may fail at its very end", function()
      local s = serve { { "recv_head" }, { "recv_body" }, { "send", "HTTP/1.1 200 OK\r\n\r\n" } }
      local calls = 0
      local r, message, code = hinternet.put(s.url, { headers = { ["Content-Length"] = 3 },
        body = function()
          calls = calls + 1
          if calls == 1 then return "one" end
          return nil, "out of paper"
        end })
      assert.same({ nil, "out of paper", READ_FAULT, 2 }, { r, message, code, calls })
    end)

    it("is not asked for more once it is answered before its end", function()
      local s = serve { { "recv_head" },
        { "send", peer.response(413, { "Connection: close" }, "too much") }, { "stall" } }
      local piece = ("x"):rep(1 << 20)
      local r = assert(hinternet.put(s.url, { headers = { ["Content-Length"] = 1 << 40 },
        body = function() return piece end }))
      assert.same({ 413, "too much" }, { r.status, r.body })
    end)

    it("that fails as its function does, and is raised as it raises", function()
      local s = serve { { "recv_head" }, { "recv_eof" } }
      local _, message, code = hinternet.put(s.url, {
        body = function() return nil, "out of paper" end })
      assert.same({ "out of paper", READ_FAULT }, { message, code })
      _, message, code = hinternet.put(s.url, { body = function() return nil, 5 end })
      assert.same({ "5", READ_FAULT }, { message, code })
      local problem = {}
      local ok, got = pcall(hinternet.put, s.url, { body = function() error(problem) end })
      assert.is_false(ok)
      assert.equal(problem, got)
      ok, got = pcall(hinternet.put, s.url, { body = function() return 12 end })
      assert.is_false(ok)
      assert.equal("the body function answered a number where a string is expected", got)
    end)

    it("of a file from where it stands, with its length", function()
      local file = file_with("skipped" .. ("data"):rep(50000), 7)
      local r = assert(hinternet.put(url, { body = file }))
      assert.equal("200000", field_of(r, "Content-Length"))
      assert.equal(("data"):rep(50000), body_of(r))
      assert.equal(200007, file:seek())
      r = assert(hinternet.put(url, { body = file }))
      assert.same({ "0", "" }, { field_of(r, "Content-Length"), body_of(r) })
      file:close()
    end)

    it("of a pipe, chunked", function()
      local pipe = assert(io.popen("printf 'a line\\nand %05000d' 7", "r"))
      assert.equal("a line", pipe:read("l")) -- which reads ahead
      local r = assert(hinternet.put(url, { body = pipe }))
      pipe:close()
      assert.equal("chunked", field_of(r, "Transfer-Encoding"))
      assert.equal("and " .. ("0"):rep(4999) .. "7", body_of(r))
    end)

    it("of a pipe, as long as its own field says", function()
      for _, headers in ipairs { { ["Content-Length"] = 4 }, { { "CONTENT-length", 4 } },
        "Content-Length: 4", "X: y\r\ncontent-LENGTH: 4" } do
        local pipe = assert(io.popen("printf 0123456789", "r"))
        local r = assert(hinternet.put(url, { headers = headers, body = pipe }))
        assert.equal("0123", body_of(r))
        assert.equal("456789", pipe:read("a"))
        pipe:close()
      end
    end)

    it("of a form's fields", function()
      local r = assert(hinternet.post(url, {
        form = { { "name", "Ada L." }, { "sum", "1+1=2" }, { "n", 3 } } }))
      assert.equal("application/x-www-form-urlencoded", field_of(r, "Content-Type"))
      assert.equal("name=Ada+L.&sum=1%2B1%3D2&n=3", body_of(r))
      r = assert(hinternet.post(url, { form = { b = 1, a = { 1, 2 } } }))
      assert.equal("a=1&a=2&b=1", body_of(r))
      r = assert(hinternet.post(url, { form = "as=it+is" }))
      assert.equal("as=it+is", body_of(r))
    end)

    it("of JSON text, with the type that goes with it", function()
      local r = assert(hinternet.post(url, { json = '{"a": 1}' }))
      assert.same({ "application/json", '{"a": 1}' }, { field_of(r, "Content-Type"), body_of(r) })
      r = assert(hinternet.post(url, { json = "{}",
        headers = { ["content-type"] = "application/problem+json" } }))
      assert.equal("application/problem+json", field_of(r, "content-type"))
      assert.is_nil(field_of(r, "Content-Type"))
    end)

    describe("of JSON made from a table", function()
      local saved = {}
      local names = { "cjson", "cjson.safe", "rapidjson", "lunajson", "dkjson" }
      before_each(function()
        for _, name in ipairs(names) do
          saved[name], package.loaded[name] = package.loaded[name], nil
        end
      end)
      after_each(function()
        for _, name in ipairs(names) do package.loaded[name] = saved[name] end
      end)

      it("by the function given for it", function()
        local r = assert(hinternet.post(url, { json = { 1, 2 },
          json_encode = function(value) return "[" .. table.concat(value, ",") .. "]" end }))
        assert.equal("[1,2]", body_of(r))
        package.loaded.cjson = { encode = function() return "c" end }
        r = assert(hinternet.post(url, { json = {}, json_encode = function() return "own" end }))
        assert.equal("own", body_of(r))
      end)

      it("by a library that is loaded", function()
        package.loaded.dkjson = { encode = function(value) return "dk" .. #value end }
        assert.equal("dk3", body_of(assert(hinternet.post(url, { json = { 1, 2, 3 } }))))
        for _, none in ipairs { true, "cjson", { encode = true } } do
          package.loaded.cjson = none
          assert.equal("dk0", body_of(assert(hinternet.post(url, { json = {} }))))
        end
        package.loaded.cjson = { encode = function() return "c" end }
        assert.equal("c", body_of(assert(hinternet.post(url, { json = {} }))))
      end)

      it("or is misuse", function()
        local ok, message = pcall(function() hinternet.post(url, { json = {} }) end)
        assert.is_false(ok)
        assert.matches("^spec/http_body_spec.lua:%d+: bad option 'json' %(a table needs an encoder",
          message)
        for _, encode in ipairs {
          function() error("no such type", 0) end,
          function() return nil, "no such type" end,
        } do
          ok, message = pcall(function()
            hinternet.post(url, { json = {}, json_encode = encode })
          end)
          assert.is_false(ok)
          assert.matches("^spec/http_body_spec.lua:%d+: bad option 'json' %(no such type%)$",
            message)
        end
      end)
    end)
  end)

  describe("that is redirected", function()
    for _, status in ipairs { 307, 308 } do
      it("with the body again, of text or a file: " .. status, function()
        for _, make in ipairs {
          function() return "the body" end,
          function() return file_with("-the body", 1) end,
        } do
          local body = make()
          local s = answering(redirect(302, "/next"), redirect(status, echo.url .. "/there"))
          local r = assert(hinternet.put(s.url, { body = body, history = true, timeout = 10,
            headers = { Authorization = "secret", ["X-Kept"] = "1" } }))
          assert.equal("PUT /there HTTP/1.1", r.body:match("^[^\r]*"))
          assert.same({ "the body", echo.url .. "/there" }, { body_of(r), r.url })
          assert.same({ nil, "1" }, { field_of(r, "Authorization"), field_of(r, "X-Kept") })
          assert.same({
            { status = 302, url = s.url .. "/" },
            { status = status, url = s.url .. "/next" },
          }, r.history)
          if type(body) ~= "string" then body:close() end
        end
      end)
    end

    it("with the body again of a file that is empty", function()
      local file <close> = file_with("")
      local s = answering(redirect(307, echo.url .. "/there"))
      local r = assert(hinternet.put(s.url, { body = file }))
      assert.same({ "0", "" }, { field_of(r, "Content-Length"), body_of(r) })
    end)

    it("with the body again of a file that tells no size, as long as its own field says", function()
      local file <close> = assert(io.open("/proc/version"))
      local text = file:read(4)
      file:seek("set", 0)
      local s = answering(redirect(307, echo.url .. "/there"))
      local r = assert(hinternet.put(s.url, { body = file, headers = { ["Content-Length"] = 4 } }))
      assert.same({ "4", text }, { field_of(r, "Content-Length"), body_of(r) })
    end)

    it("with the body again on the same origin, headers and all", function()
      for _, headers in ipairs { { Cookie = "a" }, { { "cookie", "a" } }, "COOKIE: a" } do
        local s = serve({ { "recv_head" }, { "recv_body" }, { "send", redirect(307, "/there") } },
          { { "echo" } })
        local file <close> = file_with("body")
        local r = assert(hinternet.put(s.url, { body = file, headers = headers }))
        assert.matches("\r\n[cC][oO][oO][kK][iI][eE]: a\r\n", r.body)
        assert.equal("body", body_of(r))
      end
    end)

    it("with the body again, but no credentials, by way of another origin and back", function()
      local file <close> = file_with("body")
      local back = { { "recv_head" }, { "recv_body" }, { "wait" } }
      local there = serve(back)
      local s = serve({ { "recv_head" }, { "recv_body" },
        { "send", redirect(307, there.url .. "/there") } }, { { "echo" } })
      back[3] = { "send", redirect(307, s.url .. "/back") }
      there:close()
      there = p:serve { port = there.port, connections = { back } }
      local r = assert(hinternet.put(s.url, { body = file,
        headers = "Cookie: a\r\nX-Kept: 1\r\nHost: elsewhere" }))
      there:close()
      assert.equal("PUT /back", r.body:match("^PUT %S+"))
      assert.same({ nil, "1", "body" },
        { field_of(r, "Cookie"), field_of(r, "X-Kept"), body_of(r) })
      assert.equal(s.url:match("//(.*)"), field_of(r, "Host"))
    end)

    it("with the body again only so often", function()
      local s = serve { { "loop", -1, { { "recv_head" }, { "recv_body" },
        { "send", redirect(307, "/again") } } } }
      local file <close> = file_with("body")
      local _, _, code = hinternet.put(s.url, { body = file, redirects = 3 })
      assert.equal(TOO_MANY, code)
      local count = 0
      for _, text in ipairs(s:received()) do count = count + select(2, text:gsub("PUT /", "")) end
      assert.equal(4, count)
    end)

    it("but not with a body that can be had only once", function()
      for _, body in ipairs { pieces "body", assert(io.popen("echo body", "r")) } do
        local s = answering(redirect(307, "/next"))
        local _, message, code = hinternet.put(s.url, { body = body })
        assert.equal(RESEND, code)
        assert.matches("^redirect needs the body again.*: the body can be read only once$", message)
        if io.type(body) then body:close() end
      end
    end)

    it("with what is left of its time", function()
      -- Were the time begun anew with the hop, the second stall would fit into it.
      patience.try(0.25, function(limit)
        local s = serve({ { "recv_head" }, { "recv_body" }, { "stall", limit * 0.6 },
          { "send", redirect(307, "/next") } }, { { "recv_head" }, { "recv_body" },
          { "stall", limit * 0.6 }, { "send", peer.response(200, {}, "late") } })
        local file <close> = file_with("body")
        local _, message, code = hinternet.put(s.url, { body = file, timeout = limit })
        assert.equal(TIMEOUT, code, message)
        if s:accepted() < 2 then patience.too_early(message) end
      end)
    end)
  end)

  describe("to a file", function()
    local path
    before_each(function() path = os.tmpname() end)
    after_each(function() os.remove(path) end)
    local function content()
      local file = io.open(path, "rb")
      if not file then return nil end
      local text = file:read("a")
      file:close()
      return text
    end
    local large = ("0123456789"):rep(30000)

    it("goes to a name, an open file or a descriptor", function()
      local s = serve { { "keepalive", large, "X-A: 1\r\n" } }
      local bytes, r = hinternet.download(s.url .. "/x", path)
      assert.same({ #large, 200, "1", s.url .. "/x", nil },
        { bytes, r.status, r.headers["x-a"], r.url, r.body })
      assert.is_number(r.times["end"])
      assert.equal(large, content())
      local file = assert(io.open(path, "w"))
      file:write("before ")
      local session <close> = assert(hinternet.open())
      assert.equal(#large, (session:download(s.url, file, { headers = { A = 1 } })))
      file:write(" after")
      file:close()
      assert.equal("before " .. large .. " after", content())
    end)

    it("writes nothing of an answer that is no success", function()
      local s = answering(peer.response(404, {}, "nothing here"))
      local file = assert(io.open(path, "w"))
      file:write("kept")
      file:close()
      local bytes, message, code, r = hinternet.download(s.url, path)
      assert.same({ nil, "the server answered 404 Status", 404 }, { bytes, message, code })
      assert.equal("nothing here", r.body)
      assert.equal("kept", content())
    end)

    it("shows a server's words as plain ASCII, and no endless ones", function()
      for reason, shown in pairs {
        [""] = "", ["Not Found"] = " Not Found", ["Nicht gefunden: \xC3\xBC"] =
          " Nicht gefunden: \\xC3\\xBC", ["\x80\xFF\t\xE2\x80\xAEevil"] =
          " \\x80\\xFF\\x09\\xE2\\x80\\xAEevil",
        [("a"):rep(100)] = " " .. ("a"):rep(100), [("b"):rep(101)] = " " .. ("b"):rep(100) .. "...",
      } do
        local s = answering("HTTP/1.1 404 " .. reason .. "\r\nContent-Length: 0\r\n\r\n")
        local _, message, _, r = hinternet.download(s.url, path)
        assert.equal("the server answered 404" .. shown, message)
        assert.equal(reason, r.reason)
      end
    end)

    it("takes max_body bytes, and no more", function()
      local s = serve { { "keepalive", large } }
      local bytes, _, code = hinternet.download(s.url, path, { max_body = #large - 1 })
      assert.same({ nil, TOO_LARGE, "" }, { bytes, code, content() })
      assert.equal(#large, (hinternet.download(s.url, path, { max_body = #large })))
    end)

    it("fails when the file cannot be written", function()
      local s = serve { { "keepalive", large } }
      local _, message, code = hinternet.download(s.url, path .. "/x")
      assert.equal(WRITE_FAULT, code)
      assert.matches("^cannot write the file: ", message)
      local file = assert(io.open(path, "r"))
      _, _, code = hinternet.download(s.url, file)
      file:close()
      assert.equal(WRITE_FAULT, code)
    end)
  end)
end)
