-- How a host becomes an address: literals, the hosts file, a name server that
-- answers, refuses or stays silent.

local hinternet = require "hinternet"
local exchange = require "spec.support.exchange"
local names = require "spec.support.names"
local peer = require "spec.support.peer"

local finish, new = exchange.finish, exchange.new

local function at(host, server)
  return { host = host, port = server.port, url = "http:" }
end

describe("An address", function()
  local p = peer.new():for_tests()

  it("is connected to as it is, and asked for as it was written", function()
    local four = p:serve { connections = { { { "echo" } } } }
    local six = p:serve { v6 = true, connections = { { { "echo" } } } }
    local session <close> = assert(hinternet.open())
    for _, row in ipairs {
      { "127.0.0.1", four, "127.0.0.1", "127.0.0.1" },
      { "::1", six, "[::1]", "::1" },
      { "[::1]", six, "[::1]", "::1" },
      { "0:0::0:1", six, "[0:0::0:1]", "::1" },
      { "::FFFF:127.0.0.1", four, "[::FFFF:127.0.0.1]", "::ffff:127.0.0.1" },
      { "::1%lo", six, "[::1]", "::1%lo", "[::1%25lo]" },
      { "::1%1", six, "[::1]", "::1%lo", "[::1%251]" },
      { "[::1%lo]", six, "[::1]", "::1%lo", "[::1%25lo]" },
      { "[::1%25lo]", six, "[::1]", "::1%lo", "[::1%25lo]" },
    } do
      local host, s, field, address, in_url = table.unpack(row)
      local heard = {}
      session:set_status_callback(function(_, status, info)
        heard[#heard + 1] = status .. " " .. info
      end, { "name_resolved", "connecting_to_server" })
      local request <close> = new(session, at(host, s), { disable_feature = "keep_alive" })
      local text = assert(finish(request))
      assert.equal(("%s:%d"):format(field, s.port), text:match("\r\nHost: (%C+)\r\n"))
      assert.same({ "name_resolved " .. address, "connecting_to_server " .. address }, heard)
      assert.equal(("http://%s:%d/"):format(in_url or field, s.port),
        request:query_option("url"))
    end
    four:close()
    six:close()
  end)

  it("or name that cannot be one is refused by connect", function()
    local session <close> = assert(hinternet.open())
    for _, host in ipairs { "", " ", "a b", "a/b", "a@b", "[::1", "::1]",
      "::1%", "[::1%25]", "[::1%25l%o]", "::1%l o", "a%25b", "[a]", "[127.0.0.1]",
      "a\0b", "a\r\nb", "::g", "1::2::3", "a:80", "http://a", ("a"):rep(257) } do
      assert.equal(87, select(3, session:connect(host)), ("%q"):format(host))
    end
  end)
end)

describe("A name", function()
  local n
  setup(function() n = names.prepare() end)
  teardown(function() n:remove() end)

  names.it("of the hosts file is looked up there, whatever its case", function()
    assert.same({ "hello", "hello", "hello", "six", "four", "six" }, (n:run [[
      local four = peer:keepalive("hello")
      local six = peer:serve { v6 = true, connections = { { { "keepalive", "six" } } } }
      local session = hinternet.open()
      say(fetch(session, at("listed.test", four)))
      say(fetch(session, at("LISTED.Test", four)))
      say(fetch(session, at("alias.listed.test", four)))
      say(fetch(session, at("six.listed.test", six)))
      -- Of two addresses the one that answers is taken.
      four:close()
      four = peer:keepalive("four")
      say(fetch(session, at("double.test", four)))
      say(fetch(session, at("double.test", six)))
    ]]))
    assert.equal(0, n:questions "listed.test")
  end)

  names.it("is asked of the name server, once for connections in a row", function()
    assert.same({ "four", "four", "four", "six", "four", "six" }, (n:run [[
      local four = peer:keepalive("four")
      local six = peer:serve { v6 = true, connections = { { { "keepalive", "six" } } } }
      local session = hinternet.open()
      for _, name in ipairs { "four.test", "four.test", "FOUR.test" } do
        say(fetch(session, at(name, four), { disable_feature = "keep_alive" }))
      end
      say(fetch(session, at("six.test", six)))
      say(fetch(session, at("both.test", four)))
      say(fetch(session, at("both.test", six)))
    ]]))
    assert.equal(1, n:questions "four.test")
    assert.equal(1, n:questions("four.test", "AAAA"))
    assert.equal(1, n:questions "both.test")
  end)

  names.it("is asked for once by requests that want it at the same time", function()
    assert.same({ "hello" }, (n:run [[
      local s = peer:keepalive("hello")
      local session = hinternet.open { async = true }
      for i = 1, 3 do new(session, at("four.test", s)):send() end
      say(fetch(hinternet.open(), at("four.test", s)))
    ]]))
    assert.equal(1, n:questions "four.test")
  end)

  names.it("that does not exist, or cannot be told, says which", function()
    local function line(text, name)
      return ("nil name not resolved (%s) while resolving %s 12007"):format(text, name)
    end
    assert.same({
      line("no such host", "absent.test"), line("no such host", "absent.test"),
      line("the host has no address", "empty.test"),
      line("the name server does not answer", "broken.test"),
    }, (n:run [[
      local session = hinternet.open()
      for _, name in ipairs { "absent.test", "absent.test", "empty.test", "broken.test" } do
        say(fetch(session, at(name, { port = 80 })))
      end
    ]]))
    assert.equal(2, n:questions "absent.test")
  end)

  names.it("without an answer is waited for as long as resolve_timeout says, and holds up nobody",
    function()
      local text = "nil timeout while resolving silent.test 12002"
      local said, seconds = n:run [[
        local s = peer:keepalive("hello")
        local session = hinternet.open { resolve_timeout = 0.2 }
        local silent = at("silent.test", s)
        say(fetch(session, silent))
        say(fetch(session, silent, { resolve_timeout = 0.1 }))
        say(fetch(session, at("four.test", s), { resolve_timeout = 50 }))
        say(fetch(session, at("127.0.0.1", s)))
        local request = new(session, silent)
        say(finish(request))
        say(request:set_option("resolve_to", "127.0.0.1"), finish(request))
        say(session:query_option("connections_opened"), require("hinternet.core").live())
        session:close()
        say(require("hinternet.core").live())
      ]]
      assert.same({ text, text, "hello", "hello", text, "true hello" },
        { table.unpack(said, 1, 6) })
      assert.equal("0 0", said[#said])
      -- The look-ups run on: 60 s each.
      assert.is_true(seconds < 50, "took " .. seconds)
    end)

  names.it("without an answer is no reason to wait when its handles are closed", function()
    local said, seconds = n:run [[
      local session = hinternet.open { async = true, resolve_timeout = false }
      session:set_status_callback(function(_, status, info)
        say(status, type(info) == "table" and info.code or "")
      end, { "request_error", "handle_closing" })
      local request = new(session, at("silent.test", { port = 80 }))
      say(request:send())
      say(fetch(hinternet.open { resolve_timeout = 0.1 }, at("silent.test", { port = 80 })))
      session:close()
      session = hinternet.open { resolve_timeout = false }
      session:set_status_callback(function() session:close() end, { "resolving_name" })
      say(fetch(session, at("silent.test", { port = 80 })))
    ]]
    assert.same({ "true", "nil timeout while resolving silent.test 12002",
      "request_error 12017", "handle_closing ", "handle_closing ", "handle_closing ",
    }, { table.unpack(said, 1, 6) })
    assert.matches("^nil .* 12017$", said[7])
    assert.is_true(seconds < 50, "took " .. seconds)
  end)

  names.it("without an answer is given up by total_timeout as well", function()
    assert.same({ "nil total timeout while resolving silent.test:80 12002" }, (n:run [[
      local session = hinternet.open { resolve_timeout = false, total_timeout = 0.2 }
      say(fetch(session, at("silent.test", { port = 80 })))
    ]]))
  end)

  names.it("of several that stay silent leaves time for the others", function()
    local said, seconds = n:run [[
      local s = peer:keepalive("hello")
      local session = hinternet.open { async = true, resolve_timeout = false }
      for i = 1, 20 do
        local name = "silent.n" .. i .. ".test"
        new(session, at(name, s)):send()
        session:poll(0)
        asked(name)
      end
      say(fetch(hinternet.open(), at("four.test", s)))
    ]]
    assert.same({ "hello" }, said)
    for i = 1, 20 do assert.equal(1, n:questions("silent.n" .. i .. ".test")) end
    assert.is_true(seconds < 50, "took " .. seconds)
  end)
end)
