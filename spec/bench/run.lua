-- Runs hinternet, libcurl, LuaSocket/LuaSec and a bare floor side by side and
-- prints what each kind of work costs them. `make bench` calls it.
--
--   BENCH_QUICK=1    smaller sizes, fewer repetitions: less than a minute
--   BENCH_ONLY=word  only the rows whose name holds the word
--   BENCH_CORE=n     the processor that server and clients share; "none": all
--
-- Processor time is user + system time of the client process. What a program
-- needs to start and end is taken off: each work runs in two sizes, and the
-- difference is divided by what the larger one does more.

local certs = require "spec.support.certs"
local nginx = require "spec.support.nginx"
local process = require "spec.support.process"
local socket = require "socket"

local quick = (os.getenv "BENCH_QUICK" or "") ~= ""
local only = os.getenv "BENCH_ONLY"
local quote = process.quote

local folder = "build/bench"
local interpreter = arg[-1] or "lua5.4"
local peers = {
  { key = "floor", title = "floor", command = folder .. "/floor" },
  { key = "curl", title = "libcurl", command = folder .. "/curl" },
  { key = "api", title = "C API", command = folder .. "/api", only = "many" },
  { key = "luasocket", title = "LuaSocket", command = interpreter .. " spec/bench/luasocket.lua" },
  { key = "level1", title = "level 1", command = interpreter .. " spec/bench/level1.lua" },
  { key = "level2", title = "level 2", command = interpreter .. " spec/bench/level2.lua" },
}

local NOT_BUILT, NO_WORK = 3, 4
local settings = "" -- of the environment, before each command
local wrong = {}  -- what failed
local missed = {} -- rows beyond what they are to reach

local function pick(a, b)
  if quick then return a end
  return b
end

-- ---------------------------------------------------------------- numbers

local function median(list)
  if #list == 0 then return nil end
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  local middle = (#sorted + 1) // 2
  if #sorted % 2 == 1 then return sorted[middle] end
  return (sorted[middle] + sorted[middle + 1]) / 2
end

local function show(value)
  if type(value) ~= "number" then return value or "-" end
  if value >= 1000 then
    local text = ("%.0f"):format(value)
    return (text:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
  elseif value >= 100 then
    return ("%.0f"):format(value)
  end
  return ("%.1f"):format(value)
end

local function ratio(a, b)
  if type(a) ~= "number" or type(b) ~= "number" or b <= 0 then return nil end
  return a / b
end

-- ------------------------------------------------------------------- table

local layout = "%-34s %-8s %9s %9s %9s %9s %9s %9s %8s %8s  %s"

local function print_row(...)
  print((layout:format(...):gsub("%s+$", "")))
  io.stdout:flush()
end

local function heading()
  print_row("", "", "floor", "libcurl", "LuaSocket", "C API", "level 1", "level 2",
    "/libcurl", "/floor", "to reach")
  print(("-"):rep(134))
end

-- What hinternet is judged by: the lowest level that does the work from Lua.
local function own_value(values)
  for _, key in ipairs { "level1", "level2", "api" } do
    if type(values[key]) == "number" then return values[key] end
  end
end

-- A figure against what it is to reach: {curl = 0.65}, {floor = 1.1} or
-- {level1 = 15000, level2 = 20000}.
local function judge(name, values, reach)
  if not reach then return "" end
  local own = own_value(values)
  local said = {}
  local function one(value, limit, of)
    if type(value) ~= "number" or not limit then return end
    local late = value > limit * 1.01
    said[#said + 1] = ("<= %g%s%s"):format(limit, of, late and " MISSED" or "")
    if late then
      missed[#missed + 1] = ("%s: %.4g%s, not <= %g"):format(name, value, of, limit)
    end
  end
  one(ratio(own, values.curl), reach.curl, " libcurl")
  one(ratio(own, values.floor), reach.floor, " floor")
  one(values.level1, reach.level1, "")
  one(values.level2, reach.level2, "")
  return table.concat(said, ", ")
end

local function ratio_text(a, b)
  local value = ratio(a, b)
  return value and ("%.2f"):format(value) or "-"
end

-- A row's second line goes without its name and with a note.
local function report(row, what, values, reach, note)
  local own = own_value(values)
  print_row(note and "" or row.name, what, show(values.floor), show(values.curl),
    show(values.luasocket), show(values.api), show(values.level1), show(values.level2),
    ratio_text(own, values.curl), ratio_text(own, values.floor),
    (note or "") .. judge(row.name .. ", " .. what, values, reach))
end

-- ------------------------------------------------------------------ running

local function run(command)
  local pipe = assert(io.popen(("{ %s %s\n} 2>&1"):format(settings, command), "r"))
  local output = pipe:read("a")
  pipe:close()
  return output
end

local measured = "measure (%d+) (%d+) (%d+) (%d+) (%-?%d+) (%d+)%s*$"

local function fail(command, output)
  wrong[#wrong + 1] = command .. "\n" .. output
  return nil, "FAILED"
end

-- One run of a client: its cost in microseconds, or nil and a word.
local function measure(server, command)
  local output = run(("%s/measure %d %s"):format(folder, server, command))
  local status, wall, user, system, served, peak = output:match(measured)
  local cpu, elapsed = output:match("spent%s+(%d+)%s+(%d+)")
  if status == tostring(NOT_BUILT) then return nil, "not built" end
  if status == tostring(NO_WORK) then return nil, nil end
  if status ~= "0" then return fail(command, output) end
  return {
    wall = tonumber(elapsed or wall), cpu = tonumber(cpu) or user + system,
    server = tonumber(served), peak = tonumber(peak), output = output,
  }
end

local function client(peer, row, size)
  local work = row.work
  if type(work) == "table" then work = work[peer.key] end
  if not work or not work:find(peer.only or "", 1, true) then return nil end
  local url = row.url
  if row.sized then url = url .. "/" .. size end
  local file = row.file or row.inputs and row.inputs .. size
  return ("%s %s %s %d %s"):format(peer.command, work, url, size, file and quote(file) or "")
end

-- What a client wrote is the pattern: its size, and a byte here and there.
local function check_file(row, size)
  local file = assert(io.open(row.file, "rb"))
  local length = file:seek("end")
  local good = length == size
  for at = 0, length - 1, length // 97 + 1 do
    file:seek("set", at)
    good = good and file:read(1):byte() == at % 251
  end
  file:close()
  if not good then wrong[#wrong + 1] = row.name .. ": the file is wrong" end
end

-- ------------------------------------------------------------- timed works

-- The clients that can do a row's work, each with the samples of two sizes.
local function contenders(row, values)
  local list = {}
  for _, peer in ipairs(peers) do
    local command = client(peer, row, row.small)
    local first, word
    if command then first, word = measure(row.server, command) end
    if first then list[#list + 1] = { peer = peer, small = {}, large = {} } end
    values[peer.key] = word
  end
  return list
end

local function sample(row, contender, size, samples)
  local one = measure(row.server, client(contender.peer, row, size))
  if one then samples[#samples + 1] = one end
  if one and row.written then check_file(row, size) end
  if row.written then os.remove(row.file) end
end

local function column(samples, key)
  local list = {}
  for i, one in ipairs(samples) do list[i] = one[key] end
  return median(list)
end

-- Cost of one unit: what the large size costs more than the small one.
local function unit_cost(row, contender, key)
  local large = column(contender.large, key)
  if not row.large then return column(contender.small, key) / row.scale end
  local small = column(contender.small, key)
  if not large or not small then return nil end
  return (large - small) / (row.large - row.small) * row.per / row.scale
end

-- What the server spent on level 1's requests, and level 1's peak of memory.
local function note_on(row, list)
  for _, contender in ipairs(list) do
    local samples = row.large and contender.large or contender.small
    if contender.peer.key == "level1" and #samples > 0 then
      return ("server %s, peak %.1f MiB  "):format(show(unit_cost(row, contender, "server")),
        column(samples, "peak") / 1024)
    end
  end
  return ""
end

local function timed(row)
  local cpu, wall, words = {}, {}, {}
  local list = contenders(row, words)
  for _ = 1, row.repeats or pick(3, 5) do
    for _, contender in ipairs(list) do
      sample(row, contender, row.small, contender.small)
      if row.large then sample(row, contender, row.large, contender.large) end
    end
  end
  for key, word in pairs(words) do cpu[key], wall[key] = word, "" end
  for _, contender in ipairs(list) do
    local key = contender.peer.key
    cpu[key] = unit_cost(row, contender, "cpu") or "FAILED"
    wall[key] = unit_cost(row, contender, "wall") or "FAILED"
  end
  report(row, row.unit .. " CPU", cpu, row.reach)
  report(row, row.unit .. " wall", wall, row.reach_wall, note_on(row, list))
end

-- ------------------------------------------------------------ counted works

local function instructions(row)
  local values = {}
  local small, large = row.small, row.large
  local path = folder .. "/callgrind.out"
  local function count(peer, size)
    local command = ("valgrind --tool=callgrind --callgrind-out-file=%s %s"):format(path,
      client(peer, row, size))
    os.remove(path)
    local output = run(command .. "; echo status $?")
    if not output:match("status 0%s*$") then return fail(command, output) end
    for line in io.lines(path) do
      local total = line:match("^totals: (%d+)") or line:match("^summary: (%d+)")
      if total then return tonumber(total) end
    end
  end
  for _, peer in ipairs(peers) do
    local low, word
    if client(peer, row, small) then low, word = count(peer, small) end
    local high = low and count(peer, large)
    values[peer.key] = high and (high - low) / (large - small) or word
  end
  os.remove(path)
  report(row, "instr.", values, row.reach)
end

-- Calls by name of one run under strace -c.
local function count_calls(command)
  local path = folder .. "/strace.out"
  local output = run(("strace -f -c -U calls,name -o %s %s; echo status $?"):format(path, command))
  if not output:match("status 0%s*$") then return fail(command, output) end
  local calls, sum = {}, 0
  for line in io.lines(path) do
    local number, name = line:match("^%s*(%d+)%s+([%w_]+)%s*$")
    if number and name ~= "total" then
      calls[name] = tonumber(number)
      sum = sum + calls[name]
    end
  end
  os.remove(path)
  return calls, sum
end

local function describe_calls(low, high, extra)
  local names, said = {}, {}
  for name in pairs(high) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local each = (high[name] - (low[name] or 0)) / extra
    if each > 0.05 then said[#said + 1] = ("%s %.3g"):format(name, each) end
  end
  return table.concat(said, ", ")
end

local function system_calls(row)
  local values, own = {}, ""
  local extra = row.large - row.small
  for _, peer in ipairs(peers) do
    local command = client(peer, row, row.small)
    local low, low_sum, high, high_sum
    if command then low, low_sum = count_calls(command) end
    if low then high, high_sum = count_calls(client(peer, row, row.large)) end
    values[peer.key] = high and (high_sum - low_sum) / extra or command and "FAILED"
    if high and peer.key == "level1" then own = describe_calls(low, high, extra) end
  end
  report(row, "calls", values, row.reach)
  if own ~= "" then print("   level 1: " .. own) end
end

local function memory(row)
  local values = {}
  for _, peer in ipairs(peers) do
    local command = client(peer, row, row.small)
    local one, word
    if command then one, word = measure(row.server, command) end
    local before, after = (one and one.output or ""):match("rss%s+(%d+)%s+(%d+)")
    values[peer.key] = before and (after - before) / row.small or word
  end
  report(row, "KiB", values, row.reach)
end

-- -------------------------------------------------------------------- rows

local function make_rows(fast, web, scratch)
  local MB = 1 << 20
  local big, upload = pick(64 * MB, 1024 * MB), pick(64 * MB, 500 * MB)
  local out, input = scratch .. "/download", scratch .. "/upload-"
  local rows = {}
  local function add(row) rows[#rows + 1] = row end

  local function gets(name, url, server, reach)
    add { name = name, run = timed, work = "get", url = url .. "/file", server = server,
          small = 20, large = pick(4000, 10000), per = 1, scale = 1, unit = "us",
          reach = reach, repeats = pick(3, 7) }
  end
  gets("GET 1 KiB keep-alive, http", fast.http, fast.pid, { curl = 0.65 })
  gets("GET 1 KiB keep-alive, https", fast.https, fast.pid, { curl = 0.65 })
  gets("  of nginx, http", web.http, web.pid, { curl = 0.65 })
  gets("  of nginx, https", web.https, web.pid, { curl = 0.65 })

  -- From no connection to the last answer.
  for _, count in ipairs { 64, 1000 } do
    for _, scheme in ipairs { "http", "https" } do
      add { name = ("%d connections at once, %s"):format(count, scheme), run = timed,
            work = "many" .. count, url = fast[scheme] .. "/file", server = fast.pid,
            small = 1, large = pick(8000, 20000), per = 1, scale = 1, unit = "us",
            reach = { curl = count == 1000 and scheme == "https" and 0.8 or 0.65 },
            repeats = 3 }
    end
  end

  local function connects(name, work, url, count, reach)
    add { name = name, run = timed, work = work, url = url .. "/file", server = fast.pid,
          small = 2, large = count, per = 1, scale = 1, unit = "us", reach = reach,
          repeats = pick(3, 7) }
  end
  connects("new connection each, http", "connect", fast.http, pick(800, 3000),
    { curl = 0.85 })
  connects("new connection each, https", "connect", fast.full, pick(100, 500),
    { floor = 1.1 })
  connects("  TLS session resumed", "resume", fast.https, pick(100, 500), { floor = 1.1 })

  -- Milliseconds for 1 GiB, whatever was moved.
  local function bulk(name, work, url, row)
    row.name, row.run, row.work, row.url, row.server = name, timed, work, url, fast.pid
    row.small, row.per = row.small or MB, row.per or 1024 * MB
    row.scale, row.unit = 1000, "ms"
    row.repeats = 3
    add(row)
  end
  local strings = {
    floor = "count", curl = "count", luasocket = "strings", level1 = "strings",
    level2 = "strings",
  }
  for _, scheme in ipairs { "http", "https" } do
    local limit = scheme == "http" and 1.10 or 1.03
    local url = fast[scheme] .. "/big"
    local text = (" 1 GiB, %s, "):format(scheme)
    bulk("download" .. text .. "in C", "count", url,
      { sized = true, large = big, reach = { floor = limit } })
    bulk("download" .. text .. "strings", strings, url,
      { sized = true, large = big, reach = { floor = 1.35 } })
    bulk("download" .. text .. "file", "file", url,
      { sized = true, large = big, file = out, written = true, reach = { floor = limit } })
  end
  bulk("gzip, 200 MiB decoded, http", "gzip", fast.http .. "/gzip",
    { sized = true, small = 1, large = pick(40, 200), per = 200, reach = { floor = 1.05 } })
  for _, scheme in ipairs { "http", "https" } do
    local url = fast[scheme] .. "/up"
    local text = ("upload 500 MiB, %s, "):format(scheme)
    bulk(text .. "file", "send_file", url,
      { large = upload, per = 500 * MB, inputs = input, reach = { curl = 1 } })
    bulk(text .. "string", "send_string", url,
      { large = upload, per = 500 * MB, reach = { curl = 1 } })
  end

  for _, scheme in ipairs { "http", "https" } do
    add { name = "start and first GET, " .. scheme, run = timed, work = "get",
          url = fast[scheme] .. "/file", server = fast.pid, small = 1, scale = 1000,
          unit = "ms", repeats = pick(7, 25),
          reach_wall = { curl = scheme == "http" and 0.62 or 0.8 } }
  end
  for _, scheme in ipairs { "http", "https" } do
    local limit = scheme == "http" and 2 or 35
    add { name = "idle connection, " .. scheme, run = memory, work = "idle",
          url = fast[scheme] .. "/file", server = fast.pid, small = pick(200, 500),
          reach = { level1 = limit } }
  end
  for _, scheme in ipairs(pick({ "http" }, { "http", "https" })) do
    local http = scheme == "http"
    add { name = "instructions, GET, " .. scheme, run = instructions, work = "get",
          url = fast[scheme] .. "/file", small = 200, large = pick(500, 2200),
          reach = { level1 = http and 15000 or 32000, level2 = http and 20000 or nil } }
  end
  for _, scheme in ipairs { "http", "https" } do
    add { name = "system calls, GET, " .. scheme, run = system_calls, work = "get",
          url = fast[scheme] .. "/file", small = 100, large = pick(300, 1100),
          reach = { level1 = 3, level2 = 3 } }
  end
  add { name = "  new connection, http", run = system_calls, work = "connect",
        url = fast.http .. "/file", small = 50, large = pick(150, 550),
        reach = { level1 = 8, level2 = 8 } }
  return rows, { [input .. MB] = MB, [input .. upload] = upload }
end

-- ------------------------------------------------------------------ servers

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return text
end

local function start_server(good)
  local path = folder .. "/ports"
  os.remove(path)
  local pipe = process.start(("%s/server %s %s %s"):format(folder, path, quote(good.cert),
    quote(good.key)))
  for _ = 1, 500 do
    local pid, http, https, full = (read(path) or ""):match("(%d+) (%d+) (%d+) (%d+)")
    if pid then
      return {
        pipe = pipe, pid = math.tointeger(tonumber(pid)),
        http = "http://127.0.0.1:" .. http, https = "https://127.0.0.1:" .. https,
        full = "https://127.0.0.1:" .. full,
      }
    end
    socket.sleep(0.01)
  end
  error("the server did not start")
end

-- nginx answers in its only worker, not in the process that was started.
local function worker_of(pid)
  local children = read(("/proc/%d/task/%d/children"):format(pid, pid)) or ""
  return math.tointeger(tonumber(children:match("%d+"))) or pid
end

-- A folder for large files, in memory if there is room: what the system writes
-- back to a disk some seconds later would be charged to anybody.
local function make_scratch()
  local free = tonumber(run("df -k --output=avail /dev/shm"):match("%d+"))
  if not free or free < 2 << 20 then return process.temp_folder() end
  return (process.run("mktemp -d -p /dev/shm"):gsub("%s+$", ""))
end

local function write_pattern(path, size)
  local period = {}
  for i = 0, 250 do period[i + 1] = string.char(i) end
  local block = table.concat(period):rep(4096)
  local file = assert(io.open(path, "wb"))
  local left = size
  while left > 0 do
    assert(file:write(left < #block and block:sub(1, left) or block))
    left = left - #block
  end
  assert(file:close())
end

-- Server and clients share one processor: a request across two is mostly the
-- noise of waking the other one up.
local function pin()
  local pid = (read("/proc/self/stat") or ""):match("^%d+")
  local count = tonumber(run("nproc")) or 1
  local core = os.getenv "BENCH_CORE" or tostring(count - 1)
  if core == "none" or not pid then return "all processors" end
  run(("renice -n -10 -p %s"):format(pid))
  local ok = os.execute(("taskset -cp %s %s >/dev/null 2>&1"):format(quote(core), pid))
  return ok and "processor " .. core or "all processors (no taskset)"
end

local function main()
  local began = socket.gettime()
  print(("hinternet %s; server and clients on %s"):format(quick and "(quick)" or "(full)", pin()))
  print("CPU: user + system time of the client; medians of interleaved runs; every answer checked")
  local keys <close> = setmetatable(certs.make(), { __index = certs, __close = certs.remove })
  local fast = start_server(keys.good)
  local web = nginx.start(keys)
  local scratch = make_scratch()
  local ok, problem = xpcall(function()
    settings = "SSL_CERT_FILE=" .. quote(keys.ca)
    local rows, inputs = make_rows(fast, {
      http = web.http, https = web.https, pid = worker_of(web.pid),
    }, scratch)
    for path, size in pairs(inputs) do write_pattern(path, size) end
    heading()
    for _, row in ipairs(rows) do
      if not only or row.name:find(only, 1, true) then row.run(row) end
    end
  end, debug.traceback)
  fast.pipe:close()
  web:stop()
  process.remove_folder(scratch)
  if not ok then error(problem, 0) end
  print(("-"):rep(134))
  for _, text in ipairs(missed) do print("not reached: " .. text) end
  for _, text in ipairs(wrong) do print("FAILED: " .. text) end
  print(("%.0f s"):format(socket.gettime() - began))
  if #wrong > 0 then os.exit(1, true) end
end

main()
