-- Streamed responses: how they end, what they take, and their lines.

local core = require "hinternet.core"
local hinternet = require "hinternet"
local coded = require "spec.support.coded"
local peer = require "spec.support.peer"

local CLOSED, TOO_LARGE, PARAMETER = 6, 122, 87

describe("A streamed response", function()
  local p = peer.new()
  p:for_tests()

  local function open(answer, options)
    local s = p:script({ "recv_head" }, { "send", answer })
    options = options or {}
    options.stream = true
    return assert(hinternet.get(s.url, options))
  end

  -- The message that an iterator raises, at this file's lines.
  local function raised(iterator, state, key)
    local ok, message = pcall(function()
      local value = iterator(state, key)
      return value
    end)
    assert.is_false(ok)
    return message:match("^spec/stream_spec%.lua:%d+: (.*)$") or message
  end

  local BROKEN = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\none\ntwo"

  it("that fails answers its failure for ever", function()
    local r <close> = open(BROKEN)
    assert.equal("one\ntwo", r:read(7, "fill"))
    local _, message, code = r:read()
    assert.equal(12030, code)
    assert.is_nil(r.request)
    for _ = 1, 2 do
      assert.same({ nil, message, code }, { r:read() })
      assert.same({ nil, message, code }, { r:read("a") })
      assert.same({ nil, message, code }, { r:read(5, "fill") })
      assert.equal(message, raised(r:chunks()))
      assert.equal(message, raised(r:lines()))
    end
    r:close() -- changes nothing
    assert.same({ nil, message, code }, { r:read() })
    assert.is_number(r.times.response_head_end)
  end)

  it("that fails fails the same iterator again", function()
    local r <close> = open(BROKEN)
    local lines = r:lines()
    assert.equal("one", lines())
    local message = raised(lines)
    assert.matches("connection closed", message)
    assert.equal(message, raised(lines))
    local other <close> = open(BROKEN)
    local chunks = other:chunks()
    assert.equal("o", chunks():sub(1, 1))
    repeat
      local ok, problem = pcall(chunks)
      message = not ok and problem
    until not ok
    assert.matches("connection closed", message)
    assert.matches("connection closed", raised(chunks))
  end)

  it("that was closed says so, and does not end", function()
    local r = open(peer.response(200, nil, "body"))
    assert.equal("b", r:read(1))
    assert.is_true(r:close())
    for _ = 1, 2 do
      assert.same({ nil, "invalid handle (response is closed)", CLOSED }, { r:read() })
      assert.equal("invalid handle (response is closed)", raised(r:chunks()))
      assert.equal("invalid handle (response is closed)", raised(r:lines()))
    end
    assert.is_true(r:close())
  end)

  it("ends once, and stays ended", function()
    for _, size in ipairs { 4, "a" } do
      local r = open(peer.response(200, nil, "body"))
      assert.equal("body", r:read(size))
      assert.same({ n = 1 }, table.pack(r:read()))
      assert.same({ n = 1 }, table.pack(r:read("a")))
      assert.is_nil(r.request)
      assert.is_true(r:close())
      assert.same({ n = 1 }, table.pack(r:read()))
      for _ in r:lines() do error "there is no line" end
    end
  end)

  it("closes its request with its end, or with its scope", function()
    local answer = peer.response(200, nil, "body")
    local r <close> = open(answer)
    assert.equal("body", r:read("a"))
    assert.is_nil(r.request)
    local request
    do
      local other <close> = open(answer)
      request = other.request
      assert.is_true(request:is_valid())
    end
    assert.is_false(request:is_valid())
  end)

  it("outlives a read that is refused because another one waits", function()
    local s = p:script({ "recv_head" }, { "send", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" },
      { "wait" }, { "send", "body" })
    local session <close> = assert(hinternet.open())
    local r = assert(session:get(s.url, { stream = true }))
    local reader = session:spawn(function() return r:read("a") end)
    local refused = session:spawn(function()
      local data, _, code = r:read()
      s:go()
      return data, code
    end)
    assert.same({ nil, 12019 }, { refused:join() })
    assert.equal("body", (reader:join()))
    r:close()
  end)

  it("outlives a read of a size that cannot be", function()
    local r <close> = open(peer.response(200, nil, "body"))
    assert.same({ nil, "invalid parameter: a read of 0 bytes: one is the least", PARAMETER },
      { r:read(0) })
    for _, bad in ipairs { "x", 1.5, {} } do
      local ok, message = pcall(function() local _ = r:read(bad) end)
      assert.is_false(ok)
      assert.matches("^spec/stream_spec.lua:%d+: bad argument #1 to 'read' %(integer", message)
    end
    for _, name in ipairs { "chunks", "lines" } do
      local ok, message = pcall(function() local _ = r[name](r, 0) end)
      assert.is_false(ok)
      assert.equal("bad argument #1 to '" .. name .. "' (integer from 1 on expected, got 0)",
        message:match("^spec/stream_spec.lua:%d+: (.*)$"))
    end
    local ok, message = pcall(function() local _ = r:read(1, "x") end)
    assert.is_false(ok)
    assert.matches("^spec/stream_spec.lua:%d+: bad argument #2 to 'read'", message)
    assert.equal("bo", r:read(2.0, "fill"))
    assert.equal("dy", r:read("*a"))
  end)

  describe("with max_body", function()
    local function reading(body, max_body, f)
      local r <close> = open("HTTP/1.1 200 OK\r\n\r\n" .. body, { max_body = max_body })
      return f(r)
    end
    local text = "buffer limit reached: body larger than max_body"

    it("takes as much and no more, however it is read", function()
      for _, n in ipairs { 1, 4, 5, 6, 100 } do
        local got = {}
        local function read(r)
          while true do
            local data, message, code = r:read(n, "fill")
            if not data then return message, code end
            got[#got + 1] = data
          end
        end
        assert.same({}, { reading("12345", 5, read) })
        assert.equal("12345", table.concat(got))
        got = {}
        assert.same({ text, TOO_LARGE }, { reading("123456", 5, read) })
        assert.equal(("12345"):sub(1, 5 // n * n), table.concat(got))
      end
    end)

    it("answers 122 from then on", function()
      reading("123456", 5, function(r)
        assert.same({ nil, text, TOO_LARGE }, { r:read(6, "fill") })
        assert.is_nil(r.request)
        assert.same({ nil, text, TOO_LARGE }, { r:read(1) })
        assert.equal(text, raised(r:chunks()))
        assert.equal(text, raised(r:lines()))
      end)
      reading("123456", 5.0, function(r)
        assert.same({ text, TOO_LARGE }, { select(2, r:read(1 << 40, "fill")) })
      end)
    end)

    it("holds for the rest after a part", function()
      reading("123456", 5, function(r)
        assert.equal("123", r:read(3, "fill"))
        assert.same({ TOO_LARGE }, { select(3, r:read("a")) })
        assert.same({ TOO_LARGE }, { select(3, r:read("a")) })
      end)
      reading("12345", 5, function(r)
        assert.equal("123", r:read(3, "fill"))
        assert.equal("45", r:read("a"))
        assert.is_nil(r:read())
      end)
      reading("", 0, function(r) assert.is_nil(r:read()) end)
      reading("1", 0, function(r) assert.equal(TOO_LARGE, select(3, r:read())) end)
    end)

    it("holds for chunks and lines, and for the size that is unpacked", function()
      reading(("x"):rep(100000), 70000, function(r)
        local ok, message = pcall(function() for _ in r:chunks() do end end)
        assert.is_false(ok)
        assert.matches(text, message, 1, true)
      end)
      reading(("line\n"):rep(1000), 4000, function(r)
        local ok, message = pcall(function() for _ in r:lines() do end end)
        assert.is_false(ok)
        assert.matches(text, message, 1, true)
      end)
      local gzip = coded.make().bomb
      local r <close> = open("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: "
        .. #gzip .. "\r\n\r\n" .. gzip, { max_body = 1000 })
      local taken, code = 0, 0
      while code == 0 do
        local data, _, problem = r:read(300)
        taken, code = taken + #(data or ""), data and 0 or problem
      end
      assert.equal(TOO_LARGE, code)
      assert.is_true(taken <= 1000)
    end)
  end)

  describe("has lines", function()
    -- All lines that a body has under a limit when it comes in pieces of n bytes,
    -- and the message that ended them, twice.
    local function lines_of(body, n, limit)
      local at, out, messages = 1, {}, {}
      local reader = { read = function()
        local piece = body:sub(at, at + n - 1)
        at = at + n
        if piece ~= "" then return piece end
      end }
      local next_line = core.request.lines(reader, limit)
      for i = 1, 2 do
        local ok, message = pcall(function()
          for line in next_line do out[#out + 1] = line end
        end)
        messages[i] = not ok and message:match("^spec/stream_spec%.lua:%d+: (.*)$") or nil
      end
      return { out, messages }
    end

    it("that a limit holds for wherever the bytes were cut", function()
      local long = "a line is longer than 4 bytes"
      for _, row in ipairs {
        { "1234\n12\n", "1234", "12" },
        { "1234\r\n12", "1234", "12" },
        { "1234", "1234" },
        { "123\r", "123\r" },
        { "", nil },
        { "\n\n", "", "" },
        { "\r\n1\r", "", "1\r" },
        { "12\n12345\n1\n", "12", long = true },
        { "12345\r\n", long = true },
        { "12345", long = true },
        { "1234\r", long = true },
        { "1234\r5\n", long = true },
        { "123\r\r\n", "123\r" },
        { "1\n1234567890", "1", long = true },
        { "1\n1234\r\n12", "1", "1234", "12" },
      } do
        local wanted = { { table.unpack(row, 2) }, row.long and { long, long } or {} }
        for n = 1, #row[1] + 1 do
          assert.same(wanted, lines_of(row[1], n, 4), row[1] .. " by " .. n)
        end
      end
      assert.same({ { ("x"):rep(100000) }, {} }, lines_of(("x"):rep(100000) .. "\n", 70000))
    end)

    it("that are given up once they are too long, whatever comes", function()
      for _, row in ipairs { { "12345", "6", 5 }, { "1234\r", "\r", 6 }, { "1234\r", "5", 6 } } do
        local taken = 0
        local reader = { read = function()
          taken = taken + 1
          return taken <= #row[1] and row[1]:sub(taken, taken) or row[2]
        end }
        assert.equal("a line is longer than 4 bytes", raised(core.request.lines(reader, 4)))
        assert.equal(row[3], taken)
      end
      local pieces, taken = { "1\n123", "45", "6", "7\n" }, 0
      local lines = core.request.lines({ read = function()
        taken = taken + 1
        return pieces[taken]
      end }, 4)
      assert.equal("1", lines())
      assert.equal("a line is longer than 4 bytes", raised(lines))
      assert.equal(2, taken)
    end)

    it("of at most 16 MiB where no limit is given", function()
      local piece, taken = ("x"):rep(1 << 20), 0
      local lines = core.request.lines { read = function()
        taken = taken + 1
        return taken < 20 and piece or nil
      end }
      assert.equal("a line is longer than 16777216 bytes", raised(lines))
      assert.equal(17, taken)
    end)

    it("that a limit holds for on requests and responses", function()
      local answer = peer.response(200, nil, "1234\n12345\n1\n")
      local s = p:answer(answer)
      local streamed <close> = open(answer)
      for _, r in ipairs { streamed, assert(hinternet.get(s.url)) } do
        local lines = r:lines(4)
        assert.equal("1234", lines())
        assert.equal("a line is longer than 4 bytes", raised(lines))
      end
    end)
  end)

  it("of level 1 comes in chunks of a size, and raises at the line of its loop", function()
    local s = p:script({ "recv_head" }, { "send", BROKEN })
    local session <close> = assert(hinternet.open())
    for _, name in ipairs { "chunks", "lines" } do
      local request = assert(assert(session:connect("127.0.0.1", s.port)):open_request())
      assert(request:send())
      assert(request:receive_response())
      local pieces, line = {}, nil
      local ok, message = pcall(function()
        line = debug.getinfo(1, "l").currentline + 1
        for piece in request[name](request, 3) do pieces[#pieces + 1] = piece end
      end)
      assert.is_false(ok)
      assert.equal(("spec/stream_spec.lua:%d: connection closed inside the body while receiving "
        .. "from 127.0.0.1:%d"):format(line, s.port), message)
      if name == "chunks" then
        assert.equal("one\ntwo", table.concat(pieces))
        for _, piece in ipairs(pieces) do assert.is_true(#piece <= 3) end
      else
        assert.same({ "one" }, pieces)
      end
      request:close()
    end
  end)

  it("of level 1 comes whole in a chunk, and its failure for ever", function()
    local s = p:script({ "recv_head" }, { "send", BROKEN })
    local session <close> = assert(hinternet.open())
    local request = assert(assert(session:connect("127.0.0.1", s.port)):open_request())
    for _, name in ipairs { "chunks", "lines" } do
      for _, bad in ipairs { 0, 1.5, "x" } do
        local ok, message = pcall(function() local _ = request[name](request, bad) end)
        assert.is_false(ok)
        assert.equal("bad argument #1 to '" .. name .. "' (integer from 1 on expected, got "
          .. (bad == "x" and "string" or bad) .. ")",
          message:match("^spec/stream_spec.lua:%d+: (.*)$"))
      end
    end
    assert(request:send())
    assert(request:receive_response())
    assert.equal("one\ntwo", request:chunks()())
    local lines = request:lines()
    local message = raised(lines)
    assert.matches("^connection closed inside the body", message)
    assert.equal(message, raised(lines))
    request:close()
  end)

  it("and every other has a short form", function()
    local s = p:script({ "recv_head" }, { "send", peer.response(200, nil, "body") },
      { "recv_head" }, { "send", "HTTP/1.1 204\r\n\r\n" },
      { "recv_head" }, { "send", "HTTP/1.1 200 O\xff\tK\r\nContent-Length: 4\r\n\r\nbody" })
    assert.equal("response (200 Status, 4 bytes, " .. s.url .. "/x)",
      tostring(hinternet.get(s.url .. "/x#y")))
    assert.equal("response (204, 0 bytes, " .. s.url .. "/)", tostring(hinternet.get(s.url)))
    local r <close> = assert(hinternet.get(s.url, { stream = true }))
    assert.equal("response (200 O??K, streamed, " .. s.url .. "/)", tostring(r))
    r:close()
    assert.equal("response (200 O??K, " .. s.url .. "/)", tostring(r))
    assert.equal("hinternet.response", getmetatable(r).__name)
  end)
end)
