--- hinternet.http: a request in one call.
--
-- Plain Lua over the handles, and able to do nothing that they cannot. Loaded
-- when get, post, request, ... of the module or of a session are first used.
-- Calls without options are all here; those with options are in
-- hinternet.exchange, which is loaded with the first of them.

local core, import = ...
local client = import "client"
local waiting = import "dispatch".waiting
local response = import "response"
local url_module = import "url"

local error, next, setmetatable, type = error, next, setmetatable, type
local lower = url_module.lower

local open, new_target, targets = client.open, url_module.target, url_module.targets
local open_request, is_async = core.connection.open_request, core.is_async
local send, receive_response = core.request.send, core.request.receive_response
local read, response_of, response_meta = core.request.read, core.response, response.meta
local url_of = response.url_of

local http = { session = client.session }

-- A request without options, from its opening on. It is the most common one:
-- nothing is made for it but the request and the response.
local function fetch(request, target)
  local _ <close> = request
  local ok, message, code = send(request)
  if not ok then return nil, message, code end
  ok, message, code = receive_response(request)
  if not ok then return nil, message, code end
  local body
  body, message, code = read(request, "a")
  if message then return nil, message, code end
  local headers, hops, status = response_of(request)
  if not headers then return nil, hops, status end
  local url = target.url
  if hops > 0 then url = url_of(request, target.fragment) end
  return setmetatable({ status = status, headers = headers, url = url, body = body or "" },
    response_meta)
end

local function check_session(session)
  local async = is_async(session)
  if async == nil then
    error("bad self (hinternet.session expected, got " .. type(session)
      .. "): call it with a colon", 3)
  elseif async and not waiting() then
    error("call it inside spawn, or use a sync session", 3)
  end
end

-- Called in tail position: misuse is blamed on the caller's caller. No session
-- stands for the module's own.
local function perform(session, method, url, options)
  if session then check_session(session) end
  if options ~= nil then
    return import "exchange".perform(session, method, url, options)
  end
  local target, request, message, code
  target, message, code = new_target(url)
  if not target then return nil, message, code end
  request, message, code = open(session, method, target, target.path)
  if not request then return nil, message, code end
  return fetch(request, target)
end

-- -------------------------------------------------------------- entry points

local standard = {}
for _, name in next, { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE" } do
  standard[lower(name)] = name
end

-- RFC 9110 9.1: methods are in upper case, which is what "get" means.
local function method_of(method)
  if type(method) ~= "string" then
    error("bad argument #1 to 'request' (string expected, got "
      .. import "fault".kind_of(method) .. ")", 3)
  end
  return standard[lower(method)] or method
end

--- http.methods: the same as methods of a session.
http.methods = {}

function http.methods.request(session, method, url, options)
  return perform(session, method_of(method), url, options)
end

function http.request(method, url, options)
  return perform(nil, method_of(method), url, options)
end

function http.methods.download(session, url, file, options)
  check_session(session)
  return import "exchange".download(session, url, file, options)
end

function http.download(url, file, options)
  return import "exchange".download(nil, url, file, options)
end

function http.methods.all(session, list, options)
  return import "all".perform(session, list, options)
end

function http.all(list, options)
  return import "all".perform(nil, list, options)
end

for _, method in next, { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" } do
  local name = lower(method)
  http.methods[name] = function(session, url, options)
    return perform(session, method, url, options)
  end
  http[name] = function(url, options)
    local target = targets[url]
    local connection = options == nil and target and target.connection
    if connection then
      local request = open_request(connection, method, target.path, target.open_options)
      if request then return fetch(request, target) end
    end
    return perform(nil, method, url, options)
  end
end

return http
