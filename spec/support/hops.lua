--- What the specs about redirects share.

local hinternet = require "hinternet"
local peer = require "spec.support.peer"

local hops = {}

--- The answer at the end of the way.
hops.ok = peer.response(200, {}, "end")

function hops.lines(...) return table.concat({ ... }, "\r\n") end

--- The head that a server at 127.0.0.1 is to get.
function hops.head(server, line, ...)
  return hops.lines(line .. " HTTP/1.1", "Host: 127.0.0.1:" .. server.port, ...)
end

--- What a connection of a server does that answers with these texts.
function hops.answers(...)
  local steps = {}
  for _, text in ipairs { ... } do
    table.move({ { "recv_head" }, { "recv_body" }, { "send", text } }, 1, 3, #steps + 1, steps)
  end
  return steps
end

--- A server of peer p that answers its requests with these texts, one after the
--- other, on one connection.
function hops.answering(p, ...)
  local steps = hops.answers(...)
  steps[#steps + 1] = { "recv_eof" }
  return p:script(table.unpack(steps))
end

--- A session that puts on the wire only what a spec is about.
function hops.open(options)
  options = options or {}
  options.decompression = options.decompression or 0
  options.user_agent = options.user_agent or ""
  return assert(hinternet.open(options))
end

--- Sends a request: status and body, or nil, message, code.
function hops.exchange(request, headers, body)
  local done, message, code = request:send(headers, body)
  if done then done, message, code = request:receive_response() end
  if not done then return nil, message, code end
  return request:query_headers("status_code"), request:read("a")
end

return hops
