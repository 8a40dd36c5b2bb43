-- Redirects: what the next hop asks for and carries, where it goes, when it is
-- refused. What their notification may do is in redirect_callback_spec.

local certs = require "spec.support.certs"
local hops = require "spec.support.hops"
local peer = require "spec.support.peer"

local exchange, head, lines, ok, open = hops.exchange, hops.head, hops.lines, hops.ok, hops.open

local p = peer.new()
local function redirect(status, location, ...)
  return peer.response(status, { "Location: " .. location, ... })
end

local function answering(...) return hops.answering(p, ...) end

describe("A redirect", function()
  p:for_tests()

  local to_get = { -- methods that become GET and lose their body
    [301] = { POST = true }, [302] = { POST = true },
    [303] = { POST = true, PUT = true, DELETE = true },
    [307] = {}, [308] = {},
  }
  for _, status in ipairs { 301, 302, 303, 307, 308 } do
    for _, method in ipairs { "GET", "HEAD", "POST", "PUT", "DELETE" } do
      local changes = to_get[status][method]
      local body = method ~= "GET" and method ~= "HEAD" and "hello" or nil
      it(("%d of a %s %s"):format(status, method, changes and "is a GET without its body"
        or "is a " .. method .. (body and " with its body" or "")), function()
          local final = method == "HEAD" and peer.response(200, {}) or ok
          local s = answering(redirect(status, "/next"), final)
          local session <close> = open()
          local request = session:connect("127.0.0.1", s.port):open_request(method, "/first")
          assert.equal(200, exchange(request, "A: 1\r\nContent-Type: text/plain\r\n"
            .. "Content-Language: en\r\nZ: 2", body))
          local about = { "A: 1", "Content-Type: text/plain", "Content-Language: en", "Z: 2" }
          if body then about[5] = "Content-Length: 5" end
          local first = head(s, method .. " /first", table.unpack(about)) .. "\r\n\r\n"
            .. (body or "")
          local second = first:gsub("/first", "/next")
          if changes then second = head(s, "GET /next", "A: 1", "Z: 2", "", "") end
          assert.same({ first .. second }, s:received())
          assert.equal("/next", request:query_option("url"):match("%d(/.*)$"))
          s:close()
        end)
    end
  end

  it("takes every field that tells of the body along with it, and no other", function()
    local s = answering(redirect(303, "/next"), ok)
    local session <close> = open { user_agent = "me" }
    local request = session:connect("127.0.0.1", s.port):open_request("PUT", "/",
      { accept = "a/b", referrer = "http://h/" })
    assert.equal(200, exchange(request, lines("Content-Type: a/b", "Content-Encoding: x",
      "Content-Location: /l", "Last-Modified: x", "Digest: x", "Content-MD5: x",
      "Authorization: a", "Cookie: c", "X-Content-Type: x"), "body"))
    assert.equal(head(s, "GET /next", "Accept: a/b", "Referer: http://h/", "Authorization: a",
      "Cookie: c", "X-Content-Type: x", "User-Agent: me", "", ""),
      s:received()[1]:match("body(.*)"))
    s:close()
  end)

  it("without a Location, or of another status, is the caller's", function()
    for _, text in ipairs { peer.response(302, {}, "end"), peer.response(300,
      { "Location: /next" }, "end"), peer.response(304, { "Location: /next" }):gsub(
      "Content%-Length: 0\r\n", ""), peer.response(201, { "Location: /next" }, "end") } do
      local s = answering(text)
      local session <close> = open()
      local request = session:connect("127.0.0.1", s.port):open_request("GET", "/first")
      local status, body = exchange(request)
      assert.equal(tonumber(text:match("%d%d%d")), status)
      assert.equal(status ~= 304 and "end" or nil, body)
      assert.equal(s.url .. "/first", request:query_option("url"))
      s:close()
    end
  end)

  describe("goes where its Location says, seen from /a/b/c?x=1:", function()
    local rows = { -- %s is the server; path and query of the next request
      { "/d", "/d" }, { "d", "/a/b/d" }, { "./d", "/a/b/d" }, { "../d", "/a/d" }, { "..", "/a/" },
      { "../../../d", "/d" }, { "./d/./e/../f", "/a/b/d/f" }, { "/d/../../e/", "/e/" },
      { "?q=2", "/a/b/c?q=2" }, { "#there", "/a/b/c?x=1" }, { "d#there?no", "/a/b/d" },
      { "d?q#there", "/a/b/d?q" }, { "d?", "/a/b/d?" }, { "?", "/a/b/c?" },
      { "http://%s", "/" }, { "http://%s/", "/" }, { "HTTP://%s/D?q", "/D?q" },
      { "http://%s?q", "/?q" }, { "http://%s#there", "/" }, { "//%s/h?q", "/h?q" },
      { "//%s", "/" }, { "http://user:secret@%s/u", "/u" }, { "http://%s/a/../b", "/b" },
      { "d e", "/a/b/d%20e" }, { "/\195\164?\226\130\172", "/%C3%A4?%E2%82%AC" },
      { "/\xff", "/%FF" }, { "/%41%2f%", "/%41%2f%" }, { "/a\tb", "/a%09b" },
      { '/"<>`{}|\\^', "/%22%3C%3E%60%7B%7D%7C%5C%5E" },
      { "./a:b", "/a/b/a:b" }, { "1a://h/", "/a/b/1a://h/" }, { "/a//b", "/a//b" },
      { "/d?to=http://h/#x", "/d?to=http://h/" }, { "/.//x", "//x" },
    }
    for _, row in ipairs(rows) do
      it(("%q is %s"):format(row[1], row[2]), function()
        -- The server's port is known only when it serves.
        local s = p:script({ "recv_head" }, { "wait" }, { "send", ok }, { "recv_eof" })
        local from = p:serve { connections = { {
          { "recv_head" },
          { "send", redirect(302, (row[1]:gsub("%%s", "127.0.0.1:" .. s.port))) },
          { "recv_head" }, { "send", ok }, { "recv_eof" } } } }
        local absolute = row[1]:find("%s", 1, true)
        local target = absolute and s or from
        if absolute then s:go() end
        local session <close> = open()
        local connection = session:connect("127.0.0.1", from.port)
        local request = connection:open_request("GET", "/a/b/c?x=1")
        assert.same({ 200, "end" }, { exchange(request) })
        local received = target:received()[1]
        assert.equal(head(target, "GET " .. row[2], "", ""),
          absolute and received or received:match("\r\n\r\n(.*)$"))
        assert.equal(target.url .. row[2], request:query_option("url"))
        s:close()
        from:close()
      end)
    end

    it("another host by its name, and by an IPv6 address", function()
      local v6 = p:serve { v6 = true, connections = { { { "recv_head" }, { "send", ok } } } }
      local named = answering(redirect(301, v6.url .. "/six"))
      local s = answering(redirect(301, "http://LOCALHOST:" .. named.port .. "/name"))
      local session <close> = open()
      local request = session:connect("127.0.0.1", s.port):open_request("GET", "/")
      assert.same({ 200, "end" }, { exchange(request) })
      assert.equal(v6.url .. "/six", request:query_option("url"))
      assert.is_truthy(named:received()[1]:lower():find(
        "get /name http/1.1\r\nhost: localhost:" .. named.port .. "\r\n", 1, true))
      assert.is_truthy(v6:received()[1]:find("Host: [::1]:" .. v6.port .. "\r\n", 1, true))
      for _, each in ipairs { s, named, v6 } do each:close() end
    end)
  end)

  it("to a Location nothing can be fetched from fails", function()
    for _, location in ipairs { "ftp://127.0.0.1/", "mailto:a@b", "javascript:alert(1)",
      "data:,x", "http://", "http:///x", "http://:80/", "//", "http:", "http:/x", "http:x",
      "http://[::1/", "http://a b/", "http://127.0.0.1:99999/", "http://127.0.0.1:x/",
      "http://127.0.0.1:0/", "http://a@b@c/", "http://a\tb/", "file:///etc/passwd",
    } do
      local s = answering(redirect(302, location))
      local session <close> = open()
      local request = session:connect("127.0.0.1", s.port):open_request("GET", "/")
      local done, message, code = exchange(request)
      assert.same({ nil, "redirect to an unusable Location while waiting for the response of "
        .. "127.0.0.1:" .. s.port, 12156 }, { done, message, code }, location)
      assert.equal(12019, select(3, request:read()))
      s:close()
    end
  end)

  it("to a URL with credentials drops them, or fails when reject_userpwd_in_url is on",
    function()
      for _, userinfo in ipairs { "user:secret", "user", ":", "user:", ":secret" } do
        local s = p:script({ "recv_head" }, { "wait" }, { "send", ok }, { "recv_eof" })
        local from = answering(redirect(302, ("http://%s@127.0.0.1:%d/"):format(userinfo, s.port)))
        local session <close> = open()
        local connection = session:connect("127.0.0.1", from.port)
        local request = connection:open_request()
        s:go()
        assert.same({ 200, "end" }, { exchange(request) })
        assert.same({ head(s, "GET /", "", "") }, s:received())
        assert.equal(s.url .. "/", request:query_option("url"))
        from:close()
        from = answering(redirect(302, ("http://%s@127.0.0.1:%d/"):format(userinfo, s.port)))
        request = session:connect("127.0.0.1", from.port):open_request()
        assert(request:set_option("reject_userpwd_in_url", true))
        local _, message, code = exchange(request)
        assert.equal(12005, code)
        assert.equal("redirect to a URL with credentials while waiting for the response of "
          .. "127.0.0.1:" .. from.port, message)
        assert.equal(1, s:accepted())
        s:close()
        from:close()
      end
    end)

  it("is not followed under the policy never", function()
    local s = answering(redirect(302, "/next") .. "", ok)
    local session <close> = open { redirect_policy = "never" }
    local request = session:connect("127.0.0.1", s.port):open_request("GET", "/first")
    assert.equal(302, exchange(request))
    assert.equal("/next", request:query_headers("Location"))
    assert.equal(s.url .. "/first", request:query_option("url"))
    assert(request:set_option("redirect_policy", "always"))
    assert.equal(200, exchange(request))
    s:close()
  end)

  describe("beyond max_http_automatic_redirects", function()
    local function looping()
      return p:script({ "loop", -1, { { "recv_head" }, { "send", redirect(302, "/again") } } })
    end

    it("fails, after as many hops as it says", function()
      for _, limit in ipairs { 0, 1, 2, false } do
        local s = looping()
        local session <close> = open { max_http_automatic_redirects = limit or nil }
        local request = session:connect("127.0.0.1", s.port):open_request()
        local _, message, code = exchange(request)
        assert.equal(12156, code)
        assert.equal("too many redirects while waiting for the response of 127.0.0.1:" .. s.port,
          message)
        local _, count = s:received()[1]:gsub("GET ", "")
        assert.equal((limit or 10) + 1, count)
        assert.equal(limit or 10, request:query_option("request_stats").redirects)
        s:close()
      end
    end)

    it("fails where that many would have been followed", function()
      local texts = { redirect(302, "/1"), redirect(302, "/2"), redirect(302, "/3"), ok }
      for _, limit in ipairs { 2, 3 } do
        local s = answering(table.unpack(texts))
        local session <close> = open { max_http_automatic_redirects = limit }
        local request = session:connect("127.0.0.1", s.port):open_request()
        if limit == 3 then
          assert.equal(200, exchange(request))
        else
          assert.equal(12156, select(3, exchange(request)))
        end
        s:close()
      end
    end)

    it("is counted anew by every send", function()
      local s = answering(redirect(302, "/1"), redirect(302, "/2"), ok, redirect(302, "/1"),
        redirect(302, "/2"), ok)
      local session <close> = open { max_http_automatic_redirects = 2 }
      local request = session:connect("127.0.0.1", s.port):open_request()
      assert.equal(200, exchange(request))
      assert.equal(200, exchange(request))
      s:close()
    end)
  end)

  describe("that needs the body again", function()
    it("has it, however large, when it came with the send", function()
      for _, size in ipairs { 10, 64 << 10, (64 << 10) + 1, 300000 } do
        local other = answering(ok)
        local s = answering(redirect(308, other.url .. "/there"))
        local session <close> = open()
        local request = session:connect("127.0.0.1", s.port):open_request("POST", "/")
        assert(request:send(nil, ("x"):rep(size - 1) .. "y"))
        collectgarbage()
        assert(request:receive_response())
        assert.equal("end", request:read("a"))
        assert.equal(head(other, "POST /there", "Content-Length: " .. size, "", "")
          .. ("x"):rep(size - 1) .. "y", other:received()[1])
        s:close()
        other:close()
      end
    end)

    it("fails when it came by write, unless it is not sent again", function()
      for _, row in ipairs { { 307, "POST" }, { 308, "POST" }, { 301, "PUT" }, { 303, "PUT", true },
        { 302, "POST", true } } do
        for _, total in ipairs { 4, "chunked" } do
          local s = answering(redirect(row[1], "/next"), ok)
          local session <close> = open()
          local request = session:connect("127.0.0.1", s.port):open_request(row[2], "/")
          assert(request:send(nil, "bo", total))
          assert.equal(2, request:write("dy"))
          local done, message, code = request:receive_response()
          if row[3] then
            assert.is_true(done)
            assert.equal("end", request:read("a"))
            assert.is_truthy(s:received()[1]:find(head(s, "GET /next", "", ""), 1, true))
          else
            assert.same({ "redirect needs the body again while waiting for the response of "
              .. "127.0.0.1:" .. s.port, 12032 }, { message, code })
          end
          s:close()
        end
      end
    end)
  end)

  describe("after it has failed for want of its body", function()
    -- Sent with its body by write, up to the response that asks for it again.
    local function refused(session, s, ...)
      local request = session:connect("127.0.0.1", s.port):open_request(...)
      assert(request:send("Authorization: a\r\nX-Kept: 1", "bo", 4))
      assert(request:write("dy"))
      assert.equal(12032, select(3, request:receive_response()))
      return request
    end

    local function resend(request, headers, total)
      assert(request:send(headers, nil, total or 5))
      assert(request:write("again"))
      assert(request:receive_response())
      return request:query_headers("status_code"), request:read("a")
    end

    it("goes on there with the next send, which brings another body", function()
      for _, row in ipairs { { 5, "Content-Length: 5", "again" },
        { "chunked", "Transfer-Encoding: chunked", "5\r\nagain\r\n0\r\n\r\n" } } do
        local s = answering(redirect(307, "/next?q"), ok, redirect(307, "/next?q"))
        local session <close> = open()
        local request = refused(session, s, "PUT", "/first")
        assert.equal(s.url .. "/first", request:query_option("url"))
        assert.same({ 200, "end" }, { resend(request, nil, row[1]) })
        assert.equal(s.url .. "/next?q", request:query_option("url"))
        assert.equal(1, request:query_option("request_stats").redirects)
        local first = head(s, "PUT /first", "Authorization: a", "X-Kept: 1", "Content-Length: 4",
          "", "body")
        assert.equal(first .. head(s, "PUT /next?q", "Authorization: a", "X-Kept: 1", row[2], "",
          row[3]), s:received()[1])
        -- The one after that begins where the request was opened.
        assert(request:send(nil, "bo", 4))
        assert(request:write("dy"))
        assert.equal(12032, select(3, request:receive_response()))
        assert.equal(first, s:received()[1]:sub(-#first))
        s:close()
      end
    end)

    it("takes no credentials to another origin but those given for it", function()
      local other = answering(ok)
      local s = answering(redirect(308, other.url .. "/there"))
      local session <close> = open()
      local request = refused(session, s, "POST", "/")
      assert(request:add_headers("X-More: 2"))
      assert.same({ 200, "end" }, { resend(request, "Cookie: c") })
      assert.equal(head(other, "POST /there", "X-Kept: 1", "X-More: 2", "Cookie: c",
        "Content-Length: 5", "", "again"), other:received()[1])
      s:close()
      other:close()
    end)

    it("counts its hops, and comes to an end", function()
      local s = p:script({ "loop", -1, { { "recv_head" }, { "recv_body" },
        { "send", redirect(307, "/again") } } })
      local session <close> = open { max_http_automatic_redirects = 2 }
      local request = refused(session, s, "POST", "/")
      assert(request:send(nil, nil, 5))
      assert(request:write("again"))
      assert.equal(12032, select(3, request:receive_response()))
      assert(request:send(nil, nil, 5))
      assert(request:write("again"))
      assert.equal(12156, select(3, request:receive_response()))
      s:close()
    end)

    it("is still there after a send that was refused, not after one that failed", function()
      local s = answering(redirect(307, "/next"), ok, ok)
      local session <close> = open()
      local request = refused(session, s, "PUT", "/")
      assert.equal(87, select(3, request:send("bad\rheader", nil, 5)))
      assert.equal(87, select(3, request:send("Content-Length: 7", nil, 5)))
      assert(request:add_headers("Content-Length:", "replace"))
      assert.same({ 200, "end" }, { resend(request) })
      assert.matches("PUT /next ", s:received()[1])
      local gone = answering(redirect(307, "http://127.0.0.1:" .. p:closed_port() .. "/"))
      local third = refused(session, gone, "PUT", "/")
      assert.equal(12029, select(3, third:send(nil, nil, 5)))
      assert(third:send(nil, nil, 5))
      assert.equal(gone.url .. "/", third:query_option("url"))
      s:close()
      gone:close()
    end)
  end)

  it("is read away, and its connection used for the next hop, or closed #whole", function()
    local large = { "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 2000000\r\n\r\n" }
    local chunked = redirect(302, "/next", "Transfer-Encoding: chunked")
    for _, row in ipairs {
      { redirect(302, "/next"), 1 },
      { redirect(302, "/next", "Content-Length: 5") .. "moved", 1 },
      { chunked .. "5\r\nmoved\r\n0\r\n\r\n", 1 },
      { chunked .. "2;x=y\r\nmo\r\n3\r\nved\r\n0\r\nTrailer: t\r\n\r\n", 1 },
      { chunked .. "5\r\nmoved\r\n", 2 }, { chunked .. "5\r\nmov", 2 },
      { chunked .. "5\r\nmoved!\r\n0\r\n\r\n", 2 },
      { chunked .. "5\r\nmoved\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n", 2 },
      { redirect(302, "/next", "Connection: close"), 2 },
      { large[1], 2 },
    } do
      local s = p:serve { connections = {
        { { "recv_head" }, { "send", row[1] }, { "recv_head" }, { "send", ok }, { "recv_eof" } },
        { { "recv_head" }, { "send", ok } },
      } }
      local session <close> = open()
      local request = session:connect("127.0.0.1", s.port):open_request()
      assert.same({ 200, "end" }, { exchange(request) })
      assert.equal(row[2], session:query_option("connections_opened"), row[1])
      s:close()
    end
  end)
end)

describe("Between https and http a redirect", function()
  p:for_tests()
  local made = certs.new():for_tests()

  local function secure(...)
    return p:serve { connections = { { ... } },
      tls = { cert = made.good.cert, key = made.good.key } }
  end

  it("is followed upwards", function()
    local safe = secure({ "recv_head" }, { "send", ok })
    local s = answering(redirect(301, safe.url .. "/safe"))
    local session <close> = open { ca_file = made.ca }
    local request = session:connect("127.0.0.1", s.port):open_request()
    assert.same({ 200, "end" }, { exchange(request) })
    assert.equal(safe.url .. "/safe", request:query_option("url"))
    s:close()
    safe:close()
  end)

  it("is refused downwards, but under the policy always", function()
    local plain = answering(ok)
    for _, policy in ipairs { "disallow_https_to_http", "always" } do
      local s = secure({ "recv_head" }, { "send", redirect(302, plain.url .. "/plain") })
      local session <close> = open { ca_file = made.ca, redirect_policy = policy }
      local request = session:connect("127.0.0.1", s.port):open_request("GET", "/",
        { secure = true })
      local status, message, code = exchange(request, "Authorization: a\r\nCookie: c\r\nX: y")
      if policy == "always" then
        assert.same({ 200, "end" }, { status, message })
        assert.same({ head(plain, "GET /plain", "X: y", "", "") }, plain:received())
      else
        assert.same({ "redirect from https to http refused while waiting for the response of "
          .. "127.0.0.1:" .. s.port, 12156 }, { message, code })
        assert.equal(0, plain:accepted())
      end
      s:close()
    end
    plain:close()
  end)

  it("stays safe when its Location names no scheme", function()
    local s = secure({ "recv_head" }, { "send", redirect(302, "next") }, { "recv_head" },
      { "send", ok }, { "recv_eof" })
    local session <close> = open { ca_file = made.ca }
    local request = session:connect("127.0.0.1", s.port):open_request("GET", "/", { secure = true })
    assert.same({ 200, "end" }, { exchange(request) })
    assert.equal(s.url .. "/next", request:query_option("url"))
    assert.equal(1, session:query_option("connections_opened"))
    s:close()
  end)
end)
