--- hinternet.exchange: a call of the one-call layer that has options.

local core, import = ...
local body = import "body"
local client = import "client"
local options = import "options"
local response = import "response"
local url = import "url"

local error, setmetatable, type = error, setmetatable, type
local io_type = io and io.type or type -- a host may have no io

local exchange = {}

local INSUFFICIENT_BUFFER = 122
local TIMEOUT = 12002
local OPERATION_CANCELLED = 12017
local RESEND_REQUEST = 12032

local REDIRECT = core.statuses().redirect
local PIECE = 32768        -- bytes of a body between two calls of progress
local TOLD = 16 * PIECE    -- and of a body that goes to a file

-- Closes a request when its scope is left, unless it was taken out.
local guard_meta = {
  __close = function(guard)
    if guard.request then guard.request:close() end
  end,
}

-- ----------------------------------------------------------------- history

local function note(request, history)
  history[#history + 1] = {
    status = request:query_headers("status_code"),
    url = request:query_option("url"),
  }
end

-- Notes each redirect; whoever listened before goes on hearing everything.
local function listen(request, history)
  local callback, mask = core.callback(request)
  local bits = callback and core.statuses()
  core.set_callback(request, function(handle, status, info)
    if status == "redirect" then note(handle, history) end
    if callback and mask & bits[status] ~= 0 then return callback(handle, status, info) end
  end, (mask or 0) | REDIRECT)
end

-- ------------------------------------------------------------ sending again

-- A redirect wants the body again, which only this layer has; the request goes
-- on where the redirect leads, for the time that is left.
local function send_again(x, request)
  local timeout = x.options.timeout
  if x.history then note(request, x.history) end
  if timeout then
    x.spent = x.spent + (request:query_option("request_times").response_head_end or 0)
    if timeout <= x.spent then return nil, "timeout: total timeout", TIMEOUT end
    local ok, message, code = request:set_option("total_timeout", timeout - x.spent)
    if not ok then return nil, message, code end
  end
  local ok, message, code = body.send(request, nil, x.plan)
  if not ok then return nil, message, code end
  return request:receive_response()
end

-- ---------------------------------------------------------------- one request

local function start(x, request)
  local ok, message, code = options.apply(request, x.options, x.target.open_options ~= nil)
  if not ok then return nil, message, code end
  if x.history then listen(request, x.history) end
  ok, message, code = body.send(request, x.headers, x.plan)
  if not ok then return nil, message, code end
  return request:receive_response()
end

-- A request up to the head of its response. It is the caller's to close.
local function run(x)
  local guard <close> = setmetatable({}, guard_meta)
  local request, message, code = client.open(x.session, x.method, x.target, x.path)
  if not request then return nil, message, code end
  guard.request = request
  local ok
  ok, message, code = start(x, request)
  while not ok and code == RESEND_REQUEST do
    if not body.rewind(x.plan) then
      return nil, message .. ": the body can be read only once", code
    end
    ok, message, code = send_again(x, request)
  end
  if not ok then return nil, message, code end
  guard.request = nil
  return request
end

-- What is known of a call before its first request. Errors blame the caller of
-- the function that calls this one's caller.
local function new_exchange(session, method, target, given)
  local path, whole = target.path, target.url
  if given.query then path, whole = url.with_query(target, given.query) end
  return {
    session = session,
    method = method,
    target = target,
    path = path,
    url = whole,
    options = given,
    headers = given.headers,
    plan = body.plan(given),
    history = given.history and {} or nil,
    spent = 0, -- seconds that were gone when its body was sent again
  }
end

local function answer(x, request, data)
  local r, message, code = response.new(request, x.url, x.target.fragment, data)
  if not r then return nil, message, code end
  r.history = x.history
  return r
end

local function stream(x)
  local request, message, code = run(x)
  if not request then return nil, message, code end
  local r
  r, message, code = answer(x, request)
  if not r then
    request:close()
    return nil, message, code
  end
  r.request = request
  r.left = x.options.max_body
  return r
end

-- Bytes of the body as they are handed out; nil when that is not known.
local function length_of(request, given)
  if given.decompression ~= false and request:query_headers("content_encoding") then return nil end
  return (request:query_headers("content_length"))
end

-- Tells how far the body has come; whether to go on.
local function tell(x, bytes, total)
  if x.options.progress(bytes, total) ~= false then return true end
  return nil, "operation cancelled: by its progress function", OPERATION_CANCELLED
end

-- The rest of a body, piece by piece.
local function read_told(x, request)
  local total = length_of(request, x.options)
  local most = request:query_option("max_response_body")
  local parts, bytes = {}, 0
  while true do
    local data, message, code = request:read(PIECE)
    if message then return nil, message, code end
    if not data then return table.concat(parts) end
    parts[#parts + 1], bytes = data, bytes + #data
    if bytes > most then
      return nil, "buffer limit reached: body larger than max_body", INSUFFICIENT_BUFFER
    end
    local ok
    ok, message, code = tell(x, bytes, total)
    if not ok then return nil, message, code end
  end
end

local function whole(x)
  local request <close>, message, code = run(x)
  if not request then return nil, message, code end
  local data
  if x.options.progress then
    data, message, code = read_told(x, request)
  else
    data, message, code = request:read("a")
  end
  if not data and message then return nil, message, code end
  return answer(x, request, data or "")
end

--- A call with options, called in tail position: misuse blames its caller.
function exchange.perform(session, method, text, given)
  if type(text) ~= "string" then url.target(text) end -- raises
  options.check(given)
  local target, message, code = url.target(text)
  if not target then return nil, message, code end
  local x = new_exchange(session, method, target, given)
  if given.stream then return stream(x) end
  return whole(x)
end

-- ------------------------------------------------------------------- download

-- As read_to, which tells nobody how far it is.
local function copy_told(x, request, file, max_body)
  local total, bytes = length_of(request, x.options), 0
  while not max_body or bytes < max_body do
    local size = max_body and max_body - bytes < TOLD and max_body - bytes or TOLD
    local more, message, code = request:read_to(file, size)
    if not more then return nil, message, code end
    if more == 0 then break end
    bytes = bytes + more
    local ok
    ok, message, code = tell(x, bytes, total)
    if not ok then return nil, message, code end
  end
  return bytes
end

local function copy(x, request, file)
  local max_body = x.options.max_body
  local bytes, message, code
  if x.options.progress then
    bytes, message, code = copy_told(x, request, file, max_body)
  else
    bytes, message, code = request:read_to(file, max_body)
  end
  if not bytes then return nil, message, code end
  if max_body and bytes == max_body then
    local more
    more, message, code = request:read(1)
    if more then
      return nil, "buffer limit reached: body larger than max_body", INSUFFICIENT_BUFFER
    elseif message then
      return nil, message, code
    end
  end
  return bytes
end

local function save(x, file)
  local request <close>, message, code = run(x)
  if not request then return nil, message, code end
  local r, bytes
  r, message, code = answer(x, request)
  if not r then return nil, message, code end
  if r.status < 200 or r.status > 299 then
    r.body = request:read("a") or ""
    return nil, import "fault".of_answer(r.status, r.reason), r.status, r
  end
  bytes, message, code = copy(x, request, file)
  if not bytes then return nil, message, code end
  r.times = request:query_option("request_times")
  return bytes, r
end

-- The file of that name is the whole body afterwards, or what it was before.
-- Where none can be made, nobody is asked for its content.
local function save_as(x, path)
  local file <close>, message, code = core.new_file(path)
  if not file then return nil, message, code end
  local bytes, r, status, failed = save(x, file)
  if failed then return nil, r, status, failed end
  if not bytes then return nil, r, status end
  local ok
  ok, message, code = file:keep()
  if not ok then return nil, message, code end
  return bytes, r
end

local function check_file(file)
  if type(file) ~= "string" and io_type(file) ~= "file" and math.type(file) ~= "integer" then
    error("bad file (name, open file or descriptor expected, got "
      .. (io_type(file) or type(file)) .. ")", 3)
  end
end

--- GET into a file; called in tail position.
function exchange.download(session, text, file, given)
  if given == nil then given = {} end
  if type(text) ~= "string" then url.target(text) end -- raises
  check_file(file)
  options.check(given)
  if given.stream then error("option 'stream' means nothing to download", 2) end
  local target, message, code = url.target(text)
  if not target then return nil, message, code end
  local saver = type(file) == "string" and save_as or save
  return saver(new_exchange(session, "GET", target, given), file)
end

return exchange
