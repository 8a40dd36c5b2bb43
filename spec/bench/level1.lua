-- The handle API doing the works of the benchmark; spec/bench/bench.h lists
-- them and the arguments. SSL_CERT_FILE names the authority.

local hinternet = require "hinternet"

local work, url, n, path = ...
n = math.tointeger(tonumber(n))

local NOT_BUILT, NO_WORK, PERIOD = 3, 4, 251
local byte = string.byte
local small = ("0123456789abcde\n"):rep(64)

local parts = assert(hinternet.crack_url(url))
local options = parts.scheme == "https" and { secure = true } or nil
local target = parts.path
local session = assert(hinternet.open { user_agent = "bench" })
local connection = assert(session:connect(parts.host, parts.port))

local function check(good, message)
  if not good then error(message or "wrong answer", 2) end
  return good
end

-- What a script does for one short answer. The checks are written out: calls
-- of a function would show among the instructions.
local function get(headers)
  local request = connection:open_request("GET", target, options)
  if not request:send(headers) or not request:receive_response()
    or request:query_headers("status_code") ~= 200 or request:read(4096) ~= small
    or request:read(4096) then
    error("wrong answer")
  end
  return request
end

-- A request whose answer's head is here.
local function start(method, length)
  local request = check(connection:open_request(method, target, options))
  check(request:send(nil, nil, length))
  return request
end

local function receive(request)
  check(request:receive_response())
  check(request:query_headers("status_code") == 200)
  return request
end

local function check_upload(request)
  receive(request)
  check(request:read("a") == tostring(n))
  check(request:close())
end

local function resident()
  local file = assert(io.open("/proc/self/statm"))
  local pages = file:read("n", "n") and file:seek("set") and select(2, file:read("n", "n"))
  file:close()
  return pages * 4
end

local works = {}

function works.get()
  for _ = 1, n do get():close() end
end

function works.connect()
  for _ = 1, n do check(get("Connection: close"):close()) end
end

function works.resume()
  for i = 1, n do
    local request = get("Connection: close")
    if i > 1 and request:query_headers("x-session") ~= "resumed" then
      os.exit(NOT_BUILT)
    end
    check(request:close())
  end
end

function works.count()
  local request = receive(start("GET"))
  local null <close> = assert(io.open("/dev/null", "wb"))
  check(request:read_to(null) == n)
end

function works.strings()
  local request = receive(start("GET"))
  local at = 0
  while true do
    local data, message = request:read()
    if not data then
      check(not message, message)
      break
    end
    check(byte(data) == at % PERIOD)
    at = at + #data
  end
  check(at == n)
end

function works.file()
  local request = receive(start("GET"))
  local file <close> = assert(io.open(path, "wb"))
  check(request:read_to(file) == n)
end

function works.gzip()
  local request = receive(start("GET"))
  local sum = 0
  for data in request:chunks() do
    if sum == 0 and byte(data) == 0x1f then os.exit(NOT_BUILT) end
    sum = sum + #data
  end
  check(sum == n << 20)
end

function works.send_file()
  local request = start("PUT", n)
  local file <close> = assert(io.open(path, "rb"))
  check(request:write_from(file, n) == n)
  check_upload(request)
end

function works.send_string()
  local period = {}
  for i = 0, PERIOD - 1 do period[i + 1] = string.char(i) end
  n = n // PERIOD * PERIOD
  local text = table.concat(period):rep(n // PERIOD)
  local clock = require "socket".gettime
  local cpu, wall = os.clock(), clock()
  local request = check(connection:open_request("PUT", target, options))
  check(request:send(nil, text))
  check_upload(request)
  print("spent", (os.clock() - cpu) * 1e6 // 1 | 0, (clock() - wall) * 1e6 // 1 | 0)
end

function works.idle()
  check(get():close())
  collectgarbage()
  collectgarbage()
  local before = resident()
  local requests = {}
  for i = 1, n + 1 do requests[i] = start("GET") end -- one finds a connection
  for i = 1, n + 1 do
    local request = receive(requests[i])
    check(request:read("a") == small)
    check(request:close())
    requests[i] = nil
  end
  check(session:query_option("connections_opened") == n + 1)
  collectgarbage()
  collectgarbage()
  print("rss", before, resident())
end

-- As many tasks, each asking again as soon as it is answered.
local function many(count)
  local left = n
  local function task()
    while left > 0 do
      left = left - 1
      get():close()
    end
  end
  for _ = 1, math.min(count, n) do session:spawn(task) end
  session:run()
end

local at_once = math.tointeger(tonumber(work:match "^many(%d+)$"))
if at_once then
  many(at_once)
elseif works[work] then
  works[work]()
else
  os.exit(NO_WORK)
end
