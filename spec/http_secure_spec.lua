--- One call over TLS and other ways: the options that say whom to trust and how
-- to get there.

local hinternet = require "hinternet"
local certs = require "spec.support.certs"
local peer = require "spec.support.peer"

-- Certificates that only `verify = false` takes.
local faulty = [==[
signed() { # file, authority, extensions
  printf '%b' "subjectAltName=$names\n$3" >"$1.ext"
  openssl req -new -key "$1.key" -subj "/CN=$1" -config authority.cnf -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -days 5 -extfile "$1.ext" \
    -out "$1.pem"
}
issuer() { # file, authority, extensions; and a leaf of its own
  key "$1"
  signed "$1" "$2" "$3"
}
of() { # file, issuer, what stands between it and the authority
  key "$1"
  signed "$1" "$2" ''
  cat "$3.pem" >>"$1.pem"
}
is_ca='basicConstraints=critical,CA:TRUE\n'
openssl genrsa -out small_key.key 1024
signed small_key ca ''
key extension
signed extension ca '1.2.3.4=critical,ASN1:NULL\n'
issuer narrow ca "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign\n"
issuer between narrow "${is_ca}keyUsage=keyCertSign\n"
of path_length between between
cat narrow.pem >>path_length.pem
issuer fenced ca "${is_ca}nameConstraints=critical,permitted;DNS:else.test\n"
of constraint fenced fenced
issuer idle ca "${is_ca}keyUsage=critical,cRLSign\n"
of no_key_cert_sign idle idle
authority forger "Spec CA"
key forged
signed forged forger 'authorityKeyIdentifier=none\n'
leaf not_an_authority good "$names" "$yesterday" "$later"
cat good.pem >>not_an_authority.pem
(digest=sha1 usage=clientAuth; leaf all_at_once other DNS:wrong.test $earlier $yesterday)
]==]

describe("A request in one call", function()
  local p, c, secure, plain = peer.new():for_tests(), certs.new():for_tests(faulty)
  setup(function()
    local answer = { { "keepalive", "hello" } }
    secure = p:serve { connections = { answer }, tls = c.good }
    plain = p:serve { connections = { answer } }
  end)

  local function get(options, host)
    local session <close> = assert(hinternet.open())
    local r, message, code = session:get(
      ("https://%s:%d/"):format(host or "localhost", secure.port), options)
    if not r then return nil, message, code end
    return r.body
  end

  it("trusts nobody it does not know, but those of ca_file", function()
    local body, message, code = get()
    assert.is_nil(body)
    assert.equal(12175, code)
    assert.matches("certificate authority unknown", message)
    assert.equal("hello", get { ca_file = c.ca })
  end)

  it("takes every certificate with verify = false, and only then", function()
    assert.equal("hello", get { verify = false })
    assert.is_nil((get { verify = true }))
  end)

  for name, flag in pairs { -- the one flag that forgives it
    small_key = "ignore_invalid_cert", extension = "ignore_invalid_cert",
    path_length = "ignore_invalid_cert", constraint = "ignore_invalid_cert",
    forged = "ignore_invalid_cert", no_key_cert_sign = "none of them alone",
    not_an_authority = "ignore_all_cert_errors", all_at_once = "ignore_all_cert_errors",
  } do
    it(("takes with verify = false whatever is wrong with a certificate (%s)"):format(name),
      function()
        local pair = c:named(name)
        local s = p:serve { connections = { { { "keepalive", "hello" } } },
          tls = { cert = pair.cert, key = pair.key, version = "1.3" } }
        local lax <close> = assert(hinternet.open { ca_file = c.ca })
        local answer, said = lax:get(s.url, { verify = false })
        assert.equal("hello", answer and answer.body, said)
        for _, word in ipairs { "", "ignore_unknown_ca", "ignore_cert_wrong_usage",
          "ignore_cert_cn_invalid", "ignore_cert_date_invalid", "ignore_all_cert_errors",
          "ignore_weak_signature", "ignore_invalid_cert" } do
          local session <close> = assert(hinternet.open { ca_file = c.ca,
            security_flags = word ~= "" and word or 0 })
          local r, message, code = session:get(s.url)
          local good = word == flag
          if not good then assert.same({ nil, 12175 }, { r, code }, word) end
          assert.equal(good and "hello" or nil, r and r.body, message)
        end
        s:close()
      end)
  end

  it("holds to its pins with verify = false", function()
    local session <close> = assert(hinternet.open { ca_file = c.ca,
      pinned_public_keys = c:pin "wrong" })
    local _, message, code = session:get(secure.url, { verify = false })
    assert.equal(12175, code)
    assert.matches("not one of the pinned", message)
  end)

  it("says what is wrong with a file it is given", function()
    local body, message, code = get { ca_file = "/nowhere/ca.pem" }
    assert.is_nil(body)
    assert.equal(12175, code)
    assert.matches("localhost:" .. secure.port, message)
  end)

  it("goes where resolve_to says, and still wants the name in the certificate", function()
    assert.equal("hello", get { ca_file = c.ca, resolve_to = "127.0.0.1" })
    local body, message, code =
      get({ ca_file = c.ca, resolve_to = "127.0.0.1" }, "elsewhere.test")
    assert.is_nil(body)
    assert.equal(12175, code)
    assert.matches('not "elsewhere.test"', message)
  end)

  it("asks plain http for no client certificate", function()
    local session <close> = assert(hinternet.open())
    local r = assert(session:get(plain.url, { client_cert = c.good.cert }))
    assert.equal("hello", r.body)
  end)

  it("takes the first host's way to no other host", function()
    local far = p:serve { connections = { { { "keepalive", "far" } } } }
    local near = p:serve { connections = { { { "recv_head" }, { "recv_body" },
      { "send", peer.response(307, { "Location: http://127.0.0.2:" .. far.port .. "/" }, "") },
      { "recv_eof" } } } }
    local session <close> = assert(hinternet.open())
    local r, message = session:post(
      ("http://first.test:%d/"):format(near.port),
      { body = "again", resolve_to = "127.0.0.1", timeout = 5 })
    -- 127.0.0.2 has no listener of its own on that port: had the way been kept,
    -- the request would have reached 127.0.0.1.
    assert.is_nil(r)
    assert.matches("127.0.0.2:" .. far.port, message)
    assert.equal(0, far:accepted())
  end)
end)
