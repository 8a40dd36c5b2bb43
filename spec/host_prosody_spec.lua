-- Prosody, an XMPP and HTTP server written in Lua 5.4, loads the module and
-- answers with what it fetched, driven by Prosody's own loop.

local certs = require "spec.support.certs"
local daemon = require "spec.support.daemon"
local hinternet = require "hinternet"
local leaks = require "spec.support.leaks"
local nginx = require "spec.support.nginx"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local wait = require "spec.support.wait"

local config = [[
run_as_root = true
pidfile = "${folder}/prosody.pid"
data_path = "${folder}"
certificates = "${folder}"
plugin_paths = { "${plugins}" }
interfaces = { "127.0.0.1" }
http_interfaces = { "127.0.0.1" }
http_ports = { ${http} }
https_ports = {}
http_default_host = "localhost"
modules_disabled = { "c2s", "s2s", "s2s_auth_certs" }
network_backend = "${backend}"
log = { { levels = { min = "info" }, to = "console" } }
VirtualHost "localhost"
  modules_enabled = { "upstream" }
  upstream_url = "${upstream}"
]]

describe("Prosody", function()
  local made, upstream, servers, plugins
  setup(function()
    made = certs.make()
    upstream = nginx.start(made)
    servers = peer.start()
    plugins = process.run("realpath examples/prosody"):gsub("%s+$", "")
  end)
  teardown(function()
    servers:stop()
    upstream:stop()
    made:remove()
  end)
  leaks.watch()

  local function start(url, backend)
    return daemon.start {
      program = "prosody",
      arguments = "-F --config ${folder}/prosody.cfg.lua",
      ports = { "http" },
      files = { ["prosody.cfg.lua"] = config },
      values = { plugins = plugins, upstream = url, backend = backend or "epoll" },
      environment = { SSL_CERT_FILE = made.ca },
    }
  end

  -- Ends it; it must have nothing to complain about.
  local function stop(host)
    local status = host:halt()
    local said = host:log("output")
    host:stop()
    assert.equal(0, status, said)
    assert.matches("Shutdown complete", said)
    for _, word in ipairs { "Sanitizer", "Top%-level error", "Traceback", "traceback" } do
      assert.is_nil(said:find(word), said)
    end
  end

  local function get(host, path)
    return assert(hinternet.get(host.http .. "/upstream" .. path, { timeout = 50 }))
  end

  for _, scheme in ipairs { "http", "https" } do
    it("answers with what it fetched over " .. scheme, function()
      local host = start(upstream[scheme])
      for _ = 1, 5 do
        local answer = get(host, "/file")
        assert.same({ 200, ("0123456789abcde\n"):rep(64) }, { answer.status, answer.body })
      end
      assert.equal(404, get(host, "/nothing-here").status)
      assert.equal(1 << 20, #get(host, "/text").body)
      stop(host)
    end)
  end

  it("answers 502 and why when there is nothing to fetch", function()
    local host = start(upstream.untrusted)
    local answer = get(host, "/file")
    assert.equal(502, answer.status)
    assert.matches("certificate authority unknown", answer.body)
    stop(host)
  end)

  for _, backend in ipairs { "epoll", "select" } do
    it("fetches for many at once with " .. backend .. ", and is never blocked", function()
      local script = { { "recv_head" }, { "wait" }, { "send", peer.response(200, nil, "slow") } }
      local server = servers:serve { connections = { script } }
      local host = start(server.url, backend)
      local session <close> = assert(hinternet.open())
      local bodies = {}
      for i = 1, 10 do
        session:spawn(function()
          bodies[i] = session:get(host.http .. "/upstream/" .. i, { timeout = 50 }).body
        end)
      end
      wait.polling("ten connections", function() return server:accepted() == 10 end)
      assert.equal(404, hinternet.get(host.http .. "/not-waited-for").status)
      for _ = 1, 10 do server:go() end
      hinternet.run()
      for i = 1, 10 do assert.equal("slow", bodies[i]) end
      stop(host)
    end)
  end
end)
