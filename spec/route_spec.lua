-- Where connections lead: Unix-domain sockets, given addresses, other names;
-- which of them serve a request, and how one is ended. What they come from is in
-- connection_spec.

local certs = require "spec.support.certs"
local exchange = require "spec.support.exchange"
local hops = require "spec.support.hops"
local nginx = require "spec.support.nginx"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local fetch, finish, new = exchange.fetch, exchange.finish, exchange.new
local open = hops.open

local p, folder = peer.new(), nil
local function start()
  p:for_tests()
  setup(function() folder = process.temp_folder() end)
  teardown(function() process.remove_folder(folder) end)
end

local function keep(options)
  options.connections = { { { "keepalive", options.says or "hello" } } }
  options.says = nil
  return p:serve(options)
end

-- A server that may be at any host: only its port counts.
local function at(host, server, path)
  return { host = host, port = server.port, url = "http:", path = path }
end

local function opened(session) return session:query_option("connections_opened") end

-- What the callback of a session hears of the route: "status info".
local function listen(session)
  local heard = {}
  session:set_status_callback(function(_, status, info)
    heard[#heard + 1] = status .. " " .. tostring(info)
  end, { "resolving_name", "name_resolved", "connecting_to_server", "connected_to_server" })
  return heard
end

describe("A Unix-domain socket", function()
  start()

  local function names() return { folder .. "/s.sock", "@hinternet-spec-" .. p.pid } end

  it("is connected to in place of the host, which is still named in the request", function()
    for _, path in ipairs(names()) do
      local s = p:serve { path = path, connections = { { { "echo" } } } }
      local session <close> = open { unix_socket = path }
      local heard = listen(session)
      local request = new(session, at("unix.test", { port = 8080 }, "/a"))
      assert.equal("GET /a HTTP/1.1\r\nHost: unix.test:8080\r\n\r\n", finish(request))
      assert.same({ "connecting_to_server " .. path, "connected_to_server " .. path }, heard)
      assert.equal("http://unix.test:8080/a", request:query_option("url"))
      assert.same({ local_address = "", local_port = 0, remote_address = path, remote_port = 0 },
        request:query_option("connection_info"))
      assert.is_truthy(finish(request))
      assert.equal(1, opened(session))
      assert.equal(1, s:accepted())
      s:close()
      os.remove(path)
    end
  end)

  it("can be one request's own, and one request can do without the session's", function()
    local s = keep { path = folder .. "/own.sock", says = "by socket" }
    local t = keep { says = "by address" }
    local session <close> = open()
    assert.equal("by socket", fetch(session, t, { unix_socket = folder .. "/own.sock" }))
    assert.equal("by address", fetch(session, t))
    assert(session:set_option("unix_socket", folder .. "/own.sock"))
    assert.equal("by socket", fetch(session, t))
    assert.equal("by address", fetch(session, t, { unix_socket = "" }))
    local request <close> = new(session, t)
    assert.equal(folder .. "/own.sock", request:query_option("unix_socket"))
    assert(session:set_option("unix_socket", ""))
    assert.equal("", session:query_option("unix_socket"))
    assert.equal("by address", fetch(session, t))
    assert.equal(2, opened(session))
    s:close()
    t:close()
  end)

  it("that cannot be connected to is named in the message", function()
    local function expect(path, system, text)
      local session <close> = open { unix_socket = path }
      local request = new(session, at("unix.test", { port = 80 }))
      assert.same({ nil, ("cannot connect (%s) while connecting to %s"):format(text, path), 12029 },
        { finish(request) })
      assert.equal(system, request:query_option("extended_error"))
    end
    expect(folder .. "/none", 2, "no such file or directory")
    expect("@hinternet-spec-none", 111, "connection refused")
    local path = folder .. "/closed.sock"
    keep({ path = path }):close()
    expect(path, 111, "connection refused")
    assert(io.open(folder .. "/file", "w")):close()
    expect(folder .. "/file", 111, "connection refused")
    local long = "/" .. ("x"):rep(106)
    expect(long, 2, "no such file or directory")
  end)

  it("without a path that can be is refused at once", function()
    local session <close> = open()
    local request = session:connect("a"):open_request()
    for _, handle in ipairs { session, request } do
      for _, path in ipairs { "@", "/" .. ("x"):rep(107), "@" .. ("x"):rep(107), "/a\0b", "\0" } do
        assert.equal(87, select(3, handle:set_option("unix_socket", path)))
      end
      assert.equal("", handle:query_option("unix_socket"))
    end
    assert.equal(12018, select(3, session:connect("a"):set_option("unix_socket", "/a")))
  end)

  it("speaks TLS, and the certificate is the host's", function()
    local made = certs.make()
    local path = folder .. "/tls.sock"
    local s = keep { path = path, tls = made.good }
    local session <close> = open { unix_socket = path, ca_file = made.ca }
    local request = new(session, { host = "localhost", port = 443 })
    assert.equal("hello", finish(request))
    assert.equal("CN=good", request:query_option("security_certificate_struct").subject)
    assert.equal(path, request:query_option("connection_info").remote_address)
    local _, message, code = fetch(session, { host = "other.test", port = 443 })
    assert.equal(12175, code)
    assert.equal('certificate is for "localhost" and others, not "other.test" while securing '
      .. "the connection to " .. path, message)
    assert.same({ "localhost", "other.test" }, s:sni())
    s:close()
    made:remove()
  end)

  it("of nginx serves http and https", function()
    local made = certs.make()
    local n = nginx.start(nil, { both = ("ssl_certificate %s; ssl_certificate_key %s; "
      .. "listen unix:%s/n.sock; listen unix:%s/n.tls ssl;"):format(made.good.cert, made.good.key,
      folder, folder) })
    local session <close> = open { ca_file = made.ca }
    for name, secure in pairs { ["n.sock"] = false, ["n.tls"] = true } do
      local server = { host = "localhost", port = 1, path = "/file", url = not secure and "http:" }
      for _ = 1, 3 do
        assert.equal(1024, #assert(fetch(session, server,
          { unix_socket = folder .. "/" .. name })))
      end
    end
    assert.equal(2, opened(session))
    n:stop()
    made:remove()
  end)

  it("is followed by redirects to its own host, not by those to another", function()
    local t = keep { says = "over TCP" }
    local path = folder .. "/redirect.sock"
    local ok = peer.response(200, {}, "by socket")
    local function redirect(location)
      return { { { "recv_head" }, { "send", peer.response(302, { "Location: " .. location }) },
        { "recv_head" }, { "send", ok }, { "recv_eof" } } }
    end
    for location, says in pairs {
      ["/next"] = "by socket",
      ["http://unix.test/next"] = "by socket",
      ["http://UNIX.test:81/next"] = "by socket",
      [t.url .. "/next"] = "over TCP",
      [t.url:gsub("127.0.0.1", "localhost") .. "/next"] = "over TCP",
    } do
      os.remove(path)
      local connections = redirect(location)
      connections[2] = { { "recv_head" }, { "send", ok }, { "recv_eof" } } -- another port's
      local s = p:serve { path = path, connections = connections }
      local session <close> = open { unix_socket = path }
      assert.equal(says, fetch(session, at("unix.test", { port = 80 })), location)
      s:close()
    end
    t:close()
  end)
end)

describe("The addresses of resolve_to", function()
  start()

  it("take the place of a look-up, and nothing else of the host changes", function()
    local s = p:serve { connections = { { { "echo" } } } }
    local session <close> = open { resolve_to = "127.0.0.1" }
    local heard = listen(session)
    local request = new(session, at("no.such.test", s))
    assert.equal(("GET / HTTP/1.1\r\nHost: no.such.test:%d\r\n\r\n"):format(s.port),
      finish(request))
    assert.same({ "resolving_name no.such.test", "name_resolved 127.0.0.1",
      "connecting_to_server 127.0.0.1", "connected_to_server 127.0.0.1" }, heard)
    assert.equal("127.0.0.1", request:query_option("connection_info").remote_address)
    s:close()
  end)

  it("are tried in their order, as many as connect_retries says", function()
    -- The port of the first address is nobody's, whatever else listens there.
    local s = keep { host = "127.0.0.3", port = p:closed_port() }
    local list = "127.0.0.1, 127.0.0.2,127.0.0.3"
    local session <close> = open { resolve_to = list }
    local heard = listen(session)
    local request = new(session, at("many.test", s))
    assert.equal("hello", finish(request))
    assert.same({ "resolving_name many.test", "name_resolved 127.0.0.1",
      "connecting_to_server 127.0.0.1", "connecting_to_server 127.0.0.2",
      "connecting_to_server 127.0.0.3", "connected_to_server 127.0.0.3" }, heard)
    assert.equal("127.0.0.3", request:query_option("connection_info").remote_address)
    local other <close> = open { resolve_to = list, connect_retries = 2 }
    local _, message, code = fetch(other, at("many.test", s))
    assert.equal(12029, code)
    assert.equal("cannot connect (connection refused) while connecting to many.test:" .. s.port,
      message)
    s:close()
  end)

  it("may be of either family", function()
    -- The port of the other family is nobody's, whatever else listens there.
    local s = keep { v6 = true, port = p:closed_port() }
    local session <close> = open()
    assert.equal("hello", fetch(session, at("six.test", s), { resolve_to = "127.0.0.1,::1" }))
    local request <close> = new(session, at("six.test", s), { resolve_to = "[::1]" })
    assert.equal("hello", finish(request))
    assert.equal("::1", request:query_option("connection_info").remote_address)
    s:close()
  end)

  it("must be addresses", function()
    local session <close> = open()
    local request = session:connect("a"):open_request()
    local many = {}
    for i = 1, 100 do many[i] = "127.0.0." .. i end
    for _, handle in ipairs { session, request } do
      for _, text in ipairs { "localhost", "127.0.0", "127.0.0.1:80", "127.0.0.256", "::g",
        "127.0.0.1 127.0.0.2", ",", "127.0.0.1,x", "127.0.0.1\0", table.concat(many, ",") } do
        assert.equal(87, select(3, handle:set_option("resolve_to", text)), text)
      end
      assert(handle:set_option("resolve_to", "127.0.0.1"))
      assert.equal("127.0.0.1", handle:query_option("resolve_to"))
      assert(handle:set_option("resolve_to", ""))
      assert.equal("", handle:query_option("resolve_to"))
    end
  end)

  it("are not those of a redirect's other host", function()
    local t = keep { says = "elsewhere" }
    local s = p:script({ "recv_head" }, { "send", peer.response(302,
      { "Location: http://127.0.0.1:" .. t.port .. "/" }) }, { "recv_eof" })
    local session <close> = open()
    assert.equal("elsewhere", fetch(session, at("first.test", s), { resolve_to = "127.0.0.1" }))
    local back = p:script({ "recv_head" }, { "send", peer.response(302,
      { "Location: http://gone.test:1/" }) }, { "recv_eof" })
    local _, message, code = fetch(session, at("first.test", back), { resolve_to = "127.0.0.1" })
    assert.equal(12007, code)
    assert.matches("while resolving gone%.test$", message)
    for _, each in ipairs { s, t, back } do each:close() end
  end)

  it("lead to a server whose certificate must name the host", function()
    local made = certs.make()
    local good, wrong = keep { tls = made.good }, keep { tls = made.wrong }
    local session <close> = open { ca_file = made.ca, resolve_to = "127.0.0.1" }
    local server = { host = "wrong.example", port = good.port }
    local _, message, code = fetch(session, server)
    assert.equal(12175, code)
    assert.matches('^certificate is for "localhost" and others, not "wrong.example" while '
      .. "securing the connection to wrong%.example:%d+$", message)
    server.port = wrong.port
    assert.equal("hello", fetch(session, server))
    assert.same({ "wrong.example" }, good:sni())
    assert.same({ "wrong.example" }, wrong:sni())
    -- The address that is connected to is not what the certificate is for.
    server.host = "192.0.2.1"
    assert.equal("hello", fetch(session, server))
    good:close()
    wrong:close()
    made:remove()
  end)
end)

describe("The name of resolution_hostname", function()
  start()

  it("is looked up in place of the host's, and nothing else changes", function()
    local made = certs.make()
    local s = p:serve { connections = { { { "echo" } } } }
    local session <close> = open { ca_file = made.ca }
    local heard = listen(session)
    assert.matches("\r\nHost: no%.such%.test:%d+\r\n",
      fetch(session, at("no.such.test", s), { resolution_hostname = "localhost" }))
    assert.equal("resolving_name localhost", heard[1])
    local t = keep { tls = made.wrong }
    assert.equal("hello", fetch(session, { host = "wrong.example", port = t.port },
      { resolution_hostname = "localhost" }))
    assert.same({ "wrong.example" }, t:sni())
    assert.equal(12175, select(3, fetch(session, { host = "localhost", port = t.port },
      { resolution_hostname = "localhost" })))
    s:close()
    t:close()
    made:remove()
  end)

  it("must be one, and is a request's", function()
    local session <close> = open()
    local request = session:connect("a"):open_request()
    for _, text in ipairs { "a b", "a/b", "a:80", "a\0", "a@b", ("a"):rep(300) } do
      assert.equal(87, select(3, request:set_option("resolution_hostname", text)), text)
    end
    assert.equal(12018, select(3, session:set_option("resolution_hostname", "a")))
    assert(request:set_option("resolution_hostname", "b.test"))
    assert.equal("b.test", request:query_option("resolution_hostname"))
  end)

  it("comes after addresses, and those after a socket's path", function()
    local s = keep { path = folder .. "/order.sock", says = "socket" }
    local t = keep { says = "address" }
    local session <close> = open()
    local server = at("order.test", t)
    local options = { resolution_hostname = "no.such.test", resolve_to = "127.0.0.1",
      unix_socket = folder .. "/order.sock" }
    assert.equal("socket", fetch(session, server, options))
    options.unix_socket = nil
    assert.equal("address", fetch(session, server, options))
    options.resolve_to = nil
    assert.equal(12007, select(3, fetch(session, server, options)))
    s:close()
    t:close()
  end)
end)

describe("A pooled connection", function()
  start()

  it("serves requests that take its route, and no others", function()
    local path, second = folder .. "/a.sock", folder .. "/b.sock"
    local servers = { keep { path = path }, keep { path = second }, keep {} }
    local session <close> = open()
    local server = at("localhost", servers[3])
    local routes = { {}, { resolve_to = "127.0.0.1" }, { resolution_hostname = "localhost" },
      { unix_socket = path }, { unix_socket = second } }
    for _ = 1, 3 do
      for _, options in ipairs(routes) do
        assert.equal("hello", fetch(session, server, options))
      end
    end
    assert.equal(#routes, opened(session))
    assert.equal(2 * #routes, session:query_option("connections_reused"))
    assert.equal(3, servers[3]:accepted())
    for _, each in ipairs(servers) do each:close() end
  end)

  it("through a socket serves one host and port", function()
    local s = keep { path = folder .. "/hosts.sock" }
    local session <close> = open { unix_socket = folder .. "/hosts.sock" }
    for _ = 1, 2 do
      for _, host in ipairs { "a.test", "b.test" } do
        for port = 80, 81 do
          assert.equal("hello", fetch(session, at(host, { port = port })))
        end
      end
    end
    assert.equal(4, opened(session))
    s:close()
  end)

  it("ends with the response when expire_connection is set", function()
    local s = keep {}
    local session <close> = open()
    local request = new(session, s)
    assert.equal(12019, select(3, request:set_option("expire_connection", true)))
    assert(request:send())
    assert(request:set_option("expire_connection", true))
    assert(request:receive_response())
    assert.equal("hello", request:read("a"))
    assert.is_true(s:wait(1))
    assert.equal("hello", finish(request))
    assert(request:send())
    assert(request:receive_response())
    assert(request:set_option("expire_connection", true))
    assert.equal("hello", request:read("a"))
    assert.is_true(s:wait(2))
    assert.equal(2, opened(session))
    assert.equal(87, select(3, request:query_option("expire_connection")))
    assert.equal(12018, select(3, session:set_option("expire_connection", true)))
    s:close()
  end)
end)

describe("disable_feature", function()
  start()

  it("keep_alive announces that the connection ends, and ends it", function()
    local s = p:serve { connections = { { { "echo" } } } }
    local kept = keep {}
    local session <close> = open()
    for i = 1, 2 do
      assert.equal(("GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n")
        :format(s.port), fetch(session, s, { disable_feature = "keep_alive" }))
      assert.is_true(s:wait(i))
      -- Also when the server would have gone on.
      assert.equal("hello", fetch(session, kept, { disable_feature = "keep_alive" }))
      assert.is_true(kept:wait(i))
    end
    assert.equal(4, opened(session))
    s:close()
    kept:close()
  end)

  it("redirects hands every redirect to the caller", function()
    local s = p:script({ "loop", -1, { { "recv_head" },
      { "send", peer.response(302, { "Location: /next" }, "moved") } } })
    local session <close> = open()
    local request = new(session, s, { disable_feature = { "redirects" } })
    assert.equal("moved", finish(request))
    assert.equal(302, request:query_headers("status_code"))
    s:close()
  end)

  it("adds up, is a request's, and cannot be asked for", function()
    local s = p:script({ "recv_head" }, { "send", peer.response(302, { "Location: /" }, "moved") },
      { "recv_eof" })
    local session <close> = open()
    local request = new(session, s, { disable_feature = "redirects" })
    for _, value in ipairs { "keep_alive", { "cookies", "authentication" }, 0, 0xfffffff0 } do
      assert(request:set_option("disable_feature", value))
    end
    assert.equal("moved", finish(request))
    assert.matches("\r\nConnection: close\r\n", s:received()[1])
    assert.is_true(s:wait(1))
    assert.equal(87, select(3, request:set_option("disable_feature", 1 << 32)))
    assert.equal(87, select(3, request:query_option("disable_feature")))
    assert.equal(12018, select(3, session:set_option("disable_feature", "redirects")))
    s:close()
  end)
end)
