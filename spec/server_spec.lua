-- The servers people run: nginx and Apache httpd, over http and https.

local hinternet = require "hinternet"
local apache = require "spec.support.apache"
local certs = require "spec.support.certs"
local leaks = require "spec.support.leaks"
local nginx = require "spec.support.nginx"
local wait = require "spec.support.wait"

local made = certs.new():for_tests()
local file_text = ("0123456789abcde\n"):rep(64)

-- What /text holds.
local function long_text()
  local lines = {}
  for i = 1, 1 << 16 do lines[i] = ("%015d\n"):format(i) end
  return table.concat(lines)
end

-- One request on a connection handle; its status, body and itself.
local function fetch(connection, method, path, options)
  options = options or {}
  local request = connection:open_request(method, path, { secure = options.secure })
  assert(request:send(options.headers, options.body, options.total))
  for _, piece in ipairs(options.pieces or {}) do assert(request:write(piece)) end
  assert(request:receive_response())
  local body, message = request:read("a")
  assert(message == nil, message)
  return request:query_headers("status_code"), body or "", request
end

-- The last `count` lines of an access log, once there are as many with `mark`:
-- they are written behind the response.
local function last_lines(server, mark, count)
  return wait.sleeping(count .. " lines with " .. mark .. " in the access log", function()
    local out = {}
    for line in server:log("access.log"):gmatch("[^\n]+") do
      if line:find(mark, 1, true) then out[#out + 1] = line end
    end
    return #out >= count and out
  end)
end

local kinds = {
  nginx = nginx.start,
  ["Apache httpd"] = apache.start,
}

for kind, start in pairs(kinds) do
  for _, scheme in ipairs { "http", "https" } do
    describe(kind .. " over " .. scheme, function()
      local server, secure = nil, scheme == "https"
      setup(function() server = start(made) end)
      teardown(function() server:stop() end)
      leaks.watch()

      local function connect(session)
        return session:connect("127.0.0.1", server[scheme .. "_port"])
      end

      local function get(connection, path, headers)
        return fetch(connection, "GET", path, { secure = secure, headers = headers })
      end

      it("serves request after request on one connection", function()
        local session <close> = made:open()
        local connection = connect(session)
        for _ = 1, 20 do
          local status, body = get(connection, "/file")
          assert.equal(200, status)
          assert.is_true(file_text == body)
        end
        local status = fetch(connection, "HEAD", "/file", { secure = secure })
        assert.equal(200, status)
        assert.equal(404, (get(connection, "/nothing-here")))
        assert.equal(1, session:query_option("connections_opened"))
        assert.equal(21, session:query_option("connections_reused"))
      end)

      it("sends a coded file, which is undone, in every way of reading", function()
        local text = long_text()
        local session <close> = made:open()
        local connection = connect(session)
        local _, body, request = get(connection, "/text")
        assert.equal("gzip", request:query_headers("Content-Encoding"))
        assert.equal("chunked", request:query_headers("Transfer-Encoding"))
        assert.is_true(text == body)
        local stats = request:query_option("request_stats")
        assert.is_true(stats.response_body_size < #text // 3)
        request = connection:open_request("GET", "/text", { secure = secure })
        assert(request:send())
        assert(request:receive_response())
        local count = 0
        for line in request:lines() do
          count = count + 1
          if tonumber(line) ~= count then error("line " .. count .. " is " .. line) end
        end
        assert.equal(1 << 16, count)
        _, body, request = get(connection, "/text", "Accept-Encoding: identity")
        assert.is_true(text == body)
        assert.is_nil((request:query_headers("Content-Encoding")))
        assert.equal(1, session:query_option("connections_opened"))
      end)

      it("is asked again for a file that has not changed: 304, without a body", function()
        local session <close> = made:open()
        local connection = connect(session)
        local _, _, request = get(connection, "/file")
        local date = request:query_headers("last_modified")
        assert.equal("integer", math.type(hinternet.parse_date(date)))
        for _ = 1, 2 do
          local status, body = get(connection, "/file", { ["If-Modified-Since"] = date })
          assert.same({ 304, "" }, { status, body })
        end
        local status, body = get(connection, "/file", { Range = "bytes=16-31" })
        assert.same({ 206, "0123456789abcde\n" }, { status, body })
        assert.equal(1, session:query_option("connections_opened"))
      end)

      it("redirects, and is followed on the same connection", function()
        local session <close> = made:open()
        local connection = connect(session)
        local status, body, request = get(connection, "/moved")
        assert.equal(200, status)
        assert.is_true(file_text == body)
        assert.equal(server[scheme] .. "/file", request:query_option("url"))
        assert.equal(1, request:query_option("request_stats").redirects)
        assert(session:set_option("redirect_policy", "never"))
        status, _, request = get(connection, "/moved")
        assert.equal(302, status)
        assert.equal("/file", request:query_headers("location"):match("/file$"))
        assert.equal(1, session:query_option("connections_opened"))
      end)

      it("speaks to HTTP/1.0 too, and closes or keeps as asked", function()
        local session <close> = made:open()
        local connection = connect(session)
        for _, keep in ipairs { "Keep-Alive", "close" } do
          local request = connection:open_request("GET", "/file",
            { secure = secure, version = "HTTP/1.0" })
          assert(request:send("Connection: " .. keep))
          assert(request:receive_response())
          assert.is_true(file_text == request:read("a"))
          assert.equal(keep:lower(), request:query_headers("Connection"):lower())
        end
        assert.equal(1, session:query_option("connections_opened"))
        get(connection, "/file")
        assert.equal(2, session:query_option("connections_opened"))
      end)

      it("is read slowly, or not to the end, and serves the next request", function()
        local session <close> = made:open { decompression = 0 }
        local connection = connect(session)
        local request = connection:open_request("GET", "/text", { secure = secure })
        assert(request:send())
        assert(request:receive_response())
        assert.equal("000000000000001\n", request:read(16, "fill"))
        request:close()
        assert.is_true(file_text == select(2, get(connection, "/file")))
      end)
    end)
  end
end

describe("nginx", function()
  local server
  setup(function() server = nginx.start(made) end)
  teardown(function() server:stop() end)
  leaks.watch()

  it("answers 204 without a body, and takes uploads of every kind", function()
    local session <close> = made:open()
    for _, secure in ipairs { false, true } do
      local port = secure and server.https_port or server.http_port
      local connection = session:connect("127.0.0.1", port)
      assert.same({ 204, "" }, { fetch(connection, "GET", "/empty", { secure = secure }),
        (select(2, fetch(connection, "GET", "/empty", { secure = secure }))) })
      for _, options in ipairs {
        { body = "hello" }, { body = ("x"):rep(3000000) }, { body = "" },
        { total = 10, body = "01234", pieces = { "56", "789" } },
        { total = "chunked", pieces = { ("y"):rep(70000), "z", ("x"):rep(2000000) } },
        { body = ("x"):rep(200000), headers = "Expect: 100-continue" },
      } do
        options.secure = secure
        local size = options.body and #options.body or 0
        for _, piece in ipairs(options.pieces or {}) do size = size + #piece end
        local status, body = fetch(connection, "POST", "/length", options)
        assert.same({ 200, tostring(size) }, { status, body == "" and "0" or body })
      end
    end
    assert.equal(2, session:query_option("connections_opened"))
  end)

  it("logs one connection for all requests of a session", function()
    local session <close> = made:open()
    local connection = session:connect("127.0.0.1", server.http_port)
    for _ = 1, 3 do fetch(connection, "GET", "/status/201") end
    local lines = last_lines(server, "/status/201", 3)
    local first = lines[1]:match("^GET /status/201 201 (%d+) 1 ")
    assert.is_string(first)
    assert.equal(first .. " 3", lines[3]:match("^GET /status/201 201 (%d+ %d+) "))
  end)

  it("sends a large file to a file", function()
    local session <close> = made:open()
    local request = session:connect("127.0.0.1", server.http_port):open_request("GET", "/big")
    assert(request:send())
    assert(request:receive_response())
    assert.equal(1 << 30, request:query_headers("content_length"))
    local file <close> = assert(io.open("/dev/null", "wb"))
    local size = os.getenv("HN_SLOW") and 50 << 20 or 200 << 20
    assert.equal(size, request:read_to(file, size))
    assert.equal(5, request:read_to(file, 5))
  end)

  it("ends a loop of redirects at the limit, and keeps its connection", function()
    local session <close> = made:open { max_http_automatic_redirects = 5 }
    local connection = session:connect("127.0.0.1", server.http_port)
    local request = connection:open_request("GET", "/loop")
    assert(request:send())
    assert.equal(12156, select(3, request:receive_response()))
    local text = long_text()
    -- A POST stays one, and no file takes it.
    assert.equal(405, (fetch(connection, "POST", "/moved-permanently", { body = "x" })))
    local status, body
    status, body, request = fetch(connection, "GET", "/moved-permanently")
    assert.equal(200, status)
    assert.is_true(text == body)
    assert.equal(server.http .. "/text?x=y", request:query_option("url"))
  end)
end)

describe("Apache httpd", function()
  local server
  setup(function() server = apache.start(made) end)
  teardown(function() server:stop() end)
  leaks.watch()

  it("keeps what is put there, framed in every way, and deletes it", function()
    local session <close> = made:open()
    for _, secure in ipairs { false, true } do
      local connection = session:connect("127.0.0.1",
        secure and server.https_port or server.http_port)
      for i, options in ipairs {
        { body = "one" }, { total = "chunked", pieces = { "o", "ne" } },
        { body = "one", headers = "Expect: 100-continue" },
      } do
        options.secure = secure
        assert.equal(i == 1 and 201 or 204, (fetch(connection, "PUT", "/dav/one", options)))
        assert.same({ 200, "one" }, { (fetch(connection, "GET", "/dav/one", { secure = secure })),
          (select(2, fetch(connection, "GET", "/dav/one", { secure = secure }))) })
      end
      assert.equal(204, (fetch(connection, "DELETE", "/dav/one", { secure = secure })))
      assert.equal(404, (fetch(connection, "GET", "/dav/one", { secure = secure })))
    end
    assert.equal(2, session:query_option("connections_opened"))
  end)

  it("says 100 (Continue) to a large upload, or answers at once that it will not have it",
    function()
      local session <close> = made:open()
      local heard = {}
      session:set_status_callback(function(_, _, info) heard[#heard + 1] = info end,
        { "intermediate_response" })
      local connection = session:connect("127.0.0.1", server.http_port)
      local options = { body = ("x"):rep(2000000), headers = "Expect: 100-continue" }
      assert.equal(201, (fetch(connection, "PUT", "/dav/large", options)))
      assert.same({ 100 }, heard)
      assert(session:set_option("redirect_policy", "never"))
      local status, _, request = fetch(connection, "PUT", "/moved", options)
      assert.equal(302, status)
      assert.same({ 100 }, heard)
      assert.equal(0, request:query_option("request_stats").request_body_size)
      assert.is_true(options.body == select(2, fetch(connection, "GET", "/dav/large")))
    end)

  it("reflects a body that is sent in pieces", function()
    local session <close> = made:open()
    local connection = session:connect("127.0.0.1", server.http_port)
    local pieces = {}
    for i = 1, 50 do pieces[i] = ("%d,"):format(i):rep(1000) end
    local status, body = fetch(connection, "POST", "/reflect",
      { total = "chunked", pieces = pieces })
    assert.equal(200, status)
    assert.is_true(table.concat(pieces) == body)
  end)

  it("sends brotli, which is undone where that is built", function()
    local session <close> = made:open()
    local connection = session:connect("127.0.0.1", server.http_port)
    local _, body, request = fetch(connection, "GET", "/brotli/text")
    assert.is_true(long_text() == body)
    local asked = request:query_headers("Accept-Encoding", { request = true })
    assert.equal(asked:find("br", 1, true) and "br" or nil,
      (request:query_headers("Content-Encoding")))
  end)

  it("sends from http to https and is followed; from there back it is not", function()
    local session <close> = made:open()
    local connection = session:connect("127.0.0.1", server.http_port)
    local status, body, request = fetch(connection, "GET", "/away")
    assert.equal(200, status)
    assert.is_true(file_text == body)
    assert.equal(server.https .. "/file", request:query_option("url"))
    connection = session:connect("127.0.0.1", server.https_port)
    request = connection:open_request("GET", "/away", { secure = true })
    assert(request:send())
    assert.equal(12156, select(3, request:receive_response()))
    assert(request:set_option("redirect_policy", "always"))
    assert(request:send())
    assert(request:receive_response())
    assert.is_true(file_text == request:read("a"))
  end)

  it("repeats a PUT that is redirected by 308, body and all", function()
    local session <close> = made:open()
    local connection = session:connect("127.0.0.1", server.http_port)
    assert.equal(201, (fetch(connection, "PUT", "/permanently/dav/two", { body = "second" })))
    assert.equal("second", select(2, fetch(connection, "GET", "/dav/two")))
  end)

  it("may close after a response: the next request finds a new connection", function()
    local session <close> = made:open()
    local connection = session:connect("127.0.0.1", server.http_port)
    for i = 1, 3 do
      local _, body, request = fetch(connection, "GET", "/close/file")
      assert.is_true(file_text == body)
      assert.equal("close", request:query_headers("Connection"))
      assert.equal(i, session:query_option("connections_opened"))
    end
  end)

  it("counts its requests as we count our connections", function()
    local session <close> = made:open()
    local connection = session:connect("127.0.0.1", server.http_port)
    for _ = 1, 3 do fetch(connection, "GET", "/counted") end
    assert.same({ "GET /counted 404 0", "GET /counted 404 1", "GET /counted 404 2" },
      last_lines(server, "/counted", 3))
  end)
end)
