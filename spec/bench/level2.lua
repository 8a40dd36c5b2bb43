-- The one-call functions doing the works of the benchmark; spec/bench/bench.h
-- lists them and the arguments. SSL_CERT_FILE names the authority.

local http = require "hinternet"

local work, url, n, path = ...
n = math.tointeger(tonumber(n))

local NOT_BUILT, NO_WORK, PERIOD = 3, 4, 251
local byte = string.byte
local small = ("0123456789abcde\n"):rep(64)

local function check(good, message)
  if not good then error(message or "wrong answer", 2) end
  return good
end

local works = {}

local function get()
  local response = http.get(url)
  if response.status ~= 200 or response.body ~= small then error("wrong answer") end
end

function works.get()
  for _ = 1, n do get() end
end

local closing = { headers = "Connection: close" }

function works.connect()
  for _ = 1, n do
    local response = check(http.get(url, closing))
    check(response.status == 200 and response.body == small)
  end
end

function works.resume()
  for i = 1, n do
    local response = check(http.get(url, closing))
    check(response.status == 200 and response.body == small)
    if i > 1 and response.headers["x-session"] ~= "resumed" then
      os.exit(NOT_BUILT)
    end
  end
end

-- Calls use(piece, offset) for each piece of a streamed body.
local function each_piece(use)
  local response <close> = check(http.get(url, { stream = true }))
  check(response.status == 200)
  local at = 0
  for data in response:chunks() do
    use(data, at)
    at = at + #data
  end
  return at
end

local function check_piece(data, at)
  check(byte(data) == at % PERIOD)
end

function works.strings()
  check(each_piece(check_piece) == n)
end

function works.file()
  if http.download then
    check(http.download(url, path))
    return
  end
  local file <close> = assert(io.open(path, "wb"))
  check(each_piece(function(data) file:write(data) end) == n)
end

function works.gzip()
  local sum = each_piece(function(data, at)
    if at == 0 and byte(data) == 0x1f then os.exit(NOT_BUILT) end
  end)
  check(sum == n << 20)
end

local function check_upload(response, message)
  check(response, message)
  check(response.status == 200 and response.body == tostring(n))
end

function works.send_file()
  local file <close> = assert(io.open(path, "rb"))
  local ok, response, message = pcall(http.put, url, { body = file })
  if not ok then os.exit(NOT_BUILT) end
  check_upload(response, message)
end

function works.send_string()
  local period = {}
  for i = 0, PERIOD - 1 do period[i + 1] = string.char(i) end
  n = n // PERIOD * PERIOD
  local text = table.concat(period):rep(n // PERIOD)
  local clock = require "socket".gettime
  local cpu, wall = os.clock(), clock()
  check_upload(http.put(url, { body = text }))
  print("spent", (os.clock() - cpu) * 1e6 // 1 | 0, (clock() - wall) * 1e6 // 1 | 0)
end

-- As many tasks, each asking again as soon as it is answered.
local function many(count)
  local left = n
  local function task()
    while left > 0 do
      left = left - 1
      get()
    end
  end
  for _ = 1, math.min(count, n) do http.session():spawn(task) end
  http.run()
end

local at_once = math.tointeger(tonumber(work:match "^many(%d+)$"))
if at_once then
  many(at_once)
elseif works[work] then
  works[work]()
else
  os.exit(NO_WORK)
end
