-- Content codings: what is asked for, what is undone, and what a body that does
-- not fit its coding is called.

local hinternet = require "hinternet"
local peer = require "spec.support.peer"
local coded = require "spec.support.coded"
local exchange = require "spec.support.exchange"
local wait = require "spec.support.wait"

local p, made = peer.new(), nil
setup(function() made = coded.make() end)

local function answer(coding, body, ...)
  return peer.response(200, { "Content-Encoding: " .. coding, ... }, body)
end

local function chunked(coding, body, size)
  local out = { answer(coding, "", "Transfer-Encoding: chunked") }
  for at = 1, #body, size do
    local piece = body:sub(at, at + size - 1)
    out[#out + 1] = ("%x\r\n%s\r\n"):format(#piece, piece)
  end
  out[#out + 1] = "0\r\nAfter: wards\r\n\r\n"
  return table.concat(out)
end

-- A server that gives any request this answer, on one connection.
local function serve(text)
  return p:script({ "loop", -1, { { "recv_head" }, { "send", text } } })
end

local function start(session, port, headers, method)
  local request = session:connect("127.0.0.1", port):open_request(method or "GET", "/")
  assert(request:send(headers))
  return request, request:receive_response()
end

local function text_while(detail, phase, port)
  return ("%s while %s 127.0.0.1:%d"):format(detail, phase, port)
end

-- The codings of this build, as it names them itself.
local function built()
  local server = p:keepalive("")
  local session <close> = assert(hinternet.open())
  local request = session:connect("127.0.0.1", server.port):open_request()
  assert(request:send())
  local value = request:query_headers("Accept-Encoding", { request = true })
  server:close()
  local set = {}
  for name in value:gmatch("%a+") do set[name] = true end
  return set, value
end

describe("Accept-Encoding", function()
  p:for_tests()

  local function asked(options, headers, open)
    local server = p:keepalive("")
    local session <close> = assert(hinternet.open(options))
    local request = session:connect("127.0.0.1", server.port):open_request("GET", "/", open)
    assert(request:send(headers))
    assert(request:receive_response())
    local value = request:query_headers("Accept-Encoding", { request = true })
    assert.is_nil((request:query_headers("Accept-Encoding", { request = true, index = 2 })))
    server:close()
    return value
  end

  it("asks for what this build undoes, gzip and deflate at least", function()
    local set, value = built()
    assert.is_truthy(value:find("^gzip, deflate%f[,\0]"))
    assert.equal(hinternet.features.brotli, set.br or false)
    assert.equal(hinternet.features.zstd, set.zstd or false)
    for name in pairs(set) do
      assert.is_truthy(("gzip deflate br zstd"):find(name, 1, true), name)
    end
    assert.equal(value, asked())
    assert.equal(value, asked { decompression = 15 })
    assert.equal(value, asked { decompression = { "gzip", "deflate", "br", "zstd" } })
  end)

  it("asks for less when less is wanted", function()
    assert.equal("gzip", asked { decompression = 1 })
    assert.equal("deflate", asked { decompression = "deflate" })
    assert.equal("gzip, deflate", asked { decompression = { "deflate", "gzip" } })
    assert.is_nil(asked { decompression = 0 })
    assert.is_nil(asked { decompression = {} })
  end)

  it("is left to the caller who sets it, and out when a range is asked for", function()
    for _, value in ipairs { "identity", "gzip", "gzip;q=0, *" } do
      assert.equal(value, asked(nil, "accept-encoding: " .. value))
    end
    assert.is_nil(asked(nil, "Range: bytes=0-9"))
  end)

  it("follows the option from one send to the next", function()
    local server = p:keepalive("")
    local session <close> = assert(hinternet.open { decompression = "gzip" })
    local request = session:connect("127.0.0.1", server.port):open_request()
    for value, wanted in pairs { [0] = false, "gzip", "deflate", "gzip, deflate" } do
      assert(request:set_option("decompression", value))
      assert(request:send())
      assert(request:receive_response())
      assert.equal(wanted or nil,
        (request:query_headers("Accept-Encoding", { request = true })))
    end
    server:close()
  end)
end)

describe("A body", function()
  p:for_tests()

  local rows = { -- Content-Encoding, which body
    { "gzip", "gzip" }, { "x-gzip", "gzip" }, { "GZip", "gzip" }, { "gzip", "members" },
    { "gzip", "named" }, { "deflate", "zlib" }, { "deflate", "raw" }, { "gzip, gzip", "twice" },
    { "deflate, gzip", "zlib_gzip" }, { "identity", "plain" }, { "identity, gzip", "gzip" },
    { "gzip\r\nContent-Encoding: gzip", "twice" }, { " , gzip ,", "gzip" },
  }
  for _, row in ipairs(rows) do
    it(("in %s (%s) is undone, whole or in chunks"):format(row[1]:gsub("\r\n", ", "), row[2]),
      function()
        local body = made[row[2]]
        for _, text in ipairs { answer(row[1], body), chunked(row[1], body, 999) } do
          local server = serve(text)
          local session <close> = assert(hinternet.open())
          for _ = 1, 2 do
            local request = start(session, server.port)
            assert.is_true(made.plain == request:read("a"))
            assert.is_nil(request:read())
            assert.equal(row[1]:match("^%s*,?%s*([%w-]*)"),
              request:query_headers("Content-Encoding"):match("[%w-]+"))
          end
          assert.equal(1, session:query_option("connections_opened"))
          server:close()
        end
      end)
  end

  it("in br or zstd is undone where that is built, and else left as it is", function()
    local set = built()
    local session <close> = assert(hinternet.open())
    for name, make in pairs { br = made.brotli, zstd = made.zstd } do
      for _, plain in ipairs { "hello", made.plain, "" } do
        local body = make(plain)
        local server = serve(answer(name, body))
        local expected = set[name] and plain or body
        assert.is_true(expected == (exchange.fetch(session, server) or ""), name)
        server:close()
      end
    end
    if set.br and set.zstd then
      local server = serve(answer("gzip, br, zstd", made.zstd(made.brotli(made.gzip))))
      assert.is_true(made.plain == exchange.fetch(session, server))
      server:close()
    end
  end)

  it("is undone byte by byte as it comes", function()
    local server = p:script({ "recv_head" },
      { "drip", chunked("gzip", made.short, 7), 0.0005 })
    local session <close> = assert(hinternet.open())
    assert.equal("hello\n", exchange.fetch(session, server))
    server:close()
  end)

  it("of nothing is nothing, labelled or not", function()
    for _, text in ipairs { answer("gzip", ""), answer("gzip", made.empty), answer("deflate", ""),
      answer("gzip", "", "Transfer-Encoding: chunked") .. "0\r\n\r\n",
      "HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n",
      "HTTP/1.1 304 Not Modified\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n" } do
      local server = serve(text)
      local session <close> = assert(hinternet.open())
      for _ = 1, 2 do
        local request = start(session, server.port)
        assert.equal(0, request:query_data_available())
        assert.is_nil(request:read("a"))
      end
      assert.equal(1, session:query_option("connections_opened"), text)
      server:close()
    end
  end)

  it("of a HEAD is nothing, whatever its headers say", function()
    local server = serve("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n\r\n")
    local session <close> = assert(hinternet.open())
    for _ = 1, 2 do
      local request = start(session, server.port, nil, "HEAD")
      assert.equal(0, request:query_data_available())
      assert.is_nil(request:read())
      assert.equal(99, request:query_headers("content_length"))
    end
    assert.equal(1, session:query_option("connections_opened"))
    server:close()
  end)

  it("that ends with its connection is undone too", function()
    local server = p:answer("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" .. made.gzip)
    local session <close> = assert(hinternet.open())
    assert.is_true(made.plain == exchange.fetch(session, server))
    server:close()
  end)

  it("is left as it came when decompression is off or the caller asked for it so", function()
    local server = serve(answer("gzip", made.gzip))
    for _, row in ipairs { { { decompression = 0 } }, { {}, "Accept-Encoding: gzip" },
      { {}, "Range: bytes=0-" }, { { decompression = "deflate" } } } do
      local session <close> = assert(hinternet.open(row[1]))
      assert.is_true(made.gzip == (start(session, server.port, row[2])):read("a"))
    end
    server:close()
  end)

  it("in a coding nobody knows is left as it came, all its layers on", function()
    for _, coding in ipairs { "compress", "sdch", "gzip, aes128gcm", "x", "gzip;q=1",
      "gzip gzip" } do
      local server = serve(answer(coding, made.gzip))
      local session <close> = assert(hinternet.open())
      assert.is_true(made.gzip == exchange.fetch(session, server), coding)
      server:close()
    end
  end)

  it("by the one-call functions is plain", function()
    local server = serve(answer("gzip", made.gzip))
    local r = assert(hinternet.get(server.url))
    assert.is_true(made.plain == r.body)
    assert.equal("gzip", r.headers["content-encoding"])
    server:close()
  end)
end)

describe("Decoded bytes", function()
  p:for_tests()

  local function with_server(act)
    return function()
      local server = serve(chunked("gzip", made.gzip, 3000))
      local session <close> = assert(hinternet.open())
      act(server, session)
      server:close()
    end
  end

  local function collect(next_piece)
    local out = {}
    for piece in next_piece do out[#out + 1] = piece end
    return table.concat(out)
  end

  local ways = {
    ["read(n)"] = function(request) return collect(function() return request:read(77) end) end,
    ["read()"] = function(request) return collect(function() return request:read() end) end,
    ["read(n, fill)"] = function(request)
      local first = request:read(70000, "fill")
      assert.equal(70000, #first)
      return first .. request:read(70000, "fill")
    end,
    ["chunks"] = function(request) return collect(request:chunks(5000)) end,
    ["lines"] = function(request)
      local out = {}
      for line in request:lines() do out[#out + 1] = line end
      -- The last line of the text has no end.
      return table.concat(out, "\n")
    end,
    ["query_data_available and read"] = function(request)
      return collect(function()
        local n = request:query_data_available()
        if n == 0 then return nil end
        assert.equal(n, request:query_data_available())
        local piece = request:read(n)
        assert.equal(n, #piece)
        return piece
      end)
    end,
    ["query_data_available and a shorter read"] = function(request)
      return collect(function()
        return request:query_data_available() > 0 and request:read(1000) or nil
      end)
    end,
    ["read_to"] = function(request)
      local file <close> = assert(io.tmpfile())
      assert.equal(10, request:read_to(file, 10))
      assert.equal(#made.plain - 10, request:read_to(file))
      assert.equal(0, request:read_to(file))
      file:seek("set")
      return file:read("a")
    end,
  }
  for name, act in pairs(ways) do
    local function check(server, session)
      for _ = 1, 2 do
        local request = start(session, server.port)
        assert.is_true(made.plain == act(request))
        assert.is_nil(request:read(1))
        assert.equal("wards", request:query_headers("After", { trailer = true }))
      end
      assert.equal(1, session:query_option("connections_opened"))
    end
    it("come by " .. name .. ", and the connection is used again", with_server(check))
  end

  it("nobody reads cost the connection or are drained, and harm nobody", function()
    local session <close> = assert(hinternet.open())
    for _, text in ipairs { answer("gzip", made.gzip), chunked("gzip", made.gzip, 3000) } do
      local s = serve(text)
      for _, part in ipairs { 0, 1, 50000 } do
        local request = start(session, s.port)
        if part > 0 then assert.equal(part, #request:read(part, "fill")) end
        request:close()
      end
      assert.is_true(made.plain == exchange.fetch(session, s))
      s:close()
    end
  end)

  it("are what max_response_body counts", with_server(function(server, session)
    assert(session:set_option("max_response_body", #made.plain))
    assert.is_true(made.plain == exchange.fetch(session, server))
    assert(session:set_option("max_response_body", #made.plain - 1))
    assert.equal(122, select(3, exchange.fetch(session, server)))
  end))
end)

describe("A coded body", function()
  p:for_tests()

  local corrupt, truncated = "corrupt compressed body", "compressed body ends too early"

  local function expect(text, detail, phase)
    local server = serve(text)
    local session <close> = assert(hinternet.open())
    local _, message, code = exchange.fetch(session, server)
    assert.equal(text_while(detail, phase or "receiving from", server.port), message)
    assert.equal(12152, code)
    server:close()
  end

  it("that is corrupt is an error, not a body", function()
    local flipped = made.gzip:sub(1, 5000) .. ("\xff"):rep(20) .. made.gzip:sub(5021)
    local sum = made.gzip:sub(1, -9) .. "\0\0\0\0" .. made.gzip:sub(-4)
    for _, row in ipairs { { "gzip", flipped }, { "gzip", sum }, { "gzip", made.plain },
      { "gzip", made.gzip .. "rubbish" }, { "deflate", "\x78\x9c\xff\xff" },
      { "deflate", made.zlib .. "x" }, { "gzip", made.zlib }, { "gzip, gzip", made.gzip } } do
      expect(answer(row[1], row[2]), corrupt)
      expect(chunked(row[1], row[2], 1000), corrupt)
    end
  end)

  it("that ends before its coding does is an error", function()
    for _, cut in ipairs { 1, 8, 9, 5000, #made.gzip - 5 } do
      expect(answer("gzip", made.gzip:sub(1, -1 - cut)), truncated)
    end
    expect(answer("deflate", made.zlib:sub(1, -2)), truncated)
    expect(answer("deflate", made.raw:sub(1, -2)), truncated)
    expect(answer("gzip", made.members:sub(1, -2)), truncated)
  end)

  it("with more codings than four is refused with its head", function()
    local coding = ("gzip, "):rep(4) .. "gzip"
    expect(answer(coding, made.gzip), corrupt, "waiting for the response of")
  end)

  it("that is corrupt at its end hands out all of it, and leaves its connection whole", function()
    local server = p:script({ "recv_head" },
      { "send", answer("gzip", made.gzip:sub(1, -9) .. ("\0"):rep(8)) },
      { "keepalive", "ok" })
    local session <close> = assert(hinternet.open())
    local request = start(session, server.port)
    local out = {}
    local piece, message, code = request:read(1000)
    while piece do
      out[#out + 1] = piece
      piece, message, code = request:read(1000)
    end
    assert.is_true(made.plain == table.concat(out))
    assert.equal(12152, code)
    assert.equal(text_while(corrupt, "receiving from", server.port), message)
    assert.equal(12019, select(3, request:read()))
    assert.equal("ok", exchange.fetch(session, server))
    assert.equal(1, session:query_option("connections_opened"))
    server:close()
  end)

  it("that is corrupt before its end ends its connection", function()
    local whole = chunked("gzip", ("x"):rep(2000), 1000)
    local server = p:serve { connections = {
      { { "recv_head" }, { "send", whole:sub(1, -1000) }, { "recv_eof" } },
      { { "keepalive", "ok" } },
    } }
    local session <close> = assert(hinternet.open())
    assert.equal(12152, select(3, exchange.fetch(session, server)))
    assert.is_true(server:wait(1))
    assert.equal("ok", exchange.fetch(session, server))
    assert.equal(2, session:query_option("connections_opened"))
    server:close()
  end)

  it("tells a callback why it failed", function()
    local server = serve(answer("gzip", made.gzip:sub(1, -2)))
    local failure
    local session <close> = assert(hinternet.open { async = true })
    session:set_status_callback(function(request, status, info)
      if status == "sendrequest_complete" then request:receive_response() end
      if status == "headers_available" then request:read("a") end
      if status == "request_error" then failure = info end
    end)
    local request = session:connect("127.0.0.1", server.port):open_request()
    assert(request:send())
    wait.polling("a failure", function() return failure end, session)
    assert.same({ operation = "read", code = 12152, phase = "receive",
      host = "127.0.0.1:" .. server.port,
      message = text_while(truncated, "receiving from", server.port) }, failure)
    server:close()
  end)

  it("that unpacks to more than max_decoded_size is an error, however it is read", function()
    local server = serve(answer("gzip", made.bomb))
    local session <close> = assert(hinternet.open { max_decoded_size = made.bomb_size - 1 })
    local text = text_while("decoded body larger than max_decoded_size", "receiving from",
      server.port)
    for _, act in ipairs {
      function(request) return request:read("a") end,
      function(request) return request:read(made.bomb_size, "fill") end,
      function(request)
        local file <close> = assert(io.tmpfile())
        return request:read_to(file)
      end,
      function(request)
        while true do
          local piece, message, code = request:read()
          if not piece then return piece, message, code end
        end
      end,
    } do
      local result = table.pack(act((start(session, server.port))))
      assert.same({ nil, text, 122 }, { result[1], result[2], result[3] })
    end
    assert(session:set_option("max_decoded_size", made.bomb_size))
    assert.equal(made.bomb_size, #exchange.fetch(session, server))
    server:close()
  end)

  it("of thousands of empty members is an empty one", function()
    local server = serve(answer("gzip", made.empty:rep(2000)))
    local session <close> = assert(hinternet.open())
    assert.same({ n = 1 }, table.pack(exchange.fetch(session, server)))
    server:close()
  end)

  it("may be read slowly: what is not read is not unpacked", function()
    local server = serve(answer("gzip", made.bomb))
    local session <close> = assert(hinternet.open { max_decoded_size = 100000 })
    local request = start(session, server.port)
    assert.equal(1000, #request:read(1000, "fill"))
    request:close()
    server:close()
  end)
end)
