-- The authorities of a session while they are parsed: nothing blocks for them,
-- and whoever waits for them can be given up like any other wait.

local hinternet = require "hinternet"
local certs = require "spec.support.certs"
local exchange = require "spec.support.exchange"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local wait = require "spec.support.wait"

local COPIES = 1000 -- of one certificate: a hundred slices or more

local made, p, secure, closed = certs.new(), peer.new(), nil, nil

local function write(name, text)
  local path = made.folder .. "/" .. name
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
  return path
end

local function bundle(name, copies, rest)
  local file <close> = assert(io.open(made.ca))
  return write(name, file:read("a"):rep(copies) .. (rest or ""))
end

local function start_servers()
  made:for_tests()
  p:for_tests()
  setup(function()
    secure = p:serve { tls = { cert = made.good.cert, key = made.good.key },
      connections = { { { "keepalive", "hello" } } } }
    closed = { port = p:closed_port() }
    closed.url = "http://127.0.0.1:" .. closed.port
  end)
end

local function place() return exchange.place(secure) end

-- An async session that trusts this file; heard[request] is how its send ended.
local function open(file, options)
  local heard = {}
  options = options or {}
  options.async, options.ca_file = true, file
  local session = assert(hinternet.open(options))
  session:set_status_callback(function(request, status, info)
    heard[request] = status == "request_error" and info.message or status
  end, { "sendrequest_complete", "request_error" })
  return session, heard
end

local function send(session, server, options)
  local request = exchange.new(session, server, options)
  assert.is_true(request:send())
  return request
end

describe("A bundle of authorities", function()
  start_servers()

  it("is parsed a little in each poll, while other things happen", function()
    local session <close>, heard = open(bundle("many.pem", COPIES))
    local request = send(session, secure)
    for _ = 1, 10 do hinternet.poll(0) end
    assert.is_nil(heard[request])
    local other = send(session, closed)
    wait.polling("the other answer", function() return heard[other] end)
    assert.equal("cannot connect (connection refused) while connecting to "
      .. exchange.place(closed), heard[other])
    assert.is_nil(heard[request])
    wait.polling("an answer", function() return heard[request] end)
    assert.equal("sendrequest_complete", heard[request])
  end)

  it("is read and parsed once for all requests of an identity", function()
    local file = bundle("once.pem", COPIES)
    local session <close>, heard = open(file)
    local first = send(session, secure)
    hinternet.poll(0)
    write("once.pem", "no certificate")
    local second = send(session, secure)
    wait.poll_out()
    assert.equal("sendrequest_complete", heard[first])
    assert.equal("sendrequest_complete", heard[second])
  end)

  it("is parsed to its end under the smallest budget", function()
    local session <close>, heard = open(bundle("few.pem", 50), { poll_budget = 1e-6 })
    local request = send(session, secure)
    wait.poll_out()
    assert.equal("sendrequest_complete", heard[request])
    assert(session:set_option("poll_budget", false))
  end)

  it("that is spoiled is the same fault for all, in every kind of session", function()
    local file = bundle("spoiled.pem", COPIES, "-----BEGIN CERTIFICATE-----\n!\n")
    local words = "ca_file (or SSL_CERT_FILE) holds no PEM certificate"
      .. " while securing the connection to " .. place()
    local session <close>, heard = open(file)
    local first, second = send(session, secure), send(session, secure)
    wait.poll_out()
    assert.equal(words, heard[first])
    assert.equal(words, heard[second])
    local sync <close> = assert(hinternet.open { ca_file = file })
    assert.same({ nil, words, 12175 }, { exchange.fetch(sync, secure) })
  end)

  it("is waited for by one task while another goes on", function()
    local session <close> = assert(hinternet.open { ca_file = bundle("task.pem", COPIES) })
    local log = {}
    local function fetch(url, times)
      for _ = 1, times do
        local response, _, code = session:get(url)
        table.insert(log, response and response.body or code)
      end
    end
    session:spawn(fetch, secure.url, 1)
    session:spawn(fetch, closed.url, 3)
    session:run()
    assert.same({ 12029, 12029, 12029, "hello" }, log)
  end)

  it("is waited for by a redirect that leads to https", function()
    local elsewhere = p:answer(peer.response(302, { "Location: " .. secure.url }))
    local session <close> = assert(hinternet.open { ca_file = bundle("hop.pem", COPIES) })
    assert.equal("hello", assert(session:get(elsewhere.url)).body)
  end)

  it("of more identities than are kept does not keep them from coming about", function()
    local session <close>, heard = open(made.ca)
    local requests = {}
    for i = 1, 20 do
      requests[i] = send(session, secure, { ca_file = bundle(i .. ".pem", 100) })
    end
    wait.poll_out()
    for i = 1, 20 do assert.equal("sendrequest_complete", heard[requests[i]]) end
  end)
end)

describe("A wait for authorities", function()
  start_servers()

  it("ends with its request, and another then begins anew", function()
    local session <close>, heard = open(bundle("close.pem", COPIES))
    local request = send(session, secure)
    hinternet.poll(0)
    assert(request:close())
    wait.poll_out()
    assert.equal("operation cancelled while securing the connection to " .. place(),
      heard[request])
    local another = send(session, secure)
    wait.poll_out()
    assert.equal("sendrequest_complete", heard[another])
  end)

  it("ends with its session", function()
    local session, heard = open(bundle("session.pem", COPIES))
    local request = send(session, secure)
    hinternet.poll(0)
    assert(session:close())
    wait.poll_out()
    assert.equal("operation cancelled while securing the connection to " .. place(),
      heard[request])
  end)

  it("ends with its task", function()
    local session <close> = assert(hinternet.open { ca_file = bundle("cancel.pem", COPIES) })
    local task = session:spawn(function() return session:get(secure.url) end)
    hinternet.poll(0)
    task:cancel()
    session:run()
    assert.equal("hello", assert(session:get(secure.url)).body)
  end)

  for option, words in pairs { total_timeout = "total timeout while ",
      connect_timeout = "timeout while " } do
    it("ends with " .. option, function()
      local session <close>, heard = open(bundle("late.pem", COPIES), { [option] = 0.002 })
      local request = send(session, secure)
      wait.poll_out()
      assert.equal(words .. "securing the connection to " .. place(), heard[request])
    end)
  end

  it("ends with the Lua state", function()
    local file = write("state.lua", ([[
      local hinternet = require "hinternet"
      local session = hinternet.open { async = true, ca_file = %q }
      local request = session:connect("127.0.0.1", 1):open_request("GET", "/", { secure = true })
      assert(request:send())
      hinternet.poll(0)
      print "waiting"
      os.exit(true, true)
    ]]):format(bundle("state.pem", COPIES)))
    assert.equal("waiting\n", process.run(process.interpreter() .. " " .. process.quote(file)))
  end)
end)
