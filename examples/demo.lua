--- A walk through hinternet, run by `make demo`.
--
--   lua5.4 examples/demo.lua         against a small server on this machine
--   lua5.4 examples/demo.lua URL     fetches that URL
--
-- Every line the walk shows after ">" is the very text that runs.

local hinternet = require "hinternet"

local WIDTH = 98

-- ---------------------------------------------------------------- printing

-- What a server sends may hold control characters, and a terminal obeys them.
local function printable(text)
  if not utf8.len(text) then text = text:gsub("[\x80-\xff]", ".") end
  return (text:gsub("[%c\x7f]", "."))
end

local function cut(text, width)
  if (utf8.len(text) or #text) <= width then return text end
  return text:sub(1, (utf8.offset(text, width - 2) or width - 2) - 1) .. "..."
end

-- Words in lines of at most WIDTH columns.
local function wrap(text, first, rest)
  local line, empty = first, true
  for word in text:gmatch("%S+") do
    if not empty and #line + 1 + #word > WIDTH then
      print(line)
      line, empty = rest, true
    end
    line = line .. (empty and "" or " ") .. word
    empty = false
  end
  print(line)
end

local function say(text)
  print()
  wrap(text, "", "")
end

local function chapter(title)
  print("\n\n" .. title .. "\n" .. ("-"):rep(#title))
end

local function quote_block(text)
  for line in (text:gsub("\r", "") .. "\n"):gmatch("(.-)\n") do
    print((("    | " .. cut(printable(line), WIDTH - 6)):gsub("%s+$", "")))
  end
end

local units = { request_sent = " bytes", response_received = " bytes" }

local function info_text(status, info)
  if info == nil then return "" end
  if hinternet.type(info) then return tostring(info) end
  if status == "secure_failure" then return ("0x%X"):format(info) end
  return printable(tostring(info)) .. (units[status] or "")
end

-- A status callback that shows what it is told.
local function show(_, status, info)
  local text = ("    ~ %-20s %s"):format(status, info_text(status, info))
  print((cut(text, WIDTH):gsub("%s+$", "")))
end

-- ------------------------------------------------------------------- steps

-- What the lines of the walk see.
local env = setmetatable({ hinternet = hinternet, show = show }, { __index = _G })

local function value_text(value)
  if type(value) ~= "string" then return tostring(value) end
  return '"' .. printable(value) .. '"'
end

local function show_results(results)
  local texts = {}
  if results.n == 1 and type(results[1]) == "string" and results[1]:find("\n") then
    return quote_block((results[1]:gsub("%s+$", "")))
  end
  for i = 1, results.n do texts[i] = value_text(results[i]) end
  if results.n > 0 then wrap(table.concat(texts, ", "), "    = ", "      ") end
end

-- Shows a piece of Lua, runs it and shows what it answers.
local function step(code)
  local name, value = code:match("^([%a_][%w_]*) = (.*)$")
  print("\n  > " .. code:gsub("\n", "\n    "))
  local chunk = load("return " .. (value or code), "=demo", "t", env)
    or assert(load(code, "=demo", "t", env))
  local results = table.pack(chunk())
  if name then env[name] = results[1] end
  show_results(results)
end

-- ---------------------------------------------------------------- chapters

local function first_request(port)
  chapter("1. A session, a connection, a request")
  say [[A session holds what requests share: timeouts, trusted certificates, connections kept
    open. It can tell a function what happens; here that function prints each notification.]]
  step 'session = hinternet.open { user_agent = "demo/1.0" }'
  step "session:set_status_callback(show)"
  say "A connection remembers host and port, a request what to ask. Neither uses the network."
  step(('connection = session:connect("127.0.0.1", %d)'):format(port))
  step 'request = connection:open_request("GET", "/hello")'
  step 'request:add_headers { Accept = "text/plain" }'
  say "send() finds the server and sends the head; receive_response() waits for the answer's."
  step "request:send()"
  step "request:receive_response()"
  step 'request:query_headers("status_code"), request:query_headers("content_type")'
  step 'request:query_headers("raw_headers_crlf")'
  say "The body is read as it is needed. Its end is a single nil."
  step "request:read(6)"
  step 'request:read("a")'
  step 'request:read("a")'
  step "request:close()"
  say "The second request finds the connection still open: nothing is resolved or connected."
  step 'request = connection:open_request("GET", "/again")'
  step "request:send()"
  step 'request:receive_response() and request:read("a")'
  step 'session:query_option("connections_opened"), session:query_option("connections_reused")'
end

local function stale_child()
  chapter("2. Closing a parent closes everything under it")
  say [[The request and the connection above are still open. Closing the session ends both, and
    whoever listens is told, children first.]]
  step "session:close()"
  say "What is left in the variables are stale handles. They answer an error, always the same."
  step "request:read(1)"
  step 'connection:open_request("GET", "/")'
  step "hinternet.type(request), request:is_valid()"
end

local function secure(port, ca_file)
  chapter("3. https, and whom to trust")
  say [[This server's certificate comes from an authority nobody knows. hinternet always checks
    the chain and the host name, and sends nothing to a server that fails.]]
  step "session = hinternet.open()"
  step "session:set_status_callback(show)"
  step(('connection = session:connect("localhost", %d)'):format(port))
  step 'request = connection:open_request("GET", "/secret", { secure = true })'
  step "request:send()"
  say "Trusting that authority makes the same request succeed."
  env.ca_file = ca_file
  step 'session:set_option("ca_file", ca_file)'
  step "request:send()"
  step 'request:receive_response() and request:read("a")'
  step "session:close()"
end

-- The most memory this process has had, in MiB.
local function peak_memory()
  local file = io.open("/proc/self/status")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return tonumber(text:match("VmHWM:%s*(%d+)")) // 102.4 / 10
end

local function large_body(port, now)
  chapter("4. A large body in little memory")
  say "64 MiB come from the server and are read 256 KiB at a time."
  step "session = hinternet.open()"
  step(('request = session:connect("127.0.0.1", %d):open_request("GET", "/large")'):format(port))
  step "request:send() and request:receive_response()"
  local before, began = peak_memory(), now()
  env.total = 0
  step [[
for piece in function() return request:read(262144) end do
  total = total + #piece
end]]
  local seconds = math.max(now() - began, 0.001)
  print(("    %.0f MiB in %.2f s: %.0f MiB/s"):format(env.total / 2 ^ 20, seconds,
    env.total / 2 ^ 20 / seconds))
  if before then
    print(("    memory of this process: %.1f MiB before, %.1f MiB at its peak"):format(
      before, peak_memory()))
  end
  step "session:close()"
end

local function post(port)
  chapter("5. Sending a body")
  say "This server answers with what it was sent, so this is the request as it went out."
  step "session = hinternet.open()"
  step(('request = session:connect("127.0.0.1", %d):open_request("POST", "/form")'):format(port))
  step 'request:send({ ["Content-Type"] = "text/plain" }, "name=Ada&language=Lua")'
  step "request:receive_response()"
  step 'request:read("a")'
  say "A body of unknown length goes out in pieces, as chunks."
  step 'request:send(nil, nil, "chunked")'
  step 'request:write("one, ") + request:write("two")'
  step 'request:receive_response() and request:read("a")'
  step "session:close()"
end

local function failures(refused, silent)
  chapter("6. When it fails: nil, a message, a code")
  say "Nobody listens on this port."
  step "session = hinternet.open()"
  step "session:set_status_callback(show)"
  step(('request = session:connect("127.0.0.1", %d):open_request()'):format(refused))
  step "request:send()"
  step "hinternet.errors[12029], hinternet.errors.cannot_connect"
  say "This server accepts the request and never answers."
  step(('request = session:connect("127.0.0.1", %d):open_request()'):format(silent))
  step "request:set_timeouts { response = 0.2, receive = 0.2 }"
  step "request:send()"
  step "request:receive_response()"
  step "session:close()"
end

local function one_call(port)
  chapter("7. All of it in one call")
  step(('answer = assert(hinternet.get("http://127.0.0.1:%d/", { timeout = 10 }))'):format(port))
  env.answer = env.answer or {}
  step 'answer.status, answer.headers["content-type"], answer.url'
  step "answer.body"
end

local function many_at_once(port, now)
  chapter("8. Many at once")
  say [[In a task every call waits by yielding, so that others go on. This server takes a fifth
    of a second for each answer.]]
  env.url, env.now = ("http://127.0.0.1:%d/"):format(port), now
  step "session, answers, began = hinternet.open(), {}, now()"
  step [[for i = 1, 10 do
  session:spawn(function() answers[i] = session:get(url).body end)
end]]
  step "session:run()"
  step "#answers, answers[10]"
  print(("\n    All ten came within %.1f s."):format(now() - env.began))
  say "A session opened with async = true waits nowhere: poll tells what has happened."
  step "session = hinternet.open { async = true }"
  step "session:set_status_callback(show)"
  step(('request = session:connect("127.0.0.1", %d):open_request()'):format(port))
  step "request:send()"
  step "while hinternet.poll() do end"
  step "session:close()"
end

-- ---------------------------------------------------------------- the walk

local function large_script()
  local block = ("The quick brown fox jumps over the lazy dog. "):rep(23):sub(1, 1024)
  return { "recv_head" },
    { "send", "HTTP/1.1 200 OK\r\nContent-Length: " .. (64 << 20) .. "\r\n\r\n" },
    { "send_repeat", block, 64 << 10 }
end

local function walk()
  local now = require "socket".gettime
  local certs = require "spec.support.certs".make()
  local remove <close> = setmetatable({}, { __close = function() certs:remove() end })
  local peer = require "spec.support.peer".start()
  local stop <close> = setmetatable({}, { __close = function() peer:stop() end })
  local fields = "Content-Type: text/plain\r\n"
  local hello = peer:keepalive("Hello from the server.", fields)
  local secret = peer:serve {
    connections = { { { "keepalive", "Only for those who check.", fields } } },
    tls = certs.good,
  }
  print(("hinternet %s: a walk, with a small server on this machine at %s"):format(
    hinternet.version, hello.url))
  print('\nAfter ">" stands Lua that runs as it is shown, after "=" what it answered,')
  print('after "~" a notification that came meanwhile.')
  first_request(hello.port)
  stale_child()
  secure(secret.port, certs.ca)
  large_body(peer:script(large_script()).port, now)
  post(peer:echo().port)
  failures(peer:closed_port(), peer:script({ "recv_head" }, { "stall" }).port)
  one_call(hello.port)
  many_at_once(peer:serve { connections = { { { "recv_head" }, { "stall", 0.2 },
    { "send", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow" } } } }.port, now)
  return remove, stop
end

-- ------------------------------------------------------------------- a URL

local function check(ok, message, code)
  if ok or not message then return ok end
  io.stdout:flush()
  io.stderr:write(("\nfailed: %s (code %d)\n"):format(printable(message), code))
  os.exit(1, true)
end

local function fetch(url)
  if not url:find("://", 1, true) then url = "https://" .. url end
  print(("hinternet %s: GET %s\n"):format(hinternet.version, printable(url)))
  local parts = check(hinternet.crack_url(url))
  local path = (parts.path .. parts.extra):gsub("#.*", "")
  local session = check(hinternet.open { user_agent = "hinternet-demo/1.0" })
  check(session:set_status_callback(show))
  local connection = check(session:connect(parts.host, parts.port))
  local request = check(connection:open_request("GET", path, { secure = parts.scheme ~= "http" }))
  check(request:send())
  check(request:receive_response())
  print()
  quote_block((request:query_headers("raw_headers_crlf"):gsub("%s+$", "")))
  local location = request:query_headers("location")
  if location then say("Redirects are not followed; this one leads to " .. printable(location)) end
  local body = check(request:read(1000, "fill"))
  print(("\n    the first %d bytes of the body\n"):format(#(body or "")))
  quote_block(body or "")
  print()
  session:close()
end

if arg[1] and arg[1] ~= "" then
  fetch(arg[1])
else
  walk()
  print("\n\nThe small server has been ended. A real page: make demo URL=https://example.org/")
end
