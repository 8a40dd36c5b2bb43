--- Fetches a page with an asynchronous session: every call returns at once, and
-- the status callback is told what came of it.
--
--   lua5.4 examples/callbacks.lua https://example.org/

local hinternet = require "hinternet"

local url = arg[1] or error("usage: callbacks.lua URL", 0)
local parts, message = hinternet.crack_url(url)
if not parts then error(message, 0) end

local session <close> = assert(hinternet.open { async = true })
local bytes = 0

-- Each completion starts the next operation.
local on = {}
function on.sendrequest_complete(request) assert(request:receive_response()) end

function on.headers_available(request)
  print("status", request:query_headers("status_code"))
  assert(request:read(65536))
end

function on.read_complete(request, data)
  if not data then
    print("bytes", bytes)
    return request:close()
  end
  bytes = bytes + #data
  assert(request:read(65536))
end

function on.request_error(request, info)
  print(info.operation .. " failed", info.message, info.code)
  request:close()
end

session:set_status_callback(function(handle, status, info)
  if on[status] then on[status](handle, info) end
end, { "all_completions" })

-- Nobody keeps the request: its running operation does.
assert(session:connect(parts.host, parts.port):open_request("GET", parts.path .. parts.extra,
  { secure = parts.scheme ~= "http" }):send())
while hinternet.poll() do end
