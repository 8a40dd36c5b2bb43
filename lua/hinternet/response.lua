--- hinternet.response: what the one-call layer answers.

local core, import = ...

local error, rawget, rawset, setmetatable, tostring, type = error, rawget, rawset,
  setmetatable, tostring, type
local gsub, sub = string.gsub, string.sub
local tointeger = math.tointeger
local response_of, times_of, start_line = core.response, core.times, core.start_line

local PIECE = 65536 -- as of a request's
local INVALID_HANDLE = 6
local INVALID_PARAMETER = 87
local INSUFFICIENT_BUFFER = 122
local INCORRECT_HANDLE_STATE = 12019

local Response, lazy = {}, {}

--- When the parts of the exchange happened: seconds from its start.
function lazy:times()
  local request = rawget(self, "request")
  if request then return (request:query_option("request_times")) end
  local times = times_of(self.headers)
  rawset(self, "times", times)
  return times
end

function lazy:version() return (start_line(self.headers)) end

function lazy:reason()
  local _, reason = start_line(self.headers)
  return reason
end

function lazy:raw_headers() return tostring(self.headers) end

local function index(self, name)
  local method = Response[name]
  if method then return method end
  local compute = lazy[name]
  return compute and compute(self)
end

-- Closes what a streamed response holds. What reads answer from then on, unless
-- the body has come to its end.
local function finish(self, message, code)
  local request = rawget(self, "request")
  if not request then return true end -- closed while it was read
  rawset(self, "times", request:query_option("request_times") or times_of(self.headers))
  rawset(self, "request", nil)
  rawset(self, "failure", message and { message = message, code = code })
  return request:close()
end

-- The next piece of a body that is already here.
local function read_body(self, n)
  local body, from = self.body, rawget(self, "position") or 1
  local data = sub(body, from, from + (n or #body) - 1)
  rawset(self, "position", from + #data)
  if data == "" then return nil end
  return data
end

-- The next piece of a body that comes, as far as max_body lets it.
local function read_stream(self, request, n, mode)
  local left = rawget(self, "left")
  local most = left and n and n > left and left + 1 or n
  local data, message, code = request:read(most or "a", mode)
  if data and left then
    left = left - #data
    if left < 0 then
      data, code = nil, INSUFFICIENT_BUFFER
      message = "buffer limit reached: body larger than max_body"
    end
    rawset(self, "left", left)
  end
  if data then
    if not n then finish(self) end
    return data
  end
  -- Refused while another task reads: that read goes on.
  if code ~= INCORRECT_HANDLE_STATE then finish(self, message, code) end
  if message then return nil, message, code end
  return nil
end

--- Reads from the body as request:read does; the end closes the response, and a
-- failure too: it is answered from then on.
function Response:read(n, mode)
  local all = n == "a" or n == "*a"
  if n ~= nil and not all and not (type(n) == "number" and tointeger(n)) then
    error("bad argument #1 to 'read' (integer or \"a\" expected, got " .. type(n) .. ")", 2)
  elseif mode ~= nil and mode ~= "fill" then
    error("bad argument #2 to 'read' (\"fill\" expected)", 2)
  elseif not all and n and n < 1 then
    return nil, "invalid parameter: a read of " .. n .. " bytes: one is the least",
      INVALID_PARAMETER
  end
  if all then n = nil else n = n or PIECE end
  local request, failure = rawget(self, "request"), rawget(self, "failure")
  if request then return read_stream(self, request, n, mode) end
  if failure then return nil, failure.message, failure.code end
  return rawget(self, "body") and read_body(self, n) or nil
end

--- Iterates over the body in pieces of at most n bytes; raises on failure.
function Response:chunks(n)
  import "request".check_size("chunks", n)
  return function()
    local data, message = self:read(n or PIECE)
    if message then error(message, 2) end
    return data
  end
end

--- Iterates over the body's lines, without their ends; raises on failure.
function Response:lines(limit)
  local request = import "request"
  request.check_size("lines", limit)
  return request.lines_of(function() return self:read(PIECE) end, limit)
end

--- Closes what a streamed response holds, which cannot be read then.
function Response:close()
  return finish(self, "invalid handle (response is closed)", INVALID_HANDLE)
end

local function describe(self)
  local body = rawget(self, "body")
  local size = body and #body .. " bytes, " or rawget(self, "request") and "streamed, " or ""
  -- The reason is the peer's, and might forge a line of a log.
  local reason = gsub(self.reason, "[%c\x80-\xFF]", "?")
  local status = reason == "" and self.status or self.status .. " " .. reason
  return "response (" .. status .. ", " .. size .. self.url .. ")"
end

local response = {}

response.meta = {
  __index = index,
  __close = function(self) self:close() end,
  __tostring = describe,
  __name = "hinternet.response",
}

--- Where a request was led by redirects; the fragment of what was asked goes
-- along unless they brought another (RFC 9110 10.2.2).
function response.url_of(request, asked)
  local fragment = request:query_option("url_fragment")
  if fragment == "" then fragment = asked end
  return gsub(request:query_option("url"), "^[^/]*//[^/?#%%]*", import "url".lower) .. fragment
end

--- The response whose head a request has; the URL and the fragment that were
-- asked; the body, if it was read.
function response.new(request, url, fragment, body)
  local headers, hops, status = response_of(request)
  if not headers then return nil, hops, status end
  if hops > 0 then url = response.url_of(request, fragment) end
  return setmetatable({ status = status, headers = headers, url = url, body = body },
    response.meta)
end

return response
