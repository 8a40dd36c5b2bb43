--- Shows what happens on the way to a page: one line for each notification.
--
--   lua5.4 examples/notifications.lua https://example.org/

local hinternet = require "hinternet"

local url = arg[1] or error("usage: notifications.lua URL", 0)
local parts = assert(hinternet.crack_url(url))
local path = (parts.path .. parts.extra):gsub("#.*", "")

local session <close> = assert(hinternet.open { user_agent = "notifications/1.0" })

-- Handles made from the session from here on tell the same function. The list
-- says which notifications are wanted; without one it is all of them.
session:set_status_callback(function(handle, status, info)
  print(("%-10s %-22s %s"):format(hinternet.type(handle), status, info or ""))
end, { "resolve_name", "connect_to_server", "send_request", "receive_response",
       "secure_failure", "close_connection" })

local connection = assert(session:connect(parts.host, parts.port))

-- The second request finds the connection of the first still open.
for round = 1, 2 do
  local request <close> = assert(connection:open_request("GET", path, {
    secure = parts.scheme ~= "http",
  }))
  assert(request:send())
  assert(request:receive_response())
  local body, message = request:read("a")
  if message then error(message, 0) end
  print("round " .. round, #(body or "") .. " bytes")
end
