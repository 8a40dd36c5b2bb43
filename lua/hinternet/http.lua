--- hinternet.http: a request in one call.
--
-- Plain Lua over the handles, and able to do nothing that they cannot. Loaded
-- when get, post, request, ... of the module or of a session are first used.
-- Calls without options are all here; those with options are in
-- hinternet.exchange, which is loaded with the first of them.

local core = require "hinternet.core"
local client = require "hinternet.client"
local new_response = require "hinternet.response".new
local url_module = require "hinternet.url"

local error, next, require, type = error, next, require, type

local open, new_target, targets = client.open, url_module.target, url_module.targets
local open_request, is_async = core.connection.open_request, core.is_async
local send, receive_response = core.request.send, core.request.receive_response
local read = core.request.read

local http = { session = client.session }

-- A call without options. It is the most common one: nothing is made for it but
-- the request and the response.
local function fetch(session, method, target)
  local message, code, ok, body
  local request
  local connection = not session and target.connection
  if connection then
    request = open_request(connection, method, target.path, target.open_options)
  end
  if not request then
    request, message, code = open(session, method, target, target.path)
    if not request then return nil, message, code end
  end
  local _ <close> = request
  ok, message, code = send(request)
  if not ok then return nil, message, code end
  ok, message, code = receive_response(request)
  if not ok then return nil, message, code end
  body, message, code = read(request, "a")
  if message then return nil, message, code end
  return new_response(request, target.url, body or "")
end

local function check_session(session)
  local async = is_async(session)
  if async == nil then
    error("bad self (hinternet.session expected, got " .. type(session) .. ")", 3)
  elseif async then
    error("call it inside spawn, or use a sync session", 3)
  end
end

-- Called in tail position: misuse is blamed on the caller's caller. No session
-- stands for the module's own.
local function perform(session, method, url, options)
  if session then check_session(session) end
  if options ~= nil then
    return require "hinternet.exchange".perform(session, method, url, options)
  end
  local target = targets[url]
  if not target then
    local message, code
    target, message, code = new_target(url)
    if not target then return nil, message, code end
  end
  return fetch(session, method, target)
end

-- -------------------------------------------------------------- entry points

local function check_method(method)
  if type(method) ~= "string" then
    error("bad argument #1 to 'request' (string expected, got " .. type(method) .. ")", 3)
  end
end

--- http.methods: the same as methods of a session.
http.methods = {}

function http.methods.request(session, method, url, options)
  check_method(method)
  return perform(session, method, url, options)
end

function http.request(method, url, options)
  check_method(method)
  return perform(nil, method, url, options)
end

function http.methods.download(session, url, file, options)
  check_session(session)
  return require "hinternet.exchange".download(session, url, file, options)
end

function http.download(url, file, options)
  return require "hinternet.exchange".download(nil, url, file, options)
end

for _, method in next, { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" } do
  local name = method:lower()
  http.methods[name] = function(session, url, options)
    return perform(session, method, url, options)
  end
  http[name] = function(url, options)
    return perform(nil, method, url, options)
  end
end

return http
