-- What a redirect's Location may be, and what becomes of the connection and of
-- the URL on the way.

local hinternet = require "hinternet"
local hops = require "spec.support.hops"
local peer = require "spec.support.peer"
local wait = require "spec.support.wait"

local REDIRECT_FAILED = 12156

local p = peer.new()
local function redirect(location, ...)
  return peer.response(302, { "Location: " .. location, ... }, "moved")
end

describe("A redirect that leads nowhere", function()
  p:for_tests()

  -- Status and body of a call, and how many requests it took.
  local function get(...)
    local s = hops.answering(p, ...)
    local r, message, code = hinternet.get(s.url .. "/x")
    local _, asked = s:received()[1]:gsub("GET /x HTTP", "")
    s:close()
    if not r then return message, code, asked end
    return r.status, r.body, asked
  end

  it("is the caller's response when its Location is empty", function()
    for _, location in ipairs { "", " ", "\t " } do
      assert.same({ 302, "moved", 1 }, { get(redirect(location), hops.ok) })
    end
  end)

  it("is followed once when it is a fragment alone, then the caller's", function()
    for _, location in ipairs { "#x", "#" } do
      assert.same({ 200, "end", 2 }, { get(redirect(location), hops.ok) })
      assert.same({ 302, "moved", 2 },
        { get(redirect(location), redirect(location), hops.ok) })
      assert.same({ 302, "moved", 2 }, { get(redirect(location), redirect("#y"), hops.ok) })
      assert.same({ 302, "moved", 2 }, { get(redirect(location), redirect(""), hops.ok) })
    end
  end)

  it("counts anew behind one that leads somewhere", function()
    assert.same({ 200, "end", 4 },
      { get(redirect("#a"), redirect("/x"), redirect("#b"), hops.ok) })
  end)
end)

describe("A redirect with several Locations", function()
  p:for_tests()

  it("is refused when they differ, whatever comes first", function()
    for _, pair in ipairs { { "/a", "/b" }, { "/b", "/a" }, { "", "/a" }, { "/a", "" },
      { "/a", "/A" }, { "/a", "/a#x" }, { "#x", "#y" } } do
      local s = hops.answering(p, redirect(pair[1], "Location: " .. pair[2]), hops.ok)
      local r, message, code = hinternet.get(s.url)
      assert.is_nil(r)
      assert.equal(REDIRECT_FAILED, code)
      assert.matches("^redirect with two different Locations", message)
      s:close()
    end
  end)

  it("is refused when only the third differs", function()
    local s = hops.answering(p, redirect("/a", "Location: /a", "Location: /b"), hops.ok)
    assert.equal(REDIRECT_FAILED, select(3, hinternet.get(s.url)))
    s:close()
  end)

  it("is followed when they are the same", function()
    local s = hops.answering(p, redirect("/a", "location: /a", "LOCATION:  /a "), hops.ok)
    local r = assert(hinternet.get(s.url))
    assert.equal(s.url .. "/a", r.url)
    s:close()
  end)

  it("is the caller's when nothing is followed", function()
    local s = hops.answering(p, redirect("/a", "Location: /b"))
    assert.equal(302, assert(hinternet.get(s.url, { redirects = false })).status)
    s:close()
  end)
end)

describe("The fragment of a URL", function()
  p:for_tests()

  it("is kept over redirects unless one brings another", function()
    for _, row in ipairs { -- asked, Locations, where it ends
      { "/x#a", { "/y" }, "/y#a" },
      { "/x#a", { "/y", "/z" }, "/z#a" },
      { "/x#a", { "/y#b" }, "/y#b" },
      { "/x#a", { "/y#b", "/z" }, "/z#b" },
      { "/x#a", { "/y#b", "/z#c" }, "/z#c" },
      { "/x", { "/y#b", "/z?q" }, "/z?q#b" },
      { "/x?q#a b", { "?r" }, "/x?r#a%20b" },
      { "/x#a", { "/y#b c" }, "/y#b%20c" },
      { "/x#a", { "#b" }, "/x#b" },
      { "/x", { "/y" }, "/y" },
      { "/x#", { "/y" }, "/y" },
      { "/x#a#b", { "/y" }, "/y#a%23b" },
    } do
      local answers = {}
      for i, location in ipairs(row[2]) do answers[i] = redirect(location) end
      answers[#answers + 1] = hops.ok
      for _, options in ipairs { false, { stream = true } } do
        local s = hops.answering(p, table.unpack(answers))
        local r = assert(hinternet.get(s.url .. row[1], options or nil))
        assert.equal(s.url .. row[3], r.url)
        r:read("a")
        -- It stays here (RFC 9110 4.2.5).
        assert.is_nil(s:received()[1]:find("#", 1, true))
        assert.is_nil(s:received()[1]:find("%23", 1, true))
        s:close()
      end
    end
  end)

  it("is told of a request by an option of its own", function()
    local s = hops.answering(p, redirect("/y#b"), hops.ok)
    local session <close> = hops.open()
    local request = session:connect("127.0.0.1", s.port):open_request()
    assert.equal("", request:query_option("url_fragment"))
    assert.same({ 200, "end" }, { hops.exchange(request) })
    assert.equal("#b", request:query_option("url_fragment"))
    assert.equal(s.url .. "/y", request:query_option("url"))
    s:close()
  end)
end)

describe("The rest of a redirect's body", function()
  p:for_tests()

  local function head(size)
    return "HTTP/1.1 302 Found\r\nLocation: /next\r\n" .. size .. "\r\n\r\n"
  end
  local CHUNKED = "Transfer-Encoding: chunked"

  -- Connections that a call opened to a server which sends a redirect in two
  -- parts, the second when the first has been told.
  local function opened(first, second, options)
    local s = p:serve { connections = {
      { { "recv_head" }, { "send", first }, { "wait" }, { "send", second },
        { "recv_head" }, { "send", hops.ok }, { "recv_eof" } },
      { { "recv_head" }, { "send", hops.ok }, { "recv_eof" } },
    } }
    local session <close> = hops.open(options)
    session:set_status_callback(function() s:go() end, { "redirect" })
    local request = session:connect("127.0.0.1", s.port):open_request()
    assert.same({ 200, "end" }, { hops.exchange(request) })
    local count = session:query_option("connections_opened")
    session:close()
    s:close()
    return count
  end

  it("is waited for when the next hop goes to the same place", function()
    for _, row in ipairs {
      { head "Content-Length: 5", "moved" },
      { head "Content-Length: 5" .. "mo", "ved" },
      { head "Content-Length: 65536", ("x"):rep(65536) },
      { head(CHUNKED), "5\r\nmoved\r\n0\r\n\r\n" },
      { head(CHUNKED) .. "5\r\nmo", "ved\r\n0\r\nTrailer: t\r\n\r\n" },
    } do
      -- The server may be late on a busy machine, but not each time.
      local tries = 0
      repeat tries = tries + 1 until opened(row[1], row[2]) == 1 or tries == 50
      assert.is_true(tries < 50, row[1])
    end
  end)

  it("is not, when it is long, or the connection cannot serve again", function()
    assert.equal(2, opened(head "Content-Length: 5\r\nConnection: close", "moved"))
    assert.equal(2, opened(head(CHUNKED), ("8000\r\n" .. ("x"):rep(0x8000) .. "\r\n"):rep(4)
      .. "0\r\n\r\n"))
    assert.equal(2, opened(head "Content-Length: 5", "moved",
      { max_response_drain_size = 4 }))
  end)

  it("is given up when it is broken, and the hop goes on elsewhere", function()
    for _, step in ipairs { { "close" }, { "reset" } } do
      local s = p:serve { connections = {
        { { "recv_head" }, { "send", head "Content-Length: 5" .. "mo" }, { "wait" }, step },
        { { "recv_head" }, { "send", hops.ok } },
      } }
      local session <close> = hops.open()
      session:set_status_callback(function() s:go() end, { "redirect" })
      local request = session:connect("127.0.0.1", s.port):open_request()
      assert.same({ 200, "end" }, { hops.exchange(request) })
      session:close()
      s:close()
    end
    assert.equal(2, opened(head(CHUNKED), "no chunk\r\n"))
    assert.equal(2, opened(head "Content-Length: 5", "moved and more"))
  end)

  it("is not waited for when it does not come", function()
    local s = p:serve { connections = {
      { { "recv_head" }, { "send", head "Content-Length: 5" }, { "recv_eof" } },
      { { "recv_head" }, { "send", hops.ok } },
    } }
    local session <close> = hops.open()
    local request = session:connect("127.0.0.1", s.port):open_request()
    assert.same({ 200, "end" }, { hops.exchange(request) })
    assert.equal(2, session:query_option("connections_opened"))
    session:close()
    s:close()
  end)

  it("keeps nobody else waiting, and can be closed", function()
    local s = p:script({ "recv_head" }, { "send", head "Content-Length: 5" }, { "recv_eof" })
    local other = p:keepalive("other")
    local session <close> = assert(hinternet.open { async = true })
    local heard = {}
    session:set_status_callback(function(handle, status, info)
      if status == "sendrequest_complete" then assert(handle:receive_response()) return end
      heard[#heard + 1] = info and info.code or status
    end, { "sendrequest_complete", "redirect", "request_error" })
    local function until_heard(count)
      wait.polling(count .. " notifications", function() return #heard == count end)
    end
    local request = session:connect("127.0.0.1", s.port):open_request()
    assert(request:send())
    until_heard(1)
    hinternet.poll(0) -- the redirect has been heard: its body is waited for
    assert.is_nil((request:add_headers("X-Late: 1")))
    local between <close> = hinternet.open {}
    assert.equal("other", assert(between:get(other.url)).body)
    request:close()
    until_heard(2)
    assert.same({ "redirect", 12017 }, heard)
    between:close()
    session:close()
    s:close()
    other:close()
  end)
end)
