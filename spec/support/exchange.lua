--- Requests in one line, for specs about where they go and how.
--
--   local body, message, code = exchange.fetch(session, server, options)
--
-- A server is a table with `port`, perhaps `host` (127.0.0.1), `path` ("/") and
-- `url`: those of peer.lua do. TLS is used unless its url begins with "http:".
-- Options are set on the request.

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
function exchange.finish(request)
  local done, message, code = request:send()
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

--- The server as messages name it.
---@return string
function exchange.place(server)
  local host = server.host or "127.0.0.1"
  if host:find(":", 1, true) then host = "[" .. host .. "]" end
  return host .. ":" .. server.port
end

return exchange
