-- Which schemes a call may go to, and that none of them is taken for another:
-- what was meant for TLS never goes out in the clear.

local hinternet = require "hinternet"
local peer = require "spec.support.peer"

local UNRECOGNIZED_SCHEME = 12006

describe("A URL of WebSockets", function()
  local p = peer.new():for_tests()

  local secret = { headers = { Authorization = "Bearer T" } }

  local calls = {
    get = function(url) return hinternet.get(url) end,
    ["get with options"] = function(url) return hinternet.get(url, secret) end,
    ["get as a stream"] = function(url)
      return hinternet.get(url, { headers = secret.headers, stream = true })
    end,
    request = function(url) return hinternet.request("GET", url, secret) end,
    post = function(url) return hinternet.post(url, { body = "x" }) end,
    download = function(url) return hinternet.download(url, 1, secret) end,
    all = function(url)
      local answer = hinternet.all({ { url = url, headers = secret.headers } })[1]
      return answer.status and answer or nil, answer.message, answer.code
    end,
    ["get of a session"] = function(url)
      local session <close> = hinternet.open {}
      return session:get(url, secret)
    end,
  }

  for name, call in pairs(calls) do
    it("is nothing a request can go to: " .. name, function()
      local s = p:keepalive("secret")
      for _, scheme in ipairs { "ws", "wss", "WSS", "Ws" } do
        local r, message, code = call(("%s://127.0.0.1:%d/"):format(scheme, s.port))
        assert.is_nil(r, scheme)
        assert.equal(UNRECOGNIZED_SCHEME, code, message)
        assert.matches("ws", message)
      end
      assert.equal(0, s:accepted())
      s:close()
    end)
  end

  it("is nothing a redirect can go to", function()
    local other = p:keepalive("secret")
    for _, scheme in ipairs { "ws", "wss" } do
      local s = p:answer(peer.response(302, {
        ("Location: %s://127.0.0.1:%d/"):format(scheme, other.port) }))
      local r, message, code = hinternet.get(s.url)
      assert.is_nil(r)
      assert.equal(12156, code, message)
      s:close()
    end
    assert.equal(0, other:accepted())
    other:close()
  end)

  it("can be taken apart all the same", function()
    for scheme, port in pairs { ws = 80, wss = 443, http = 80, https = 443 } do
      local parts = assert(hinternet.crack_url(scheme:upper() .. "://host/x"))
      assert.equal(scheme, parts.scheme)
      assert.equal(port, parts.port)
    end
  end)
end)
