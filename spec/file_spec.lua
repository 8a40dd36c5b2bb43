-- Files that options name: they are opened in one place, which never waits and
-- takes regular files only.

local lfs = require "lfs"
local hinternet = require "hinternet"
local certs = require "spec.support.certs"
local exchange = require "spec.support.exchange"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local made, p, server = certs.new(), peer.new(), nil

local function path(name) return made.folder .. "/" .. name end

local function start_servers()
  made:for_tests()
  p:for_tests()
  setup(function()
    server = p:serve { tls = { cert = made.good.cert, key = made.good.key },
      connections = { { { "keepalive", "hello" } } } }
    process.run("mkfifo " .. process.quote(path "fifo"))
  end)
end

local function secured(text)
  return text .. " while securing the connection to " .. exchange.place(server)
end

-- Name of an option, what is said of a file that cannot be used, and the code.
local named = {
  { "ca_file", "ca_file (or SSL_CERT_FILE) cannot be read", 12175 },
  { "crl_file", "crl_file cannot be read", 12175 },
  { "client_cert_context", "client_cert cannot be read", 12175 },
  { "client_key_file", "client_key cannot be read", 12175 },
  { "key_log_file", "key_log_file cannot be opened", 29 },
}

-- A session whose option names a file; the others are good.
local function open(option, file)
  local options = { ca_file = made.ca, [option] = file }
  if option == "client_key_file" then options.client_cert_context = made.good.cert end
  return assert(hinternet.open(options))
end

describe("A file that an option names", function()
  start_servers()

  local kinds = {
    { "a FIFO", function() return path "fifo" end, "not a regular file" },
    { "a FIFO behind a link", function()
      process.run("ln -sf fifo " .. process.quote(path "link"))
      return path "link"
    end, "not a regular file" },
    { "a device", function() return "/dev/full" end, "not a regular file" },
    { "a folder", function() return made.folder end, "is a directory" },
    { "not there", function() return path "none/file" end, "no such file or directory" },
  }
  for _, row in ipairs(named) do
    local option, text, code = table.unpack(row)
    for _, kind in ipairs(kinds) do
      it(("is not opened when it is %s: %s"):format(kind[1], option), function()
        local file = kind[2]()
        local session <close> = open(option, file)
        assert.same({ nil, secured(("%s: %s (%s)"):format(text, file, kind[3])), code },
          { exchange.fetch(session, server) })
        assert.equal(0, server:accepted())
      end)
    end
  end

  it("stays the one that was meant when the process goes to another folder", function()
    local here = lfs.currentdir()
    assert(lfs.chdir(made.folder))
    local session <close> = open("ca_file", "ca.pem")
    assert(lfs.chdir(here))
    assert.equal(made.ca, session:query_option("ca_file"))
    assert.equal("hello", exchange.fetch(session, server))
    assert(session:set_option("ca_file", ""))
    assert.equal("", session:query_option("ca_file"))
  end)

  it("is to blame by its true cause when descriptors run out", function()
    local script = path "starved.lua"
    local file <close> = assert(io.open(script, "w"))
    assert(file:write [[
      local hinternet = require "hinternet"
      local ca, port = ...
      local connection = hinternet.open { ca_file = ca }:connect("127.0.0.1", tonumber(port))
      local first, request = connection:open_request("GET", "/", { secure = true }),
        connection:open_request("GET", "/", { secure = true })
      first:set_option("crl_file", "/nowhere") -- what it needs is loaded, nothing is dialled
      first:send()
      request:set_option("security_flags", 0x100) -- an identity of its own
      local kept = {}
      repeat kept[#kept + 1] = io.open "/dev/null" or false until not kept[#kept]
      print((select(2, request:send())))]])
    file:close()
    local said = process.run(("ulimit -n 30; %s %s %s %d"):format(process.interpreter(),
      process.quote(script), process.quote(made.ca), server.port))
    assert.equal(secured("ca_file (or SSL_CERT_FILE) cannot be read: " .. made.ca
      .. " (too many open files)") .. "\n", said)
  end)
end)
