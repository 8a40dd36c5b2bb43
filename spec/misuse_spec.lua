-- What a caller gets wrong: the message names the value, its fault and the
-- remedy, and no function that the caller did not call.

local hinternet = require "hinternet"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local PARAMETER, URL, SCHEME, STATE = 87, 12005, 12006, 12019

local function failure(...)
  assert.is_nil((...))
  return select(2, ...)
end

-- The message of an error that blames the line of the function it is raised
-- from.
local function blame(f)
  local ok, message = pcall(f)
  assert.is_false(ok)
  local here = debug.getinfo(f, "S")
  local line, text = tostring(message):match("^.-misuse_spec%.lua:(%d+): (.*)$")
  assert.is_truthy(line, tostring(message))
  line = tonumber(line)
  assert.is_true(line >= here.linedefined and line <= here.lastlinedefined, message)
  return text
end

describe("A caller's mistake", function()
  local p, echo = peer.new(), nil
  p:for_tests()
  setup(function() echo = p:echo() end)

  describe("in a URL", function()
    -- Rows of a URL, the code, and what every call says of it.
    local function check(rows)
      for _, row in ipairs(rows) do
        local url, code, text = row[1], row[2], row[3]
        assert.same({ text, code }, { failure(hinternet.get(url)) })
        assert.same({ text, code }, { failure(hinternet.get(url, { timeout = 5 })) })
        assert.same({ text, code }, { failure(hinternet.download(url, "/nowhere/x")) })
        assert.same({ text, code }, { failure(hinternet.crack_url(url)) })
        local results, failed = hinternet.all { url }
        assert.same({ text, code, 1 }, { results[1].message, results[1].code, failed })
      end
    end

    it("that names no scheme, or another, is told with the URL and what was meant", function()
      check {
        { "example.org/x", SCHEME,
          'no scheme in "example.org/x": did you mean https://example.org/x?' },
        { "//x/", SCHEME, 'no scheme in "//x/": did you mean https://x/?' },
        { "https//x/", SCHEME, 'no scheme in "https//x/": did you mean https://x/?' },
        { "localhost:8080/x", SCHEME,
          'no scheme in "localhost:8080/x": did you mean https://localhost:8080/x?' },
        { "u:p@h/", SCHEME, 'unrecognized scheme: "u" in "***@h/": http and https are known' },
        { "/x", SCHEME,
          'no scheme in "/x": a path alone names no host; give the whole URL' },
        { "", SCHEME, 'no scheme in "": the URL is empty' },
        { "ftp://x/", SCHEME,
          'unrecognized scheme: "ftp" in "ftp://x/": http and https are known' },
        { " http://x/", SCHEME, '" http://x/" begins with a blank: take it off' },
      }
    end)

    it("in its host is told with the host and what is wrong with it", function()
      local long = ("a"):rep(300)
      check {
        { "http:/x", URL, 'invalid URL "http:/x": no "//" and host behind the scheme' },
        { "http:///x", URL, 'invalid URL "http:///x": no host' },
        { "http://m\xc3\xbcller.de/", URL, 'invalid URL "http://m\xc3\xbcller.de/": the host '
          .. '"m\xc3\xbcller.de" is beyond ASCII: give its "xn--" form' },
        { "http://a b/", URL,
          'invalid URL "http://a b/": the host "a b" holds a blank or control character' },
        { "http://h\n/", URL, 'invalid URL "http://h\\n/": the host "h\\n" holds a line break' },
        { "http://h\\x", URL,
          'invalid URL "http://h\\x": the host "h\\x" holds a backslash: give "/"' },
        { "http://h%20/", URL,
          'invalid URL "http://h%20/": the host "h%20" is escaped: give it unescaped' },
        { "http://1.2.3/", URL, 'invalid URL "http://1.2.3/": the host "1.2.3" is no IPv4 '
          .. 'address: those are four decimal numbers up to 255' },
        { "http://[::1/", URL, 'invalid URL "http://[::1/": no "]" behind the IPv6 address' },
        { "http://[zz]/", URL, 'invalid URL "http://[zz]/": no IPv6 address in the brackets' },
        { "http://[::g]/", URL,
          'invalid URL "http://[::g]/": the host "::g" is no IPv6 address' },
        { "http://h\xff/", URL, 'invalid URL "http://h\\xFF/": the host "h\\xFF" is beyond '
          .. 'ASCII: give its "xn--" form' },
        { "http://" .. long .. "/", URL, 'invalid URL "http://' .. long:sub(1, 93) .. '...": '
          .. 'the host "' .. long:sub(1, 100) .. '..." is longer than 255 bytes' },
      }
    end)

    it("in its port, user, bytes or length is told, and no secret with it", function()
      check {
        { "http://h:99999/", URL,
          'invalid URL "http://h:99999/": the port "99999" is not from 1 to 65535' },
        { "http://h:8a/", URL, 'invalid URL "http://h:8a/": the port "8a" is no number' },
        { "http://[::1]8/", URL, 'invalid URL "http://[::1]8/": no colon before the port' },
        { "http://u:secret@b@c/", URL,
          'invalid URL "http://***@c/": more than one "@" before the path' },
        { "http://u\"@c/", URL, 'invalid URL "http://***@c/": a byte in the user or password '
          .. 'that must be escaped' },
        { "http://a\0b/", URL, 'invalid URL "http://a\\x00b/": a NUL' },
        { "http://h/" .. ("x"):rep(65536), URL, 'invalid URL "http://h/' .. ("x"):rep(91)
          .. '...": 65545 bytes, where 65536 are the most' },
      }
    end)

    it("is told where only asking for it is wrong", function()
      for _, row in ipairs {
        { "http://user@h/", "***@h/", "credentials in a URL are not sent: give an "
          .. "Authorization field" },
        { "http://:secret@h/", "***@h/", "credentials in a URL are not sent: give an "
          .. "Authorization field" },
        { "http://h:0/", "h:0/", "the port 0 is not from 1 to 65535" },
        { "http://h/\n", "h/\\n", "a line break: take it off, or escape it" },
        { "http://h/?\r\nx", "h/?\\r\\nx", "a line break: take it off, or escape it" },
        { "http://h/\1", "h/\\x01", "a control character: take it off, or escape it" },
        { "http://h/\127", "h/\\x7F", "a control character: take it off, or escape it" },
        { "http://h/ ", "h/ ", "a blank at the end: take it off, or escape it" },
      } do
        local text = 'invalid URL "http://' .. row[2] .. '": ' .. row[3]
        assert.same({ text, URL }, { failure(hinternet.get(row[1])) })
        assert.same({ text, URL }, { failure(hinternet.get(row[1], {})) })
        assert.is_table(hinternet.crack_url(row[1]))
      end
    end)

    it("is told of the part that is wrong, and of no other", function()
      local escaped = ' is escaped: give it unescaped'
      local long = "http://" .. ("a"):rep(254) .. "%"
      local padded = "http://h:x/"
      padded = padded .. ("y"):rep(65536 - #padded)
      for _, row in ipairs {
        { "http://a%41:65535/", 'the host "a%41"' .. escaped },
        { "http://a%41:000080/", 'the host "a%41"' .. escaped },
        { "http://a%41:/", 'the host "a%41"' .. escaped },
        { "http://a%41:0/", 'the port "0" is not from 1 to 65535' },
        { "http://h:99999999999999999999/",
          'the port "99999999999999999999" is not from 1 to 65535' },
        { "http://h:99999?a@b", 'the port "99999" is not from 1 to 65535' },
        { padded, 'the port "x" is no number', padded:sub(1, 100) .. "..." },
        { long, ('the host "%s..."'):format(long:sub(8, 107)) .. escaped,
          long:sub(1, 100) .. "..." },
      } do
        assert.equal(('invalid URL "%s": %s'):format(row[3] or row[1], row[2]),
          failure(hinternet.get(row[1])))
      end
      assert.equal('no scheme in "/": a path alone names no host; give the whole URL',
        failure(hinternet.get "/"))
      assert.equal("invalid parameter: the port 65536 is not from 0 to 65535",
        failure(hinternet.create_url { scheme = "http", host = "h", port = 65536 }))
      for text, shown in pairs {
        [("x"):rep(100)] = ("x"):rep(100), [("x"):rep(101)] = ("x"):rep(100) .. "...",
        [("x"):rep(99) .. "\xC3\xA4"] = ("x"):rep(99) .. "...",
      } do
        assert.equal(('invalid parameter: "%s" is no date of HTTP'):format(shown),
          failure(hinternet.parse_date(text)))
      end
    end)

    it("is told by the functions for URLs and dates", function()
      for _, row in ipairs {
        { "the scheme \"h t\" is none", { scheme = "h t", host = "h" } },
        { "a password without a user", { password = "x", host = "h" } },
        { "the port 70000 is not from 0 to 65535", { host = "h", port = 70000 } },
        { "the host \"a b\" holds a blank or control character", { host = "a b" } },
        { 'a part holds what must be escaped: give the flag "escape"',
          { host = "h", user = "a@b" } },
      } do
        assert.same({ "invalid parameter: " .. row[1], PARAMETER },
          { failure(hinternet.create_url(row[2])) })
      end
      assert.same({ 'no scheme in "x": did you mean https://x?', URL },
        { failure(hinternet.resolve_url("x", "y")) })
      assert.same({ 'invalid parameter: "noon" is no date of HTTP', PARAMETER },
        { failure(hinternet.parse_date("noon")) })
      assert.same({ "invalid parameter: 1e+14 seconds are outside the years 0 to 9999",
        PARAMETER }, { failure(hinternet.format_date(1e14)) })
      assert.same({ 'invalid URL "http://***@h/": a user or password, which reject_userpwd '
        .. "refuses", URL }, { failure(hinternet.crack_url("http://u:p@h/",
        { "reject_userpwd" })) })
    end)
  end)

  describe("in an option", function()
    it("is told under the name its caller gave, with the value", function()
      local time = ": more than 0 seconds; false for none"
      for _, row in ipairs {
        { "timeout", 0, "0" .. time },
        { "timeout", -1.5, "-1.5" .. time },
        { "redirects", -1, "-1: from 0 to 1000" },
        { "redirects", 1001, "1001: from 0 to 1000" },
        { "max_body", -1, "-1: from 0 to 70368744177664" },
        { "resolve_to", "x", '"x": IP addresses with commas between them, as '
          .. '"192.0.2.1, 2001:db8::1"' },
        { "unix_socket", "a\0b", '"a\\x00b": a path of at most 107 bytes' },
        { "ca_file", "a\0b", '"a\\x00b": text without NUL' },
      } do
        assert.same({ ("invalid parameter: %s = %s"):format(row[1], row[3]), PARAMETER },
          { failure(hinternet.get(echo.url, { [row[1]] = row[2] })) })
      end
      local _, message = hinternet.get(echo.url, { client_password = "a\0secret" })
      assert.equal("invalid parameter: client_password: text without NUL", message)
    end)

    it("is told by set_option and query_option", function()
      local session <close> = assert(hinternet.open())
      local connection = assert(session:connect("127.0.0.1", echo.port))
      local request = assert(connection:open_request())
      local words = 'one of "always", "disallow_https_to_http", "never"'
      local place = "GET " .. echo.url .. "/, new"
      for _, row in ipairs {
        { request, "redirect_policy", 7, "invalid parameter: redirect_policy = 7: " .. words },
        { session, "max_conns_per_server", -1,
          "invalid parameter: max_conns_per_server = -1: from 0 to 2147483647" },
        { session, "url", "x", "incorrect handle type: url is for requests, not for sessions" },
        { request, "user_agent", "x",
          "incorrect handle type: user_agent is for sessions, not for requests" },
        { request, "url", "x", "option not settable: url can only be asked for" },
        { request, "proxy", "x", "invalid option: proxy is not supported" },
        { request, "resolution_hostname", "a b",
          'invalid parameter: resolution_hostname = "a b": the name of a host' },
        { request, "client_cert_context", "x", "incorrect handle state: cannot use "
          .. "client_cert_context now (" .. place .. "): a request without TLS shows no "
          .. "certificate" },
      } do
        assert.equal(row[4], (failure(row[1]:set_option(row[2], row[3]))))
      end
      for _, row in ipairs {
        { connection, "url", "incorrect handle type: url is for requests, not for connections" },
        { session, "client_cert_password",
          "invalid parameter: client_cert_password can only be set" },
        { session, "proxy", "invalid parameter: proxy is not supported" },
        { request, "security_info", "incorrect handle state: cannot use security_info now ("
          .. place .. "): call send first" },
      } do
        assert.equal(row[3], (failure(row[1]:query_option(row[2]))))
      end
    end)

    it("of type none is none that it has no value", function()
      local session <close> = assert(hinternet.open())
      local request = assert(assert(session:connect("127.0.0.1", echo.port)):open_request())
      assert(request:send())
      assert(request:set_option("expire_connection"))
      assert(request:set_option("expire_connection", true))
      assert(request:receive_response())
      assert.equal("bad argument #2 to 'set_option' (value expected)",
        blame(function() local _ = request:set_option("send_timeout") end))
    end)

    it("of open is blamed on its caller", function()
      for _, row in ipairs {
        { { max_conns_per_server = "x" }, "'max_conns_per_server' must be an integer, not x" },
        { { max_response_body = 1.5 }, "'max_response_body' must be an integer, not 1.5" },
        { { redirect_policy = "x" },
          "'redirect_policy' must be an integer or a word for one, not x" },
        { { security_flags = { "x" } },
          "'security_flags' must be an integer or a word for one, not such a table" },
        { hinternet, "table expected, got the module: call it with a dot, not a colon" },
      } do
        assert.equal("bad argument #1 to 'open' (" .. row[2] .. ")",
          blame(function() local _ = hinternet.open(row[1]) end))
      end
      assert.same({ 'invalid parameter: the user_agent "a\\nb" holds a line break or control '
        .. "character", PARAMETER }, { failure(hinternet.open { user_agent = "a\nb" }) })
      local session <close> = assert(hinternet.open {
        max_response_body = 1000.0, redirect_policy = "never", decompression = { "gzip" },
        security_flags = "ignore_unknown_ca",
      })
      assert.equal(1000, session:query_option("max_response_body"))
    end)

    it("of all, or its list, is blamed on its caller", function()
      local list = "bad argument #1 to 'all' (a list expected, which '%s' is no place of)"
      assert.equal(list:format("a"),
        blame(function() local _ = hinternet.all { a = echo.url } end))
      assert.equal(list:format("a"),
        blame(function() local _ = hinternet.all { echo.url, a = echo.url } end))
      assert.equal(list:format("0"),
        blame(function() local _ = hinternet.all { echo.url, [0] = echo.url } end))
      assert.equal(list:format("10"),
        blame(function() local _ = hinternet.all { echo.url, [10] = echo.url } end))
      assert.equal("bad argument #1 to 'all' (table expected, got string)",
        blame(function() local _ = hinternet.all(echo.url) end))
      assert.equal("bad option 'at_once' (integer from 1 on expected)",
        blame(function() local _ = hinternet.all({ echo.url }, { at_once = 1.5 }) end))
      assert.equal(0, select(2, hinternet.all({ echo.url }, { at_once = 2.0 })))
    end)

    it("is none that an option says it takes", function()
      local file <close> = assert(io.tmpfile())
      local takes = {
        headers = { {}, "A: b" }, query = { {}, "a=b" }, json = { "{}" }, form = { {}, "a=b" },
        body = { "x", function() end, file }, json_encode = { print }, progress = { print },
        timeout = { 1, 1.5, false }, redirects = { true, false, 3, 2.0 }, max_body = { 10, 10.0 },
        decompression = { true, false }, history = { true, false }, stream = { true, false },
        verify = { true, false }, ca_file = { "x" }, client_cert = { "x" }, client_key = { "x" },
        client_password = { "x" }, unix_socket = { "/nowhere" }, resolve_to = { "127.0.0.1" },
      }
      for name, values in pairs(takes) do
        for _, value in ipairs(values) do
          local ran, result, _, code = pcall(hinternet.get, "http://127.0.0.1:1/",
            { [name] = value })
          assert.is_true(ran and not result, name)
          assert.is_true(code ~= 87, name)
        end
      end
    end)

    it("that holds a table is not passed over", function()
      local alone = "a list must hold {name, value} pairs alone, and not '%s'"
      local values = "values must be strings, numbers, booleans or lists of these, as that of "
        .. "'a' is not"
      for _, row in ipairs {
        { "query", { a = { b = 1 } }, values },
        { "query", { a = { 1, b = 2 } }, values },
        { "query", { a = { 1, nil, 3 } }, values },
        { "form", { { "a", { b = 1 } } }, values },
        { "query", { { "a" } }, values },
        { "query", { { "a", 1 }, b = 2 }, alone:format("b") },
        { "headers", { { "a", 1 }, B = 2 }, alone:format("B") },
        { "headers", { { "a", 1 }, nil, { "b", 1 } }, alone:format("nil") },
        { "headers", { { "a", 1 }, [0] = { "b", 1 } }, alone:format "0" },
        { "headers", { { "a", 1 }, [-1] = { "b", 1 } }, alone:format "-1" },
        { "query", { { "a", 1 }, [10] = { "b", 1 } }, alone:format "10" },
        { "query", { { "a", 1 }, [1.5] = { "b", 1 } }, alone:format "1.5" },
        { "headers", { { "a", {} } },
          "values must be strings or numbers, as that of 'a' is not" },
        { "headers", { { 1, 2 } }, "names must be strings" },
        { "headers", { [2] = "x" }, "names must be strings" },
      } do
        local text = ("bad option '%s' (%s)"):format(row[1], row[3])
        assert.equal(text,
          blame(function() local _ = hinternet.get(echo.url, { [row[1]] = row[2] }) end))
      end
    end)
  end)

  describe("of level 1", function()
    local session, connection
    before_each(function()
      session = assert(hinternet.open())
      connection = assert(session:connect("127.0.0.1", echo.port))
    end)
    after_each(function() session:close() end)

    it("is told by connect", function()
      for _, row in ipairs {
        { 'the host "h:80" holds a port: give that as the next argument, connect("h", 80)',
          "h:80" },
        { 'the host "h:" holds a port: give that as the next argument, connect("h", 80)', "h:" },
        { 'the host "[::1]:8" holds a port: give that as the next argument, '
          .. 'connect("[::1]", 8)', "[::1]:8" },
        { 'the host "http://***@h/" is a URL: connect takes its host alone, "h"',
          "http://u:p@h/" },
        { 'the host "h/x" holds a path: that is for open_request', "h/x" },
        { 'the host "" is empty', "" },
        { 'the host "::x" is no IPv6 address', "::x" },
        { 'the host "m\xc3\xbcller.de" is beyond ASCII: give its "xn--" form', "m\xc3\xbcller.de" },
        { "the port 70000 is not from 1 to 65535 (0: the scheme's own)", "h", 70000 },
        { "the port -1 is not from 1 to 65535 (0: the scheme's own)", "h", -1 },
      } do
        assert.same({ "invalid parameter: " .. row[1], PARAMETER },
          { failure(session:connect(row[2], row[3])) })
      end
      assert(session:connect("h", 80.0))
    end)

    it("is told by open_request", function()
      local control = " holds a line break or control character"
      for _, row in ipairs {
        { 'the method "/x" is none: give the method first, open_request("GET", "/x")',
          "/x", "GET" },
        { 'the method "/x" is none: give the method first, open_request("GET", "/x")', "/x" },
        { 'the method "G T" is none', "G T", "/" },
        { 'the version "HTTP/2" is not known: HTTP/1.1 and HTTP/1.0 are', "GET", "/",
          { version = "HTTP/2" } },
        { "the option 'accept'" .. control, "GET", "/", { accept = { "a", "b\r\nc" } } },
        { "the option 'referrer'" .. control, "GET", "/", { referrer = "a\n" } },
        { "the option 'referrer'" .. control, "GET", "/", { referrer = "a\127" } },
        { 'the path "/a\\x01" holds a blank or control character, which it does not escape',
          "GET", "/a\1", { escape_disable = true } },
        { 'the path "\\x01' .. ("x"):rep(99) .. '..." holds a blank or control character, which it '
          .. "does not escape", "GET", "\1" .. ("x"):rep(65535), { escape_disable = true } },
        { "the path of 200000 bytes is too long", "GET", ("x"):rep(200000) },
      } do
        assert.same({ "invalid parameter: " .. row[1], PARAMETER },
          { failure(connection:open_request(table.unpack(row, 2))) })
      end
    end)

    it("is told by add_headers and send, which names the field and never its value", function()
      for _, row in ipairs {
        { 'the value of "Authorization" holds a line break', { Authorization = "secret\n" } },
        { 'the value of "X" holds a control character', { { "A", 1 }, { "X", "a\0" } } },
        { 'the value of "X" holds a control character', "A: b\r\nX: \1" },
        { 'the value of "X" holds a control character', { X = "a\127" } },
        { 'the value of "X" holds a control character', { X = "a\11" } },
        { 'the header name "X Y" is none: letters, digits and -_.!#$%&\'*+^`|~', { ["X Y"] = 1 } },
        { 'the header name "" is none: letters, digits and -_.!#$%&\'*+^`|~', ": x" },
        { 'the header line "Cookie" has no colon: "Name: value"', "A: b\r\nCookie" },
        { 'the line of "A" must end with CRLF', "A: b\nC: d" },
        { "there is no header in the text", "\r\n" },
        { "the fields are too many or too long", "A: " .. ("x"):rep(300000) },
      } do
        local request = assert(connection:open_request())
        local text = "invalid parameter: " .. row[1]
        assert.same({ text, PARAMETER }, { failure(request:add_headers(row[2])) })
        assert.same({ text, PARAMETER }, { failure(request:send(row[2])) })
        request:close()
      end
      local request = assert(connection:open_request())
      assert(request:send())
      assert.same({ "invalid parameter: Host, Content-Length and Transfer-Encoding are on their "
        .. "way already", PARAMETER }, { failure(request:add_headers("Host: x")) })
    end)

    it("is told by send where fields, body and total disagree", function()
      local chunked = { ["Transfer-Encoding"] = "chunked" }
      for _, row in ipairs {
        { "the total of -1 bytes is less than none", nil, "abc", -1 },
        { "the Content-Length 5 is not the total of 0 bytes", "Content-Length: 5", nil, 0 },
        { 'a total of 5 bytes beside "Transfer-Encoding: chunked": leave one out',
          { ["Transfer-Encoding"] = "Chunked" }, nil, 5 },
        { "a body of 3 bytes is longer than the 2 announced", nil, "abc", 2 },
        { "a body of 3 bytes is longer than the 2 announced", "Content-Length: 2", "abc" },
        { 'a total of 3 bytes beside "Transfer-Encoding: chunked": leave one out',
          chunked, "abc", 3 },
        { "a Content-Length beside chunks: leave one out", "Content-Length: 3", "abc", "chunked" },
        { "a Content-Length beside chunks: leave one out",
          "Transfer-Encoding: chunked\r\nContent-Length: 3", "abc" },
        { 'the Transfer-Encoding "gzip" cannot be sent: chunked can',
          "Transfer-Encoding: gzip", "abc" },
        { 'the Content-Length "x" is no number', "Content-Length: x", "abc" },
        { "the Content-Length 4 is not the total of 3 bytes", "Content-Length: 4", "abc", 3 },
        { "more than one Content-Length", { { "Content-Length", 3 }, { "Content-Length", 3 } },
          "abc" },
      } do
        local request = assert(connection:open_request("POST"))
        assert.same({ "invalid parameter: " .. row[1], PARAMETER },
          { failure(request:send(row[2], row[3], row[4])) })
        request:close()
      end
      local request = assert(connection:open_request("POST", "/", { version = "HTTP/1.0" }))
      assert.same({ "invalid parameter: chunks are not for HTTP/1.0: give the length, or speak "
        .. "HTTP/1.1", PARAMETER }, { failure(request:send(nil, nil, "chunked")) })
    end)

    it("is told by reads and writes of a size that cannot be", function()
      local request = assert(connection:open_request("POST"))
      assert(request:send(nil, "abc", 10))
      assert.same({ "invalid parameter: 8 bytes to write, where 3 of the 10 bytes announced are "
        .. "given: 7 are left", PARAMETER }, { failure(request:write("12345678")) })
      assert.same({ "invalid parameter: -1 bytes are less than none", PARAMETER },
        { failure(request:write_from(0, -1)) })
      assert(request:write("1234567"))
      assert(request:receive_response())
      assert.same({ "invalid parameter: a read of 0 bytes: one is the least", PARAMETER },
        { failure(request:read(0)) })
      assert.same({ "invalid parameter: -2 bytes are less than none", PARAMETER },
        { failure(request:read_to(1, -2)) })
      local size = "bad argument #1 to '%s' (integer from 1 on expected, got %s)"
      assert.equal(size:format("chunks", 0), blame(function() request:chunks(0) end))
      assert.equal(size:format("lines", "string"), blame(function() request:lines("x") end))
      assert.equal("P", request:read(1.0))
    end)

    it("in the order of calls is told with the call that comes first", function()
      local read = "call receive_response first"
      local calls = {
        read = function(r) return r:read() end,
        read_to = function(r) return r:read_to(1) end,
        query_data_available = function(r) return r:query_data_available() end,
        ["query headers"] = function(r) return r:query_headers("status_code") end,
        receive_response = function(r) return r:receive_response() end,
        write = function(r) return r:write("x") end,
      }
      local function check(request, state, what, remedy)
        assert.same({ ("incorrect handle state: cannot %s now (POST %s/, %s): %s"):format(what,
          echo.url, state, remedy), STATE }, { failure(calls[what](request)) })
      end
      local request = assert(connection:open_request("POST"))
      for _, what in ipairs { "read", "read_to", "query_data_available", "query headers" } do
        check(request, "new", what, "call send and receive_response first")
      end
      check(request, "new", "receive_response", "call send first")
      check(request, "new", "write", "call send first, with the length of the body")
      assert(request:send(nil, "abc", 5))
      for _, what in ipairs { "read", "read_to", "query_data_available", "query headers" } do
        check(request, "sent", what, read)
      end
      assert(request:write("de"))
      assert(request:receive_response())
      check(request, "received", "receive_response",
        "the response is here: read it, or send again")
      check(request, "received", "write", "receive_response has ended the body")
    end)

    it("is told where a write is under way that leaves nothing to write", function()
      local async <close> = assert(hinternet.open { async = true })
      local request = assert(async:connect("127.0.0.1", echo.port)):open_request("POST")
      assert(request:send(nil, "abc", 3))
      while hinternet.poll() do end -- luacheck: ignore 542
      assert.is_true(request:write(""))
      local message = failure(request:receive_response())
      assert.matches("sent%): its write is not complete yet$", message)
    end)

    it("is told in full whatever the length of its URL", function()
      local request = assert(connection:open_request("GET", "/" .. ("x"):rep(5000)))
      local message = failure(request:read())
      assert.matches("x%.%.%., new%): call send and receive_response first$", message)
      assert.matches("x%.%.%., new$", tostring(request))
    end)

    it("of set_timeouts and set_status_callback is blamed on its caller", function()
      local timeouts, callback = "bad argument #1 to 'set_timeouts' (%s)",
        "bad argument #2 to 'set_status_callback' (%s)"
      for _ = 1, 2 do -- the second time the method is there
        assert.equal(timeouts:format("table expected, got nil"),
          blame(function() local _ = session:set_timeouts() end))
        assert.equal(timeouts:format("unknown timeout 'x'"),
          blame(function() local _ = session:set_timeouts { x = 1 } end))
        assert.equal(timeouts:format("'send' must be a number of seconds or false, not a string"),
          blame(function() local _ = session:set_timeouts { send = "1" } end))
        assert.equal(callback:format("table expected, got string"),
          blame(function() local _ = session:set_status_callback(print, "redirect") end))
        assert.equal(callback:format("unknown status 'x'"),
          blame(function() local _ = session:set_status_callback(print, { "x" }) end))
        assert.equal(callback:format("unknown status 'true'"),
          blame(function() local _ = session:set_status_callback(print, { true }) end))
        assert.equal(callback:format("a list of names expected: 'x' is a key"),
          blame(function()
            local _ = session:set_status_callback(print, { x = "redirect" })
          end))
        for _, none in ipairs { false, 5 } do
          assert.equal("bad argument #1 to 'set_status_callback' (function or nil expected, got "
            .. type(none) .. ")", blame(function() local _ = session:set_status_callback(none) end))
        end
        local bad = "calling '%s' on bad self (hinternet handle expected, got %s): call it with "
          .. "a colon"
        assert.equal(bad:format("set_timeouts", "table"),
          blame(function() local _ = session.set_timeouts { send = 1 } end))
        assert.equal(bad:format("set_status_callback", "function"),
          blame(function() local _ = session.set_status_callback(print) end))
      end
      assert.same({ "invalid parameter: the timeout send = 0: more than 0 seconds; false for "
        .. "none", PARAMETER }, { failure(session:set_timeouts { send = 0 }) })
      assert.equal(PARAMETER, select(3, session:set_timeouts { send = 0 / 0 }))
    end)
  end)

  it("of a run that is forgotten is a warning", function()
    local folder = process.temp_folder()
    local function said(text)
      local path = folder .. "/script.lua"
      local file = assert(io.open(path, "w"))
      file:write('warn "@on"; local hinternet = require "hinternet"\n' .. text)
      file:close()
      return process.run(process.interpreter() .. " " .. path .. " 2>&1")
    end
    local spawn = "local session = hinternet.open(); local a = session:spawn(print); "
      .. "local b = session:spawn(print) "
    local warning = "Lua warning: hinternet: tasks that never started, for want of a run or "
      .. "poll: %d\n"
    assert.equal(warning:format(2) .. "collected\n",
      said("do " .. spawn .. "end collectgarbage() collectgarbage() print 'collected'"))
    assert.equal(warning:format(2), said(spawn))
    assert.equal(warning:format(3),
      said("for _ = 1, 3 do hinternet.session():spawn(print) end"))
    assert.equal(warning:format(1), said(spawn .. "a:cancel(); a:cancel()"))
    assert.equal("", said(spawn .. "a:cancel(); b:cancel()"))
    assert.equal("", said(spawn .. "a:cancel(); b:cancel(); session:run()"))
    assert.equal("\n\n", said(spawn .. "session:run()"))
    assert.equal("\n\n", said(spawn .. "hinternet.poll(0)"))
    process.remove_folder(folder)
  end)

  it("of a colon for a dot, or the other way round, is told", function()
    local url = "bad URL (string expected, got the module: call it with a dot, not a colon)"
    local module = "bad argument #1 to '%s' (%s expected, got the module: call it with a dot, "
      .. "not a colon)"
    assert.equal(url, blame(function() local _ = hinternet:get(echo.url) end))
    assert.equal(url, blame(function() local _ = hinternet:post(echo.url, {}) end))
    assert.equal(url, blame(function() local _ = hinternet:download(echo.url, "x") end))
    assert.equal(module:format("request", "string"),
      blame(function() local _ = hinternet:request("GET", echo.url) end))
    assert.equal(module:format("all", "table"),
      blame(function() local _ = hinternet:all { echo.url } end))
    assert.equal(module:format("open", "table"),
      blame(function() local _ = hinternet:open { async = true } end))
    local session <close> = assert(hinternet.open())
    assert.equal("bad self (hinternet.session expected, got string): call it with a colon",
      blame(function() local _ = session.get(echo.url) end))
  end)
end)
