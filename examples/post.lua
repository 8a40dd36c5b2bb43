--- Sends a file whose length need not be known: in chunks, as it is read.
--
--   lua5.4 examples/post.lua https://example.org/upload FILE

local hinternet = require "hinternet"

local url, path = arg[1], arg[2]
if not path then error("usage: post.lua URL FILE", 0) end

local parts = assert(hinternet.crack_url(url))
local target = (parts.path .. parts.extra):gsub("#.*", "")
local session <close> = assert(hinternet.open { user_agent = "post/1.0" })
local connection = assert(session:connect(parts.host, parts.port))
local request = assert(connection:open_request("POST", target, {
  secure = parts.scheme ~= "http",
}))
local file <close> = assert(io.open(path, "rb"))

-- The head goes out now, saying that chunks follow.
assert(request:send({ ["Content-Type"] = "application/octet-stream" }, nil, "chunked"))
assert(request:write("-- uploaded by post.lua\n"))

-- write() takes strings; write_from() copies a whole file, or n bytes of it.
local count = assert(request:write_from(file))

-- Waiting for the answer ends the body.
assert(request:receive_response())
print("sent", count)
print("status", request:query_headers("status_code"))
for line in request:lines() do print(line) end
