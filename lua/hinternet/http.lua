--- hinternet.http: a request in one call.
--
-- Plain Lua over the handles, and able to do nothing that they cannot. Loaded
-- when get, post, request, ... of the module or of a session are first used.

local core = require "hinternet.core"
local headers_of = require "hinternet.headers".new
local request_module = require "hinternet.request"

local assert, error, find, format = assert, error, string.find, string.format
local gsub = string.gsub
local byte, concat, match, sub = string.byte, table.concat, string.match, string.sub
local next, setmetatable, sort, tostring = next, setmetatable, table.sort, tostring
local type = type

-- The bare C functions: what they leave to do goes through finish.
local calls = core.calls.request
local send, receive_response, read = calls.send, calls.receive_response, calls.read
local response_line = core.response_line
local finish, lines_of = request_module.finish, request_module.lines_of
local RECEIVE_RESPONSE = core.ops.receive_response
local READ, SEND = core.ops.read, core.ops.send

local open_request, connect = core.connection.open_request, core.session.connect

local http = {}

local INVALID_HANDLE = 6
local INVALID_URL = 12005
local MAX_TARGETS = 256   -- parsed URLs remembered
local MAX_ORIGINS = 64    -- connection handles remembered for a session
local PIECE = 65536

-- ---------------------------------------------------------------- targets

local targets, target_count = {}, 0

-- The parts of a URL that a request needs; remembered, since scripts ask for
-- the same few again and again.
local function crack(url)
  local parts, message, code = core.crack_url(url)
  if not parts then return nil, message, code end
  if parts.user or parts.password then
    return nil, "invalid URL: credentials in a URL are not sent", INVALID_URL
  end
  local extra = parts.extra
  local hash = find(extra, "#", 1, true)
  if hash then extra = sub(extra, 1, hash - 1) end
  local path = parts.path
  hash = find(path, "#", 1, true)
  if hash then path, extra = sub(path, 1, hash - 1), "" end
  hash = find(url, "#", 1, true)
  if path == "" then path = "/" end
  return {
    url = hash and sub(url, 1, hash - 1) or url,
    scheme = parts.scheme,
    host = parts.host,
    port = parts.port,
    origin = parts.scheme .. "://" .. parts.host:lower() .. ":" .. parts.port,
    target = path .. extra,
    has_query = extra ~= "",
    open_options = parts.scheme == "https" and { secure = true } or nil,
  }
end

local function new_target(url)
  if type(url) ~= "string" then
    error("bad argument 'url' (string expected, got " .. type(url) .. ")", 3)
  end
  local target, message, code = crack(url)
  if not target then return nil, message, code end
  if target_count >= MAX_TARGETS then targets, target_count = {}, 0 end
  targets[url], target_count = target, target_count + 1
  return target
end

-- ------------------------------------------------------------------- query

-- RFC 3986 2.3: what need not be encoded anywhere.
local function encode(value)
  return (gsub(tostring(value), "[^%w%-._~]", function(c)
    return format("%%%02X", byte(c))
  end))
end

local function add_pair(out, name, value)
  if type(value) == "table" then
    for i = 1, #value do add_pair(out, name, value[i]) end
  elseif value == true then
    out[#out + 1] = encode(name)
  elseif value ~= false then
    out[#out + 1] = encode(name) .. "=" .. encode(value)
  end
end

-- A list of pairs keeps its order; the names of a map are sorted, so that the
-- same map always makes the same URL.
local function query_text(query)
  local out, names = {}, {}
  if query[1] ~= nil then
    for i = 1, #query do add_pair(out, query[i][1], query[i][2]) end
    return concat(out, "&")
  end
  for name in next, query do names[#names + 1] = name end
  sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for i = 1, #names do add_pair(out, names[i], query[names[i]]) end
  return concat(out, "&")
end

-- The target and the URL with the query of the options appended.
local function with_query(target, query)
  local text = type(query) == "string" and query or query_text(query)
  if text == "" then return target.target, target.url end
  local joint = target.has_query and "&" or "?"
  local url = target.url
  if not target.has_query and match(url, "^%a+://[^/]*$") then url = url .. "/" end
  return target.target .. joint .. text, url .. joint .. text
end

-- ----------------------------------------------------------------- options

local option_checks = {
  headers = { table = true, string = true },
  query = { table = true, string = true },
  body = { string = true },
  timeout = { number = true, boolean = true },
  stream = { boolean = true },
}

local function check_options(options)
  if type(options) ~= "table" then
    error("bad argument 'options' (table expected, got " .. type(options) .. ")", 3)
  end
  for name, value in next, options do
    local allowed = option_checks[name]
    if not allowed then
      error("unknown option '" .. tostring(name) .. "'", 3)
    elseif not allowed[type(value)] then
      error("bad option '" .. name .. "' (a " .. type(value) .. ")", 3)
    end
  end
end

-- ---------------------------------------------------------------- responses

local Response = {}

-- What a response knows only when asked.
local function lazy(self, name)
  local method = Response[name]
  if method then return method end
  if name == "headers" then
    local headers = headers_of(self.raw_headers)
    self.headers = headers
    return headers
  end
end

-- The next piece of a body that is already here.
local function read_body(self, n)
  local body, from = self.body, self.position or 1
  if n == "a" or n == "*a" then n = #body end
  local data = sub(body, from, from + (n or PIECE) - 1)
  self.position = from + #data
  if data == "" then return nil end
  return data
end

--- Reads from the body as request:read does; the end closes the response.
function Response:read(n, mode)
  local request = self.request
  if not request then
    if self.body then return read_body(self, n) end
    return nil
  end
  local data, message, code = request:read(n, mode)
  if data then
    if n == "a" or n == "*a" then self:close() end
    return data
  end
  self:close()
  if message then return nil, message, code end
  return nil
end

--- Iterates over the body in pieces of at most n bytes; raises on failure.
function Response:chunks(n)
  return function()
    local data, message = self:read(n or PIECE)
    if message then error(message, 2) end
    return data
  end
end

--- Iterates over the body's lines, without their ends; raises on failure.
function Response:lines(limit)
  return lines_of(function() return self:read(PIECE) end, limit)
end

--- Closes what a streamed response holds.
function Response:close()
  local request = self.request
  self.request = nil
  if request then return request:close() end
  return true
end

local response_meta = {
  __index = lazy,
  __close = function(self) self:close() end,
  __name = "hinternet.response",
}

local function new_response(request, url)
  local status, reason, version, raw = response_line(request)
  if not status then return nil, reason, version end
  return setmetatable({
    status = status,
    reason = reason,
    version = version,
    raw_headers = raw,
    url = url,
    body = nil,
    request = nil,
  }, response_meta)
end

-- ----------------------------------------------------------------- exchanges

-- Session -> origin -> connection handle.
local connections = setmetatable({}, { __mode = "k" })

-- The module's own session.
local default

local function open_default()
  local session, message, code = core.open("hinternet/" .. core.version)
  if not session then return nil, message, code end
  default = session
  return session
end

local function new_connection(session, target)
  local _, _, async = core.ids(session)
  -- Between here and the caller of get stand open and exchange.
  if async and session:is_valid() then
    error("call it inside spawn, or use a sync session", 4)
  end
  if session == default and not session:is_valid() then session = open_default() end
  local connection, message, code = connect(session, target.host, target.port)
  if not connection then return nil, message, code end
  local cache = connections[session]
  if not cache or cache.count >= MAX_ORIGINS then
    cache = { count = 0 }
    connections[session] = cache
  end
  if not cache[target.origin] then cache.count = cache.count + 1 end
  cache[target.origin] = connection
  return connection
end

local function open(session, method, target, path)
  local cache = connections[session]
  local connection = cache and cache[target.origin]
  if connection then
    local request, message, code =
      open_request(connection, method, path, target.open_options)
    if request then return request end
    if code ~= INVALID_HANDLE then return nil, message, code end
  end
  local message, code
  connection, message, code = new_connection(session, target)
  if not connection then return nil, message, code end
  return open_request(connection, method, path, target.open_options)
end

local function set_timeout(request, timeout)
  return request:set_timeouts {
    resolve = timeout, connect = timeout, send = timeout,
    receive = timeout, response = timeout,
  }
end

-- Sends and waits for the head.
local function start(request, options)
  local headers, body, ok, message, code
  if options then
    headers, body = options.headers, options.body
    if options.timeout then
      ok, message, code = set_timeout(request, options.timeout)
      if not ok then return nil, message, code end
    end
  end
  ok, message, code = send(request, headers, body)
  if not ok then
    ok, message, code = finish(request, SEND, ok, message, code)
    if not ok then return nil, message, code end
  end
  ok, message, code = receive_response(request)
  if ok then return true end
  return finish(request, RECEIVE_RESPONSE, ok, message, code)
end

local function exchange(session, method, target, path, url, options)
  local request <close>, message, code = open(session, method, target, path)
  if not request then return nil, message, code end
  local ok
  ok, message, code = start(request, options)
  if not ok then return nil, message, code end
  local response
  response, message, code = new_response(request, url)
  if not response then return nil, message, code end
  local body
  body, message, code = read(request, "a")
  if not body then
    body, message, code = finish(request, READ, body, message, code)
    if message then return nil, message, code end
  end
  response.body = body or ""
  return response
end

local function stream(session, method, target, path, url, options)
  local request, message, code = open(session, method, target, path)
  if not request then return nil, message, code end
  local response, ok
  ok, message, code = start(request, options)
  if ok then response, message, code = new_response(request, url) end
  if not response then
    request:close()
    return nil, message, code
  end
  response.request = request
  return response
end

-- Called in tail position: misuse is blamed on the caller's caller.
local function perform(session, method, url, options)
  if options ~= nil then check_options(options) end
  local target = targets[url]
  if not target then
    local message, code
    target, message, code = new_target(url)
    if not target then return nil, message, code end
  end
  local path = target.target
  url = target.url
  if options then
    if options.query then path, url = with_query(target, options.query) end
    if options.stream then
      return stream(session, method, target, path, url, options)
    end
  end
  return exchange(session, method, target, path, url, options)
end

-- -------------------------------------------------------------- entry points

--- The module's own session, opened on first use.
function http.session()
  if default and default:is_valid() then return default end
  return open_default()
end

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
  return perform(default or assert(open_default()), method, url, options)
end

for _, method in next, { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" } do
  local name = method:lower()
  http.methods[name] = function(session, url, options)
    return perform(session, method, url, options)
  end
  http[name] = function(url, options)
    return perform(default or assert(open_default()), method, url, options)
  end
end

return http
