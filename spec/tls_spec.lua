-- TLS: what is agreed on and how it can be seen, names, versions, truncation,
-- and which connections may be shared. Who is believed, and who we are, is in
-- tls_identity_spec, resumption in tls_session_spec.

local lfs = require "lfs"
local hinternet = require "hinternet"
local certs = require "spec.support.certs"
local exchange = require "spec.support.exchange"
local leaks = require "spec.support.leaks"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local socket = require "socket"

local fetch, finish, new, place = exchange.fetch, exchange.finish, exchange.new, exchange.place

local made, p = certs.new(), peer.new()

-- A server with a certificate; one script for each connection, or one for all.
local function serve(tls, ...)
  tls = tls or {}
  tls.cert, tls.key = tls.cert or made.good.cert, tls.key or made.good.key
  local scripts = { ... }
  if #scripts == 0 then scripts = { { { "keepalive", "hello" } } } end
  return p:serve { tls = tls, connections = scripts, v6 = tls.v6 }
end

local function slurp(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

describe("TLS", function()
  made:for_tests()
  p:for_tests()

  it("tells what was agreed on, before the body and after it", function()
    for version, ciphers in pairs {
      ["1.2"] = "^TLS_ECDHE_ECDSA_WITH_AES_%d+_GCM_SHA%d+$", ["1.3"] = "^TLS_AES_%d+_GCM_SHA%d+$",
    } do
      local s = serve { version = version, alpn = { "h2", "http/1.1" } }
      local session <close> = made:open()
      local request = new(session, s)
      for _, name in ipairs { "security_info", "security_certificate_struct",
        "server_cert_context" } do
        assert.equal(12019, select(3, request:query_option(name)))
      end
      assert.equal(0, request:query_option("security_key_bitness"))
      assert.equal(0, request:query_option("security_flags"))
      local function check()
        local info = assert(request:query_option("security_info"))
        assert.equal("TLSv" .. version, info.protocol)
        assert.matches(ciphers, info.cipher)
        assert.equal("http/1.1", info.alpn)
        assert.is_false(info.resumed)
        assert.equal(tonumber(info.cipher:match("AES_(%d+)")), info.key_bits)
        assert.equal(info.key_bits, request:query_option("security_key_bitness"))
        assert.equal(0x20000001, request:query_option("security_flags"))
        assert.equal("CN=good", request:query_option("security_certificate_struct").subject)
        assert.equal(slurp(made.good.cert), request:query_option("server_cert_context"))
      end
      assert(request:send())
      check()
      assert(request:receive_response())
      check()
      assert.equal("hello", request:read("a"))
      check()
      s:close()
    end
  end)

  it("tells it also when the connection has ended, whatever ended it", function()
    local function ask(request)
      local said = {}
      for i, name in ipairs { "security_info", "security_certificate_struct", "connection_info",
        "server_cert_context", "security_flags", "security_key_bitness" } do
        said[i] = assert(request:query_option(name))
      end
      return said
    end
    local answer = peer.response(200, {}, "hello")
    local other = p:answer(peer.response(200, { "Connection: close" }, "seen"))
    for _, ending in ipairs { "close", "cut", "reset", "expired" } do
      local s = serve({}, { { "recv_head" }, { "send", answer }, { "wait" },
        { ending == "expired" and "recv_eof" or ending } })
      local session <close> = made:open()
      local request = new(session, s)
      assert(request:send())
      assert(request:receive_response())
      local said = ask(request)
      assert.equal("CN=good", said[2].subject)
      assert.equal("hello", request:read("a"))
      local descriptors = leaks.descriptors()
      s:go()
      socket.sleep(0.01)
      if ending == "expired" then session:set_option("keep_alive_timeout", 0.001) end
      assert.is_true(s:wait())
      assert.equal("seen", fetch(session, other)) -- whoever waits looks after all
      assert.equal(descriptors - 1, leaks.descriptors(), ending)
      assert.same(said, ask(request), ending)
      s:close()
    end
    local s = serve({ alpn = { "http/1.1" } }, { { "recv_head" },
      { "send", peer.response(200, { "Connection: close" }, "hello") } })
    local session <close> = made:open()
    local request = new(session, s)
    assert.equal("hello", finish(request))
    assert.equal("http/1.1", ask(request)[1].alpn)
    s:close()
  end)

  it("tells nothing of a connection without it", function()
    local s = p:keepalive("hello")
    local session <close> = made:open()
    local request = session:connect("127.0.0.1", s.port):open_request()
    assert.equal("hello", finish(request))
    for _, name in ipairs { "security_info", "security_certificate_struct",
      "server_cert_context" } do
      assert.equal(12019, select(3, request:query_option(name)))
    end
    assert.equal(0, request:query_option("security_key_bitness"))
    assert.equal(0, request:query_option("security_flags"))
    s:close()
  end)

  it("tells nothing of the request that was closed before this one", function()
    local s = serve()
    local session <close> = made:open()
    local first = new(session, s)
    assert.equal("hello", finish(first))
    first:close()
    local request = new(session, s)
    assert.equal(12019, select(3, request:query_option("security_info")))
    assert.equal(12019, select(3, request:query_option("connection_info")))
    assert.equal(0, request:query_option("security_key_bitness"))
    assert.equal("hello", finish(request)) -- on the connection of the first
    assert.equal("TLSv1.3", request:query_option("security_info").protocol)
    s:close()
  end)

  it("shows every field of the server's certificate", function()
    local s = serve()
    local session <close> = made:open()
    local request = new(session, s)
    assert.equal("hello", finish(request))
    local said = process.run("openssl x509 -noout -serial -fingerprint -sha256 -dates -in "
      .. made.good.cert)
    local function date(name)
      return assert(hinternet.parse_date((said:match(name .. "=(%C+)")
        :gsub("(%a+) +(%d+) ([%d:]+) (%d+) GMT", function(month, day, time, year)
          return ("Mon, %02d %s %s %s GMT"):format(day, month, year, time)
        end))))
    end
    assert.same({
      subject = "CN=good",
      issuer = "CN=Spec CA",
      serial = said:match("serial=(%x+)"),
      names = "DNS:localhost, IP:127.0.0.1, IP:::1",
      fingerprint = said:match("ngerprint=([%x:]+)"):gsub(":", ""),
      start = date("notBefore"),
      expiry = date("notAfter"),
    }, request:query_option("security_certificate_struct"))
    s:close()
  end)

  it("offers http/1.1 alone, and does without when the server picks nothing", function()
    for _, alpn in ipairs { { "h2" }, {} } do
      local s = serve { alpn = #alpn > 0 and alpn or nil }
      local session <close> = made:open()
      local request = new(session, s)
      assert.equal("hello", finish(request))
      assert.equal("", request:query_option("security_info").alpn)
      s:close()
    end
  end)

  it("asks for the host by its name, and for no address", function()
    local s = serve()
    local six = serve { v6 = true }
    local session <close> = made:open()
    for _, host in ipairs { "localhost", "127.0.0.1", "LocalHost", "localhost." } do
      assert.equal("hello", fetch(session, { host = host, port = s.port },
        { disable_feature = "keep_alive", resolve_to = "127.0.0.1" }))
    end
    assert.same({ "localhost", "", "LocalHost", "localhost" }, s:sni())
    for _, host in ipairs { "::1", "[::1]", "0:0:0:0:0:0:0:1" } do
      assert.equal("hello", fetch(session, { host = host, port = six.port },
        { disable_feature = "keep_alive" }))
    end
    assert.same({ "", "", "" }, six:sni())
    s:close()
    six:close()
  end)

  it("compares an address with the addresses in the certificate, a name with the names",
    function()
      made:extend [[
        leaf four ca IP:127.0.0.1 $yesterday $later
        leaf six ca IP:::1 $yesterday $later
        leaf name ca DNS:localhost,DNS:127.0.0.1,DNS:::1 $yesterday $later
        leaf common ca email:a@b $yesterday $later
        leaf localhost ca DNS:other.test $yesterday $later
        leaf wild ca DNS:*.spec.test,DNS:*.test,DNS:w*.part.test $yesterday $later
      ]]
      for name, rows in pairs {
        four = { ["127.0.0.1"] = true, ["127.0.0.2"] = false, localhost = false },
        six = { ["127.0.0.1"] = false, localhost = false },
        name = { ["127.0.0.1"] = false, localhost = true, ["LOCALHOST."] = true },
        common = { localhost = false, ["127.0.0.1"] = false },
        localhost = { localhost = false, ["other.test"] = true },
        wild = { ["a.spec.test"] = true, ["a.b.spec.test"] = false, ["spec.test"] = false,
          ["www.part.test"] = false, test = false },
      } do
        local pair = made:named(name)
        local s = serve { cert = pair.cert, key = pair.key }
        local session <close> = made:open()
        for host, good in pairs(rows) do
          local _, message, code = fetch(session, { host = host, port = s.port },
            { resolve_to = "127.0.0.1" })
          assert.equal(not good and 12175 or nil, code, name .. " " .. host)
          if not good then
            assert.matches('certificate .*, not "' .. host:gsub("%.$", ""):gsub("%p", "%%%0"),
              message)
          end
        end
        s:close()
      end
      local pair = made:named "six"
      local s = serve { cert = pair.cert, key = pair.key, v6 = true }
      local session <close> = made:open()
      assert.equal("hello", fetch(session, s))
      s:close()
    end)

  describe("without a version in common", function()
    it("fails and says so", function()
      for _, row in ipairs { { "1.2", "tls1_3" }, { "1.3", "tls1_2" }, { "1.1" }, { "1.0" } } do
        local s = serve { version = row[1] }
        local session <close> = made:open()
        local bits
        session:set_status_callback(function(_, _, info) bits = info end, { "secure_failure" })
        local _, message, code = fetch(session, s, { secure_protocols = row[2] })
        assert.equal(12175, code)
        assert.equal(0x80000000, bits)
        assert.matches("^TLS: .* %(the server has none of the allowed TLS versions%) "
          .. "while securing the connection to 127%.0%.0%.1:%d+$", message)
        s:close()
      end
    end)

    it("is not tried: versions are 1.2 and 1.3, one or both", function()
      local session <close> = made:open()
      local request = session:connect("127.0.0.1"):open_request()
      for _, handle in ipairs { session, request } do
        assert.equal(0x2800, handle:query_option("secure_protocols"))
        for _, bad in ipairs { 0, 0x8, 0x20, 0x80, 0x200, 0xa8, 0xaa0, 0x2a00, 0x4000, -1 } do
          assert.equal(87, select(3, handle:set_option("secure_protocols", bad)))
        end
        assert.equal(0x2800, handle:query_option("secure_protocols"))
        for number, value in pairs { [0x800] = "tls1_2", [0x2000] = "tls1_3",
          [0x2800] = { "tls1_2", "tls1_3" } } do
          assert(handle:set_option("secure_protocols", value))
          assert.equal(number, handle:query_option("secure_protocols"))
        end
      end
    end)
  end)

  it("is agreed on in the version that was asked for", function()
    local s = serve()
    local session <close> = made:open()
    for word, version in pairs { tls1_2 = "TLSv1.2", tls1_3 = "TLSv1.3" } do
      local request = new(session, s, { secure_protocols = word })
      assert.equal("hello", finish(request))
      assert.equal(version, request:query_option("security_info").protocol)
    end
    s:close()
  end)

  it("is missed with a hint where the server speaks none", function()
    local s = p:script({ "recv_until", "\1" }, { "send", "HTTP/1.1 400 Bad Request\r\n\r\n" },
      { "recv_eof" })
    local session <close> = made:open()
    local _, message, code = fetch(session, { port = s.port })
    assert.equal(12175, code)
    assert.matches("^TLS: .*%(the server does not speak TLS on this port%) while securing the "
      .. "connection to 127%.0%.0%.1", message)
    s:close()
  end)

  it("is told to whoever asks for it in plain text", function()
    local s = serve { }
    local session <close> = made:open()
    for _ = 1, 5 do
      local _, message, code = session:get("http://" .. place(s) .. "/")
      assert.equal(12030, code)
      assert.matches(" while %l.* 127%.0%.0%.1:%d+ %(does the server speak only TLS on this "
        .. "port%?%)$", message)
    end
    s:close()
  end)

  it("that is hung up on, or not answered, says where that was", function()
    for _, row in ipairs {
      { { { "recv_until", "\1" } }, 12030,
        "closed during the TLS handshake (does the server speak TLS on this port?)" },
      { { { "recv_until", "\1" }, { "reset" } }, 12030,
        "connection reset during the TLS handshake (does the server speak TLS on this port?)" },
      { { { "stall" } }, 12002, "timeout" },
    } do
      local s = p:serve { connections = { row[1] } }
      local session <close> = made:open()
      session:set_timeouts { connect = row[2] == 12002 and 0.2 or 50 }
      local done, message, code = fetch(session, { port = s.port })
      assert.same({ nil, row[3] .. " while securing the connection to " .. place(s), row[2] },
        { done, message, code })
      s:close()
    end
  end)
end)

describe("A body over TLS", function()
  made:for_tests()
  p:for_tests()

  local head = "HTTP/1.1 200 OK\r\n"
  local cases = {
    { "ended by the connection is whole after a close_notify", head .. "\r\nhello", "close",
      "hello" },
    { "ended by the connection is cut short without a close_notify", head .. "\r\nhello", "cut",
      nil, "closed without close_notify while receiving from " },
    { "of HTTP/1.0 is cut short without a close_notify", "HTTP/1.0 200 OK\r\n\r\nhello", "cut",
      nil, "closed without close_notify while receiving from " },
    { "that says its length needs no close_notify", head .. "Content-Length: 5\r\n\r\nhello",
      "cut", "hello" },
    { "that says its length is cut short before that", head .. "Content-Length: 6\r\n\r\nhello",
      "cut", nil, " while receiving from " },
    { "that says its length is cut short by a close_notify as well",
      head .. "Content-Length: 6\r\n\r\nhello", "close", nil, " while receiving from " },
    { "in chunks needs no close_notify after the last",
      head .. "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "cut", "hello" },
    { "in chunks is cut short before the last",
      head .. "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "cut", nil,
      " while receiving from " },
    { "is not there when the head is cut short", head .. "Content-Le", "cut", nil,
      " while waiting for the response of " },
    { "is not there when the head ends with a close_notify", head, "close", nil,
      " while waiting for the response of " },
  }
  for version in pairs { ["1.2"] = true, ["1.3"] = true } do
    for _, row in ipairs(cases) do
      it(row[1] .. ", with TLS " .. version, function()
        local s = serve({ version = version },
          { { "recv_head" }, { "send", row[2] }, { row[3] } }, { { "keepalive", "again" } })
        local session <close> = made:open()
        local done, message, code = fetch(session, s)
        assert.equal(row[4], done)
        if not row[4] then
          assert.equal(12030, code)
          assert.is_truthy(message:find(row[5] .. place(s), 1, true), message)
        end
        assert.is_true(s:wait(1))
        assert.equal("again", fetch(session, s))
        s:close()
      end)
    end
  end

  it("gives what came before the cut, and no end after it", function()
    local s = serve(nil, { { "recv_head" }, { "send", head .. "\r\nhello" }, { "wait" },
      { "cut" } })
    local session <close> = made:open()
    local request = new(session, s)
    assert(request:send())
    assert(request:receive_response())
    assert.equal("hello", request:read(5, "fill"))
    s:go()
    assert.same({ nil, "closed without close_notify while receiving from " .. place(s), 12030 },
      { request:read(100) })
    assert.equal(12019, select(3, request:read(100)))
    s:close()
  end)
end)

describe("A key log", function()
  made:for_tests()
  p:for_tests()

  local function labels(path)
    local found = {}
    for line in slurp(path):gmatch("([^\n]*)\n") do
      local label, random, secret = line:match("^([A-Z_0-9]+) (%x+) (%x+)$")
      assert.equal(64, #random)
      assert.is_true(#secret >= 64)
      found[#found + 1] = label
    end
    table.sort(found)
    return found
  end

  it("holds the secrets of every handshake, for its owner only", function()
    local path = made.folder .. "/keys"
    local v12, v13 = serve { version = "1.2" }, serve { version = "1.3" }
    local session <close> = made:open { key_log_file = path }
    assert.equal(path, session:query_option("key_log_file"))
    assert.equal("hello", fetch(session, v12))
    assert.same({ "CLIENT_RANDOM" }, labels(path))
    assert.equal("rw-------", lfs.attributes(path, "permissions"))
    assert.equal("hello", fetch(session, v12)) -- no handshake, no secret
    assert.equal("hello", fetch(session, v13))
    assert.same({ "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_RANDOM", "CLIENT_TRAFFIC_SECRET_0",
      "EXPORTER_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0",
    }, labels(path))
    local other <close> = made:open { key_log_file = path }
    assert.equal("hello", fetch(other, v12))
    assert.equal(7, #labels(path)) -- appended
    v12:close()
    v13:close()
  end)

  it("that cannot be opened fails the request, and sends nothing", function()
    local s = serve()
    local session <close> = made:open { key_log_file = made.folder .. "/none/keys" }
    assert.same({ nil, "key_log_file cannot be opened: " .. made.folder
      .. "/none/keys (no such file or directory) while securing the connection to "
      .. place(s), 29 }, { fetch(session, s) })
    assert.equal(0, s:accepted())
    local request = session:connect("127.0.0.1"):open_request()
    assert.equal(12018, select(3, request:set_option("key_log_file", made.folder .. "/keys")))
    s:close()
  end)
end)

describe("A pooled connection", function()
  made:for_tests()
  p:for_tests()

  it("serves requests of its own TLS options, and no others", function()
    local s = serve()
    local session <close> = assert(hinternet.open())
    local trusting = { ca_file = made.ca }
    assert.equal("hello", fetch(session, s, trusting))
    assert.equal(12175, select(3, fetch(session, s)))
    for i, options in ipairs {
      { ca_file = made.ca, security_flags = "ignore_cert_cn_invalid" },
      { security_flags = "ignore_unknown_ca" },
      { ca_file = made.ca, secure_protocols = "tls1_2" },
      { ca_file = made.ca, pinned_public_keys = made:pin("good") },
      { ca_file = made.ca, ignore_cert_revocation_offline = true },
      { ca_file = made.ca, client_cert_context = made.good.cert,
        client_key_file = made.good.key },
    } do
      for _ = 1, 2 do assert.equal("hello", fetch(session, s, options)) end
      assert.equal(2 + i, session:query_option("connections_opened"))
      assert.equal(i, session:query_option("connections_reused"))
    end
    assert.equal("hello", fetch(session, s, trusting))
    assert.equal(8, session:query_option("connections_opened"))
    assert.equal(7, session:query_option("connections_reused"))
    assert.equal(12175, select(3, fetch(session, s)))
    s:close()
  end)

  it("is shared by options that are equal, wherever they were set", function()
    local s = serve()
    local session <close> = made:open()
    assert.equal("hello", fetch(session, s))
    assert.equal("hello", fetch(session, s, { ca_file = made.ca, security_flags = 0,
      secure_protocols = { "tls1_3", "tls1_2" } }))
    assert.equal(1, session:query_option("connections_opened"))
    s:close()
  end)

  it("stays usable when many other identities came after it", function()
    local s = serve()
    local session <close> = made:open()
    assert.equal("hello", fetch(session, s))
    for i = 1, 20 do
      local copy = ("%s/ca%d.pem"):format(made.folder, i)
      process.run(("cp %s %s"):format(made.ca, copy))
      assert.equal("hello", fetch(session, s, { ca_file = copy }))
    end
    assert.equal(21, session:query_option("connections_opened"))
    assert.equal("hello", fetch(session, s))
    s:close()
  end)
end)
