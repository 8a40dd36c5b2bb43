--- hinternet.client: the session of the one-call layer, and one connection
-- handle for each origin.

local core, import = ...
local targets = import "url".targets

local next, setmetatable = next, setmetatable
local open_request, connect = core.connection.open_request, core.session.connect

local client = {}

local INVALID_HANDLE = 6
local MAX_ORIGINS = 64 -- connection handles remembered for a session

-- Session -> origin -> connection handle.
local connections = setmetatable({}, { __mode = "k" })

local default

--- The module's own session, opened on first use.
function client.session()
  if default and default:is_valid() then return default end
  local session, message, code = core.open()
  if not session then return nil, message, code end
  default = session
  return session
end

local function remember(session, target, connection)
  local cache = connections[session]
  local known = cache and cache.handles[target.origin]
  if not cache or not known and cache.count >= MAX_ORIGINS then
    cache = { count = 0, handles = {} }
    connections[session] = cache
  end
  if not known then cache.count = cache.count + 1 end
  cache.handles[target.origin] = connection
end

--- Forgets the connection handles of a session, which have what it told its
-- children when they were made. Requests that are out keep theirs.
function client.forget(session)
  connections[session] = nil
  if session ~= default then return end
  for _, target in next, core.values(targets) do target.connection = nil end
end

import "dispatch".forget = client.forget

--- Opens a request for a path of a target; session nil: the module's own.
function client.open(session, method, target, path)
  local own = not session
  local message, code
  if own then
    session, message, code = client.session()
    if not session then return nil, message, code end
  end
  local cache = connections[session]
  local connection = cache and cache.handles[target.origin]
  local request
  if connection then
    request, message, code = open_request(connection, method, path, target.open_options)
    if not request and code ~= INVALID_HANDLE then return nil, message, code end
  end
  if not request then
    connection, message, code = connect(session, target.host, target.port)
    if not connection then return nil, message, code end
    remember(session, target, connection)
    request, message, code = open_request(connection, method, path, target.open_options)
    if not request then return nil, message, code end
  end
  if own then target.connection = connection end
  return request
end

return client
