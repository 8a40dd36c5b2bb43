-- Good responses: however they are framed, spelt and delivered, the caller gets
-- the same status, headers and body, in every form of reading.

local hinternet = require "hinternet"
local exchange = require "spec.support.exchange"
local peer = require "spec.support.peer"

-- ------------------------------------------------------------------ the table

local function text(...) return table.concat({ ... }, "\r\n") end

-- keeps: the connection serves the next request. fields: the header lines as
-- they are read, in order; left out: only what the case's other rows say.
local cases = {
  {
    name = "a body with Content-Length",
    bytes = text("HTTP/1.1 200 OK", "Content-Length: 11", "", "hello world"),
    fields = { { "Content-Length", "11" } },
    body = "hello world",
    keeps = true,
  },
  {
    name = "an empty body",
    bytes = text("HTTP/1.1 200 OK", "Content-Length: 0", "", ""),
    body = "",
    keeps = true,
  },
  {
    name = "equal Content-Lengths, repeated and in a list",
    bytes = text("HTTP/1.1 200 OK", "Content-Length: 5, 05",
      "content-length: 5", "", "hello"),
    body = "hello",
    keeps = true,
  },
  {
    name = "a transfer coding that is not chunked: it ends with its connection, as it came",
    bytes = text("HTTP/1.1 200 OK", "Transfer-Encoding: chunked, gzip", "", "5", "hello", ""),
    body = "5\r\nhello\r\n",
    keeps = false,
  },
  {
    name = "a chunked body",
    bytes = text("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "",
      "5", "hello", "6", " world", "0", "", ""),
    body = "hello world",
    keeps = true,
  },
  {
    name = "chunks with extensions, zeros, capitals and blanks",
    bytes = text("HTTP/1.1 200 OK", "Transfer-Encoding: Chunked", "",
      "0005;a=b", "hello", "A ; q=\"; \";x", " wide worl", "01 \t", "d",
      "000;last", "", ""),
    body = "hello wide world",
    keeps = true,
  },
  {
    name = "a chunked body that is empty",
    bytes = text("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "",
      "0", "", ""),
    body = "",
    keeps = true,
  },
  {
    name = "a chunked body that looks like chunks itself",
    bytes = text("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "",
      "c", "0\r\n\r\nHTTP/1.", "2", "\r\n", "0", "", ""),
    body = "0\r\n\r\nHTTP/1.\r\n",
    keeps = true,
  },
  {
    name = "trailers",
    bytes = text("HTTP/1.1 200 OK", "Transfer-Encoding: chunked",
      "Trailer: Digest, Note", "", "3", "abc", "0", "Digest: d1",
      "Note: one", "note: two", "", ""),
    body = "abc",
    trailers = { { "Digest", "d1" }, { "Note", "one" }, { "note", "two" } },
    keeps = true,
  },
  {
    name = "trailers that try to change the framing, which are dropped",
    bytes = text("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "",
      "3", "abc", "0", "Content-Length: 99", "Set-Cookie: a=b",
      "Connection: close", "Kept: yes", "", ""),
    body = "abc",
    trailers = { { "Kept", "yes" } },
    keeps = true,
  },
  {
    name = "a body that ends with the connection",
    bytes = text("HTTP/1.1 200 OK", "Content-Type: text/plain", "",
      "until the end"),
    body = "until the end",
    keeps = false,
  },
  {
    name = "an empty body that ends with the connection",
    bytes = text("HTTP/1.1 200 OK", "", ""),
    fields = {},
    body = "",
    keeps = false,
  },
  {
    name = "HEAD with a Content-Length and no body",
    method = "HEAD",
    bytes = text("HTTP/1.1 200 OK", "Content-Length: 100", "", ""),
    fields = { { "Content-Length", "100" } },
    body = "",
    keeps = true,
  },
  {
    name = "HEAD that announces a chunked body and sends none",
    method = "HEAD",
    bytes = text("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", ""),
    body = "",
    keeps = true,
  },
  {
    name = "204, which never has a body",
    bytes = text("HTTP/1.1 204 No Content", "X: y", "", ""),
    status = 204, reason = "No Content",
    body = "",
    keeps = true,
  },
  {
    name = "304 with the length of what is not sent",
    bytes = text("HTTP/1.1 304 Not Modified", "Content-Length: 100", "", ""),
    status = 304, reason = "Not Modified",
    body = "",
    keeps = true,
  },
  {
    name = "an error status like any other",
    bytes = text("HTTP/1.1 503 Service Unavailable", "Content-Length: 4", "",
      "busy"),
    status = 503, reason = "Service Unavailable",
    body = "busy",
    keeps = true,
  },
  {
    name = "interim responses, which are skipped with their headers",
    bytes = text("HTTP/1.1 100 Continue", "", "HTTP/1.1 103 Early Hints",
      "Link: </a.css>", "", "HTTP/1.1 199 What", "Content-Length: 5", "",
      "HTTP/1.1 201 Created", "Content-Length: 2", "", "ok"),
    status = 201, reason = "Created",
    fields = { { "Content-Length", "2" } },
    body = "ok",
    keeps = true,
  },
  {
    name = "HTTP/1.0, which closes",
    bytes = text("HTTP/1.0 200 OK", "Content-Length: 2", "", "ok"),
    version = "HTTP/1.0",
    body = "ok",
    keeps = false,
  },
  {
    name = "HTTP/1.0 with keep-alive",
    bytes = text("HTTP/1.0 200 OK", "Connection: Keep-Alive",
      "Content-Length: 2", "", "ok"),
    version = "HTTP/1.0",
    body = "ok",
    keeps = true,
  },
  {
    name = "a later HTTP/1.x",
    bytes = text("HTTP/1.7 200 OK", "Content-Length: 2", "", "ok"),
    version = "HTTP/1.7",
    body = "ok",
    keeps = true,
  },
  {
    name = "no reason phrase",
    bytes = text("HTTP/1.1 299 ", "Content-Length: 2", "", "ok"),
    status = 299, reason = "",
    body = "ok",
    keeps = true,
  },
  {
    name = "no reason phrase and no blank before it",
    bytes = text("HTTP/1.1 200", "Content-Length: 2", "", "ok"),
    reason = "",
    body = "ok",
    keeps = true,
  },
  {
    name = "a reason phrase of bytes beyond ASCII, kept raw",
    bytes = text("HTTP/1.1 404 Nicht gef\252nden\tja", "Content-Length: 2",
      "", "ok"),
    status = 404, reason = "Nicht gef\252nden\tja",
    body = "ok",
    keeps = true,
  },
  {
    name = "bare LF as line end",
    bytes = "HTTP/1.1 200 OK\nContent-Length: 2\r\nX: y\n\nok",
    fields = { { "Content-Length", "2" }, { "X", "y" } },
    body = "ok",
    keeps = true,
  },
  {
    name = "an empty line before the status line",
    bytes = "\r\n\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    fields = { { "Content-Length", "2" } },
    body = "ok",
    keeps = true,
  },
  {
    name = "repeated, empty and padded headers, and values kept raw",
    bytes = text("HTTP/1.1 200 OK", "Set-Cookie: a=1", "Empty:",
      "SET-COOKIE: b=2; x=\"y\"", "Blank: \t ", "Pad: \t a \t b \t",
      "Raw: \128\255\195\188: x", "set-cookie:c=3", "Content-Length:2", "",
      "ok"),
    fields = {
      { "Set-Cookie", "a=1" }, { "Empty", "" },
      { "SET-COOKIE", "b=2; x=\"y\"" }, { "Blank", "" },
      { "Pad", "a \t b" }, { "Raw", "\128\255\195\188: x" },
      { "set-cookie", "c=3" }, { "Content-Length", "2" },
    },
    body = "ok",
    keeps = true,
  },
  {
    name = "every token character in a name",
    bytes = text("HTTP/1.1 200 OK", "!#$%&'*+-.^_`|~09Az: x",
      "Content-Length: 2", "", "ok"),
    fields = { { "!#$%&'*+-.^_`|~09Az", "x" }, { "Content-Length", "2" } },
    body = "ok",
    keeps = true,
  },
  {
    name = "Connection: close",
    bytes = text("HTTP/1.1 200 OK", "Connection: x, Close",
      "Content-Length: 2", "", "ok"),
    body = "ok",
    keeps = false,
  },
}

-- -------------------------------------------------------------- forms to read

-- assert would take the end for a failure.
local function step(request, ...)
  local data, message, code = request:read(...)
  assert(data ~= "", "an empty piece")
  if message then error(("%s (%d)"):format(message, code), 2) end
  return data
end

local function read_some(request)
  local parts = {}
  for data in function() return step(request, 4) end do
    assert(#data <= 4)
    parts[#parts + 1] = data
  end
  return table.concat(parts)
end

local forms = {
  { "read(n)", read_some },
  { "read(n, \"fill\")", function(request)
    local parts = {}
    while true do
      local data = step(request, 4, "fill")
      if not data then break end
      local last = parts[#parts]
      assert(not last or #last == 4, "a piece too short before another")
      parts[#parts + 1] = data
    end
    return table.concat(parts)
  end },
  { "read(\"a\")", function(request) return step(request, "a") or "" end },
  { "query_data_available and read of that", function(request)
    local parts = {}
    while true do
      local n = assert(request:query_data_available())
      if n == 0 then break end
      parts[#parts + 1] = step(request, n)
      assert.equal(n, #parts[#parts])
    end
    assert.equal(0, request:query_data_available())
    return table.concat(parts)
  end },
  { "chunks()", function(request)
    local parts = {}
    for data in request:chunks(5) do parts[#parts + 1] = data end
    return table.concat(parts)
  end },
  { "read_to", function(request)
    local file <close> = assert(io.tmpfile())
    local n = assert(request:read_to(file))
    file:seek("set")
    local data = file:read("a")
    assert.equal(n, #data)
    return data
  end },
}

local deliveries = {
  { "whole", function(bytes) return { "send", bytes } end },
  { "byte by byte", function(bytes)
    return { "send_slowly", bytes, 1, 0 }
  end },
  { "in pieces of seven bytes", function(bytes)
    return { "send_slowly", bytes, 7, 0 }
  end },
}

-- ------------------------------------------------------------------- requests

local function ask(connection, method)
  local request = assert(connection:open_request(method, "/"))
  assert(request:send())
  assert(request:receive_response())
  return request
end

local function fields_of(headers)
  local list = {}
  for name, value in pairs(headers) do list[#list + 1] = { name, value } end
  return list
end

local function check(request, case, read)
  assert.equal(case.status or 200, request:query_headers("status_code"))
  assert.equal(case.reason or "OK", request:query_headers("status_text"))
  assert.equal(case.version or "HTTP/1.1", request:query_headers("version"))
  if case.fields then
    assert.same(case.fields, fields_of(request:headers()))
  end
  assert.equal(case.body, read(request))
  assert.is_nil(request:read(1))
  assert.is_nil(request:read("a"))
  assert.equal(0, request:query_data_available())
  assert.same(case.trailers or {},
    fields_of(assert(request:headers { trailer = true })))
end

describe("A response is read the same however it arrives:", function()
  local p = peer.new():for_tests()

  -- Two exchanges in each form, the second to see whether the connection was
  -- kept.
  local function run(case, delivery)
    local steps = { { "recv_head" }, delivery[2](case.bytes) }
    if case.keeps then steps = { { "loop", -1, steps } } end
    local server = p:script(table.unpack(steps))
    for _, form in ipairs(forms) do
      local session <close> = hinternet.open {}
      local connection = session:connect("127.0.0.1", server.port)
      for _ = 1, 2 do
        local ok, message = pcall(check, ask(connection, case.method), case,
          form[2])
        if not ok then
          error(("%s, %s: %s"):format(delivery[1], form[1],
            tostring(message)), 0)
        end
      end
      assert.equal(case.keeps and 1 or 2,
        session:query_option("connections_opened"))
    end
    server:close()
  end

  for _, case in ipairs(cases) do
    it(case.name, function()
      for _, delivery in ipairs(deliveries) do run(case, delivery) end
    end)
  end
end)

describe("A response", function()
  local p = peer.new():for_tests()

  it("in two pieces is the same wherever it is cut", function()
    local bytes = text("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "",
      "5;x=y", "hello", "b", " wide world", "0", "T: u", "", "")
    local steps = {}
    for cut = 1, #bytes - 1 do
      steps[#steps + 1] = { "recv_head" }
      steps[#steps + 1] = { "send", bytes:sub(1, cut) }
      steps[#steps + 1] = { "stall", 0.0005 }
      steps[#steps + 1] = { "send", bytes:sub(cut + 1) }
    end
    local server = p:script(table.unpack(steps))
    local session <close>, connection = exchange.connect(server)
    for cut = 1, #bytes - 1 do
      local request <close> = ask(connection, "GET")
      assert.equal("hello wide world", request:read("a"), "cut at " .. cut)
      assert.equal("u", request:query_headers("t", { trailer = true }))
    end
    assert.equal(1, session:query_option("connections_opened"))
    server:close()
  end)

  it("may have a head of exactly the limit of 64 KiB", function()
    local head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
    for i = 1, 60 do head = head .. ("F%02d: %s\r\n"):format(i, ("v"):rep(993)) end
    local left = 65536 - #head - #"Last: \r\n\r\n"
    head = head .. "Last: " .. ("z"):rep(left) .. "\r\n\r\n"
    assert.equal(65536, #head)
    for _, send in ipairs {
      { "send", head .. "ok" }, { "send_slowly", head .. "ok", 4001, 0 },
    } do
      local server = p:script({ "recv_head" }, send)
      local session <close>, connection = exchange.connect(server)
      local request = ask(connection, "GET")
      assert.equal(left, #request:query_headers("last"))
      assert.equal(("v"):rep(993), request:query_headers("f60"))
      assert.equal(head, request:query_headers("raw_headers_crlf"))
      assert.equal("ok", request:read("a"))
      session:close()
      server:close()
    end
  end)

  it("may have a larger head when the limit is raised", function()
    local value = ("v"):rep(100000)
    local server = p:answer(text("HTTP/1.1 200 OK", "Big: " .. value,
      "Content-Length: 2", "", "ok"))
    local session <close>, connection = exchange.connect(server)
    assert(session:set_option("max_response_header_size", 200000))
    local request = ask(connection, "GET")
    assert.equal(value, request:query_headers("big"))
    assert.equal("ok", request:read("a"))
    server:close()
  end)

  it("gives repeated headers by index, joined or as a list", function()
    local server = p:answer(text("HTTP/1.1 200 OK", "A: 1", "B: x", "a: 2",
      "A:", "Content-Length: 0", "", ""))
    local session <close>, connection = exchange.connect(server)
    local request = ask(connection, "GET")
    assert.equal("1", request:query_headers("a"))
    assert.equal("1", request:query_headers("A", { index = 1 }))
    assert.equal("2", request:query_headers("A", { index = 2 }))
    assert.equal("", request:query_headers("A", { index = 3 }))
    local value, message, code = request:query_headers("A", { index = 4 })
    assert.is_nil(value)
    assert.matches("header not found", message)
    assert.equal(12150, code)
    local headers = request:headers()
    session:close()
    assert.equal("1, 2, ", headers["a"])
    assert.same({ "1", "2", "" }, headers:all("A"))
    assert.same({}, headers:all("C"))
    assert.is_nil(headers["C"])
    assert.equal("2", headers:get("a", 2))
    server:close()
  end)

  it("gives its raw head, spelt with CRLF throughout", function()
    local server = p:answer("HTTP/1.1 200 Fine\nA:  1\r\nb:2\nContent-Length: 0\n\n")
    local session <close>, connection = exchange.connect(server)
    local request = ask(connection, "GET")
    assert.equal("HTTP/1.1 200 Fine\r\nA: 1\r\nb: 2\r\n"
      .. "Content-Length: 0\r\n\r\n", request:query_headers("raw_headers_crlf"))
    assert.equal(0, request:query_headers("content_length"))
    session:close()
    server:close()
  end)

  it("has trailers only once the body has ended", function()
    local server = p:answer(text("HTTP/1.1 200 OK",
      "Transfer-Encoding: chunked", "", "5", "hello", "0", "Sum: 7", "", ""))
    local session <close>, connection = exchange.connect(server)
    local request = ask(connection, "GET")
    local _, _, code = request:query_headers("sum", { trailer = true })
    assert.equal(12019, code)
    assert.equal("hello", request:read("a"))
    assert.equal("7", request:query_headers("SUM", { trailer = true }))
    assert.equal("Sum: 7\r\n\r\n",
      request:query_headers("raw_headers_crlf", { trailer = true }))
    local _, _, missing = request:query_headers("sum")
    assert.equal(12150, missing)
    session:close()
    server:close()
  end)

  local lines_cases = {
    { "a\nb\r\n\r\nlast", { "a", "b", "", "last" } },
    { "a\nb\n", { "a", "b" } },
    { "\n\n", { "", "" } },
    { "", {} },
    { "one\rtwo\r\r\nthree\r", { "one\rtwo\r", "three\r" } },
  }
  it("is read line by line, whatever the pieces", function()
    for _, case in ipairs(lines_cases) do
      local body = case[1]
      for _, size in ipairs { 1, 2, 1000 } do
        local server = p:script({ "recv_head" },
          { "send", "HTTP/1.1 200 OK\r\n\r\n" },
          { "send_slowly", body, size, 0.0005 })
        local session <close>, connection = exchange.connect(server)
        local list = {}
        for line in ask(connection, "GET"):lines() do list[#list + 1] = line end
        assert.same(case[2], list)
        session:close()
        server:close()
      end
    end
  end)

  it("of 8784 bytes comes in pieces that sum up to that", function()
    local body = ("0123456789ab"):rep(732)
    local server = p:keepalive(body)
    local session <close>, connection = exchange.connect(server)
    local request, sum = ask(connection, "GET"), 0
    repeat
      local n = assert(request:query_data_available())
      if n > 0 then assert.equal(n, #request:read(n)) end
      sum = sum + n
    until n == 0
    assert.equal(8784, sum)
    session:close()
    server:close()
  end)

  it("of a megabyte is read in small, large and mixed pieces", function()
    local body = ("0123456789abcdef"):rep(65536)
    local chunked = {}
    for at = 1, #body, 50000 do
      local piece = body:sub(at, at + 49999)
      chunked[#chunked + 1] = ("%x\r\n%s\r\n"):format(#piece, piece)
    end
    local server = p:serve { connections = { {
      { "recv_head" },
      { "send", "HTTP/1.1 200 OK\r\nContent-Length: " .. #body .. "\r\n\r\n" },
      { "send_repeat", "0123456789abcdef", 65536 },
      { "recv_head" },
      { "send", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        .. table.concat(chunked) .. "0\r\n\r\n" },
      { "recv_head" },
      { "send", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" .. body },
    } } }
    local session <close>, connection = exchange.connect(server)
    local sizes = { 1, 100, 16384, 65536, 3, 262144, 20000 }
    for i = 1, 3 do
      local request, parts, at = ask(connection, "GET"), {}, i
      repeat
        local size = sizes[at % #sizes + 1]
        local data = step(request, size, at % 2 == 0 and "fill" or nil)
        parts[#parts + 1] = data
        at = at + 1
      until not data
      assert.is_true(table.concat(parts) == body)
    end
    assert.equal(1, session:query_option("connections_opened"))
    session:close()
    server:close()
  end)

  it("beyond max_response_body is refused by read(\"a\") alone", function()
    local server = p:keepalive(("x"):rep(1000))
    local session <close>, connection = exchange.connect(server)
    assert(session:set_option("max_response_body", 999))
    local request = ask(connection, "GET")
    local data, message, code = request:read("a")
    assert.is_nil(data)
    assert.equal("body larger than max_response_body while receiving from "
      .. "127.0.0.1:" .. server.port, message)
    assert.equal(122, code)
    assert(session:set_option("max_response_body", 1000))
    assert.equal(1000, #ask(connection, "GET"):read("a"))
    assert(session:set_option("max_response_body", 10))
    assert.equal(1000, #read_some(ask(connection, "GET")))
    session:close()
    server:close()
  end)

  it("with n bytes is read to a file up to a limit and on from there", function()
    local server = p:keepalive("0123456789")
    local session <close>, connection = exchange.connect(server)
    local request = ask(connection, "GET")
    local file <close> = assert(io.tmpfile())
    file:write("<>")
    file:seek("set", 1)
    assert.equal(4, request:read_to(file, 4))
    assert.equal(5, file:seek())
    assert.equal("45", request:read(2))
    assert.equal(4, request:read_to(file))
    assert.equal(0, request:read_to(file))
    file:seek("set")
    assert.equal("<01236789", file:read("a"))
    session:close()
    server:close()
  end)
end)
