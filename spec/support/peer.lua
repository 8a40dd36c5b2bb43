--- The scripted peer: exact bytes, stalls, resets and lies, on loopback.
--
--   local peer = require "spec.support.peer"
--   local p = peer.start()                      -- one process for many servers
--   local p = peer.new():for_tests()            -- in a describe block
--   local s = p:serve { connections = { { {"recv_head"}, {"send", "..."} } } }
--   s.port, s.url                               -- http://127.0.0.1:port
--   s:received()                                -- bytes so far, per connection
--   s:close(); p:stop()
--
-- The n-th connection runs the n-th script, later ones the last. At the end of
-- a script the connection is closed cleanly. Steps:
--
--   {"recv_head"}                up to the empty line
--   {"recv_body" [, n]}          n bytes, or what the last head announced
--   {"recv_until", mark}         {"recv_eof"}
--   {"send", bytes}              {"send_repeat", bytes, count}
--   {"send_slowly", bytes, n, delay}   n bytes at a time
--   {"drip", bytes, delay}       one byte at a time
--   {"stall" [, seconds]}        without seconds: until the server is closed
--   {"wait"}                     until the spec says s:go()
--   {"loop", count, {steps}}     count -1: for ever
--   {"close"} {"reset"} {"shutdown_write"}
--   {"cut"}                      close without TLS close_notify
--   {"start_tls", {cert=, key=}} from here on
--   {"keepalive", body [, extra header lines]}   any number of GETs
--   {"echo"}                     answers with each request's own text

local socket = require "socket"
local bencode = require "spec.support.bencode"
local leaks = require "spec.support.leaks"
local process = require "spec.support.process"

local peer = {}
local Process = {}
local Server = {}
Process.__index = Process
Server.__index = Server

local function script_path()
  local here = debug.getinfo(1, "S").source:match("^@(.*)peer%.lua$")
  return here .. "peer.py"
end

--- A peer that is yet to be started.
---@return table
function peer.new() return setmetatable({}, Process) end

--- Starts a peer process. It ends with p:stop(), or with the caller's own.
---@return table
function peer.start() return peer.new():start() end

--- Starts the process of this peer.
---@return table self
function Process:start()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  local pipe = process.start(("%s -I -W ignore %s %d"):format(
    process.program("python3"), process.quote(script_path()), port))
  listener:settimeout(process.PATIENCE)
  local control, message = listener:accept()
  listener:close()
  if not control then
    pipe:close()
    error("the scripted peer did not start: " .. tostring(message))
  end
  control:setoption("tcp-nodelay", true)
  control:settimeout(2 * process.PATIENCE)
  self.control, self.pipe = control, pipe
  self.pid = self:ask { ["do"] = "pid" }
  return self
end

--- Lets the peer live for the tests of the describe block that calls this, and
--- watches them for leaks. Servers that a test opens end after it, at the latest.
---@return table self
function Process:for_tests()
  local busted = require "busted" -- its globals are a spec file's only
  busted.setup(function() self:start() end)
  busted.teardown(function() self:stop() end)
  leaks.watch()
  busted.before_each(function() self.opened = {} end)
  busted.after_each(function()
    for i = #self.opened, 1, -1 do self.opened[i]:close() end
    self.opened = nil
  end)
  return self
end

-- One question, one answer.
function Process:ask(message)
  local text = bencode.encode(message)
  assert(self.control:send(#text .. "\n" .. text))
  local size = assert(self.control:receive("*l"))
  local answer = bencode.decode(assert(self.control:receive(tonumber(size))))
  if answer.error then error("scripted peer: " .. answer.error, 3) end
  return answer.ok
end

--- Opens a listener that runs scripts.
---@param options table connections; tls = {cert=, key=, version=, alpn=,
---  client_ca=}: with the last a client has to show a certificate of it;
---  v6, host, port, rcvbuf, or path: of a Unix-domain socket, "@": abstract
---@return table
function Process:serve(options)
  local message = { ["do"] = "serve" }
  for k, v in pairs(options) do message[k] = v end
  if message.v6 == false then message.v6 = nil end
  local answer = self:ask(message)
  local host = options.host or (options.v6 and "::1" or "127.0.0.1")
  local server = setmetatable({
    process = self,
    id = answer.id,
    port = answer.port,
    host = host,
    url = ("%s://%s:%d"):format(options.tls and "https" or "http",
      host:find(":", 1, true) and "[" .. host .. "]" or host, answer.port),
  }, Server)
  if self.opened then table.insert(self.opened, server) end
  return server
end

--- Serves one script for all connections: p:script({"recv_head"}, ...).
---@return table
function Process:script(...)
  return self:serve { connections = { { ... } } }
end

--- Answers one request per connection with exact bytes, then closes.
---@param bytes string
---@return table
function Process:answer(bytes)
  return self:script({ "recv_head" }, { "send", bytes })
end

--- Answers any number of GETs with one body.
---@param body string
---@param fields? string extra header lines, each ended by CRLF
---@return table
function Process:keepalive(body, fields)
  return self:script({ "keepalive", body, fields or "" })
end

--- Answers any number of requests with their own text.
---@return table
function Process:echo() return self:script({ "echo" }) end

--- A port that refuses connections for as long as the peer lives.
---@return integer
function Process:closed_port() return self:ask { ["do"] = "closed_port" } end

--- A port where connects get no answer.
---@return integer
function Process:blackhole_port() return self:ask { ["do"] = "blackhole" } end

--- Ends the process and everything it serves.
function Process:stop()
  if not self.pid then return end
  local quit = bencode.encode { ["do"] = "quit" }
  self.control:send(#quit .. "\n" .. quit)
  self.control:close()
  if not process.wait_end(self.pid, 10) then process.kill(self.pid, "KILL") end
  self.pipe:close()
  self.pid = nil
end

local function ask(server, what, extra)
  local message = extra or {}
  message["do"], message.id = what, server.id
  return server.process:ask(message)
end

--- What each connection has sent, as far as its script has read.
---@return string[]
function Server:received() return ask(self, "received") end

--- How many connections were accepted.
---@return integer
function Server:accepted() return ask(self, "accepted") end

--- The name each connection asked for in its TLS hello; "" for none.
---@return string[]
function Server:sni() return ask(self, "sni") end

--- The address each connection came from; "" for a Unix-domain socket.
---@return string[]
function Server:clients() return ask(self, "clients") end

--- What ended each connection's script early; "" for nothing.
---@return string[]
function Server:errors() return ask(self, "errors") end

--- Waits until that many scripts have ended.
---@param count? integer 1 if left out
---@param seconds? number
---@return boolean
function Server:wait(count, seconds)
  local extra = { count = count or 1, seconds = seconds or process.PATIENCE }
  return ask(self, "wait_done", extra) ~= 0
end

--- Waits until that many connections were accepted.
---@param count? integer
---@param seconds? number
---@return boolean
function Server:wait_accepted(count, seconds)
  local extra = { count = count or 1, seconds = seconds or process.PATIENCE }
  return ask(self, "wait_accepted", extra) ~= 0
end

--- Lets one {"wait"} step go on.
function Server:go() ask(self, "go") end

--- Stops listening and ends every connection.
function Server:close()
  if self.closed then return end
  self.closed = true
  ask(self, "close")
end

--- The text of a response: status, header lines and body.
---@param status integer
---@param fields? string[] lines without CRLF; Content-Length is added if absent
---@param body? string
---@return string
function peer.response(status, fields, body)
  body = body or ""
  local lines = { ("HTTP/1.1 %d Status"):format(status) }
  local framed = false
  for _, line in ipairs(fields or {}) do
    local name = line:lower():match("^[^:]*")
    framed = framed or name == "content-length" or name == "transfer-encoding"
    lines[#lines + 1] = line
  end
  if not framed then lines[#lines + 1] = "Content-Length: " .. #body end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

return peer
