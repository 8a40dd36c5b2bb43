-- Bad responses: every fault has a name, a code and a text, and costs the
-- connection. README's table of them, the list in csrc and the cases here name
-- the same faults.

local hinternet = require "hinternet"
local exchange = require "spec.support.exchange"
local peer = require "spec.support.peer"
local wait = require "spec.support.wait"

-- ------------------------------------------------------------------ the cases

local OK = "HTTP/1.1 200 OK\r\n"

-- A response with these header lines and no body.
local function head(...)
  return OK .. table.concat({ ... }, "\r\n") .. "\r\n\r\n"
end

local chunked = head "Transfer-Encoding: chunked"

local function many(count, line)
  local lines = {}
  for i = 1, count do lines[i] = line:format(i) end
  return table.concat(lines)
end

-- Each row: the fault, its code and text, where it is met, and what a peer
-- sends to provoke it. `cut`: the peer closes after that. `large`: not to be
-- dripped byte by byte.
local cases = {
  {
    "no_status_line", 12152, "garbage before the status line", "response",
    "<html>hello</html>", "SSH-2.0-OpenSSH_9.2p1\r\n", "\0\0\0\18\4\0",
    "http/1.1 200 OK\r\n\r\n", "HTTQ", " HTTP/1.1 200 OK\r\n\r\n",
    "\r\n\r\n\r\n", "\r\rHTTP/1.1 200 OK\r\n\r\n", "ICY 200 OK\r\n",
    "HTTP 200 OK\r\n\r\n", "\r\n\r\n\nHTTP/1.1 200 OK\r\n\r\n",
  },
  {
    "tls_alert", 12152, "the server speaks TLS on this port", "response",
    "\x15\3\1\0\2\2\x46", "\x15\3\3\0\2\2\x0A",
  },
  {
    "bad_status_line", 12152, "malformed status line", "response",
    "HTTP/1.1\r\n\r\n", "HTTP/1.1 \r\n\r\n", "HTTP/1.1 20\r\n\r\n",
    "HTTP/1.1 2OO OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 099 OK\r\n\r\n", "HTTP/1.1 \t200 OK\r\n\r\n",
    "HTTP/1.1\t200 OK\r\n\r\n", "HTTP/1.1 200-OK\r\n\r\n",
    "HTTP/1.1 -20 OK\r\n\r\n", "HTTP/1.1 200 O\1K\r\n\r\n",
    "HTTP/1.11 200 OK\r\n\r\n",
  },
  {
    "bad_version", 12152, "unsupported HTTP version", "response",
    "HTTP/2.0 200 OK\r\n\r\n", "HTTP/0.9 200 OK\r\n\r\n",
    "HTTP/1 200 OK\r\n\r\n", "HTTP/11 200 OK\r\n\r\n",
    "HTTP/ 1.1 200 OK\r\n\r\n", "HTTP/x.1 200 OK\r\n\r\n",
    "HTTP/1,1 200 OK\r\n\r\n", "HTTP/\r\n\r\n",
  },
  {
    "bad_field_name", 12152, "malformed header name", "response",
    head "Na me: x", head "Name : x", head "Name\t: x", head ": x",
    head "no colon", head "N\228me: x", head "N(a): x", head "N\1: x",
    head("A: b", "\"q\": x"), head("Transfer-Encoding : chunked", "A: b"),
  },
  {
    "bad_field_value", 12152, "control character in a header value",
    "response",
    head "A: b\1c", head "A: b\127c", head "A: \27[31m", head "A: b\v",
  },
  {
    "bare_cr", 12152, "bare CR in a header", "response",
    head "A: b\rc", head "A: b\rSet-Cookie: c=d", head "A\r: b",
    head "A: b\r", head "\rA: b", "HTTP/1.1 200 O\rK\r\n\r\n",
    OK .. "A: b\r\rB: c\r\n\r\n",
  },
  {
    "nul_in_head", 12152, "NUL in a header", "response",
    head "A: b\0c", head "A\0: b", head "\0", "HTTP/1.1 200 O\0K\r\n\r\n",
    head "A: b\0",
  },
  {
    "folded_header", 12152, "folded header line", "response",
    head(" A: b", "B: c"), head("\tA: b"), head " ",
    head("Content-Length: 1", " 0"), head("content-length:", "\t5"),
    head("A: b", "Transfer-Encoding: gzip,", " chunked"),
    "HTTP/1.1 103 Wait\r\n A: b\r\n\r\n",
  },
  {
    "head_too_large", 12182, "head larger than the limit", "response",
    OK .. ("A: " .. ("b"):rep(1000) .. "\r\n"):rep(66),
    OK .. "A: " .. ("b"):rep(65536),
    "HTTP/1.1 200 " .. ("O"):rep(65536),
    OK .. "A: " .. ("b"):rep(65536 - #OK - 6) .. "\r\n\r\n",
    large = true,
  },
  {
    "too_many_fields", 12181, "more headers than the limit", "response",
    OK .. many(257, "F%d: x\r\n") .. "\r\n",
    OK .. many(5000, "a:\r\n") .. "\r\n",
    OK .. "A: b\r\n" .. many(256, " c\r\n") .. "\r\n",
    large = true,
  },
  {
    "bad_content_length", 12152, "malformed Content-Length", "response",
    head "Content-Length: abc", head "Content-Length:",
    head "Content-Length: -1", head "Content-Length: +5",
    head "Content-Length: 5x", head "Content-Length: 0x5",
    head "Content-Length: 5 5", head "Content-Length: 5.0",
    head "Content-Length: 5,", head "Content-Length: ,5",
    head "Content-Length: 9223372036854775808",
    head "Content-Length: 18446744073709551621",
    head("Content-Length: 5", "Content-Length: x"),
  },
  {
    "conflicting_content_length", 12152, "conflicting Content-Length",
    "response",
    head("Content-Length: 5", "Content-Length: 6"),
    head("Content-Length: 6", "A: b", "content-length: 5"),
    head "Content-Length: 5, 6", head("Content-Length: 5, 5",
      "Content-Length: 0"),
  },
  {
    "length_and_chunked", 12152,
    "Content-Length together with Transfer-Encoding", "response",
    head("Content-Length: 5", "Transfer-Encoding: chunked"),
    head("Transfer-Encoding: chunked", "Content-Length: 0"),
    head("Transfer-Encoding: identity", "Content-Length: 5"),
  },
  {
    "bad_transfer_encoding", 12152, "unsupported Transfer-Encoding",
    "response",
    head "Transfer-Encoding: gzip, chunked",
    head "Transfer-Encoding: chunked, chunked",
    head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    head "Transfer-Encoding:",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
  },
  {
    "bad_chunk_size", 12152, "malformed chunk size", "receive",
    chunked .. "\r\n", chunked .. "g\r\n", chunked .. "-5\r\n",
    chunked .. "+5\r\n", chunked .. "0x5\r\n", chunked .. " 5\r\n",
    chunked .. "5 0\r\n", chunked .. "5\nhello\r\n", chunked .. "5\r\r",
    chunked .. "5;a\1=b\r\n", chunked .. "5;a=b\n", chunked .. "5; =b\r\n",
    chunked .. "5;\r\n", chunked .. "5\0\r\n", chunked .. "5;a=b\rc\r\n",
    chunked .. "5\r\nhello\r\n5,\r\n",
  },
  {
    "chunk_size_overflow", 12152, "chunk size out of range", "receive",
    chunked .. "10000000000000000\r\n", chunked .. "ffffffffffffffff\r\n",
    chunked .. "8000000000000000\r\n", chunked .. "00000000000000005\r\n",
  },
  {
    "bad_chunk_end", 12152, "chunk data without its CRLF", "receive",
    chunked .. "5\r\nhello!\r\n", chunked .. "5\r\nhello\n0\r\n\r\n",
    chunked .. "5\r\nhello\r\r\n", chunked .. "5\r\nhello5\r\nworld\r\n",
  },
  {
    "chunk_line_too_long", 12183, "chunk line longer than the limit",
    "receive",
    chunked .. "5;" .. ("x"):rep(1100),
    chunked .. "5" .. (" "):rep(1100) .. ";x\r\n",
    large = true,
  },
  {
    "chunk_overhead", 12183, "more chunk framing than the limit", "receive",
    chunked .. ("1;" .. ("x"):rep(1000) .. "\r\na\r\n"):rep(150),
    large = true,
  },
  {
    "bad_trailer", 12152, "malformed trailer", "receive",
    chunked .. "0\r\nno colon\r\n\r\n", chunked .. "0\r\nA : b\r\n\r\n",
    chunked .. "0\r\n A: b\r\n\r\n", chunked .. "0\r\nA: b\0\r\n\r\n",
    chunked .. "2\r\nhi\r\n0\r\nA: b\rc\r\n\r\n",
    chunked .. "0\r\n\1\r\n\r\n",
  },
  {
    "trailer_too_large", 12182, "trailers larger than the limit", "receive",
    chunked .. "0\r\n" .. ("A: " .. ("b"):rep(1000) .. "\r\n"):rep(17),
    chunked .. "0\r\nA: " .. ("b"):rep(16384),
    large = true,
  },
  {
    "truncated_head", 12030, "connection closed inside the head", "response",
    "H", "HTTP/1.1 200 OK", OK, OK .. "A: b\r\n", OK .. "A: b\r\n\r", "\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTT",
    cut = true,
  },
  {
    "truncated_body", 12030, "connection closed inside the body", "receive",
    head "Content-Length: 10", head "Content-Length: 10" .. "123456789",
    chunked, chunked .. "5", chunked .. "5\r\n", chunked .. "5\r\nhel",
    chunked .. "5\r\nhello", chunked .. "5\r\nhello\r\n",
    chunked .. "5\r\nhello\r\n0\r\n", chunked .. "0\r\nA: b\r\n",
    chunked .. "0\r\nA: b\r\n\r",
    cut = true,
  },
  {
    "too_many_interim", 12152, "too many interim responses", "response",
    ("HTTP/1.1 100 Continue\r\n\r\n"):rep(11),
    ("HTTP/1.1 102 Wait\r\nA: b\r\n\r\n"):rep(5)
      .. ("HTTP/1.1 199 x\n\n"):rep(6),
  },
  {
    "unexpected_upgrade", 12152, "protocol switched without being asked",
    "response",
    "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
      .. "Upgrade: websocket\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 X\r\nUpgrade: h2c\r\n\r\n",
  },
  {
    "bad_content_coding", 12152, "corrupt compressed body", "receive",
    head("Content-Encoding: gzip", "Content-Length: 99") .. "hello, hello, hello",
    head("Content-Encoding: deflate", "Transfer-Encoding: chunked")
      .. "4\r\n\x78\x9c\xff\xff\r\n",
  },
  { -- such a body may have ended well but for its coding: see content_spec
    "truncated_content", 12152, "compressed body ends too early", "receive",
    head("Content-Encoding: gzip", "Connection: close", "Content-Length: 3")
      .. "\x1f\x8b\x08",
  },
}

-- The one fault that is never told: there is nobody to tell it to. Its cases
-- are below.
local silent = { "unasked_response", 12152, "response without a request" }

local places = {
  response = "while waiting for the response of",
  receive = "while receiving from",
}

-- ------------------------------------------------------------ the other lists

local function read_file(path)
  local file <close> = assert(io.open(path, "r"))
  return file:read("a")
end

-- name -> {code, text}, from the list in C.
local function listed()
  local source = read_file("csrc/proto/h1_head.h")
  local list = source:match("#define HN_FAULT_LIST%(X%)(.-)\n\n")
  local faults = {}
  for name, code, text in list:gmatch("X%(([%u_]+), ([%u_]+),[%s\\]*\"(.-)\"%)") do
    faults[name:lower()] = { hinternet.errors[code:lower()], text }
  end
  faults.none = nil
  return faults
end

-- The same from README's table.
local function documented()
  local readme = read_file("README.md")
  local _, start = readme:find("\n## What a bad response is called\n", 1, true)
  assert(start, "README has no section \"What a bad response is called\"")
  local section = readme:sub(start, (readme:find("\n## ", start, true)))
  local faults = {}
  for name, code, text, when in
    section:gmatch("\n| `([%l_]+)` | (%d+) | (.-) | (.-) |%f[\n\0]") do
    assert(not faults[name], name .. " is there twice")
    assert(#when > 0, name .. " does not say when")
    faults[name] = { math.tointeger(tonumber(code)), text }
  end
  return faults
end

local function tested()
  local faults = { [silent[1]] = { silent[2], silent[3] } }
  for _, case in ipairs(cases) do faults[case[1]] = { case[2], case[3] } end
  return faults
end

describe("The faults of a response are the same", function()
  it("in the C list and in this spec", function()
    assert.same(listed(), tested())
  end)

  it("in the C list and in README", function()
    assert.same(listed(), documented())
  end)
end)

-- ----------------------------------------------------------------- the faults

local p = peer.new()
local good = { { "keepalive", "ok" } }

local function ask(connection, method)
  local request = assert(connection:open_request(method, "/"))
  assert(request:send())
  return request
end

describe("A bad response fails by its name and costs the connection:", function()
  p:for_tests()

  -- The error of reading all of it, and where it was met.
  local function provoke(connection)
    local request <close> = ask(connection)
    local ok, message, code = request:receive_response()
    if not ok then return message, code, "response" end
    repeat
      ok, message, code = request:read(4)
    until not ok
    return message, code, "receive"
  end

  local function run(case, send)
    local after = case.cut and { "close" } or { "recv_eof" }
    local server = p:serve { connections = {
      { { "recv_head" }, send, after }, good,
    } }
    local session <close> = hinternet.open {}
    local connection = session:connect("127.0.0.1", server.port)
    local message, code, place = provoke(connection)
    assert.equal(("%s %s 127.0.0.1:%d"):format(case[3], places[case[4]],
      server.port), message)
    assert.equal(case[2], code)
    assert.equal(case[4], place)
    -- The request is of no use any more, its session is, on a new connection;
    -- the old one is closed.
    assert.equal("ok", exchange.ask(connection))
    assert.equal(2, server:accepted())
    assert.is_true(server:wait(1))
    server:close()
  end

  for _, case in ipairs(cases) do
    it(("%s, \"%s\" (%d)"):format(case[1], case[3], case[2]), function()
      for i = 5, #case do
        local bytes = case[i]
        local sends = { { "send", bytes }, { "send_slowly", bytes,
          case.large and 4001 or 1, 0 } }
        for _, send in ipairs(sends) do
          local ok, message = pcall(run, case, send)
          if not ok then
            error(("%q, %s: %s"):format(bytes:sub(1, 200), send[1],
              tostring(message)), 0)
          end
        end
      end
    end)
  end
end)

describe("A connection that ends", function()
  p:for_tests()

  -- What else it may have meant.
  local guess = " (does the server speak only TLS on this port?)"

  local function expect(step, text, code)
    local server = p:serve { connections = {
      { { "recv_head" }, step }, good,
    } }
    local session <close> = hinternet.open {}
    local connection = session:connect("127.0.0.1", server.port)
    local request <close> = ask(connection)
    local ok, message, got = request:receive_response()
    assert.is_nil(ok)
    assert.equal(text .. " while waiting for the response of 127.0.0.1:"
      .. server.port .. guess, message)
    assert.equal(code, got)
    assert.equal("ok", exchange.ask(connection))
    assert.equal(2, server:accepted())
    server:close()
  end

  it("without a response is told so", function()
    expect({ "close" }, "connection closed without a response", 12030)
  end)

  it("by a reset is told so", function()
    expect({ "reset" }, "connection broken (connection reset by peer)", 12030)
  end)

  -- What a way of reading a body that breaks off gives: nil, message, code.
  local readers = {
    ["read, after what came before"] = function(request)
      local got, data, message, code = "", request:read(2)
      while data do
        got = got .. data
        data, message, code = request:read(2)
      end
      assert.equal("12345", got)
      return data, message, code
    end,
    ["read of everything"] = function(request) return request:read("a") end,
    ["read of a certain size"] = function(request) return request:read(10, "fill") end,
    ["read_to"] = function(request)
      local file <close> = assert(io.tmpfile())
      return request:read_to(file)
    end,
  }
  for _, method in ipairs { "chunks", "lines" } do
    readers["the loop over " .. method .. ", by an error"] = function(request)
      local ok, raised = pcall(function()
        for piece in request[method](request) do assert.is_string(piece) end
      end)
      assert.is_false(ok)
      return nil, raised:gsub("^.-%d: ", ""), 12030
    end
  end

  for name, read in pairs(readers) do
    it("inside the body is told by " .. name, function()
      local server = p:answer(head "Content-Length: 10" .. "12345")
      local session <close> = hinternet.open {}
      local request = ask(session:connect("127.0.0.1", server.port))
      assert(request:receive_response())
      assert.same({ n = 3, nil, "connection closed inside the body while receiving from "
        .. "127.0.0.1:" .. server.port, 12030 }, table.pack(read(request)))
      server:close()
    end)
  end

  it("inside the body by a reset is told so", function()
    local server = p:script({ "recv_head" },
      { "send", head "Content-Length: 10" .. "12345" }, { "wait" },
      { "reset" })
    local session <close> = hinternet.open {}
    local request = ask(session:connect("127.0.0.1", server.port))
    assert(request:receive_response())
    assert.equal("12345", request:read(5, "fill"))
    server:go()
    local data, message, code = request:read(5)
    assert.is_nil(data)
    assert.equal("connection broken (connection reset by peer) while "
      .. "receiving from 127.0.0.1:" .. server.port, message)
    assert.equal(12030, code)
    server:close()
  end)
end)

describe("Bytes that no request asked for (" .. silent[1] .. ")", function()
  p:for_tests()

  local evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"

  local function expect_dropped(method, bytes, body)
    local server = p:serve { connections = {
      { { "recv_head" }, { "send", bytes .. evil }, { "recv_eof" } }, good,
    } }
    local session <close> = hinternet.open {}
    local connection = session:connect("127.0.0.1", server.port)
    assert.equal(body or "", exchange.ask(connection, method))
    assert.equal("ok", exchange.ask(connection))
    assert.equal(2, server:accepted())
    server:close()
  end

  local rows = {
    { "Content-Length", "GET", head "Content-Length: 5" .. "hello", "hello" },
    { "an empty body", "GET", head "Content-Length: 0" },
    { "the last chunk", "GET", chunked .. "2\r\nhi\r\n0\r\n\r\n", "hi" },
    { "an answer to HEAD", "HEAD", head "Content-Length: 5" .. "hello" },
    { "204", "GET", "HTTP/1.1 204 No\r\n\r\n" },
    { "304", "GET", "HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\nhello" },
    { "a body read past every buffer", "GET",
      head "Content-Length: 100000" .. ("x"):rep(100000),
      ("x"):rep(100000) },
    { "a long chunk", "GET",
      chunked .. "186a0\r\n" .. ("x"):rep(100000) .. "\r\n0\r\n\r\n",
      ("x"):rep(100000) },
  }
  for _, row in ipairs(rows) do
    it("behind " .. row[1] .. " leave the body whole and end the reuse",
      function() expect_dropped(row[2], row[3], row[4]) end)
  end

  it("behind a body that is thrown away unread end the reuse", function()
    local server = p:serve { connections = {
      { { "recv_head" },
        { "send", head "Content-Length: 5" .. "hello" .. evil },
        { "recv_eof" } },
      good,
    } }
    local session <close> = hinternet.open {}
    local connection = session:connect("127.0.0.1", server.port)
    local request = ask(connection)
    assert(request:receive_response())
    request:close()
    assert.equal("ok", exchange.ask(connection))
    assert.equal(2, server:accepted())
    server:close()
  end)

  it("on an idle connection end it, and nobody is told", function()
    local server = p:serve { connections = {
      { { "recv_head" }, { "send", head "Content-Length: 2" .. "hi" },
        { "wait" }, { "send", evil }, { "recv_eof" } },
      good,
    } }
    local other = p:keepalive("other")
    local session <close> = hinternet.open {}
    local connection = session:connect("127.0.0.1", server.port)
    local elsewhere = session:connect("127.0.0.1", other.port)
    assert.equal("hi", exchange.ask(connection))
    server:go()
    -- Whatever else the session does, it sees what comes.
    wait.sleeping("the connection's end", function()
      assert.equal("other", exchange.ask(elsewhere))
      return server:wait(1, 0)
    end)
    assert.equal("ok", exchange.ask(connection))
    assert.equal(2, server:accepted())
    server:close()
    other:close()
  end)
end)

describe("The limits of a head are options:", function()
  p:for_tests()

  local function answer_of(bytes, option, value)
    local server = p:script({ "recv_head" }, { "send", bytes })
    local session <close> = hinternet.open {}
    local request = session:connect("127.0.0.1", server.port):open_request()
    assert(request:set_option(option, value))
    assert(request:send())
    local ok, message, code = request:receive_response()
    session:close()
    server:close()
    return ok, message, code
  end

  it("max_response_header_size counts to the last byte", function()
    local bytes = head("A: " .. ("b"):rep(100), "Content-Length: 0")
    assert.is_true(answer_of(bytes, "max_response_header_size", #bytes))
    local _, message, code = answer_of(bytes, "max_response_header_size",
      #bytes - 1)
    assert.matches("^head larger than the limit while waiting", message)
    assert.equal(12182, code)
  end)

  it("256 is the most headers and the most trailers", function()
    local function answer(headers, trailers)
      return OK .. many(headers - 1, "F%d: x\r\n")
        .. "Transfer-Encoding: chunked\r\n\r\n0\r\n"
        .. many(trailers, "T%d: x\r\n") .. "\r\n"
    end
    local function read(bytes)
      local server = p:script({ "recv_head" }, { "send", bytes })
      local session <close> = hinternet.open {}
      local request = ask(session:connect("127.0.0.1", server.port))
      local _, message, code = request:receive_response()
      if not message then _, message, code = request:read("a") end
      session:close()
      server:close()
      return message and message:gsub(" [%d.:]+$", ""), code
    end
    assert.is_nil(read(answer(256, 256)))
    local message, code = read(answer(257, 0))
    assert.equal("more headers than the limit while waiting for the response of",
      message)
    assert.equal(12181, code)
    message, code = read(answer(256, 257))
    assert.equal("more headers than the limit while receiving from", message)
    assert.equal(12181, code)
  end)

  it("max_http_status_continue counts the interim responses", function()
    local interim = "HTTP/1.1 100 Continue\r\n\r\n"
    local final = head "Content-Length: 0"
    for count = 0, 2 do
      assert.is_true(answer_of(interim:rep(count) .. final,
        "max_http_status_continue", count))
      local _, message, code = answer_of(interim:rep(count + 1) .. final,
        "max_http_status_continue", count)
      assert.matches("^too many interim responses while waiting", message)
      assert.equal(12152, code)
    end
  end)
end)
