-- LuaSocket and LuaSec doing the works of the benchmark; spec/bench/bench.h
-- lists them and the arguments. SSL_CERT_FILE names the authority.
--
-- Their http module opens a connection for each request; for the work that
-- keeps one it is given a `create` that hands out the same socket every time.

local http = require "socket.http"
local ltn12 = require "ltn12"
local socket = require "socket"

local work, url, n, path = ...
n = math.tointeger(tonumber(n))

local NO_WORK, PERIOD = 4, 251
local byte = string.byte
local small = ("0123456789abcde\n"):rep(64)
local authority = os.getenv "SSL_CERT_FILE"

local function check(good, message)
  if not good then error(message or "wrong answer", 2) end
  return good
end

-- Opens the one connection of a work.
local function open()
  local secure, host, port = url:match("^http(s?)://([^:/]+):(%d+)/")
  local sock = check(socket.connect(host, tonumber(port)))
  check(sock:setoption("tcp-nodelay", true))
  if secure == "" then return sock end
  sock = check(require "ssl".wrap(sock, {
    mode = "client", protocol = "any", options = { "all", "no_sslv2", "no_sslv3" },
    verify = "peer", cafile = authority,
  }))
  check(sock:dohandshake())
  return sock
end

-- A socket that http may open and close at will: it stays open.
local function reusable()
  local sock = open()
  local kept = {
    send = function(_, ...) return sock:send(...) end,
    receive = function(_, ...) return sock:receive(...) end,
    getfd = function() return sock:getfd() end,
    dirty = function() return sock:dirty() end,
  }
  local function done() return 1 end
  kept.settimeout, kept.connect, kept.close = done, done, done
  return function() return kept end
end

local function perform(request)
  request.url, request.verify, request.cafile = url, "peer", authority
  local _, status = http.request(request)
  check(status == 200, tostring(status))
end

local function get(create, headers)
  local pieces = {}
  perform { create = create, headers = headers, sink = ltn12.sink.table(pieces) }
  check(table.concat(pieces) == small)
end

local works = {}

function works.get()
  local create, headers = reusable(), { connection = "keep-alive" }
  for _ = 1, n do get(create, headers) end
end

function works.connect()
  for _ = 1, n do get() end
end

local function download(sink)
  perform { sink = sink }
end

function works.strings()
  local at = 0
  download(function(data)
    if data then
      check(byte(data) == at % PERIOD)
      at = at + #data
    end
    return 1
  end)
  check(at == n)
end

function works.file()
  download(ltn12.sink.file(check(io.open(path, "wb"))))
end

local function upload(source)
  local pieces = {}
  perform {
    method = "PUT", source = source,
    headers = { ["content-length"] = n }, sink = ltn12.sink.table(pieces),
  }
  check(table.concat(pieces) == tostring(n))
end

function works.send_file()
  local file = check(io.open(path, "rb"))
  local left = n
  upload(function()
    if left == 0 then return nil end
    local data = file:read(math.min(left, socket.BLOCKSIZE))
    left = left - #data
    return data
  end)
end

function works.send_string()
  local period = {}
  for i = 0, PERIOD - 1 do period[i + 1] = string.char(i) end
  n = n // PERIOD * PERIOD
  local text = table.concat(period):rep(n // PERIOD)
  local clock = socket.gettime
  local cpu, wall = os.clock(), clock()
  upload(ltn12.source.string(text))
  print("spent", (os.clock() - cpu) * 1e6 // 1 | 0, (clock() - wall) * 1e6 // 1 | 0)
end

if not works[work] then os.exit(NO_WORK) end
works[work]()
