-- What goes out: the request line, the headers and their order, the body's
-- framing; and what is refused before a byte is sent.

local hinternet = require "hinternet"
local exchange = require "spec.support.exchange"
local leaks = require "spec.support.leaks"
local peer = require "spec.support.peer"

local p = peer.new()
local function lines(...) return table.concat({ ... }, "\r\n") end

-- The bytes a server got from act(connection), the port in them replaced.
local function wire(act, options)
  local server = p:echo()
  local session <close> = hinternet.open(options or { decompression = 0, user_agent = "" })
  act(session:connect("127.0.0.1", server.port))
  local bytes = server:received()[1] or ""
  server:close()
  return (bytes:gsub(":" .. server.port, ":PORT"))
end

-- A request that never meets a server.
local function unsent(method, path, options)
  local session = hinternet.open { decompression = 0, user_agent = "" }
  local request, message, code = session:connect("h.test")
    :open_request(method, path, options)
  return request, message, code, session
end

local function request_line(...)
  local request, message, code, session = unsent(...)
  local raw = request and request:query_headers("raw_headers_crlf",
    { request = true })
  session:close()
  if not raw then return nil, message, code end
  return raw:match("^(.-)\r\n")
end

describe("A request", function()
  p:for_tests()

  it("says no more than it must", function()
    assert.equal(lines("GET / HTTP/1.1", "Host: 127.0.0.1:PORT", "", ""),
      wire(function(connection)
        local request = connection:open_request()
        assert(request:send())
        exchange.receive(request)
      end))
  end)

  it("has its headers in a fixed order, Host first", function()
    assert.equal(lines("PUT /a/b?c=d HTTP/1.1", "Host: 127.0.0.1:PORT",
      "Accept: text/html, */*", "Referer: http://from.test/",
      "Pragma: no-cache", "Cache-Control: no-cache", "First: 1", "Second: 2",
      "Third: 3", "User-Agent: spec/1.0", "Content-Length: 4", "", "body"),
      wire(function(connection)
        local request = connection:open_request("PUT", "/a/b?c=d", {
          accept = { "text/html", "*/*" }, referrer = "http://from.test/",
          refresh = true,
        })
        assert(request:add_headers("First: 1\r\nSecond: 2"))
        assert(request:send("Third: 3", "body"))
        exchange.receive(request)
      end, { user_agent = "spec/1.0", decompression = 0 }))
  end)

  it("says who sent it, unless that is to be kept", function()
    local function agent(options, change)
      return wire(function(connection)
        if change then assert(connection:parent():set_option("user_agent", change)) end
        local request = connection:open_request()
        assert(request:send())
        exchange.receive(request)
      end, options):match("\r\nUser%-Agent: (%C*)")
    end
    local ours = "hinternet/" .. hinternet.version
    assert.equal(ours, agent {})
    assert.equal(ours, agent { decompression = 0, connect_timeout = 5 })
    assert.is_nil(agent { user_agent = "" })
    assert.is_nil(agent({}, ""))
    assert.equal("me", agent({ user_agent = "" }, "me"))
    for _, session in ipairs { hinternet.open(), hinternet.open {}, hinternet.session() } do
      assert.equal(ours, session:query_option("user_agent"))
      if session ~= hinternet.session() then session:close() end
    end
  end)

  it("keeps the caller's User-Agent, Host and spelling of names", function()
    assert.equal(lines("GET / HTTP/1.1", "X-lower-UPPER: v",
      "user-agent: mine", "host: other.test", "", ""),
      wire(function(connection)
        local request = connection:open_request("GET", "/")
        assert(request:add_headers { { "X-lower-UPPER", "v" },
          { "user-agent", "mine" } })
        assert(request:add_headers("host: other.test"))
        assert(request:send())
        exchange.receive(request)
      end, { user_agent = "spec/1.0", decompression = 0 }))
  end)

  it("in HTTP/1.0 asks for the connection to be kept", function()
    assert.equal(lines("GET /x HTTP/1.0", "Host: 127.0.0.1:PORT",
      "Connection: Keep-Alive", "", ""),
      wire(function(connection)
        local request = connection:open_request("GET", "/x",
          { version = "HTTP/1.0" })
        assert(request:send())
        exchange.receive(request)
      end))
  end)

  it("names itself: method, version, url", function()
    local request, _, _, session = unsent("PROPFIND", "x y",
      { version = "HTTP/1.0", secure = true })
    assert.equal("PROPFIND", request:query_headers("request_method"))
    assert.equal("HTTP/1.0",
      request:query_headers("version", { request = true }))
    assert.equal("https://h.test/x%20y", request:query_option("url"))
    assert.equal("h.test", request:query_headers("host", { request = true }))
    session:close()
  end)

  local hosts = { -- host, port, plain, secure
    { "h.test", nil, "h.test", "h.test" },
    { "h.test", 0, "h.test", "h.test" },
    { "h.test", 80, "h.test", "h.test:80" },
    { "h.test", 443, "h.test:443", "h.test" },
    { "h.test", 8080, "h.test:8080", "h.test:8080" },
    { "127.0.0.1", 80, "127.0.0.1", "127.0.0.1:80" },
    { "::1", 80, "[::1]", "[::1]:80" },
    { "[::1]", 8443, "[::1]:8443", "[::1]:8443" },
    { "::1%lo", nil, "[::1]", "[::1]" },
    { "[fe80::1%25eth0]", 8443, "[fe80::1]:8443", "[fe80::1]:8443" },
  }
  it("leaves the port out of Host for its scheme's default alone", function()
    local session <close> = hinternet.open { decompression = 0, user_agent = "" }
    for _, row in ipairs(hosts) do
      local connection = session:connect(row[1], row[2])
      for i, secure in ipairs { false, true } do
        local request = connection:open_request("GET", "/", { secure = secure })
        assert.equal(row[2 + i],
          request:query_headers("host", { request = true }))
      end
    end
  end)
end)

describe("The request target", function()
  p:for_tests()

  local function hex(c) return ("%%%02X"):format(c:byte()) end
  local all = {}
  for i = 0, 255 do all[#all + 1] = string.char(i) end
  all = table.concat(all)
  local plain = "%w~!$&'()*+,;=:@/?_.%-"

  it("is escaped, path and query alike, percent signs excepted", function()
    local escaped = all:gsub("[^%%" .. plain .. "]", hex)
    assert.equal("GET /p" .. escaped .. " HTTP/1.1",
      request_line("GET", "/p" .. all))
    assert.equal("GET /p?q=" .. escaped .. " HTTP/1.1",
      request_line("GET", "/p?q=" .. all))
  end)

  it("is escaped with its percent signs when asked", function()
    assert.equal("GET /" .. all:gsub("[^" .. plain .. "]", hex) .. " HTTP/1.1",
      request_line("GET", "/" .. all, { escape_percent = true }))
  end)

  -- flags, path, target
  local rows = {
    { {}, nil, "/" },
    { {}, "", "/" },
    { {}, "x", "/x" },
    { {}, "?q", "/?q" },
    { {}, "/a b", "/a%20b" },
    { {}, "/%zz%41", "/%zz%41" },
    { {}, "/\195\188", "/%C3%BC" },
    { {}, "/a#b", "/a%23b" },
    { {}, "/a\r\nb", "/a%0D%0Ab" },
    { {}, "/a\\b?[c]", "/a%5Cb?%5Bc%5D" },
    { { "escape_percent" }, "/%41?%42", "/%2541?%2542" },
    { { "escape_disable" }, "/a b\195\188", "/a%20b%C3%BC" },
    { { "escape_disable" }, "/\"#<>[\\]^`{|}%?\"#<>", "/\"#<>[\\]^`{|}%?\"#<>" },
    { { "escape_disable" }, "/a\r\n HTTP/1.1\r\nX: y", "/a%20HTTP/1.1X:%20y" },
    { { "escape_disable_query" }, "/[a]?[b] c\r\nd", "/%5Ba%5D?[b]%20cd" },
    { { "escape_disable_query", "escape_percent" }, "/%?%", "/%25?%" },
  }
  it("follows the flags", function()
    for _, row in ipairs(rows) do
      local options = {}
      for _, name in ipairs(row[1]) do options[name] = true end
      assert.equal("GET " .. row[3] .. " HTTP/1.1",
        request_line("GET", row[2], options))
    end
  end)

  it("is an asterisk for OPTIONS alone, whose URL has no path then", function()
    for method, target in pairs { OPTIONS = "*", GET = "/*", options = "/*", OPTION = "/*" } do
      assert.equal(method .. " " .. target .. " HTTP/1.1", request_line(method, "*"))
    end
    assert.equal("OPTIONS /*?a HTTP/1.1", request_line("OPTIONS", "*?a"))
    assert.equal("OPTIONS * HTTP/1.1", request_line("OPTIONS", "*", { escape_disable = true }))
    local text = wire(function(connection)
      local request = connection:open_request("OPTIONS", "*")
      local base = connection:open_request("GET", ""):query_option("url")
      assert.equal(base, request:query_option("url") .. "/")
      assert(request:send())
      exchange.receive(request)
    end)
    assert.matches("^OPTIONS %* HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n", text)
  end)

  it("goes out as it is", function()
    local target = "/a%20b?[c]=%ZZ"
    assert.matches("^GET " .. target:gsub("%p", "%%%0") .. " HTTP/1.1\r\n",
      wire(function(connection)
        local request = connection:open_request("GET", "a b?[c]=%ZZ",
          { escape_disable_query = true })
        assert(request:send())
        exchange.receive(request)
      end))
  end)

  it("that is left raw may hold no control character", function()
    for _, c in ipairs { "\0", "\1", "\t", "\v", "\127" } do
      for _, flag in ipairs { "escape_disable", "escape_disable_query" } do
        local line, _, code = request_line("GET", "/a?b" .. c,
          { [flag] = true })
        assert.is_nil(line)
        assert.equal(87, code)
      end
    end
  end)

  it("has a limit", function()
    local line, _, code = request_line("GET", "/" .. (" "):rep(100000))
    assert.is_nil(line)
    assert.equal(87, code)
  end)
end)

describe("add_headers", function()
  leaks.watch()

  -- What the list is after act(request): without the Host line.
  local function after(act)
    local request, _, _, session = unsent("GET", "/")
    local results = table.pack(act(request))
    local raw = request:query_headers("raw_headers_crlf", { request = true })
    session:close()
    local text = raw:match("^GET / HTTP/1.1\r\nHost: h.test\r\n(.*)\r\n$")
    return text:gsub("\r\n", "|"), results[1], results[3]
  end

  -- mode, header, code and list when A is absent; the same when it is there
  -- twice
  local absent, present = "B: 1\r\n", "A: 1\r\nB: 1\r\na: 2\r\n"
  local modes = {
    { nil, "A: 3", nil, "B: 1|A: 3|", nil, "A: 1|B: 1|a: 2|A: 3|" },
    { "add", "A: 3", nil, "B: 1|A: 3|", nil, "A: 1|B: 1|a: 2|A: 3|" },
    { "add_if_new", "A: 3", nil, "B: 1|A: 3|",
      12155, "A: 1|B: 1|a: 2|" },
    { "replace", "A: 3", 12150, "B: 1|", nil, "B: 1|a: 2|A: 3|" },
    { "replace", "A:", 12150, "B: 1|", nil, "B: 1|a: 2|" },
    { "add_or_replace", "A: 3", nil, "B: 1|A: 3|", nil, "B: 1|a: 2|A: 3|" },
    { "add_or_replace", "A:", nil, "B: 1|A: |", nil, "B: 1|a: 2|A: |" },
    { "set", "A: 3", nil, "B: 1|A: 3|", nil, "B: 1|a: 2|A: 3|" },
    { "coalesce", "a: 3", nil, "B: 1|a: 3|", nil, "A: 1, 3|B: 1|a: 2|" },
    { "coalesce_with_comma", "a: 3", nil, "B: 1|a: 3|",
      nil, "A: 1, 3|B: 1|a: 2|" },
    { "coalesce_with_semicolon", "a: 3", nil, "B: 1|a: 3|",
      nil, "A: 1; 3|B: 1|a: 2|" },
  }
  for _, row in ipairs(modes) do
    it(("in mode %s with \"%s\""):format(row[1] or "left out", row[2]),
      function()
        for i, start in ipairs { absent, present } do
          local list, ok, code = after(function(request)
            assert(request:add_headers(start))
            return request:add_headers(row[2], row[1])
          end)
          assert.equal(row[2 + 2 * i], list)
          assert.equal(row[1 + 2 * i], code)
          assert.equal(not code or nil, ok)
        end
      end)
  end

  local accepted = {
    { "a:", "a: |" }, { "a: b", "a: b|" }, { "field:  value ", "field: value|" },
    { "a: b\r\n", "a: b|" }, { "a: b\r\n\r\nc: d\r\n\r\n", "a: b|c: d|" },
    { "\r\na: b", "a: b|" }, { "a: \tb c\t", "a: b c|" },
    { "a: \128\255", "a: \128\255|" }, { "!#$%&'*+-.^_`|~9z: x",
      "!#$%&'*+-.^_`|~9z: x|" }, { "a: b: c", "a: b: c|" },
    { { A = "b" }, "A: b|" }, { { { "A", 1 }, { "A", 2.5 } }, "A: 1|A: 2.5|" },
    { {}, "" }, { { { "A", "" } }, "A: |" },
  }
  it("takes text and tables", function()
    for _, row in ipairs(accepted) do
      local list, ok = after(function(request)
        return request:add_headers(row[1])
      end)
      assert.equal(row[2], list)
      assert.is_true(ok)
    end
  end)

  local refused = {
    "", ":", ":b", "cd", " e :f", "e : f", " e: f", "a: b\nc: d", "a: b\rc: d",
    "a: b\0c", "a\0: b", "a: b\n", "a: b\r", "a: b\r\n c", "a: b\r\n\tc: d",
    "a: b\r\nbad", "a: b\1", "a: b\127", "(a): b", "a b: c", "\195\188: x",
    { A = "b\r\nC: d" }, { A = "b\nC: d" }, { A = "b\rC: d" }, { A = "b\0" },
    { ["A\r\nB"] = "c" }, { ["A: b\r\nC"] = "d" }, { ["A\0"] = "b" },
    { ["A b"] = "c" }, { [""] = "b" }, { ["A:"] = "b" },
    { { "A", "b" }, { "C", "d\r\ne: f" } }, { { "A\n", "b" } },
    { A = "b\27" },
  }
  it("refuses what cannot stand in a header, and then adds nothing", function()
    for _, bad in ipairs(refused) do
      local list, ok, code = after(function(request)
        assert(request:add_headers("Kept: 1"))
        return request:add_headers(bad)
      end)
      assert.equal("Kept: 1|", list)
      assert.is_nil(ok)
      assert.equal(87, code)
    end
  end)

  it("adds all lines or none", function()
    local list, _, code = after(function(request)
      assert(request:add_headers("A: 1\r\nB: 2"))
      return request:add_headers("C: 3\r\nB: 4\r\nD: 5", "add_if_new")
    end)
    assert.equal("A: 1|B: 2|", list)
    assert.equal(12155, code)
    list, _, code = after(function(request)
      assert(request:add_headers("A: 1\r\nB: 2"))
      return request:add_headers("A: 3\r\nC: 4", "replace")
    end)
    assert.equal("A: 1|B: 2|", list)
    assert.equal(12150, code)
  end)

  it("has a limit, and a request over it stays as it was", function()
    local _, ok, code = after(function(request)
      for i = 1, 255 do assert(request:add_headers("N" .. i .. ": x")) end
      return request:add_headers("One-more: x")
    end)
    assert.is_nil(ok)
    assert.equal(87, code)
    local list
    list, ok, code = after(function(request)
      return request:add_headers("A: " .. ("x"):rep(300000))
    end)
    assert.same({ "", nil, 87 }, { list, ok, code })
  end)

  it("raises for what is no text, table or mode", function()
    local request, _, _, session = unsent("GET", "/")
    for _, bad in ipairs { true, print } do
      assert.has_error(function() request:add_headers(bad) end)
    end
    assert.has_error(function() request:add_headers() end)
    assert.has_error(function() request:add_headers { A = true } end)
    assert.has_error(function() request:add_headers { { 1, "b" } } end)
    assert.has_error(function() request:add_headers("A: b", "sometimes") end)
    session:close()
  end)
end)

describe("What would inject a header is refused with 87 and not sent:",
  function()
    p:for_tests()

    local bad = { "\r\nEvil: 1", "\nEvil: 1", "\rEvil: 1", "\0", "\1" }

    -- act(bad, connection, session) must fail, from the first bad one on.
    local function refuse(act, first)
      local server = p:echo()
      local session <close> = hinternet.open { decompression = 0, user_agent = "" }
      local connection = session:connect("127.0.0.1", server.port)
      for i = first or 1, #bad do
        local ok, message, code = act("x" .. bad[i], connection, session)
        assert.is_nil(ok)
        assert.matches("invalid parameter", message)
        assert.equal(87, code)
      end
      assert.equal(0, server:accepted())
      server:close()
    end

    it("in send's header text, where only CRLF begins another", function()
      refuse(function(text, connection)
        return connection:open_request("GET", "/"):send("A: " .. text)
      end, 2)
    end)
    it("in send's header table", function()
      refuse(function(text, connection)
        return connection:open_request("GET", "/"):send { A = text }
      end)
      refuse(function(text, connection)
        return connection:open_request("GET", "/"):send { [text] = "b" }
      end)
    end)
    it("in the method", function()
      refuse(function(text, connection)
        return connection:open_request(text, "/")
      end)
    end)
    it("in the referrer", function()
      refuse(function(text, connection)
        return connection:open_request("GET", "/", { referrer = text })
      end)
    end)
    it("in the accepted types", function()
      refuse(function(text, connection)
        return connection:open_request("GET", "/", { accept = { "a/b", text } })
      end)
    end)
    it("in the version", function()
      refuse(function(text, connection)
        return connection:open_request("GET", "/",
          { version = "HTTP/1.1" .. text })
      end)
    end)
    it("in the host", function()
      refuse(function(text, _, session) return session:connect(text) end)
    end)
    it("in the user agent", function()
      refuse(function(text) return hinternet.open { user_agent = text } end)
      refuse(function(text, _, session)
        return session:set_option("user_agent", text)
      end)
    end)

    it("and the request is as good as before", function()
      assert.equal(lines("GET / HTTP/1.1", "Host: 127.0.0.1:PORT", "A: b", "",
        ""), wire(function(connection)
          local request = connection:open_request("GET", "/")
          assert(request:add_headers("A: b"))
          assert.is_nil(request:send("C: d\r\nE: f\rg"))
          assert.is_nil(request:send { A = "x\ny" })
          assert(request:send())
          exchange.receive(request)
        end))
    end)
  end)
