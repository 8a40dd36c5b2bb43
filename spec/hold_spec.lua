-- What a notification announces waits until its callback has returned: what
-- reaches the server, and what the caller gets, by what the callback does.

local hinternet = require "hinternet"
local hops = require "spec.support.hops"
local parked = require "hinternet.parked"
local peer = require "spec.support.peer"

local head, lines, ok, open = hops.head, hops.lines, hops.ok, hops.open

local p = peer.new()
local answer = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
  .. peer.response(302, { "Location: /there" }, "moved")
local outer = { { "recv_head" }, { "send", answer }, { "recv_head" }, { "send", ok },
  { "recv_eof" } }
local nested = { { "recv_head" }, { "send", peer.response(200, {}, "nested") }, { "recv_eof" } }

-- Every status that holds, in the order in which a request comes to it: how many
-- connections and heads have reached the server by then, and how the request
-- fails when the server closes everything meanwhile.
local statuses = {
  { "resolving_name", connections = 0, heads = 0, code = 12029 },
  { "name_resolved", connections = 0, heads = 0, code = 12029 },
  { "connecting_to_server", connections = 0, heads = 0, code = 12029 },
  { "connected_to_server", connections = 1, heads = 0, code = 12030 },
  { "sending_request", connections = 1, heads = 0, code = 12030 },
  { "intermediate_response", connections = 1, heads = 1, code = 12029 }, -- at the next hop
  { "redirect", connections = 1, heads = 1, code = 12029 },
}

local function heads_at(s, count)
  local all = { lines(head(s, "GET /first"), "", ""), lines(head(s, "GET /there"), "", "") }
  return table.concat(all, "", 1, count)
end

-- ------------------------------------------------------- the ways to make a call

-- Status and body; nil, message, code.
local function call(request, ...)
  local done, message, code = request:send(...)
  if done then done, message, code = request:receive_response() end
  if not done then return nil, message, code end
  return request:read("a")
end

-- Polls until nothing is pending; the error that a poll raised.
local function poll_out()
  local problem
  repeat
    local good, count = pcall(hinternet.poll, 10)
    assert(not good or count ~= 0, "nothing happens")
    if not good then problem = count end
  until good and not count
  return problem
end

-- Each makes a call on a request whose callback hears the status alone (in the
-- asynchronous one completions too): body, code, and the error that was raised.
local styles = {
  sync = function(w, status, hear)
    w.request:set_status_callback(hear, { status })
    local good, body, _, code = pcall(call, w.request, w.headers, w.upload)
    if good then return body, code end
    return nil, select(3, w.request:read()), body
  end,

  async = function(w, status, hear)
    local request, body, code = w.request, nil, nil
    local following = {
      sendrequest_complete = function() return request:receive_response() end,
      headers_available = function() return request:read("a") end,
      read_complete = function(info) body = info end,
      request_error = function(info) code = info.code end,
    }
    local function listen(...)
      request:set_status_callback(function(handle, what, info)
        if following[what] then return following[what](info) end
        return hear(handle, what, info)
      end, { "all_completions", ... })
    end
    w.unlisten = listen
    listen(status)
    assert(request:send(w.headers, w.upload))
    local problem = poll_out()
    return body, code, problem
  end,

  task = function(w, status, hear)
    local body, code, _
    w.request:set_status_callback(hear, { status })
    local task = w.session:spawn(function()
      body, _, code = call(w.request, w.headers, w.upload)
    end)
    local problem = poll_out()
    assert.not_equal("waiting", task:status())
    return body, code, problem
  end,
}

local function world(s, style, options)
  options = options or {}
  options.async = style == "async"
  local w = { server = s, session = open(options) }
  w.connection = assert(w.session:connect("127.0.0.1", s.port))
  w.request = assert(w.connection:open_request("GET", "/first"))
  return w
end

local function post(s, style, headers)
  local w = world(s, style)
  w.request = assert(w.connection:open_request("POST", "/"))
  w.headers, w.upload = headers, "body"
  return w
end

-- What came of a call in which the callback of a status did `act`, once.
local function travel(w, style, status, act)
  local count = 0
  local function hear(request, what, info)
    assert.equal(status, what)
    count = count + 1
    if count == 1 then act(w, request, info) end
  end
  w.unlisten = function() w.request:set_status_callback(nil) end
  w.body, w.code, w.problem = styles[style](w, status, hear)
  assert.is_true(count > 0)
  w.heard = count
  return w
end

local function each_style(f)
  for _, style in ipairs { "sync", "async", "task" } do f(style) end
end

-- ------------------------------------------------------------------------ tables

-- What stops what was announced.
local stopping = {
  ["closes the request"] = function(w) w.request:close() end,
  ["closes the connection handle"] = function(w) w.connection:close() end,
  ["closes the session"] = function(w) w.session:close() end,
  ["raises"] = function() error("no further", 0) end,
  ["listens no more and raises"] = function(w)
    w.unlisten()
    error("no further", 0)
  end,
}

for _, row in ipairs(statuses) do
  local status = row[1]

  describe("A callback of " .. status, function()
    p:for_tests()

    local function expect_stopped(s, w, style, problem)
      assert.same({ code = 12017, problem = problem },
        { body = w.body, code = w.code, problem = w.problem }, style)
      w.session:close()
      if row.connections == 0 then
        assert.equal(0, s:accepted(), style)
      else
        assert.is_true(s:wait(1))
        assert.same({ heads_at(s, row.heads) }, s:received(), style)
      end
      s:close()
    end

    local function expect_whole(w, style)
      assert.same({ body = "end" }, { body = w.body, code = w.code, problem = w.problem }, style)
      w.session:close()
    end

    for name, act in pairs(stopping) do
      it("that " .. name .. " stops what it announces", function()
        each_style(function(style)
          local s = p:script(table.unpack(outer))
          local w = travel(world(s, style), style, status, act)
          expect_stopped(s, w, style, name:find("raises") and "no further" or nil)
        end)
      end)
    end

    it("that cancels the task stops what it announces", function()
      local s = p:script(table.unpack(outer))
      local w, task = world(s, "task"), nil
      w.request:set_status_callback(function() task:cancel() end, { status })
      task = w.session:spawn(function() w.body, w.message, w.code = call(w.request) end)
      assert.is_nil(poll_out())
      expect_stopped(s, w, "task")
    end)

    it("that returns, or listens no more, lets it go on", function()
      for _, act in ipairs { function() end,
        function(w) w.unlisten() end } do
        each_style(function(style)
          local s = p:script(table.unpack(outer))
          local w = travel(world(s, style), style, status, act)
          expect_whole(w, style)
          assert.is_true(s:wait(1))
          assert.same({ heads_at(s, 2) }, s:received(), style)
          s:close()
        end)
      end
    end)

    it("that waits for another request holds the first, and no other", function()
      each_style(function(style)
        local before = row.connections == 0
        local s = p:serve { connections = { before and nested or outer,
          before and outer or nested } }
        local w = world(s, style, { max_conns_per_server = 1 })
        local reached
        travel(w, style, status, function()
          -- In an asynchronous session nothing waits.
          local session = style == "async" and open() or w.session
          local request <close> = session:connect("127.0.0.1", s.port):open_request("GET", "/")
          assert.equal("nested", call(request))
          reached = s:received()[before and 2 or 1] or ""
          if style == "async" then session:close() end
        end)
        expect_whole(w, style)
        assert.equal(heads_at(s, row.heads), reached, style)
        assert.is_true(s:wait(2))
        assert.equal(heads_at(s, 2), s:received()[before and 2 or 1], style)
        s:close()
      end)
    end)

    it("may find that the server has closed everything meanwhile", function()
      each_style(function(style)
        local s = p:script(table.unpack(outer))
        local w = travel(world(s, style), style, status, function()
          assert.is_true(s:wait_accepted(row.connections))
          s:close()
        end)
        assert.same({ code = row.code }, { body = w.body, code = w.code, problem = w.problem },
          style)
        w.session:close()
      end)
    end)

    it("that is never called holds the request until its session is collected", function()
      local s = p:script(table.unpack(outer))
      local weak = setmetatable({}, { __mode = "k" })
      ;(function()
        local w = world(s, "async")
        w.request:set_status_callback(function() weak.told = true end, { status })
        weak[w.session], weak[w.request] = true, true
        w.request:send()
        -- A blocking call moves everything, and delivers its own session's alone.
        local session <close> = open()
        local own = p:script(table.unpack(nested))
        local request = session:connect("127.0.0.1", own.port):open_request()
        assert.equal("nested", call(request))
        own:close()
      end)()
      for _ = 1, 4 do collectgarbage() end
      assert.is_nil(next(weak))
      assert.is_false(hinternet.poll(0))
      s:close()
    end)
  end)
end

describe("While an interim response is told", function()
  p:for_tests()

  local function interim(status, ...)
    return lines(("HTTP/1.1 %d Interim"):format(status), ...) .. "\r\n\r\n"
  end

  -- What can be read of a response just now.
  local function read_head(request)
    local status, _, code = request:query_headers("status_code")
    if not status then return { code = code } end
    local raw = request:query_headers("raw_headers_crlf")
    return { status = status, reason = request:query_headers("status_text"),
      link = (request:query_headers("Link")), count = #request:headers(), raw = raw }
  end

  local early = { status = 103, reason = "Interim", link = "</a>", count = 2,
    raw = interim(103, "Link: </a>", "X: y") }
  local later = { status = 102, reason = "Interim", count = 0, raw = interim(102) }
  local going_on = { status = 100, reason = "Interim", link = "</c>", count = 1,
    raw = interim(100, "Link: </c>") }

  it("its fields can be read, and those of the final response after it", function()
    each_style(function(style)
      local s = p:answer(early.raw .. later.raw .. peer.response(200, { "Link: </b>" }, "end"))
      local w, seen = world(s, style), {}
      local request = w.request
      w.body = styles[style](w, "intermediate_response", function(_, _, status)
        seen[#seen + 1] = read_head(request)
        assert.equal(status, seen[#seen].status)
        assert.equal(12019, select(3, request:read()))
        assert.equal(12019, select(3, request:query_headers("Link", { trailer = true })))
      end)
      assert.equal("end", w.body)
      assert.same({ early, later }, seen, style)
      assert.equal("</b>", request:query_headers("Link"))
      w.session:close()
      s:close()
    end)
  end)

  it("they stay what they are whatever else is done, and are gone afterwards", function()
    local s = p:script({ "recv_head" }, { "send", early.raw }, { "wait" },
      { "send", peer.response(200, {}, "end") })
    local other = p:keepalive("other")
    local session <close> = open()
    local request = session:connect("127.0.0.1", s.port):open_request()
    local seen, after
    request:set_status_callback(function(_, status)
      if status == "receiving_response" and seen and not after then
        after = read_head(request)
        s:go()
      end
      if status ~= "intermediate_response" then return end
      local inner <close> = session:connect("127.0.0.1", other.port):open_request()
      assert.equal("other", call(inner))
      seen = read_head(request)
    end)
    assert.equal("end", call(request))
    assert.same(early, seen)
    assert.same({ code = 12019 }, after)
    s:close()
    other:close()
  end)

  it("a body that is held back goes on when 100 was heard", function()
    each_style(function(style)
      local s = p:script({ "recv_head" }, { "send", early.raw .. going_on.raw }, { "recv_body" },
        { "send", ok }, { "recv_eof" })
      local w, seen = post(s, style, "Expect: 100-continue"), {}
      w.result = styles[style](w, "intermediate_response", function(request)
        seen[#seen + 1] = read_head(request)
        assert.is_nil(s:received()[1]:match("body"))
      end)
      assert.equal("end", w.result)
      assert.same({ early, going_on }, seen, style)
      assert.equal("body", s:received()[1]:match("\r\n\r\n(.*)$"))
      w.session:close()
      s:close()
    end)
  end)

  it("a body that is being written waits, too, and goes on where it was", function()
    local rest = ("x"):rep(8000000) -- more than lies between the two
    local file = assert(io.tmpfile())
    assert(file:write(rest) and file:seek("set"))
    for _, write in ipairs { function(request) return request:write(rest) end,
      function(request) return request:write_from(file) end } do
      local s = p:script({ "recv_head" }, { "recv_until", "first" }, { "send", early.raw },
        { "wait" }, { "recv_until", "xx" }, { "recv_body", #rest - 2 }, { "send", ok },
        { "recv_eof" })
      local session <close> = open()
      local request = session:connect("127.0.0.1", s.port):open_request("POST", "/")
      local seen
      request:set_status_callback(function()
        seen = read_head(request)
        s:go()
      end, { "intermediate_response" })
      assert(request:send(nil, "first", 5 + #rest))
      assert.equal(#rest, write(request))
      assert.same(early, seen)
      assert(request:receive_response())
      assert.equal("end", request:read("a"))
      assert.equal(5 + #rest, #s:received()[1]:match("\r\n\r\n(.*)$"))
      s:close()
    end
    file:close()
  end)
end)

describe("A kept connection", function()
  p:for_tests()

  -- Requests that begin on a connection which an earlier one has left.
  local function on_kept(style, method, act)
    local s = p:serve { connections = {
      { { "recv_head" }, { "send", ok }, { "wait" } },
      { { "recv_head" }, { "recv_body" }, { "send", ok }, { "recv_eof" } },
    } }
    local w = world(s, style)
    w.request = w.connection:open_request("GET", "/first")
    assert.equal("end", (styles[style](w, "request_sent", function() end)))
    w.request:close()
    w.request = w.connection:open_request(method, "/second")
    w.upload = method == "POST" and "body" or nil
    w.heard = 0
    w.result, w.code, w.problem = styles[style](w, "sending_request", function()
      w.heard = w.heard + 1
      if w.heard == 1 then act(s) end
    end)
    return w, s
  end

  it("that is closed while it is held is replaced, whatever the request", function()
    for _, method in ipairs { "GET", "POST" } do
      each_style(function(style)
        local w, s = on_kept(style, method, function(server)
          server:go()
          assert.is_true(server:wait(1))
        end)
        assert.same({ "end", nil, nil, 2 }, { w.result, w.code, w.problem, w.heard }, style)
        w.session:close()
        assert.is_true(s:wait(2))
        assert.equal(lines(head(s, "GET /first"), "", ""), s:received()[1])
        assert.equal(lines(head(s, method .. " /second"), "", ""):gsub("\r\n$", ""),
          (s:received()[2]:gsub("\r\nContent%-Length: 4\r\n", "\r\n"):gsub("\r\n\r\n.*$", "\r\n")))
        s:close()
      end)
    end
  end)

  it("on which a callback stops the request is not used for another", function()
    each_style(function(style)
      local w, s = on_kept(style, "GET", function() error("not this one", 0) end)
      assert.same({ nil, 12017, "not this one", 1 }, { w.result, w.code, w.problem, w.heard },
        style)
      s:go()
      assert.is_true(s:wait(1))
      assert.equal(lines(head(s, "GET /first"), "", ""), s:received()[1])
      w.session:close()
      s:close()
    end)
  end)
end)

describe("A callback that is suspended", function()
  p:for_tests()

  -- Hears a status in a coroutine that stops there, while others take events.
  local function suspend(style, status, take)
    local s, other = p:script(table.unpack(outer)), p:keepalive("other")
    local w = world(s, style)
    w.request:set_status_callback(function(request)
      coroutine.yield("suspended")
      request:close()
    end, { status })
    local thread = coroutine.create(function()
      if style == "sync" then return call(w.request) end
      assert(w.request:send())
      repeat until not hinternet.poll(10)
    end)
    assert.same({ true, "suspended" }, { coroutine.resume(thread) })
    for _ = 1, 3 do take(w, other) end
    assert(coroutine.resume(thread))
    assert.equal("dead", coroutine.status(thread))
    assert.is_false(w.request:is_valid())
    w.session:close()
    assert.is_true(s:wait(1))
    assert.same({ "" }, s:received())
    s:close()
    other:close()
  end

  for _, status in ipairs { "connected_to_server", "sending_request" } do
    it("holds on to " .. status .. ", whoever takes events meanwhile", function()
      local function fetch(session, other)
        local request <close> = session:connect("127.0.0.1", other.port):open_request()
        assert.equal("other", call(request))
      end
      suspend("sync", status, function(w, other) fetch(w.session, other) end)
      suspend("sync", status, function() hinternet.poll(0) end)
      suspend("async", status, function() hinternet.poll(0) end)
      suspend("async", status, function(_, other)
        local session <close> = open()
        fetch(session, other)
      end)
    end)
  end
end)

describe("Requests that a callback waits for", function()
  p:for_tests()

  it("pass those who stand in line for the connection that it holds", function()
    for _, status in ipairs { "resolving_name", "connected_to_server", "sending_request" } do
      local s = p:keepalive("hello")
      local session <close> = open { max_conns_per_server = 1 }
      local connection = session:connect("127.0.0.1", s.port)
      local got, once = {}, false
      local function fetch()
        local request <close> = connection:open_request()
        local body = call(request)
        got[#got + 1] = body
      end
      connection:set_status_callback(function()
        if once then return end
        once = true
        for _ = 1, 3 do fetch() end
      end, { status })
      for _ = 1, 4 do session:spawn(fetch) end
      session:run()
      assert.same({ "hello", "hello", "hello", "hello", "hello", "hello", "hello" }, got)
      s:close()
    end
  end)
end)

describe("An error in a callback", function()
  p:for_tests()

  it("ends what was announced also when a close delivers it", function()
    local s = p:script(table.unpack(outer))
    local w = world(s, "sync")
    local other, result, woken = w.connection:open_request(), nil, false
    w.request:set_status_callback(function() error("no further", 0) end, { "connected_to_server" })
    local thread = coroutine.create(parked.wrap({
      wait = function() coroutine.yield() end,
      wake = function() woken = true end,
    }, function() result = table.pack(w.request:send()) end))
    assert(coroutine.resume(thread))
    repeat hinternet.sleep(0) until s:accepted() == 1 -- which calls no callback
    assert.has_error(function() other:close() end, "no further")
    assert.is_true(woken)
    assert(coroutine.resume(thread))
    assert.equal(12017, result[3])
    w.session:close()
    assert.is_true(s:wait(1))
    assert.same({ "" }, s:received())
    s:close()
  end)
end)

describe("An https request", function()
  p:for_tests()

  it("says nothing to its server before connected_to_server was heard", function()
    each_style(function(style)
      for _, goes_on in ipairs { false, true } do
        local s = p:script({ "recv_until", "\x16" }) -- what a handshake begins with
        local w = world(s, style)
        w.request = w.connection:open_request("GET", "/", { secure = true })
        travel(w, style, "connected_to_server", function()
          assert.is_true(s:wait_accepted(1))
          if not goes_on then error("not there", 0) end
        end)
        assert.is_true(w.code and w.code ~= 12017 == goes_on, w.code)
        w.session:close()
        assert.is_true(s:wait(1))
        assert.equal(goes_on, s:received()[1] ~= "")
        s:close()
      end
    end)
  end)
end)
