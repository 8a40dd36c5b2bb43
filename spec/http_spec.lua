-- The one-call layer: http.get and its kin, against a peer that answers each
-- request with the request's own text.

local hinternet = require "hinternet"
local hops = require "spec.support.hops"
local peer = require "spec.support.peer"

local TOO_LARGE, TIMEOUT, INVALID_URL, BROKEN, TOO_MANY = 122, 12002, 12005, 12030, 12156

local function chunked(...)
  local out = {}
  for _, piece in ipairs { ... } do out[#out + 1] = ("%x\r\n%s\r\n"):format(#piece, piece) end
  return table.concat(out) .. "0\r\n\r\n"
end

local function redirect(status, location)
  return peer.response(status, { "Location: " .. location }, "moved")
end

-- A field that an echoed request had.
local function field_of(r, name)
  return r.body:match("\r\n" .. name:gsub("%-", "%%-") .. ": ([^\r\n]*)\r\n")
end
local function target_of(r) return r.body:match("^%u+ (%S+)") end

describe("A request in one call", function()
  local p, echo, url = peer.new(), nil, nil
  p:for_tests()
  setup(function()
    echo = p:echo()
    url = echo.url .. "/path"
  end)

  local function serve(...) return p:serve { connections = { ... } } end
  local function answering(...) return serve(hops.answers(...)) end

  describe("says", function()
    it("its method, by name or as given", function()
      for _, name in ipairs { "get", "post", "put", "patch", "delete" } do
        local r = assert(hinternet[name](url))
        assert.equal(name:upper() .. " /path HTTP/1.1", r.body:match("^[^\r]*"))
      end
      assert.equal("", assert(hinternet.head(url)).body)
      assert.equal("BREW", assert(hinternet.request("BREW", url)).body:match("^%u+"))
      local session <close> = assert(hinternet.open { user_agent = "spec" })
      local r = assert(session:request("PURGE", url))
      assert.equal("PURGE", r.body:match("^%u+"))
      assert.equal("spec", field_of(r, "User-Agent"))
      assert.equal("spec", field_of(assert(session:get(url)), "User-Agent"))
    end)

    it("its query, encoded and appended to what the URL has", function()
      local base = echo.url
      for _, row in ipairs {
        { "/a", { b = 1 }, "/a?b=1" },
        { "/a?x", { b = 1 }, "/a?x&b=1" },
        { "", { b = 1 }, "/?b=1" },
        { "/a", { z = 1, a = 2, m = true, n = false }, "/a?a=2&m&z=1" },
        { "/a", { { "z", 1 }, { "a", 2 }, { "z", 3 } }, "/a?z=1&a=2&z=3" },
        { "/a", { k = { 1, "two", true } }, "/a?k=1&k=two&k" },
        { "/a", { ["k y"] = "1&2=3+4/\xc3\xa4~" }, "/a?k%20y=1%262%3D3%2B4%2F%C3%A4~" },
        { "/a", "raw=1&x=%20", "/a?raw=1&x=%20" },
        { "/a", "", "/a" },
        { "/a", {}, "/a" },
        { "/a#part", { b = 1 }, "/a?b=1" },
      } do
        local r = assert(hinternet.get(base .. row[1], { query = row[2] }))
        assert.equal(row[3], target_of(r))
        assert.equal(base .. row[3], r.url)
      end
    end)

    it("its headers, as a table, a list or text", function()
      for _, headers in ipairs {
        { ["X-One"] = "1", ["X-Two"] = 2 },
        { { "X-One", "1" }, { "X-Two", 2 } },
        "X-One: 1\r\nX-Two: 2",
      } do
        local r = assert(hinternet.get(url, { headers = headers }))
        assert.same({ "1", "2" }, { field_of(r, "X-One"), field_of(r, "X-Two") })
      end
      assert(hinternet.get(url, { headers = {} }))
      assert(hinternet.get(url, { headers = "" }))
      local _, message, code = hinternet.get(url, { headers = { ["X-One"] = "1\r\nX-Two: 2" } })
      assert.same({ 'invalid parameter: the value of "X-One" holds a line break', 87 },
        { message, code })
    end)
  end)

  describe("answers", function()
    it("status, reason, version, headers, body and URL", function()
      local s = answering("HTTP/1.1 404 Not  Here\r\nX-A: 1\r\nSet-Cookie: b\r\nx-a: 2 \r\n"
        .. "Content-Length: 4\r\n\r\nbody")
      local r = assert(hinternet.get(s.url .. "/x#part"))
      assert.same({ 404, "Not  Here", "HTTP/1.1", "body", s.url .. "/x" },
        { r.status, r.reason, r.version, r.body, r.url })
      assert.equal("1, 2", r.headers["X-a"])
      assert.equal("2", r.headers:get("x-A", 2))
      assert.same({ "1", "2" }, r.headers:all("x-a"))
      assert.equal("HTTP/1.1 404 Not  Here\r\nX-A: 1\r\n", r.raw_headers:sub(1, 32))
      assert.equal(r.raw_headers, tostring(r.headers))
      assert.is_nil(r.history)
      assert.is_nil(r.unknown)
    end)

    it("the reason alone, whatever blanks are round it", function()
      for line, reason in pairs {
        ["HTTP/1.1  200   Very  OK "] = "Very  OK", ["HTTP/1.0 200"] = "", ["HTTP/1.1 200 "] = "",
      } do
        local r = assert(hinternet.get(answering(line .. "\r\nContent-Length: 0\r\n\r\n").url))
        assert.same({ line:sub(1, 8), reason }, { r.version, r.reason })
      end
    end)

    it("one value, with options or without", function()
      assert.equal(1, select("#", hinternet.get(url)))
      assert.equal(1, select("#", hinternet.get(url, { timeout = 10 })))
    end)

    it("headers that keep their methods, order, and what the peer made of them", function()
      local s = answering("HTTP/1.0 200\r\nGet: stolen\r\nAll:\r\nA: \t x y \t\r\n"
        .. "get: again\r\n\r\n")
      local r = assert(hinternet.get(s.url))
      assert.same({ "HTTP/1.0", "" }, { r.version, r.reason })
      assert.equal("stolen", r.headers:get("get"))
      assert.same({ "stolen", "again" }, r.headers:all("GET"))
      local seen = {}
      for name, value in pairs(r.headers) do seen[#seen + 1] = name .. "=" .. value end
      assert.same({ "Get=stolen", "All=", "A=x y", "get=again" }, seen)
      assert.equal(4, #r.headers)
      assert.equal("", r.headers.all and r.headers:get("all"))
      for _, name in ipairs { "", ":", "A:", "a ", "HTTP/1.0 200\r\nGet", "200", "g" } do
        assert.is_nil(r.headers[name])
        assert.is_nil(r.headers:get(name))
        assert.same({}, r.headers:all(name))
      end
      assert.is_nil(r.headers[1])
      assert.is_nil(r.headers:get("get", 3))
      assert.is_nil(r.headers:get("get", 0))
      assert.has_error(function() r.headers.x = 1 end, nil)
      assert.is_false((pcall(r.headers.get, io.stdout, "a")))
      assert.is_false((pcall(r.headers.get, "a", "a")))
    end)

    it("when its parts happened", function()
      local r = assert(hinternet.get(url))
      local times = r.times
      assert.is_true(times.send_end <= times.response_start)
      assert.is_true(times.response_start <= times.response_head_end)
      assert.is_true(times.response_head_end <= times["end"])
      assert.equal(times, r.times)
      r = assert(hinternet.get(url, { stream = true }))
      assert.is_nil(r.times["end"])
      r:read("a")
      assert.is_number(r.times["end"])
    end)

    it("a failure as nil, message and code", function()
      local s = serve { { "recv_head" },
        { "send", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab" } }
      local port = p:closed_port()
      for _, row in ipairs {
        { s.url, BROKEN }, { "http://127.0.0.1:" .. port, 12029 }, { "ftp://host/", 12006 },
        { "http://", INVALID_URL }, { "http://user:password@host/", INVALID_URL },
        { "", 12006 },
      } do
        for _, options in ipairs { false, { timeout = 5 }, { stream = true } } do
          local r, message, code = hinternet.get(row[1], options or nil)
          if options and options.stream and r then
            r, message, code = r:read("a")
          end
          assert.is_nil(r, row[1])
          assert.is_string(message)
          assert.equal(row[2], code, message)
        end
      end
    end)
  end)

  describe("follows redirects", function()
    it("and tells where it ended, and its history if asked", function()
      local other = answering(redirect(303, "/last"), peer.response(200, {}, "end"))
      local s = answering(redirect(302, "/next"), redirect(307, other.url .. "/there?x=1"))
      local r = assert(hinternet.get(s.url .. "/first", { history = true }))
      assert.same({ 200, "end", other.url .. "/last" }, { r.status, r.body, r.url })
      assert.same({
        { status = 302, url = s.url .. "/first" },
        { status = 307, url = s.url .. "/next" },
        { status = 303, url = other.url .. "/there?x=1" },
      }, r.history)
      s = answering(redirect(301, "/b"), peer.response(200, {}, "b"))
      r = assert(hinternet.get(s.url .. "/a"))
      assert.same({ "b", s.url .. "/b" }, { r.body, r.url })
      r = assert(hinternet.get(url, { history = true }))
      assert.same({}, r.history)
    end)

    it("without taking the notifications from who listens already", function()
      local s = answering(redirect(302, "/next"), peer.response(200, {}, "end"))
      local session <close> = assert(hinternet.open())
      local seen = {}
      session:set_status_callback(function(_, status, info)
        seen[#seen + 1] = status .. tostring(info)
      end, { "redirect", "sending_request" })
      local r = assert(session:get(s.url, { history = true }))
      assert.equal(1, #r.history)
      assert.same({ "sending_requestnil", "redirect" .. s.url .. "/next",
        "sending_requestnil" }, seen)
      session:set_status_callback(nil)
    end)

    it("as far as it may", function()
      local s = serve { { "loop", -1, { { "recv_head" }, { "send", redirect(302, "/again") } } } }
      local r = assert(hinternet.get(s.url, { redirects = false }))
      assert.same({ 302, "moved", "/again" }, { r.status, r.body, r.headers.location })
      local _, _, code = hinternet.get(s.url, { redirects = 3 })
      assert.equal(TOO_MANY, code)
      assert.equal(TOO_MANY, (select(3, hinternet.get(s.url, { redirects = true }))))
      assert.equal(87, (select(3, hinternet.get(s.url, { redirects = -1 }))))
    end)

  end)

  describe("is held to its options:", function()
    it("timeout, for all of it", function()
      local s = serve { { "recv_head" },
        { "send", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" },
        { "drip", ("x"):rep(100), 0.05 } }
      local _, message, code = hinternet.get(s.url, { timeout = 0.2 })
      assert.equal(TIMEOUT, code)
      assert.matches("total timeout", message, 1, true)
      assert.equal(200, assert(hinternet.get(url, { timeout = 5 })).status)
      for _, long in ipairs { 1e6, 1e300, math.maxinteger, math.huge, false } do
        assert.equal(200, assert(hinternet.get(url, { timeout = long })).status)
      end
      for _, value in ipairs { 0, -1, 0 / 0 } do
        assert.equal(87, (select(3, hinternet.get(url, { timeout = value }))))
      end
    end)

    it("max_body", function()
      local s = serve({ { "keepalive", "0123456789" } })
      assert.equal("0123456789", assert(hinternet.get(s.url, { max_body = 10 })).body)
      local _, _, code = hinternet.get(s.url, { max_body = 9 })
      assert.equal(TOO_LARGE, code)
      assert.equal(87, (select(3, hinternet.get(s.url, { max_body = -1 }))))
    end)

    it("decompression", function()
      local r = assert(hinternet.get(url))
      assert.matches("gzip", field_of(r, "Accept-Encoding"), 1, true)
      r = assert(hinternet.get(url, { decompression = false }))
      assert.is_nil(field_of(r, "Accept-Encoding"))
      r = assert(hinternet.get(url, { decompression = true }))
      assert.matches("gzip", field_of(r, "Accept-Encoding"), 1, true)
    end)
  end)

  describe("blames its caller for", function()
    local here = "spec/http_spec.lua"
    -- Where a function of one line raised, and what.
    local function blame(f)
      local ok, message = pcall(f)
      assert.is_false(ok)
      local line, text = message:match("^" .. here:gsub("%W", "%%%0") .. ":(%d+): (.*)$")
      assert.equal(debug.getinfo(f, "S").linedefined, tonumber(line), message)
      return text
    end

    -- Rows of options and what every call says of them.
    local function refuses(rows)
      local session <close> = assert(hinternet.open())
      for _, row in ipairs(rows) do
        local options, text = row[1], row[2]
        assert.equal(text, blame(function() local _ = hinternet.get(url, options) end))
        assert.equal(text, blame(function() local _ = hinternet.request("GET", url, options) end))
        assert.equal(text, blame(function() local _ = session:post(url, options) end))
        assert.equal(text, blame(function() local _ = session:request("GET", url, options) end))
        assert.equal(text, blame(function() local _ = hinternet.download(url, "x", options) end))
      end
    end

    it("an option it does not know", function()
      refuses {
        { { nonsense = 1 }, "unknown option 'nonsense'" },
        { { "x" }, "unknown option '1'" },
        { 1, "bad options (table expected, got number)" },
      }
    end)

    it("fields, a query or a body of the wrong type", function()
      local closed = assert(io.tmpfile())
      closed:close()
      local values = "values must be strings, numbers, booleans or lists of these"
      refuses {
        { { headers = 1 }, "bad option 'headers' (table or string expected, got integer)" },
        { { headers = { a = {} } },
          "bad option 'headers' (values must be strings or numbers, as that of 'a' is not)" },
        { { headers = { "a" } }, "bad option 'headers' (a list must hold {name, value} pairs)" },
        { { headers = { { {}, 1 } } }, "bad option 'headers' (names must be strings)" },
        { { headers = { [true] = 1 } }, "bad option 'headers' (names must be strings)" },
        { { query = print }, "bad option 'query' (table or string expected, got function)" },
        { { query = { a = print } },
          "bad option 'query' (" .. values .. ", as that of 'a' is not)" },
        { { form = { a = { {} } } },
          "bad option 'form' (" .. values .. ", as that of 'a' is not)" },
        { { body = {} }, "bad option 'body' (string, function or file expected, got table)" },
        { { body = closed },
          "bad option 'body' (string, function or file expected, got closed file)" },
        { { json = 1 }, "bad option 'json' (table or string expected, got integer)" },
        { { json_encode = "x" }, "bad option 'json_encode' (function expected, got string)" },
      }
    end)

    it("a setting of the wrong type", function()
      refuses {
        { { timeout = true },
          "bad option 'timeout' (number of seconds or false expected, got true)" },
        { { timeout = "1" },
          "bad option 'timeout' (number of seconds or false expected, got string)" },
        { { redirects = 1.5 }, "bad option 'redirects' (boolean or integer expected, got 1.5)" },
        { { max_body = 1.5 }, "bad option 'max_body' (integer expected, got 1.5)" },
        { { stream = 1 }, "bad option 'stream' (boolean expected, got integer)" },
        { { history = "x" }, "bad option 'history' (boolean expected, got string)" },
        { { decompression = 0 }, "bad option 'decompression' (boolean expected, got integer)" },
      }
    end)

    it("options that exclude each other, or mean nothing to a download", function()
      refuses {
        { { body = "a", form = {} }, "options 'body', 'json' and 'form' exclude each other" },
        { { json = "a", form = {} }, "options 'body', 'json' and 'form' exclude each other" },
      }
      local session <close> = assert(hinternet.open())
      assert.equal("option 'stream' means nothing to download",
        blame(function() local _ = session:download(url, "x", { stream = true }) end))
    end)

    it("a URL, a method, a file or a session that is none", function()
      local text = "bad URL (string expected, got nil)"
      assert.equal(text, blame(function() local _ = hinternet.get() end))
      assert.equal(text, blame(function() local _ = hinternet.get(nil, {}) end))
      assert.equal(text, blame(function() local _ = hinternet.download(nil, "x") end))
      assert.equal("bad argument #1 to 'request' (string expected, got nil)",
        blame(function() local _ = hinternet.request(nil, url) end))
      assert.equal("bad file (name, open file or descriptor expected, got table)",
        blame(function() local _ = hinternet.download(url, {}) end))
      local session <close> = assert(hinternet.open())
      assert.equal("bad self (hinternet.session expected, got string): call it with a colon",
        blame(function() local _ = session.get("x", url) end))
      assert.equal("bad self (hinternet.session expected, got string): call it with a colon",
        blame(function() local _ = session.download("x", url, "y") end))
      local async <close> = assert(hinternet.open { async = true })
      assert.equal("call it inside spawn, or use a sync session",
        blame(function() local _ = async:get(url) end))
      assert.equal("call it inside spawn, or use a sync session",
        blame(function() local _ = async:download(url, "x", {}) end))
    end)
  end)

  describe("that is streamed", function()
    it("is read in pieces, chunks or lines, and closes itself at the end", function()
      local text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        .. chunked("a\nb", "c\r\n", "d")
      local s = serve { { "loop", -1, { { "recv_head" }, { "send", text } } } }
      local function open() return assert(hinternet.get(s.url, { stream = true })) end
      local r = open()
      assert.same({ 200, nil }, { r.status, r.body })
      assert.equal("a\nbc", r:read(4, "fill"))
      assert.equal("\r\nd", r:read("a"))
      assert.is_nil(r:read(1))
      assert.is_true(r:close())
      r = open()
      local list = {}
      for line in r:lines() do list[#list + 1] = line end
      assert.same({ "a", "bc", "d" }, list)
      r = open()
      list = {}
      for chunk in r:chunks(3) do list[#list + 1] = chunk end
      assert.equal("a\nbc\r\nd", table.concat(list))
      assert.equal(1, hinternet.session():query_option("connections_opened"))
    end)

    it("is read like one that is not", function()
      local s = serve { { "keepalive", "0123456789" } }
      local r = assert(hinternet.get(s.url))
      assert.same({ "012", "345", "6789", nil }, { r:read(3), r:read(3), r:read(100), (r:read(1)) })
      assert.equal("0123456789", assert(hinternet.get(s.url)):read("a"))
      local list = {}
      for chunk in assert(hinternet.get(s.url)):chunks(4) do list[#list + 1] = chunk end
      assert.same({ "0123", "4567", "89" }, list)
    end)

    it("fails where its body does, and raises in a loop", function()
      local s = serve { { "loop", 3, { { "recv_head" }, { "send",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123" }, { "close" } } } }
      local r = assert(hinternet.get(s.url, { stream = true }))
      assert.equal("0123", r:read(4, "fill"))
      local data, message, code = r:read(1)
      assert.same({ nil, "string", BROKEN }, { data, type(message), code })
      r = assert(hinternet.get(s.url, { stream = true }))
      assert.is_false((pcall(function() for _ in r:lines() do assert(true) end end)))
    end)

    it("lets its connection go when its scope is left", function()
      local session <close> = assert(hinternet.open())
      do
        local r <close> = assert(session:get(url, { stream = true }))
        assert.equal(200, r.status)
      end
      assert.equal(200, assert(session:get(url)).status)
    end)
  end)

  describe("over the module's own session", function()
    it("uses one connection for calls that follow each other", function()
      for i = 1, 5 do
        local r = assert(hinternet.get(echo.url .. "/" .. i % 2))
        assert.equal("GET /" .. i % 2, r.body:match("^GET /%d"))
        assert(hinternet.post(echo.url, { body = "x" }))
      end
      assert.equal(1, hinternet.session():query_option("connections_opened"))
    end)

    it("goes on in a new one when that was closed", function()
      assert(hinternet.get(url))
      local old = hinternet.session()
      old:close()
      assert.equal(200, assert(hinternet.get(url)).status)
      assert.is_true(hinternet.session():is_valid())
      assert.not_equal(old, hinternet.session())
    end)
  end)

  describe("over a session", function()
    it("is not kept from the collector by what is remembered of it", function()
      local weak = setmetatable({}, { __mode = "v" })
      do
        local session = assert(hinternet.open())
        assert(session:get(url))
        assert(session:get(url, { timeout = 5 }))
        weak[1] = session
      end
      collectgarbage()
      collectgarbage()
      assert.is_nil(weak[1])
    end)

    it("fails with invalid handle when that is closed", function()
      local session = assert(hinternet.open())
      assert(session:get(url))
      session:close()
      for _, options in ipairs { false, {} } do
        local _, message, code = session:get(url, options or nil)
        assert.equal(6, code)
        assert.matches("invalid handle", message, 1, true)
      end
    end)
  end)
end)
