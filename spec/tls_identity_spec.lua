-- TLS: whom we believe and who we are. Client certificates, the faults of a
-- server's certificate and what forgives them, pins, revocation.

local certs = require "spec.support.certs"
local exchange = require "spec.support.exchange"
local nginx = require "spec.support.nginx"
local peer = require "spec.support.peer"

local fetch, finish, new, set = exchange.fetch, exchange.finish, exchange.new, exchange.set

local made, p = certs.new(), peer.new()

local function path(name) return made.folder .. "/" .. name end

local function serve(name, tls)
  local pair = made:named(name)
  tls = tls or {}
  tls.cert, tls.key = pair.cert, pair.key
  return p:serve { tls = tls, connections = { { { "keepalive", "hello" } } } }
end

local function secured(text, server)
  return text .. " while securing the connection to " .. exchange.place(server)
end

-- What the callback hears of a certificate's faults: nil, or their bits.
local function listen(session)
  local heard = {}
  session:set_status_callback(function(_, _, info) heard[#heard + 1] = info end,
    { "secure_failure" })
  return function()
    local bits = heard
    heard = {}
    assert.is_true(#bits <= 1)
    return bits[1]
  end
end

describe("A client certificate", function()
  p:for_tests()
  made:for_tests [[
    (usage=clientAuth; leaf client ca DNS:me $yesterday $later)
    (usage=clientAuth; leaf stranger other DNS:me $yesterday $later)
    cat client.pem client.key >both.pem
    openssl pkey -in client.key -aes256 -passout pass:secret -out locked.key
    cat client.pem locked.key >locked.pem
    openssl pkcs12 -export -in client.pem -inkey client.key -passout pass:secret -out locked.p12
    openssl pkcs12 -export -in client.pem -inkey client.key -passout pass: -out open.p12
    openssl pkcs12 -export -nokeys -in client.pem -passout pass: -out nokey.p12
    printf 'nothing of use\n' >text
    : >empty
  ]]

  local good = { -- how one can be given; the names of files are those above
    { "a PEM file with its key", client_cert_context = "both.pem" },
    { "two PEM files", client_cert_context = "client.pem", client_key_file = "client.key" },
    { "a PEM file and a key with a password", client_cert_context = "client.pem",
      client_key_file = "locked.key", client_cert_password = "secret" },
    { "a PEM file with a locked key in it", client_cert_context = "locked.pem",
      client_cert_password = "secret" },
    { "a PKCS#12 file", client_cert_context = "open.p12" },
    { "a PKCS#12 file with a password", client_cert_context = "locked.p12",
      client_cert_password = "secret" },
    { "a key with a password that it does not need", client_cert_context = "both.pem",
      client_cert_password = "secret" },
  }

  local bad = { -- and how not, with what is said
    { "client_cert cannot be read: %s (no such file or directory)", client_cert_context = "none" },
    { "client_cert is neither PEM with a certificate nor PKCS#12", client_cert_context = "text" },
    { "client_cert is neither PEM with a certificate nor PKCS#12", client_cert_context = "empty" },
    { "client_cert is neither PEM with a certificate nor PKCS#12",
      client_cert_context = "client.key" },
    { "there is no usable PEM key for the client's certificate",
      client_cert_context = "client.pem" },
    { "client_key cannot be read: %s (no such file or directory)",
      client_cert_context = "client.pem", client_key_file = "none" },
    { "the client's key is not the one its certificate names",
      client_cert_context = "client.pem", client_key_file = "stranger.key" },
    { "the client's key needs a password", client_cert_context = "locked.pem" },
    { "the password of the client's key is wrong", client_cert_context = "client.pem",
      client_key_file = "locked.key", client_cert_password = "Secret" },
    { "client_cert (PKCS#12) needs a password", client_cert_context = "locked.p12" },
    { "the password of client_cert is wrong", client_cert_context = "locked.p12",
      client_cert_password = "wrong" },
    { "client_cert (PKCS#12) holds no certificate with its key",
      client_cert_context = "nokey.p12" },
  }

  local function options_of(row)
    local options = {}
    for name, value in pairs(row) do
      if type(name) == "string" then
        options[name] = name == "client_cert_password" and value or path(value)
      end
    end
    return options
  end

  for _, version in ipairs { "1.2", "1.3" } do
    for _, row in ipairs(good) do
      it("is shown from " .. row[1] .. ", with TLS " .. version, function()
        local s = serve("good", { version = version, client_ca = made.ca })
        local session <close> = made:open()
        assert.equal("hello", fetch(session, s, options_of(row)))
        local other <close> = set(made:open(), options_of(row))
        assert.equal("hello", fetch(other, s))
        s:close()
      end)
    end

    it("that the server insists on can be given after the failure, with TLS " .. version,
      function()
        local s = serve("good", { version = version, client_ca = made.ca })
        local session <close> = made:open()
        local told = listen(session)
        local request = new(session, s)
        local done, message, code = request:send()
        assert.equal(version == "1.3" or nil, done)
        if done then done, message, code = request:receive_response() end
        assert.same({ nil, secured("the server wants to see a client certificate", s), 12044 },
          { done, message, code })
        assert.is_nil(told())
        set(request, { client_cert_context = path "both.pem" })
        assert.equal("hello", finish(request))
        assert.equal("hello", finish(request))
        assert.equal(2, s:accepted())
        s:close()
      end)

    it("of an authority the server does not know is refused, with TLS " .. version, function()
      local s = serve("good", { version = version, client_ca = made.ca })
      local session <close> = made:open()
      local stranger = made:named "stranger"
      local _, message, code = fetch(session, s, { client_cert_context = stranger.cert,
        client_key_file = stranger.key })
      assert.equal(12175, code)
      assert.matches("^TLS: .*unknown ca.* while securing the connection to", message)
      s:close()
    end)
  end

  it("of a request is not shown to where a redirect leads, one of the session is", function()
    local other = serve("good", { client_ca = made.ca, version = "1.2" })
    local pair = made:named "good"
    local s = p:serve { tls = { cert = pair.cert, key = pair.key }, connections = { {
      { "recv_head" },
      { "send", peer.response(302, { "Location: " .. other.url .. "/" }) },
    } } }
    local identity = { client_cert_context = path "both.pem" }
    local session <close> = made:open()
    assert.same({ nil, secured("the server wants to see a client certificate", other), 12044 },
      { fetch(session, s, identity) })
    set(session, identity)
    assert.equal("hello", fetch(session, s))
    s:close()
    other:close()
  end)

  it("of one call is not shown to where a redirect takes its body", function()
    local other = serve("good", { client_ca = made.ca, version = "1.2" })
    local pair = made:named "good"
    local s = p:serve { tls = { cert = pair.cert, key = pair.key }, connections = { {
      { "recv_head" }, { "recv_body" },
      { "send", peer.response(307, { "Location: " .. other.url .. "/" }) },
    } } }
    local session <close> = made:open()
    local file <close> = assert(io.tmpfile())
    file:write("some text")
    file:seek("set")
    assert.same({ nil, secured("the server wants to see a client certificate", other), 12044 },
      { session:put(s.url, { body = file, client_cert = path "both.pem" }) })
    s:close()
    other:close()
  end)

  for _, row in ipairs(bad) do
    local from = row.client_cert_context .. (row.client_key_file and " and " .. row.client_key_file
      or "") .. (row.client_cert_password and " opened with " .. row.client_cert_password or "")
    it(("from %s fails: %s"):format(from, row[1]), function()
      local s = serve "good"
      local session <close> = made:open()
      local told = listen(session)
      local request = new(session, s, options_of(row))
      local file = path(row.client_key_file or row.client_cert_context)
      assert.same({ nil, secured(row[1]:format(file), s), 12175 }, { finish(request) })
      assert.is_nil(told())
      assert.equal(0, s:accepted())
      assert.equal(0, session:query_option("connections_opened"))
      -- Nothing of it sticks.
      set(request, { client_cert_context = path "both.pem", client_key_file = "",
        client_cert_password = "" })
      assert.equal("hello", finish(request))
      s:close()
    end)
  end

  it("shows its file, not its password, and is for secure requests", function()
    local session <close> = made:open { client_cert_context = path "locked.p12" }
    assert(session:set_option("client_cert_password", "secret"))
    assert.equal(87, select(3, session:query_option("client_cert_password")))
    local connection = session:connect("127.0.0.1")
    local request = connection:open_request("GET", "/", { secure = true })
    assert.equal(path "locked.p12", request:query_option("client_cert_context"))
    local plain = connection:open_request()
    assert.equal(12019, select(3, plain:set_option("client_cert_context", path "both.pem")))
  end)

  describe("that the server would like to see", function()
    local n
    setup(function()
      local common = ("ssl_certificate %s; ssl_certificate_key %s; ssl_client_certificate %s; "
        .. 'add_header X-Client "$ssl_client_verify $ssl_client_s_dn" always; '):format(
        made.good.cert, made.good.key, made.ca)
      n = nginx.start(nil, { optional = common .. "ssl_verify_client optional;",
        required = common .. "ssl_verify_client on;" })
    end)
    teardown(function() n:stop() end)

    local function ask(session, name, options)
      local request <close> = new(session, { port = n[name .. "_port"], path = "/file" }, options)
      assert(request:send())
      assert(request:receive_response())
      assert(request:read("a"))
      return request:query_headers("status_code"), request:query_headers("X-Client")
    end

    it("need not be shown", function()
      local session <close> = made:open()
      assert.same({ 200, "NONE" }, { ask(session, "optional") })
      assert.same({ 200, "SUCCESS CN=client" },
        { ask(session, "optional", { client_cert_context = path "both.pem" }) })
      assert.same({ 200, "NONE" }, { ask(session, "optional") })
    end)

    it("is not shown by a request that says it has none", function()
      local session <close> = made:open { client_cert_context = path "both.pem" }
      assert.same({ 200, "SUCCESS CN=client" }, { ask(session, "optional") })
      assert.same({ 200, "NONE" }, { ask(session, "optional", { client_cert_context = "" }) })
      local request = new(session, { port = 1 }, { client_cert_context = "" })
      assert.equal("", request:query_option("client_cert_context"))
      assert.equal(path "both.pem", session:query_option("client_cert_context"))
      assert.same({ 200, "SUCCESS CN=client" }, { ask(session, "optional") })
    end)

    it("may be refused by an answer instead", function()
      local session <close> = made:open()
      assert.same({ 400, "NONE" }, { ask(session, "required") })
      assert.same({ 400, "FAILED:unable to verify the first certificate CN=stranger" },
        { ask(session, "optional", { client_cert_context = made:named("stranger").cert,
          client_key_file = made:named("stranger").key }) })
      assert.same({ 200, "SUCCESS CN=client" },
        { ask(session, "required", { client_cert_context = path "both.pem" }) })
    end)
  end)
end)

describe("A fault of the server's certificate", function()
  p:for_tests()
  made:for_tests [[
    (usage=clientAuth; leaf usage ca $names $yesterday $later)
    (digest=sha1; leaf weak ca $names $yesterday $later)
    (usage=clientAuth; leaf awful other DNS:a.test,DNS:b.test $earlier $yesterday)
    (digest=sha1 usage=clientAuth; leaf poor ca DNS:a.test,DNS:b.test $earlier $yesterday)
    leaf early ca $names $later 20991231235959Z
  ]]

  local flags = { "ignore_unknown_ca", "ignore_cert_wrong_usage", "ignore_cert_cn_invalid",
    "ignore_cert_date_invalid", "ignore_weak_signature" }
  local faults = { -- certificate, bit, what forgives it, what is said
    { "untrusted", 0x08, "ignore_unknown_ca", "^certificate authority unknown: Unknown CA " },
    { "self_signed", 0x08, "ignore_unknown_ca",
      "^certificate authority unknown: self%-signed certificate " },
    { "wrong", 0x10, "ignore_cert_cn_invalid",
      '^certificate is for "wrong.example" and others, not "127.0.0.1" ' },
    { "expired", 0x20, "ignore_cert_date_invalid",
      "^certificate has expired %(%d+%-%d+%-%d+%) while " },
    { "early", 0x20, "ignore_cert_date_invalid",
      "^certificate is not valid yet, or the clock is wrong %(%d+%-%d+%-%d+%) while " },
    { "usage", 0x40, "ignore_cert_wrong_usage", "^certificate refused: .*purpose.* while " },
    { "weak", 0x02, "ignore_weak_signature", "^certificate refused: .*weak.* while " },
  }

  for _, fault in ipairs(faults) do
    it(("(%s) is forgiven by %s, and by nothing else"):format(fault[1], fault[3]), function()
      local s = serve(fault[1], { version = "1.3" })
      local session <close> = made:open()
      local told = listen(session)
      local function expect(good, value)
        local body, message, code = fetch(session, s, { security_flags = value })
        if good then
          assert.equal("hello", body, message)
          assert.is_nil(told())
          return
        end
        assert.equal(12175, code)
        assert.matches(fault[4], message)
        assert.matches(" while securing the connection to 127%.0%.0%.1:%d+$", message)
        assert.equal(fault[2], told())
      end
      expect(false, 0)
      for _, flag in ipairs(flags) do expect(flag == fault[3], flag) end
      local rest = {}
      for _, flag in ipairs(flags) do
        if flag ~= fault[3] then rest[#rest + 1] = flag end
      end
      expect(false, rest)
      expect(fault[1] ~= "weak", "ignore_all_cert_errors")
      expect(true, flags)
      local lax <close> = made:open { security_flags = fault[3] }
      assert.equal("hello", fetch(lax, s))
      s:close()
    end)
  end

  -- A signature is looked at when it is known whose key it was made with.
  for name, all in pairs { awful = 0x78, poor = 0x72 } do
    it(("is told with all others of the same certificate (%s)"):format(name), function()
      local s = serve(name, { version = "1.2" })
      local session <close> = made:open()
      local told = listen(session)
      local bit_of = { ignore_unknown_ca = 0x08, ignore_cert_wrong_usage = 0x40,
        ignore_cert_cn_invalid = 0x10, ignore_cert_date_invalid = 0x20,
        ignore_weak_signature = 0x02 }
      local _, message, code = fetch(session, s)
      assert.equal(12175, code)
      assert.equal(all, told())
      local count = select(2, message:match("; also (.*) while securing"):gsub("[^,]+", ""))
      assert.equal(3, count, message)
      local forgiven, bits = {}, all
      for i, flag in ipairs(flags) do
        forgiven[i], bits = flag, bits & ~bit_of[flag]
        local body
        body, message, code = fetch(session, s, { security_flags = forgiven })
        assert.equal(bits == 0 and "hello" or nil, body, message)
        assert.equal(bits ~= 0 and 12175 or nil, code)
        assert.equal(bits ~= 0 and bits or nil, told())
      end
      s:close()
    end)
  end

  it("is no fault of the next request's", function()
    local s = serve "expired"
    local good = serve "good"
    local session <close> = made:open()
    local told = listen(session)
    local request = new(session, s)
    assert.is_nil((finish(request)))
    assert.equal(0x20, told())
    set(request, { security_flags = "ignore_cert_date_invalid" })
    assert.equal("hello", finish(request))
    assert.equal("hello", fetch(session, good))
    assert.is_nil(told())
    s:close()
    good:close()
  end)

  it("can be seen when it is forgiven", function()
    local s = serve "expired"
    local session <close> = made:open { security_flags = "ignore_all_cert_errors" }
    local request = new(session, s)
    assert.equal(0x3300, request:query_option("security_flags"))
    assert.equal("hello", finish(request))
    assert.equal(0x20003301, request:query_option("security_flags"))
    assert.is_true(request:query_option("security_certificate_struct").expiry < os.time())
    s:close()
  end)

  it("is named by flags that can be set; what a query adds cannot", function()
    local session <close> = made:open()
    for _, value in ipairs { 0x1, 0x20000000, 0x10000000, 0x40000000, 0x400, 0x3301, -1 } do
      assert.equal(87, select(3, session:set_option("security_flags", value)))
    end
    assert.equal(0, session:query_option("security_flags"))
    assert(session:set_option("security_flags", { "ignore_unknown_ca", "ignore_weak_signature" }))
    assert.equal(0x10100, session:query_option("security_flags"))
    assert.equal(0x10100, session:connect("a"):open_request():query_option("security_flags"))
  end)

  it("is everybody's while ca_file cannot be used, and nothing is sent", function()
    local s = serve "good"
    local which = "ca_file (or SSL_CERT_FILE) "
    for name, text in pairs { none = which .. "cannot be read: " .. path "none"
      .. " (no such file or directory)", ["good.key"] = which .. "holds no PEM certificate" } do
      local session <close> = made:open { ca_file = path(name) }
      assert.same({ nil, secured(text, s), 12175 }, { fetch(session, s) })
      assert.equal("hello", fetch(session, s, { ca_file = made.ca }))
    end
    assert.equal(2, s:accepted())
    s:close()
  end)
end)

describe("Pinned public keys", function()
  made:for_tests()
  p:for_tests()

  it("are the only ones a server may have", function()
    local good, expired = made:pin "good", made:pin "expired"
    local other = "sha256//" .. ("A"):rep(43) .. "="
    local s = serve "good"
    local session <close> = made:open()
    local told = listen(session)
    for _, pins in ipairs { good, other .. ";" .. good, good .. ";" .. other .. ";" .. expired } do
      assert.equal("hello", fetch(session, s, { pinned_public_keys = pins }))
      assert.is_nil(told())
    end
    for _, pins in ipairs { other, other .. ";" .. expired, made:pin "ca" } do
      assert.same({ nil, "the server's public key is not one of the pinned: " .. good
        .. " while securing the connection to 127.0.0.1:" .. s.port, 12175 },
        { fetch(session, s, { pinned_public_keys = pins }) })
      assert.equal(0x02, told())
    end
    s:close()
  end)

  it("count beside everything else, and nothing forgives another key", function()
    local expired = made:pin "expired"
    local other = "sha256//" .. ("A"):rep(43) .. "="
    local s = serve "expired"
    local session <close> = made:open()
    local told = listen(session)
    assert.equal(12175, select(3, fetch(session, s, { pinned_public_keys = expired })))
    assert.equal(0x20, told())
    assert.equal(12175, select(3, fetch(session, s, { pinned_public_keys = other })))
    assert.equal(0x22, told())
    assert.equal(12175, select(3, fetch(session, s, { pinned_public_keys = other,
      security_flags = 0x13300 })))
    assert.equal(0x02, told())
    assert.equal("hello", fetch(session, s, { pinned_public_keys = expired,
      security_flags = "ignore_cert_date_invalid" }))
    s:close()
  end)

  it("that make no sense fail the request, and nothing is sent", function()
    local s = serve "good"
    local session <close> = made:open()
    for _, pins in ipairs { "x", "sha256//", ";", "sha1//" .. ("A"):rep(43) .. "=",
      "sha256//" .. ("A"):rep(44), "sha256//" .. ("A"):rep(43) .. "=;" } do
      assert.same({ nil, secured('a pin is "sha256//" and 44 characters of base64', s), 87 },
        { fetch(session, s, { pinned_public_keys = pins }) })
    end
    assert.equal(0, s:accepted())
    s:close()
  end)
end)

describe("Revocation", function()
  local n
  p:for_tests()
  made:for_tests [[
    leaf revoked ca $names $yesterday $later
    ca() { openssl ca -config authority.cnf -cert $1.pem -keyfile $1.key "$2" ${3:-} ${4:-}; }
    ca ca -revoke revoked.pem
    ca ca -gencrl >list.pem
    ca other -gencrl >strange.pem
    openssl ca -config authority.cnf -cert ca.pem -keyfile ca.key -gencrl \
      -crl_lastupdate $earlier -crl_nextupdate $yesterday >old.pem
    : >empty
    answer() { # certificate, name
      openssl ocsp -issuer ca.pem -cert $1.pem -reqout request
      openssl ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -ndays 7 \
        -reqin request -respout $2
    }
    answer good good.ocsp
    answer revoked revoked.ocsp
    openssl ocsp -issuer ca.pem -cert good.pem -reqout request
    openssl ocsp -index index.txt -CA other.pem -rsigner other.pem -rkey other.key -ndays 7 \
      -reqin request -respout forged.ocsp
    printf junk >junk.ocsp
  ]]
  setup(function()
    local function staple(name, answer)
      return ("ssl_certificate %s/%s.pem; ssl_certificate_key %s/%s.key; "):format(made.folder,
        name, made.folder, name) .. (answer and ("ssl_trusted_certificate %s; ssl_stapling on; "
        .. "ssl_stapling_file %s;"):format(made.ca, path(answer)) or "")
    end
    n = nginx.start(nil, {
      stapled = staple("good", "good.ocsp"), revoked = staple("revoked", "revoked.ocsp"),
      forged = staple("good", "forged.ocsp"), swapped = staple("good", "revoked.ocsp"),
      none = staple "good", silent = staple "revoked", expired = staple "expired",
    })
  end)
  teardown(function() n:stop() end)

  local unsure = "cannot tell whether the certificate is revoked: "
  -- Answers the bits of secure_failure, 0 for a good end, and the text.
  local function try(name, options)
    local session <close> = made:open()
    local told = listen(session)
    local body, message, code = fetch(session, { port = n[name .. "_port"], path = "/file" },
      options)
    if body then
      assert.equal(1024, #body)
      return told() or 0
    end
    assert.equal(12175, code)
    return told(), message
  end

  it("is not asked about unless that is wanted", function()
    assert.equal(0, try "revoked")
    assert.equal(0, try "silent")
  end)

  it("is read from a list of the issuer's", function()
    local list = { crl_file = path "list.pem" }
    assert.equal(0, try("none", list))
    local bits, message = try("silent", list)
    assert.equal(0x04, bits)
    assert.matches("^certificate refused: certificate revoked while ", message)
    list.security_flags, list.ignore_cert_revocation_offline = 0x13300, true
    assert.equal(0x04, (try("silent", list)))
    assert.equal(0x24, (try("expired", { crl_file = path "list.pem" }) | 0x04))
  end)

  it("that cannot be told from the list fails, unless that is forgiven", function()
    for name, words in pairs { strange = "unable to get certificate CRL",
      old = "CRL has expired" } do
      local bits, message = try("none", { crl_file = path(name .. ".pem") })
      assert.equal(0x01, bits)
      assert.equal(1, message:find(unsure .. words, 1, true), message)
      assert.equal(0, try("none", { crl_file = path(name .. ".pem"),
        ignore_cert_revocation_offline = true }))
      assert.equal(0x01, (try("none", { crl_file = path(name .. ".pem"),
        security_flags = 0x13300 })))
    end
  end)

  it("fails with a file without a list, and nothing is sent", function()
    local s = serve "good"
    local session <close> = made:open()
    for _, name in ipairs { "empty", "ca.pem" } do
      assert.same({ nil, secured("crl_file holds no PEM revocation list", s), 12175 },
        { fetch(session, s, { crl_file = path(name) }) })
    end
    assert.equal(0, s:accepted())
    s:close()
  end)

  it("is told by the server's own OCSP answer, when ssl_revocation is enabled", function()
    local on = { enable_feature = "ssl_revocation" }
    assert.equal(0, try("stapled", on))
    local bits, message = try("revoked", on)
    assert.equal(0x04, bits)
    assert.matches("^certificate refused: its authority has revoked it while ", message)
    for name, words in pairs { none = "the server sent no OCSP answer",
      silent = "the server sent no OCSP answer", forged = "the OCSP answer is of no use",
      swapped = "the OCSP answer is of no use" } do
      bits, message = try(name, on)
      assert.equal(0x01, bits, name)
      assert.equal(1, message:find(unsure .. words, 1, true), message)
    end
  end)

  it("without an answer is forgiven by ignore_cert_revocation_offline, the rest is not",
    function()
      local lax = { enable_feature = "ssl_revocation", ignore_cert_revocation_offline = true }
      for name, bits in pairs { stapled = 0, none = 0, silent = 0, forged = 0, swapped = 0,
        revoked = 0x04 } do
        assert.equal(bits, (try(name, lax)), name)
      end
    end)

  it("is told by either, list or answer, and one word against it is enough", function()
    local both = { enable_feature = "ssl_revocation", crl_file = path "list.pem" }
    for name, bits in pairs { stapled = 0, none = 0, silent = 0x04, revoked = 0x04 } do
      assert.equal(bits, (try(name, both)), name)
    end
    both.crl_file = path "strange.pem"
    for name, bits in pairs { stapled = 0, none = 0x01, revoked = 0x04 } do
      assert.equal(bits, (try(name, both)), name)
    end
  end)

  it("is asked about on the session too", function()
    local session <close> = made:open { enable_feature = { "ssl_revocation" } }
    local server = { port = n.stapled_port, path = "/file" }
    assert.equal(1024, #fetch(session, server))
    assert.equal(12175, select(3, fetch(session, { port = n.none_port })))
    assert.equal(1024, #fetch(session, { port = n.none_port, path = "/file" },
      { enable_feature = 0 }))
  end)
end)
