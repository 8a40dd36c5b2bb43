--- Requests in one line, for specs about where they go and how.
--
--   local body, message, code = exchange.fetch(session, server, options)
--
-- A server is a table with `port`, perhaps `host` (127.0.0.1), `path` ("/") and
-- `url`: those of peer.lua do. TLS is used unless its url begins with "http:".
-- Options are set on the request.

local hinternet = require "hinternet"

local exchange = {}

--- Sets options of a handle; raises when one is refused.
---@param handle table
---@param options? table<string, any>
---@return table handle
function exchange.set(handle, options)
  for name, value in pairs(options or {}) do
    assert(handle:set_option(name, value))
  end
  return handle
end

--- A session and a connection of it to a server.
---@param options? table of the session
---@return table session
---@return table connection
function exchange.connect(server, options)
  local session = assert(hinternet.open(options))
  return session, assert(session:connect(server.host or "127.0.0.1", server.port))
end

--- A request that is ready to be sent.
---@return table
function exchange.new(session, server, options)
  local connection = assert(session:connect(server.host or "127.0.0.1",
    server.port))
  local secure = not (server.url or ""):find("^http:")
  return exchange.set(assert(connection:open_request("GET",
    server.path or "/", { secure = secure })), options)
end

--- Sends a request and reads its response.
---@return string? body
---@return string? message
---@return integer? code
function exchange.finish(request, headers, body)
  local done, message, code = request:send(headers, body)
  if done then done, message, code = request:receive_response() end
  if not done then return nil, message, code end
  return request:read("a")
end

--- Both, with a request that is closed afterwards.
---@return string? body
---@return string? message
---@return integer? code
function exchange.fetch(session, server, options)
  local request <close> = exchange.new(session, server, options)
  return exchange.finish(request)
end

--- Both on a connection, with a request that is closed afterwards.
---@return string? body "" when there is none
---@return string? message
---@return integer? code
function exchange.ask(connection, method, headers, body)
  local request <close> = assert(connection:open_request(method))
  local answer, message, code = exchange.finish(request, headers, body)
  if not message then return answer or "" end
  return nil, message, code
end

--- Receives the response to what was sent; raises when it is not a good one.
---@return string? body
function exchange.receive(request)
  assert(request:receive_response())
  local status = request:query_headers("status_code")
  if status ~= 200 then error("status " .. tostring(status), 2) end
  return request:read("a")
end

--- The server as messages name it.
---@return string
function exchange.place(server)
  local host = server.host or "127.0.0.1"
  if host:find(":", 1, true) then host = "[" .. host .. "]" end
  return host .. ":" .. server.port
end

return exchange
