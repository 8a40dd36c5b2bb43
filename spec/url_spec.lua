-- The functions that need no session: URLs and dates; and what of a URL must
-- not leave this machine.

local core = require "hinternet.core"
local hinternet = require "hinternet"
local peer = require "spec.support.peer"

describe("The zone of an IPv6 address", function()
  local p = peer.new():for_tests()

  it("is escaped in a URL and plain in a host, there and back", function()
    for _, url in ipairs {
      "http://[fe80::1%25eth0]/", "https://[fe80::1%25eth0]:8443/a?b", "http://[::1%251]:81/",
    } do
      for _, flags in ipairs { {}, { "decode" }, { "escape" } } do
        local parts = assert(hinternet.crack_url(url, flags))
        assert.equal(url:match("%[(.*)%]"):gsub("%%25", "%%"), parts.host)
        assert.equal(url, hinternet.create_url(parts, flags))
      end
      assert.equal(url, hinternet.resolve_url("http://h/", url))
      assert.equal(url:match("^.*%]:?%d*") .. "/x", hinternet.resolve_url(url, "/x"))
    end
    for _, url in ipairs {
      "http://[fe80::1%eth0]/", "http://[fe80::1%25]/", "http://[fe80::1%25e%41]/",
      "http://[fe80::1%25a]b]/", "http://h%25eth0/",
    } do
      assert.equal(12005, (select(3, hinternet.crack_url(url))), url)
    end
  end)

  it("finds the way and is told to nobody, redirects included", function()
    local s = p:serve { v6 = true, connections = { {
      { "recv_head" },
      { "send", "HTTP/1.1 302 Found\r\nLocation: /next?q\r\nContent-Length: 0\r\n\r\n" },
      { "recv_head" }, { "send", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" },
      { "recv_head" }, { "send", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain" },
    } } }
    local base = ("http://[::1%%25lo]:%d"):format(s.port)
    local session <close> = hinternet.open()
    local r = assert(session:get(base .. "/"))
    assert.same({ "ok", base .. "/next?q" }, { r.body, r.url })
    assert.equal("again", assert(session:get(r.url)).body)
    assert.equal(1, session:query_option("connections_opened"))
    local sent, hosts = s:received()[1], 0
    for host in sent:gmatch("\r\nHost: (%C+)") do
      assert.equal("[::1]:" .. s.port, host)
      hosts = hosts + 1
    end
    assert.is_nil((session:get((base:gsub("lo", "LO") .. "/")))) -- another, which is not there
    assert.equal(3, hosts)
    assert.is_nil(sent:find("%", 1, true))
    s:close()
  end)
end)

describe("A date", function()
  it("is written in one form and read in many", function()
    local text = "Mon, 28 Jul 2008 10:05:52 GMT"
    assert.equal(text, hinternet.format_date(1217239552))
    for _, form in ipairs {
      text, text .. "\n", " mon 28 jul 2008 10 05 52", "Monday, 28-Jul-08 10:05:52 GMT",
      "Mon Jul 28 10:05:52 2008", "28 Jul 2008 10:05:52", "28-jul-2008 10:5:52\r\n",
      "Mon, 28 Jul 2008 12:05:52 +0200",
    } do
      assert.equal(1217239552, hinternet.parse_date(form), form)
    end
  end)

  it("that lacks a part, or says another zone by name, is none", function()
    for _, form in ipairs {
      "", "junk", "Mon", "Mon, 28 Jul 2008", "Mon, 28 Jul 2008 10:05", "1217239552",
      "Mon, 28 Jul 2008 10:05:52 PST", "2008-07-28T10:05:52Z", "Mon, 28 Jul 2008 10:05:52\0",
    } do
      assert.equal(87, (select(3, hinternet.parse_date(form))), form)
    end
  end)
end)

describe("A URL asked for", function()
  -- Nobody listens at port 1: asking costs little.
  local function ask(path) assert.is_nil((hinternet.get("http://127.0.0.1:1/" .. path))) end

  it("is taken apart once, and only so many are remembered", function()
    local crack, cracked = core.crack_url, 0
    local guard <close> = setmetatable({}, { __close = function() core.crack_url = crack end })
    assert.is_not_nil(guard)
    function core.crack_url(...)
      cracked = cracked + 1
      return crack(...)
    end
    for i = 1, 300 do ask(i) end
    ask(300)
    ask(299)
    ask(298)
    assert.equal(300, cracked)
    collectgarbage()
    local before = collectgarbage "count"
    for i = 1, 1500 do ask(i .. ("x"):rep(4000)) end
    collectgarbage()
    assert.is_true(collectgarbage "count" - before < 4000)
    assert.equal(1800, cracked)
  end)
end)
