--- hinternet.response: what the one-call layer answers.

local core, import = ...

local error, rawget, rawset, setmetatable, sub, tostring = error, rawget, rawset,
  setmetatable, string.sub, tostring
local response_of, times_of, start_line = core.response, core.times, core.start_line

local PIECE = 65536 -- as of a request's
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

-- The next piece of a body that is already here.
local function read_body(self, n)
  local body, from = self.body, rawget(self, "position") or 1
  if n == "a" or n == "*a" then n = #body end
  local data = sub(body, from, from + (n or PIECE) - 1)
  rawset(self, "position", from + #data)
  if data == "" then return nil end
  return data
end

--- Reads from the body as request:read does; the end closes the response.
function Response:read(n, mode)
  local request = rawget(self, "request")
  if not request then
    if self.body then return read_body(self, n) end
    return nil
  end
  local data, message, code = request:read(n, mode)
  if data then
    if n == "a" or n == "*a" then self:close() end
    return data
  end
  -- Refused while another task reads: that read goes on.
  if code ~= INCORRECT_HANDLE_STATE then self:close() end
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
  local lines_of = import "request".lines_of
  return lines_of(function() return self:read(PIECE) end, limit)
end

--- Closes what a streamed response holds.
function Response:close()
  local request = rawget(self, "request")
  if not request then return true end
  rawset(self, "times", request:query_option("request_times") or times_of(self.headers))
  rawset(self, "request", nil)
  return request:close()
end

local response = {}

response.meta = {
  __index = index,
  __close = function(self) self:close() end,
  __name = "hinternet.response",
}

--- The response whose head a request has; its body, if it was read.
function response.new(request, url, body)
  local headers, hops, status = response_of(request)
  if not headers then return nil, hops, status end
  if hops > 0 then url = request:query_option("url") end
  return setmetatable({ status = status, headers = headers, url = url, body = body },
    response.meta)
end

return response
