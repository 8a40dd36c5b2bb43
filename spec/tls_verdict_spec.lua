-- What a server thinks of our side of a TLS 1.3 handshake comes when we have
-- begun to send, and often with a reset.

local hinternet = require "hinternet"
local certs = require "spec.support.certs"
local exchange = require "spec.support.exchange"
local peer = require "spec.support.peer"

local ROUNDS = 12 -- of what the two sides run a race in

local p = peer.new():for_tests()
local made = certs.new():for_tests
  "(usage=clientAuth; leaf stranger other DNS:me $yesterday $later)"

local function serve(rude)
  return p:serve { tls = { version = "1.3", cert = made.good.cert, key = made.good.key,
    client_ca = made.ca, rude = rude }, connections = { { { "keepalive", "hello" } } } }
end

local large = ("x"):rep(2000000)

-- Each answers as a failed call does.
local ways = {
  ["a GET"] = function(session, url, options) return session:get(url, options) end,
  ["a small body"] = function(session, url, options)
    options.body = "small"
    return session:post(url, options)
  end,
  ["a large body"] = function(session, url, options)
    options.body = large
    return session:post(url, options)
  end,
  ["a body that waits to be asked for"] = function(session, url, options)
    options.body, options.headers = "small", { Expect = "100-continue" }
    return session:post(url, options)
  end,
}

describe("A client that a TLS 1.3 server turns away", function()

  for _, rude in ipairs { "close", "reset", false } do
    for way, call in pairs(ways) do
      local when = ("with %s, by %s"):format(way, rude or "an alert alone")
      it(("for having no certificate is told so %s"):format(when), function()
        local s = serve(rude or nil)
        for _ = 1, ROUNDS do
          local session <close> = hinternet.open { ca_file = made.ca }
          local done, message, code = call(session, s.url .. "/", {})
          assert.same({ nil, "the server wants to see a client certificate while securing the "
            .. "connection to " .. exchange.place(s), 12044 }, { done, message, code })
        end
        s:close()
      end)

      it(("for an unknown authority is told so %s"):format(when), function()
        local s = serve(rude or nil)
        local stranger = made:named "stranger"
        for _ = 1, ROUNDS do
          local session <close> = hinternet.open { ca_file = made.ca }
          local _, message, code = call(session, s.url .. "/",
            { client_cert = stranger.cert, client_key = stranger.key })
          assert.equal(12175, code)
          assert.matches("^TLS: .*unknown ca while securing the connection to ", message)
        end
        s:close()
      end)
    end
  end

  it("is told so by the write that finds the connection closed", function()
    for _, rude in ipairs { "close", "reset" } do
      local s = serve(rude)
      local session <close> = hinternet.open { ca_file = made.ca }
      local request = session:connect("127.0.0.1", s.port):open_request("POST", "/",
        { secure = true })
      local done, message, code = request:send(nil, nil, 4 * #large)
      assert.is_true(s:wait())
      if done then
        repeat done, message, code = request:write(large) until not done
      end
      assert.same({ nil, "the server wants to see a client certificate while securing the "
        .. "connection to " .. exchange.place(s), 12044 }, { done, message, code })
      s:close()
    end
  end)
end)
