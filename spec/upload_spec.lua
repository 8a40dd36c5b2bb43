-- Sending a body while the server talks: 100 (Continue), answers that come
-- before the body is out, interim responses, slow readers.

local socket = require "socket"
local hinternet = require "hinternet"
local patience = require "spec.support.patience"
local peer = require "spec.support.peer"

local p = peer.new()
local ok = peer.response(200, {}, "done")
local continue = "HTTP/1.1 100 Continue\r\n\r\n"
local expecting = { Expect = "100-continue" }

local function head_of(server) return server:received()[1]:match("^.-\r\n\r\n") end
local function body_of(server) return server:received()[1]:match("\r\n\r\n(.*)$") end

local function post(session, server, method)
  return session:connect("127.0.0.1", server.port):open_request(method or "POST", "/")
end

local function finish(request)
  local done, message, code = request:receive_response()
  if not done then return nil, message, code end
  return request:query_headers("status_code"), request:read("a")
end

-- An async session; start(request) begins, and what is heard goes to heard.
local function async(server)
  local heard = {}
  local session = assert(hinternet.open { async = true, decompression = 0 })
  session:set_status_callback(function(_, status, info)
    heard[#heard + 1] = info and type(info) ~= "table" and status .. " " .. tostring(info)
      or status
    heard[status] = info or true
  end, { "intermediate_response", "all_completions" })
  local request = post(session, server)
  local function run(status)
    while not heard[status] and not heard.request_error do assert(session:poll(1)) end
    return heard[status]
  end
  return session, request, heard, run
end

-- Lets the network move for a while in which nothing should happen.
local function idle(session)
  local stop = socket.gettime() + 0.05
  while socket.gettime() < stop do session:poll(0.01) end
end

describe("Expect: 100-continue", function()
  p:for_tests()

  it("holds the body back until 100 comes", function()
    for _, size in ipairs { 4, 200000 } do
      local s = p:script({ "recv_head" }, { "wait" }, { "send", continue }, { "recv_body" },
        { "send", ok })
      local session, request, heard, run = async(s)
      assert(request:send(expecting, ("x"):rep(size)))
      idle(session)
      assert.is_true(s:wait_accepted(1))
      assert.is_nil(heard.sendrequest_complete)
      while not head_of(s) do session:poll(0.01) end
      assert.equal(head_of(s), s:received()[1])
      s:go()
      assert.is_truthy(run("sendrequest_complete"))
      assert.equal("intermediate_response 100", heard[1])
      request:receive_response()
      assert.is_truthy(run("headers_available"))
      assert.equal(200, request:query_headers("status_code"))
      assert.equal(size, #body_of(s))
      session:close()
      s:close()
    end
  end)

  it("holds for bodies that come by write, with a length or in chunks", function()
    for total, text in pairs { [4] = "body", chunked = "4\r\nbody\r\n0\r\n\r\n" } do
      local s = p:script({ "recv_head" }, { "send", continue }, { "recv_body" }, { "send", ok })
      local session <close> = assert(hinternet.open())
      local request = post(session, s)
      assert(request:send(expecting, nil, total))
      assert.equal(4, request:write("body"))
      assert.same({ 200, "done" }, { finish(request) })
      assert.equal(text, body_of(s))
      s:close()
    end
  end)

  it("is not waited for longer than about a second, whatever send_timeout is", function()
    local s = p:script({ "recv_head" }, { "recv_body" }, { "send", ok }, { "keepalive", "more" })
    local session <close> = assert(hinternet.open { send_timeout = 0.2 })
    local request = post(session, s)
    local began = socket.gettime()
    assert(request:send(expecting, "body"))
    local took = socket.gettime() - began
    assert.is_true(took > 0.9 and took < 25, "took " .. took)
    assert.same({ 200, "done" }, { finish(request) })
    assert.equal("body", body_of(s))
    -- A body that is out makes the connection as good as any.
    request = post(session, s, "GET")
    assert(request:send())
    assert.same({ 200, "more" }, { finish(request) })
    assert.equal(1, session:query_option("connections_opened"))
    s:close()
  end)

  it("answered by a final response is answered: the body stays here", function()
    for _, status in ipairs { 417, 401, 200 } do
      local s = p:serve { connections = {
        { { "recv_head" }, { "send", peer.response(status, {}, "no") }, { "recv_eof" } },
        { { "recv_head" }, { "recv_body" }, { "send", ok } },
      } }
      local session <close> = assert(hinternet.open())
      local request = post(session, s)
      assert(request:send(expecting, "body"))
      assert.same({ status, "no" }, { finish(request) })
      assert.is_true(s:wait(1))
      assert.equal(head_of(s), s:received()[1])
      assert.equal(0, request:query_option("request_stats").request_body_size)
      -- Its connection waits for a body that will not come.
      assert(request:send({ Expect = "" }, "body"))
      assert.same({ 200, "done" }, { finish(request) })
      assert.equal(2, s:accepted())
      s:close()
    end
  end)

  it("so answered takes what is written, and forgets it", function()
    local s = p:script({ "recv_head" }, { "send", peer.response(417, {}, "no") }, { "recv_eof" })
    local session <close> = assert(hinternet.open())
    local request = post(session, s)
    assert(request:send(expecting, nil, 8))
    assert.equal(4, request:write("body"))
    assert.equal(4, request:write("body"))
    assert.same({ 417, "no" }, { finish(request) })
    assert.is_true(s:wait(1))
    assert.equal(head_of(s), s:received()[1])
    s:close()
  end)

  it("without a body waits for nothing", function()
    local s = p:script({ "recv_head" }, { "send", ok })
    local session <close> = assert(hinternet.open())
    patience.try(0.9, function() -- a body would be held back for a second
      local request = post(session, s)
      local began = socket.gettime()
      assert(request:send(expecting))
      assert.same({ 200, "done" }, { finish(request) })
      if socket.gettime() - began >= 0.9 then patience.too_early "the response" end
    end)
    s:close()
  end)

  it("passes other interim responses by, and tells of each", function()
    local s = p:script({ "recv_head" },
      { "send", "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" },
      { "wait" }, { "send", continue }, { "recv_body" }, { "send", ok })
    local session, request, heard, run = async(s)
    assert(request:send(expecting, "body"))
    while #heard < 2 do session:poll(1) end
    idle(session)
    assert.equal(head_of(s), s:received()[1])
    s:go()
    run("sendrequest_complete")
    request:receive_response()
    run("headers_available")
    assert.same({ "intermediate_response 102", "intermediate_response 103",
      "intermediate_response 100", "sendrequest_complete", "headers_available" },
      { table.unpack(heard) })
    assert.is_nil((request:query_headers("Link")))
    assert.equal("body", body_of(s))
    session:close()
    s:close()
  end)

  it("ends with an error when the connection does", function()
    for _, how in ipairs { "close", "reset" } do
      local s = p:script({ "recv_head" }, { how })
      local session <close> = assert(hinternet.open())
      local request = post(session, s)
      local _, message, code = request:send(expecting, "body")
      assert.equal(12030, code)
      assert.is_truthy(message:find("127.0.0.1:" .. s.port, 1, true))
      s:close()
    end
  end)

  it("may be closed while it is waited for", function()
    local s = p:script({ "recv_head" }, { "recv_eof" })
    local session, request, heard = async(s)
    assert(request:send(expecting, "body"))
    idle(session)
    assert.is_true(s:wait_accepted(1))
    request:close()
    session:poll(0)
    assert.equal(12017, heard.request_error.code)
    assert.is_true(s:wait(1))
    assert.equal(head_of(s), s:received()[1])
    session:close()
    s:close()
  end)

  it("is expected again by the hop of a redirect", function()
    local s = p:script({ "recv_head" }, { "send", continue }, { "recv_body" },
      { "send", peer.response(307, { "Location: /next" }) },
      { "recv_head" }, { "send", continue }, { "recv_body" }, { "send", ok })
    local session <close> = assert(hinternet.open())
    local request = post(session, s)
    assert(request:send(expecting, "body"))
    assert.same({ 200, "done" }, { finish(request) })
    s:close()
  end)
end)

describe("An answer before the body is out", function()
  p:for_tests()

  local body = ("x"):rep(16 << 20) -- more than any socket takes at once
  local large = peer.response(413, { "Connection: close" }, ("too large "):rep(1000))

  local function ways(request)
    return {
      send = function() return request:send(nil, body) end,
      write = function()
        assert(request:send(nil, nil, #body))
        return request:write(body)
      end,
      pieces = function()
        assert(request:send(nil, nil, "chunked"))
        for at = 1, #body, 1 << 20 do
          local n, message, code = request:write(body:sub(at, at + (1 << 20) - 1))
          if n ~= 1 << 20 then return n, message, code end
        end
        return true
      end,
      write_from = function()
        local file <close> = assert(io.tmpfile())
        file:write(body)
        file:seek("set")
        assert(request:send(nil, nil, #body))
        return request:write_from(file)
      end,
    }
  end

  for _, ending in ipairs { "stall", "close", "reset" } do
    for _, way in ipairs { "send", "write", "pieces", "write_from" } do
      it(("reaches the caller of %s, when the server then does a %s"):format(way, ending),
        function()
          local s = p:serve { rcvbuf = 4096, connections = {
            { { "recv_head" }, { "send", large }, { ending } },
            { { "keepalive", "next" } },
          } }
          local session <close> = assert(hinternet.open())
          local request = post(session, s)
          assert(ways(request)[way]())
          local status, text = finish(request)
          assert.same({ 413, 10000 }, { status, text and #text })
          assert.is_true(request:query_option("request_stats").request_body_size <= #body)
          request = post(session, s, "GET")
          assert(request:send())
          assert.same({ 200, "next" }, { finish(request) })
          assert.equal(2, s:accepted())
          s:close()
        end)
    end
  end

  it("that would keep the connection does not: the body was cut short", function()
    local s = p:serve { rcvbuf = 4096, connections = {
      { { "recv_head" }, { "send", peer.response(200, {}, "enough") }, { "stall" } },
      { { "keepalive", "next" } },
    } }
    local session <close> = assert(hinternet.open())
    local request = post(session, s)
    assert(request:send(nil, nil, #body))
    local sent = 0
    while sent < #body do sent = sent + assert(request:write(("x"):rep(1 << 20))) end
    assert.same({ 200, "enough" }, { finish(request) })
    request = post(session, s, "GET")
    assert(request:send())
    assert.same({ 200, "next" }, { finish(request) })
    s:close()
  end)

  it("that is not there leaves the error of the write", function()
    for _, how in ipairs { { "reset" }, { "send", "HTTP/1.1 413" } } do
      local s = p:serve { rcvbuf = 4096, connections = { {
        { "recv_head" }, how, { "reset" } } } }
      local session <close> = assert(hinternet.open())
      local request = post(session, s)
      local _, message, code = request:send(nil, body)
      assert.equal(12030, code)
      assert.is_truthy(message:find(" while sending to 127.0.0.1:" .. s.port, 1, true), message)
      s:close()
    end
  end)

  it("is not looked for by one who can still write", function()
    -- The answer lies there, but the server reads on and wants it all.
    local s = p:script({ "recv_head" }, { "send", ok }, { "recv_body" }, { "keepalive", "next" })
    local session <close> = assert(hinternet.open())
    local request = post(session, s)
    assert(request:send(nil, "bo", 4))
    assert.equal(2, request:write("dy"))
    assert.same({ 200, "done" }, { finish(request) })
    assert.equal("body", body_of(s))
    request = post(session, s, "GET")
    assert(request:send())
    assert.same({ 200, "next" }, { finish(request) })
    assert.equal(1, s:accepted())
    s:close()
  end)
end)

describe("A long upload", function()
  p:for_tests()

  it("goes on as long as the server reads now and then", function()
    patience.try(0.25, function(limit)
      local steps, size = { { "recv_head" } }, 400000
      for _ = 1, 10 do
        steps[#steps + 1] = { "recv_body", size // 10 }
        steps[#steps + 1] = { "stall", limit / 8 }
      end
      steps[#steps + 1] = { "send", ok }
      local s = p:serve { rcvbuf = 4096, connections = { steps } }
      local session <close> = assert(hinternet.open { send_timeout = limit })
      local request = post(session, s)
      patience.ready(request:send(nil, ("x"):rep(size)))
      assert.same({ 200, "done" }, { finish(request) })
      assert.equal(size, #body_of(s))
      assert.equal(size, request:query_option("request_stats").request_body_size)
      s:close()
    end)
  end)

  it("tells of interim responses on the way, and is not disturbed by them", function()
    local size = 16 << 20
    local s = p:serve { connections = { { { "recv_head" },
      { "send", "HTTP/1.1 102 Processing\r\n\r\n" }, { "wait" },
      { "send", "HTTP/1.1 103 Hints\r\n\r\n" }, { "recv_body" }, { "send", ok } } } }
    local session, request, heard, run = async(s)
    assert(request:send(nil, ("x"):rep(size)))
    assert.equal(102, run("intermediate_response"))
    assert.is_nil(heard.sendrequest_complete)
    s:go()
    assert.is_truthy(run("sendrequest_complete"))
    request:receive_response()
    assert.is_truthy(run("headers_available"))
    assert.same({ "intermediate_response 102", "intermediate_response 103",
      "sendrequest_complete", "headers_available" }, { table.unpack(heard) })
    assert.equal(size, #body_of(s))
    session:close()
    s:close()
  end)

  it("that the server no longer reads is answered, behind however much it says", function()
    local s = p:script({ "recv_head" },
      { "send", ("HTTP/1.1 102 Processing\r\n\r\n"):rep(60) .. ok }, { "reset" })
    local session <close> = assert(hinternet.open { max_http_status_continue = 100 })
    local told = 0
    session:set_status_callback(function() told = told + 1 end, { "intermediate_response" })
    local request = post(session, s)
    assert(request:send(nil, nil, 1000000))
    assert.is_true(s:wait())
    assert.equal(1000000, request:write(("x"):rep(1000000)))
    assert.same({ 200, "done" }, { finish(request) })
    assert.equal(60, told)
    s:close()
  end)

  it("may be followed by a response with trailers", function()
    local s = p:script({ "recv_head" }, { "recv_body" }, { "send", "HTTP/1.1 200 OK\r\n"
      .. "Transfer-Encoding: chunked\r\nTrailer: Sum\r\n\r\n4\r\ndone\r\n0\r\nSum: 7\r\n\r\n" })
    local session <close> = assert(hinternet.open())
    local request = post(session, s)
    assert(request:send(nil, ("x"):rep(300000)))
    assert.same({ 200, "done" }, { finish(request) })
    assert.equal("7", request:query_headers("Sum", { trailer = true }))
    assert.equal(1, #request:headers { trailer = true })
    assert.is_nil((request:query_headers("Sum")))
    s:close()
  end)
end)
