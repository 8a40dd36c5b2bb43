-- Bodies of requests: how they are framed, where they may come from, and which
-- operation is allowed when.

local lfs = require "lfs"
local hinternet = require "hinternet"
local exchange = require "spec.support.exchange"
local peer = require "spec.support.peer"
local wait = require "spec.support.wait"

local p = peer.new()
local function lines(...) return table.concat({ ... }, "\r\n") end
local function finish(request) return exchange.receive(request):match("\r\n\r\n(.*)$") end

-- What act(request) puts on the wire: the head behind Host, and the body.
local function wire(act, method, options)
  local server = p:echo()
  local session <close> = hinternet.open { decompression = 0, user_agent = "" }
  local request = session:connect("127.0.0.1", server.port)
    :open_request(method or "POST", "/", options)
  act(request)
  finish(request)
  local bytes = server:received()[1]
  server:close()
  return bytes:match("^%u+ / HTTP/1%.%d\r\nHost: [^\r]*\r\n(.*)$")
end

local function file_of(text)
  local file = assert(io.tmpfile())
  file:write(text)
  file:seek("set")
  return file
end

describe("The length of a body", function()
  p:for_tests()

  local rows = { -- method, body, what follows Host
    { "GET", nil, lines("", "") },
    { "GET", "", lines("", "") },
    { "HEAD", nil, lines("", "") },
    { "DELETE", nil, lines("", "") },
    { "POST", nil, lines("Content-Length: 0", "", "") },
    { "PUT", nil, lines("Content-Length: 0", "", "") },
    { "PATCH", "", lines("Content-Length: 0", "", "") },
    { "post", nil, lines("", "") },
    { "GET", "abc", lines("Content-Length: 3", "", "abc") },
    { "DELETE", "abc", lines("Content-Length: 3", "", "abc") },
    { "POST", "a\0\r\n", lines("Content-Length: 4", "", "a\0\r\n") },
  }
  it("is announced when there is one, and by POST, PUT and PATCH always",
    function()
      for _, row in ipairs(rows) do
        local server = p:script({ "recv_head" }, { "recv_body" },
          { "send", peer.response(200) })
        local session <close> = hinternet.open { decompression = 0, user_agent = "" }
        local request = session:connect("127.0.0.1", server.port)
          :open_request(row[1], "/")
        assert(request:send(nil, row[2]))
        assert(request:receive_response())
        local bytes = server:received()[1]
        assert.equal(row[1] .. " / HTTP/1.1\r\nHost: 127.0.0.1:" .. server.port
          .. "\r\n" .. row[3], bytes)
        server:close()
      end
    end)

  it("may be more than what send brings: write gives the rest", function()
    assert.equal(lines("Content-Length: 10", "", "0123456789"),
      wire(function(request)
        assert(request:send(nil, "0123", 10))
        assert.equal(1, request:write("4"))
        assert.equal(0, request:write(""))
        assert.equal(5, request:write("56789"))
      end))
    assert.equal(lines("Content-Length: 2", "", "ab"), wire(function(request)
      assert(request:send(nil, nil, 2))
      assert.equal(2, request:write("ab"))
    end))
  end)

  it("may be unknown: chunks are framed here, empty ones left out", function()
    assert.equal(lines("Transfer-Encoding: chunked", "", "3", "abc", "2", "de",
      "0", "", ""), wire(function(request)
        assert(request:send(nil, "abc", "chunked"))
        assert.equal(0, request:write(""))
        assert.equal(2, request:write("de"))
      end))
    assert.equal(lines("Transfer-Encoding: chunked", "", "0", "", ""),
      wire(function(request) assert(request:send(nil, nil, "chunked")) end))
  end)

  it("may be the caller's own header's", function()
    assert.equal(lines("Content-Length: 5", "", "hello"),
      wire(function(request)
        assert(request:send("Content-Length: 5", "he"))
        assert.equal(3, request:write("llo"))
      end))
    assert.equal(lines("content-length: 005", "", "hello"),
      wire(function(request)
        assert(request:add_headers("content-length: 005"))
        assert(request:send(nil, "hello", 5))
      end))
    assert.equal(lines("Transfer-Encoding: Chunked", "", "4", "wiki", "0", "",
      ""), wire(function(request)
        assert(request:send { ["Transfer-Encoding"] = "Chunked" })
        assert.equal(4, request:write("wiki"))
      end))
    assert.equal(lines("Transfer-Encoding: chunked", "", "4", "wiki", "0", "",
      ""), wire(function(request)
        assert(request:send("Transfer-Encoding: chunked", "wiki", "chunked"))
      end))
  end)

  local contradictions = { -- headers, body, total, version
    { "Content-Length: 5", "hello", 6 },
    { "Content-Length: 5", nil, 4 },
    { "Content-Length: 5", "hello!" },
    { "Content-Length: 5", nil, "chunked" },
    { "Content-Length: 5\r\nTransfer-Encoding: chunked" },
    { "Content-Length: 5, 5" }, { "Content-Length: x" },
    { "Content-Length: -1" }, { "Content-Length: +1" }, { "Content-Length:" },
    { "Content-Length: 18446744073709551616" },
    { "Content-Length: 18446744073709551615" },
    { "Transfer-Encoding: chunked", nil, 5 },
    { "Transfer-Encoding: chunked", nil, 0 },
    { "Transfer-Encoding: gzip" }, { "Transfer-Encoding: gzip, chunked" },
    { "Transfer-Encoding: chunked, chunked" }, { "Transfer-Encoding:" },
    { "Transfer-Encoding: chunked", nil, nil, "HTTP/1.0" },
    { nil, nil, "chunked", "HTTP/1.0" },
    { nil, "hello", 4 }, { nil, "hello", 0 }, { nil, nil, -1 },
  }
  it("that contradicts itself is refused and nothing is sent", function()
    local server = p:echo()
    local session <close> = hinternet.open { decompression = 0, user_agent = "" }
    local connection = session:connect("127.0.0.1", server.port)
    for i, row in ipairs(contradictions) do
      local request = connection:open_request("POST", "/",
        { version = row[4] })
      local ok, message, code = request:send(row[1], row[2], row[3])
      assert.is_nil(ok, "row " .. i)
      assert.matches("invalid parameter", message)
      assert.equal(87, code)
    end
    for _, field in ipairs { "Content-Length: 5", "Transfer-Encoding: chunked" }
    do
      local request = connection:open_request("POST", "/")
      assert(request:add_headers(field))
      assert(request:add_headers(field))
      local _, _, code = request:send()
      assert.equal(87, code)
    end
    local request = connection:open_request("POST", "/")
    assert.has_error(function() request:send(nil, nil, "much") end)
    assert.has_error(function() request:send(nil, nil, 1.5) end)
    assert.has_error(function() request:send(nil, {}) end)
    assert.equal(0, server:accepted())
    server:close()
  end)

  it("bounds write, which takes all of its data or nothing", function()
    assert.equal(lines("Content-Length: 5", "", "hello"),
      wire(function(request)
        assert(request:send(nil, "he", 5))
        local n, _, code = request:write("llo!")
        assert.is_nil(n)
        assert.equal(87, code)
        assert.equal(3, request:write("llo"))
        assert.equal(87, select(3, request:write("x")))
        assert.equal(0, request:write(""))
      end))
  end)

  it("must be reached before the response can be received", function()
    assert.equal(lines("Content-Length: 5", "", "hello"),
      wire(function(request)
        assert(request:send(nil, "hell", 5))
        local ok, message, code = request:receive_response()
        assert.is_nil(ok)
        assert.matches("incorrect handle state", message)
        assert.equal(12019, code)
        assert.equal(1, request:write("o"))
      end))
  end)
end)

describe("A request sent again on its handle", function()
  p:for_tests()

  it("is framed anew each time, on the same connection", function()
    local server = p:echo()
    local session <close> = hinternet.open { decompression = 0, user_agent = "" }
    local request = session:connect("127.0.0.1", server.port)
      :open_request("POST", "/", { accept = "a/b" })
    assert(request:send("X: 1", "one"))
    assert.equal("one", finish(request))
    assert(request:send("X: 2", nil, "chunked"))
    assert.equal(5, request:write("two!!"))
    assert.equal("two!!", finish(request))
    assert(request:send())
    assert.equal("", finish(request))
    local host = "POST / HTTP/1.1\r\nHost: 127.0.0.1:" .. server.port
      .. "\r\nAccept: a/b\r\n"
    assert.equal(host .. "X: 1\r\nContent-Length: 3\r\n\r\none"
      .. host .. "X: 2\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ntwo!!\r\n"
      .. "0\r\n\r\n" .. host .. "X: 2\r\nContent-Length: 0\r\n\r\n",
      server:received()[1])
    assert.equal(1, server:accepted())
    server:close()
  end)

  it("has what was added to it in between, in place of what was added for it", function()
    local server = p:echo()
    local session <close> = hinternet.open { user_agent = "" }
    local request = session:connect("127.0.0.1", server.port):open_request("POST", "/")
    assert(request:send(nil, "one"))
    assert.equal("one", finish(request))
    for _, mode in ipairs { "add", "set" } do
      assert(request:add_headers("Accept-Encoding: identity", mode))
      assert(request:add_headers("Content-Length: 4", mode))
      assert(request:send())
      assert.equal(4, request:write("four"))
      assert.equal("four", finish(request))
    end
    local wanted = "POST / HTTP/1.1\r\nHost: 127.0.0.1:" .. server.port
      .. "\r\nAccept-Encoding: identity\r\nContent-Length: 4\r\n\r\nfour"
    local text = server:received()[1]
    assert.equal(wanted, text:sub(-#wanted))
    server:close()
  end)

  it("keeps its framing until its response is here: it may have to go out once more", function()
    local there = p:echo()
    local server = p:script({ "recv_head" }, { "recv_body" },
      { "send", peer.response(307, { "Location: " .. there.url .. "/" }) })
    local session <close> = hinternet.open { decompression = 0, user_agent = "" }
    local request = session:connect("127.0.0.1", server.port):open_request("POST", "/")
    assert(request:send(nil, "body"))
    for _, text in ipairs { "Content-Length: 99", "X: y\r\nTransfer-Encoding: chunked" } do
      for _, mode in ipairs { "add", "set", "replace" } do
        assert.equal(87, select(3, request:add_headers(text, mode)))
      end
    end
    assert.equal(87, select(3, request:add_headers { ["content-length"] = "99" }))
    assert.equal("body", finish(request))
    server:close()
    there:close()
  end)

  it("leaves the response before it unread", function()
    local server = p:keepalive(("x"):rep(1000))
    local session <close> = hinternet.open { decompression = 0, user_agent = "" }
    local request = session:connect("127.0.0.1", server.port)
      :open_request("GET", "/")
    for _ = 1, 3 do
      assert(request:send())
      assert(request:receive_response())
      assert.equal(10, #request:read(10, "fill"))
    end
    assert.equal(990, #request:read("a"))
    server:close()
  end)

  it("gives up one that is half sent", function()
    local server = p:serve { connections = {
      { { "recv_head" }, { "recv_eof" } }, { { "echo" } },
    } }
    local session <close> = hinternet.open { decompression = 0, user_agent = "" }
    local request = session:connect("127.0.0.1", server.port)
      :open_request("POST", "/")
    assert(request:send(nil, "half", 8))
    assert(request:send(nil, "whole"))
    assert.equal("whole", finish(request))
    assert.equal(2, server:accepted())
    server:close()
  end)
end)

describe("A body", function()
  p:for_tests()

  local large = {}
  for i = 1, 30000 do large[i] = ("%06d "):format(i) end
  large = table.concat(large)

  local function echoed(act)
    local server = p:echo()
    local session <close> = hinternet.open { decompression = 0, user_agent = "" }
    local request = session:connect("127.0.0.1", server.port)
      :open_request("POST", "/")
    act(request)
    collectgarbage()
    local text = finish(request)
    server:close()
    return text
  end

  it("beyond 64 KiB is neither copied nor lost", function()
    for _, total in ipairs { false, #large + 3, "chunked" } do
      assert.is_true(large .. (total and "end" or "") == echoed(
        function(request)
          assert(request:send(nil, large:sub(1, -1), total or nil))
          collectgarbage()
          if total then assert.equal(3, request:write("end")) end
        end))
    end
  end)

  it("is written in pieces of any size, framed or not", function()
    for _, total in ipairs { #large, "chunked" } do
      assert.is_true(large == echoed(function(request)
        assert(request:send(nil, nil, total))
        local at, size = 1, 1
        while at <= #large do
          local piece = large:sub(at, at + size - 1)
          assert.equal(#piece, request:write(piece))
          at, size = at + #piece, size * 7
        end
      end))
    end
  end)

  it("goes out in chunks of at most 64 KiB", function()
    local body = ("x"):rep(150000)
    assert.is_true(wire(function(request)
      assert(request:send(nil, nil, "chunked"))
      assert.equal(#body, request:write(body))
    end) == lines("Transfer-Encoding: chunked", "", "10000", ("x"):rep(65536),
      "10000", ("x"):rep(65536), ("%x"):format(150000 - 131072),
      ("x"):rep(150000 - 131072), "0", "", ""))
  end)

  it("comes from where a file stands, and moves it", function()
    local file <close> = file_of("0123456789")
    assert.equal("3456", echoed(function(request)
      assert.equal("012", file:read(3))
      assert(request:send(nil, nil, "chunked"))
      assert.equal(4, request:write_from(file, 4))
      assert.equal("7", file:read(1))
    end))
    assert.equal("89", echoed(function(request)
      assert(request:send(nil, nil, "chunked"))
      assert.equal(2, request:write_from(file))
      assert.equal(0, request:write_from(file))
    end))
    assert.equal(10, file:seek())
  end)

  it("takes no more of a file than was announced", function()
    local file <close> = file_of("0123456789")
    assert.equal("01234", echoed(function(request)
      assert(request:send(nil, nil, 5))
      assert.equal(5, request:write_from(file))
      assert.equal(0, request:write_from(file))
    end))
    assert.equal(5, file:seek())
  end)

  it("comes from a large file", function()
    local file <close> = file_of(large)
    for _, total in ipairs { #large, "chunked" } do
      file:seek("set")
      assert.is_true(large == echoed(function(request)
        assert(request:send(nil, nil, total))
        assert.equal(#large, request:write_from(file))
      end))
    end
  end)

  it("comes from a descriptor", function()
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "w+"))
    file:setvbuf("no") -- the descriptor stands where the file does
    file:write("by number")
    file:seek("set", 3)
    local fd
    for name in lfs.dir("/proc/self/fd") do
      local link = "/proc/self/fd/" .. name
      if lfs.symlinkattributes(link, "target") == path then
        fd = tonumber(name)
      end
    end
    assert.equal("number", echoed(function(request)
      assert(request:send(nil, nil, "chunked"))
      assert.equal(6, request:write_from(fd))
    end))
    os.remove(path)
  end)

  it("comes from a pipe, what was read ahead included", function()
    local pipe <close> = assert(io.popen("LD_PRELOAD= printf 'one two three'"))
    assert.equal("one", pipe:read(3))
    assert.equal(" two three", echoed(function(request)
      assert(request:send(nil, nil, "chunked"))
      assert.equal(4, request:write_from(pipe, 4))
      assert.equal(6, request:write_from(pipe))
      assert.equal(0, request:write_from(pipe))
    end))
  end)

  it("that cannot be read fails the request with 30", function()
    local server = p:script({ "recv_head" }, { "recv_eof" })
    local session <close> = hinternet.open { decompression = 0, user_agent = "" }
    local request = session:connect("127.0.0.1", server.port)
      :open_request("POST", "/")
    assert(request:send(nil, nil, "chunked"))
    local folder <close> = assert(io.open("/", "r"))
    local n, message, code = request:write_from(folder)
    assert.is_nil(n)
    assert.equal("cannot read the file (is a directory)", message)
    assert.equal(30, code)
    assert.equal(12019, select(3, request:receive_response()))
    assert.is_true(server:wait(1))
    server:close()
  end)

  it("comes from an open file, a count and nothing else", function()
    local server = p:echo()
    local session <close> = hinternet.open { decompression = 0, user_agent = "" }
    local request = session:connect("127.0.0.1", server.port)
      :open_request("POST", "/")
    assert(request:send(nil, nil, "chunked"))
    local file = file_of("x")
    assert.equal(87, select(3, request:write_from(file, -1)))
    file:close()
    assert.has_error(function() request:write_from(file) end)
    assert.has_error(function() request:write_from("name") end)
    assert.has_error(function() request:write_from() end)
    assert.has_error(function() request:write_from(-1) end)
    assert.has_error(function() request:write() end)
    assert.has_error(function() request:write({}) end)
    assert.equal("", finish(request))
    server:close()
  end)

  it("may be answered before it is all sent", function()
    local server = p:script({ "recv_head" },
      { "send", peer.response(413, {}, "too much") }, { "recv_eof" })
    local session <close> = hinternet.open { decompression = 0, user_agent = "" }
    local request = session:connect("127.0.0.1", server.port)
      :open_request("POST", "/")
    assert(request:send(nil, nil, "chunked"))
    assert.equal(3, request:write("abc"))
    assert(request:receive_response())
    assert.equal(413, request:query_headers("status_code"))
    assert.equal("too much", request:read("a"))
    server:close()
  end)
end)

-- ------------------------------------------------------------ the state table

describe("In the state", function()
  p:for_tests()

  -- Each brings a fresh request into a state.
  local function send(request, ...) assert(request:send(...)) end
  local states = {
    { "new", function() end },
    { "half", function(request) send(request, nil, "half", 8) end },
    { "sent", function(request) send(request) end },
    { "received", function(request)
      send(request)
      assert(request:receive_response())
    end },
    { "ended", function(request)
      send(request)
      assert(request:receive_response())
      assert(request:read("a"))
    end },
    { "failed", function(request)
      send(request, "Fail: yes")
      assert.is_nil(request:receive_response())
    end },
    { "closed", function(request) request:close() end },
  }
  local S = 12019
  -- Codes of the failures by state; false: it works. Then what is asked.
  local operations = {
    -- new, half, sent, received, ended, failed, closed
    { "add_headers", { false, false, false, false, false, false, 6 }, "A: b" },
    { "send", { false, false, false, false, false, false, 6 } },
    { "write", { S, false, 87, S, S, S, 6 }, "data" },
    { "write_from", { S, false, false, S, S, S, 6 }, "file" },
    { "receive_response", { S, S, false, S, S, S, 6 } },
    { "query_data_available", { S, S, S, false, false, S, 6 } },
    { "read", { S, S, S, false, false, S, 6 }, 10 },
    { "read_to", { S, S, S, false, false, S, 6 }, "file" },
    { "query_headers", { S, S, S, false, false, S, 6 }, "status_code" },
    { "headers", { S, S, S, false, false, S, 6 } },
    { "headers", { S, S, S, S, false, S, 6 }, { trailer = true } },
    { "headers", { false, false, false, false, false, false, 6 },
      { request = true } },
    { "query_option", { false, false, false, false, false, false, 6 }, "url" },
    { "set_timeouts", { false, false, false, false, false, false, 6 }, {} },
    { "close", { false, false, false, false, false, false, 6 } },
  }

  -- A server that answers all but requests that want to fail.
  local function serve()
    return p:serve { connections = { { { "recv_head" }, { "recv_body", 0 },
      { "send", peer.response(200, {}, "answer") }, { "recv_eof" } } } }
  end

  local function check(row, s, request, name)
    local argument = row[3]
    local file <close> = file_of("file")
    if argument == "file" then argument = file end
    local ok, message, code = request[row[1]](request, argument)
    local expected = row[2][s]
    local where = ("%s, %s"):format(name, row[1])
    if not expected then
      assert.is_nil(message, where)
      return
    end
    assert.is_nil(ok, where)
    assert.equal(expected, code, where)
    local text = { [6] = "invalid handle", [87] = "invalid parameter",
      [S] = "incorrect handle state: cannot" }
    assert.matches("^" .. text[expected], message)
  end

  for s, state in ipairs(states) do
    it(state[1] .. " each operation works or fails with its code", function()
      for _, row in ipairs(operations) do
        local server = state[1] == "failed" and p:script({ "recv_head" })
          or serve()
        local session <close> = hinternet.open { decompression = 0, user_agent = "" }
        local request = session:connect("127.0.0.1", server.port)
          :open_request("POST", "/")
        state[2](request)
        check(row, s, request, state[1])
        server:close()
      end
    end)
  end

  local busy = {
    { "send" }, { "write", "x" }, { "receive_response" },
    { "query_data_available" }, { "read", 1 }, { "add_headers", "A: b" },
    { "query_headers", "status_code" },
  }
  it("sending or receiving a second operation fails and disturbs nothing",
    function()
      local server = p:script({ "recv_head" }, { "wait" },
        { "send", peer.response(200, {}, "answer") })
      local session <close> = hinternet.open { async = true, decompression = 0, user_agent = "" }
      local request = session:connect("127.0.0.1", server.port)
        :open_request("GET", "/")
      local done = {}
      request:set_status_callback(function(_, status)
        done[status] = (done[status] or 0) + 1
      end, { "all_completions" })
      local function expect_busy()
        for _, row in ipairs(busy) do
          local ok, _, code = request[row[1]](request, row[2])
          assert.is_nil(ok)
          assert.equal(12019, code, row[1])
        end
      end
      local function await(status)
        wait.polling(status, function() return done[status] end, session)
      end

      assert.is_true(request:send())
      expect_busy()
      await("sendrequest_complete")
      assert.is_true(request:receive_response())
      expect_busy()
      server:go()
      await("headers_available")
      assert.equal(200, request:query_headers("status_code"))
      assert.is_true(request:read("a"))
      await("read_complete")
      assert.same({ sendrequest_complete = 1, headers_available = 1,
        read_complete = 1 }, done)
      server:close()
    end)
end)
