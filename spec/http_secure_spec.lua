--- One call over TLS and other ways: the options that say whom to trust and how
-- to get there.

local hinternet = require "hinternet"
local certs = require "spec.support.certs"
local leaks = require "spec.support.leaks"
local peer = require "spec.support.peer"

describe("A request in one call", function()
  local p, c, secure, plain
  leaks.watch()

  setup(function()
    c = certs.make()
    p = peer.start()
    local answer = { { "keepalive", "hello" } }
    secure = p:serve { connections = { answer }, tls = c.good }
    plain = p:serve { connections = { answer } }
  end)
  teardown(function()
    p:stop()
    c:remove()
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
