-- TLS sessions: which connections resume one, counted on nginx, and which must
-- not.

local certs = require "spec.support.certs"
local exchange = require "spec.support.exchange"
local leaks = require "spec.support.leaks"
local nginx = require "spec.support.nginx"
local wait = require "spec.support.wait"

local fetch, finish, new = exchange.fetch, exchange.finish, exchange.new

local made

describe("A TLS session", function()
  local n
  leaks.watch()
  setup(function()
    made = certs.make()
    local pair = ("ssl_certificate %s; ssl_certificate_key %s; "):format(made.good.cert,
      made.good.key)
    n = nginx.start(made, {
      old = pair .. "ssl_protocols TLSv1.2;",
      new = pair .. "ssl_protocols TLSv1.3;",
      client = pair .. ("ssl_protocols TLSv1.3; ssl_verify_client optional; " ..
        "ssl_client_certificate %s; add_header X-Client $ssl_client_verify;"):format(made.ca),
    })
    made:extend [[
      (usage=clientAuth; leaf client ca DNS:client $yesterday $later)
      openssl ca -gencrl -config authority.cnf -cert ca.pem -keyfile ca.key -out list.pem
    ]]
    made.client = made:named "client"
  end)
  teardown(function()
    n:stop()
    made:remove()
  end)

  local told -- lines of the log that belong to earlier specs
  local function lines()
    local out = {}
    for line in n:log("access.log"):gmatch("[^\n]+") do out[#out + 1] = line end
    return out
  end
  before_each(function() told = #lines() end)

  -- What nginx says of the handshakes since: "." is a full one, "r" a resumed.
  local function handshakes(count)
    wait.sleeping(count .. " requests in the log", function() return #lines() >= told + count end)
    local out = {}
    for i, line in ipairs(lines()) do
      if i > told then out[#out + 1] = line:match("(%S+)$") end
    end
    return table.concat(out)
  end

  local function server(name) return { port = n[name .. "_port"], path = "/file" } end
  local alone = "keep_alive" -- a feature to go without

  -- Fetches on a connection of its own; answers what nginx says of us.
  local function alone_fetch(session, name, options)
    local request <close> = new(session, server(name), options)
    assert(request:set_option("disable_feature", alone))
    assert.equal(1024, #assert(finish(request)))
    return request:query_headers("X-Client"), request
  end

  for name, version in pairs { old = "TLSv1.2", new = "TLSv1.3" } do
    it("is resumed by later connections, with " .. version, function()
      local session <close> = made:open()
      for i = 1, 5 do
        local request <close> = new(session, server(name), { disable_feature = alone })
        assert(request:send())
        assert(request:receive_response())
        local info = request:query_option("security_info")
        assert.equal(i > 1, info.resumed)
        assert.equal(version, info.protocol)
        assert.equal(1024, #request:read("a"))
      end
      assert.equal(5, session:query_option("connections_opened"))
      assert.equal(".rrrr", handshakes(5))
    end)

    it("is not shared by options that differ, with " .. version, function()
      local session <close> = made:open()
      local identities = {
        {}, { security_flags = "ignore_cert_date_invalid" },
        { client_cert_context = made.client.cert, client_key_file = made.client.key },
        { pinned_public_keys = made:pin("good") },
        { secure_protocols = name == "old" and "tls1_2" or "tls1_3" },
        { ignore_cert_revocation_offline = true },
      }
      for _ = 1, 2 do
        for _, options in ipairs(identities) do alone_fetch(session, name, options) end
      end
      local other <close> = made:open()
      alone_fetch(other, name)
      assert.equal("......" .. "rrrrrr" .. ".", handshakes(13))
      assert.equal(12, session:query_option("connections_opened"))
    end)

    it("is never kept where revocation matters, with " .. version, function()
      local session <close> = made:open { crl_file = made.folder .. "/list.pem" }
      for _ = 1, 3 do alone_fetch(session, name) end
      assert.equal("...", handshakes(3))
    end)
  end

  it("that was forgiven a fault is not resumed by one that forgives none", function()
    local session <close> = made:open()
    local untrusted = { port = n.untrusted_port, path = "/file" }
    local forgiving = { security_flags = "ignore_unknown_ca", disable_feature = alone }
    assert(fetch(session, untrusted, forgiving))
    assert.equal(12175, select(3, fetch(session, untrusted)))
    assert(fetch(session, untrusted, forgiving))
    assert.equal(".r", handshakes(2))
  end)

  it("is not resumed by a request with another client certificate, or none", function()
    local session <close> = made:open()
    local me = { client_cert_context = made.client.cert, client_key_file = made.client.key }
    assert.equal("NONE", (alone_fetch(session, "client")))
    assert.equal("SUCCESS", (alone_fetch(session, "client", me)))
    assert.equal("NONE", (alone_fetch(session, "client")))
    assert.equal("SUCCESS", (alone_fetch(session, "client", me)))
    assert.equal("..rr", handshakes(4))
  end)

  it("is of one host and port only", function()
    local session <close> = made:open()
    for _ = 1, 2 do
      for _, host in ipairs { "127.0.0.1", "localhost" } do
        for _, name in ipairs { "old", "new" } do
          local there = server(name)
          there.host = host
          assert(fetch(session, there, { disable_feature = alone }))
        end
      end
    end
    assert.equal("....rrrr", handshakes(8))
  end)

  it("is shared by connections that are open at once", function()
    local session <close> = made:open()
    alone_fetch(session, "new")
    local requests = {}
    for i = 1, 3 do
      requests[i] = new(session, server("new"))
      assert(requests[i]:send())
    end
    local count = 0
    for _, request in ipairs(requests) do
      assert(request:receive_response())
      if request:query_option("security_info").resumed then count = count + 1 end
      assert.equal(1024, #request:read("a"))
    end
    -- nginx gives two tickets, and each is good for one connection.
    assert.equal(2, count)
    assert.equal("..rr", (handshakes(4):gsub(".*", function(text)
      local sorted = {}
      for mark in text:gmatch(".") do sorted[#sorted + 1] = mark end
      table.sort(sorted)
      return table.concat(sorted)
    end)))
  end)
end)
