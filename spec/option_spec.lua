-- Every option there is: on which handles it is read and set, what it takes,
-- what it is at first, and what a child gets from its parent.

local hinternet = require "hinternet"
local core = require "hinternet.core"
local leaks = require "spec.support.leaks"
local source = require "spec.support.source"

local options = core.options()
local letters = { "S", "C", "R" }
local big = (1 << 31) - 1

-- What each option that can be set is at first, takes and refuses. Times and
-- booleans need only their first value.
local values = {
  resolve_timeout = { 30 }, connect_timeout = { 60 }, send_timeout = { 30 },
  receive_timeout = { 30 }, receive_response_timeout = { 90 }, total_timeout = { false },
  poll_budget = { false },
  keep_alive_timeout = { 30 },
  connect_retries = { 5, takes = { 1, 16 }, refuses = { 0, 17, -1 } },
  redirect_policy = { 1, takes = { 0, 1, 2 }, refuses = { -1, 3 } },
  max_http_automatic_redirects = { 10, takes = { 0, 1000 }, refuses = { -1, 1001 } },
  max_http_status_continue = { 10, takes = { 0, 1000 }, refuses = { -1, 1001 } },
  max_response_header_size = { 65536, takes = { 64, 16 << 20 }, refuses = { 63, (16 << 20) + 1 } },
  max_response_drain_size = { 1 << 20, takes = { 0, 1 << 40 }, refuses = { -1, (1 << 40) + 1 } },
  max_response_body = { 1 << 30, takes = { 0, 1 << 46 }, refuses = { -1, (1 << 46) + 1 } },
  max_decoded_size = { 1 << 32, takes = { 0, 1 << 46 }, refuses = { -1, (1 << 46) + 1 } },
  max_conns_per_server = { big, takes = { 1, 2, big }, refuses = { -1, big + 1 } },
  max_conns_per_1_0_server = { big, takes = { 1, 2, big }, refuses = { -1, big + 1 } },
  context_value = { 0, takes = { math.mininteger, -1, math.maxinteger }, refuses = {} },
  read_buffer_size = { 0, takes = { 1, big }, refuses = { -1, big + 1 } },
  write_buffer_size = { 0, takes = { 2, big }, refuses = { -1, big + 1 } },
  request_priority = { 0, takes = { 3, big }, refuses = { -1, big + 1 } },
  tcp_keepalive_idle = { 0, takes = { 1, 32767 }, refuses = { -1, 32768 } },
  tcp_keepalive_interval = { 0, takes = { 1, 32767 }, refuses = { -1, 32768 } },
  tcp_no_delay = { 0, takes = { 1, 2 }, refuses = { -1, 3 } },
  decompression = { 15, takes = { 0, 3, 15 }, refuses = { -1, 16, 1 << 40 } },
  secure_protocols = { 0x2800, takes = { 0x800, 0x2000, 0x2800 },
    refuses = { 0, 0x80, 0x2880, -1 } },
  security_flags = { 0, takes = { 0x100, 0x3300, 0x13300, 0x33300 },
    refuses = { 0x1, 0x20000000, 0x400, 0x40000, -1 } },
  enable_feature = { takes = { 0, 1 }, refuses = { 2, -1 } },
  disable_feature = { takes = { 0, 1, 15, 16, 0xffffffff }, refuses = { 1 << 32, -1 } },
  reject_userpwd_in_url = { false }, ignore_cert_revocation_offline = { false },
  assured_non_blocking_callbacks = { false }, ipv6_fast_fallback = { true },
  tcp_keepalive = { false },
  user_agent = { "hinternet/" .. hinternet.version, takes = { "me/1.0" },
    refuses = { "a\r\nb", "a\0" } },
  ca_file = { "", takes = { "/nowhere" }, refuses = { "a\0b" } },
  crl_file = { "", takes = { "/nowhere" }, refuses = { "a\0b" } },
  client_cert_context = { "", takes = { "/nowhere" }, refuses = { "a\0b" } },
  client_key_file = { "", takes = { "/nowhere" }, refuses = { "a\0b" } },
  client_cert_password = { takes = { "secret" }, refuses = { "a\0b" } },
  key_log_file = { "", takes = { "/nowhere" }, refuses = { "a\0b" } },
  pinned_public_keys = { "", takes = { "sha256//" .. ("A"):rep(43) .. "=" },
    refuses = { "a\0b" } },
  request_annotation = { "", takes = { "anything" }, refuses = { "a\0b" } },
  resolution_hostname = { "", takes = { "other.test" }, refuses = { "a b", "a\0b", "a/b" } },
  unix_socket = { "", takes = { "/tmp/socket", "@name" }, refuses = { ("x"):rep(200), "a\0b" } },
  resolve_to = { "", takes = { "127.0.0.1", "::1, 127.0.0.1" }, refuses = { "name", "," } },
  local_address = { "", takes = { "127.0.0.1", "::1" }, refuses = { "name", "127.0.0.1:80" } },
  interface = { "", takes = { "lo" }, refuses = { ("x"):rep(40), "a\0b" } },
  expire_connection = {},
}

local function sorted_names()
  local names = {}
  for name in pairs(options) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function is_supported(option) return option.query .. option.set ~= "" end

-- A session, a connection and a request of it, and the letters they stand for.
local function handles()
  local session = assert(hinternet.open {})
  assert(session:set_option("poll_budget", false)) -- the runtime's: another test's stays
  local connection = assert(session:connect("h.test", 80))
  return { session, connection, assert(connection:open_request("GET", "/a", { secure = true })) }
end

-- Calls act(name, option, letter, handle) for every option and level.
local function each(act)
  local all = handles()
  for _, name in ipairs(sorted_names()) do
    for level, handle in ipairs(all) do act(name, options[name], letters[level], handle) end
  end
  all[1]:close()
end

local function good_values(name, option)
  if option.type == "time" then return { 0.001, 1.5, 86401, 1e12, false } end
  if option.type == "boolean" then return { true, false } end
  if option.type == "none" then return {} end
  return values[name].takes
end

local function bad_values(name, option)
  if option.type == "time" then return { 0, -1, 0 / 0, -math.huge } end
  return values[name].refuses or {}
end

-- A value of the right type for any option, also for those that take none.
local function sample(name, option)
  if option.set == "" then return option.type == "string" and "x" or 1 end
  local good = good_values(name, option)[1]
  if good == nil then return true end
  return good
end

describe("The table of options", function()
  leaks.watch()

  it("has a type, a text and a number that is nobody else's for each", function()
    local types = { boolean = true, integer = true, time = true, string = true, handle = true,
      flags = true, record = true, none = true }
    local seen, supported, refused = {}, 0, 0
    for name, option in pairs(options) do
      assert.matches("^%l[%l%d_]*$", name)
      assert.is_nil(option.number ~= 0 and seen[option.number] or nil, name)
      seen[option.number] = name
      if is_supported(option) then
        supported = supported + 1
        assert.is_true(types[option.type], name)
        assert.is_true(#option.text > 3, name)
      else
        refused = refused + 1
        assert.is_true(option.number > 0, name)
      end
      for _, field in ipairs { "query", "set" } do
        assert.is_truthy(("SCR"):gsub("[^" .. (option[field] == "" and "-" or option[field])
          .. "]", "") == option[field], name)
      end
    end
    assert.is_true(supported > 50 and refused > 50)
  end)

  it("has a row in this spec for each that can be set, and no other", function()
    local missing, extra = {}, {}
    for name, option in pairs(options) do
      if option.set ~= "" and not values[name] then missing[#missing + 1] = name end
    end
    for name in pairs(values) do
      if not options[name] or options[name].set == "" then extra[#extra + 1] = name end
    end
    assert.same({}, missing)
    assert.same({}, extra)
  end)

  it("is told to the language server: every name, those of open, and all words", function()
    local text = source.read("lua/hinternet/types/options.lua")
    local open = text:match("@class hinternet.open_options\n(.-)\n\n")
    local missing = {}
    for name, option in pairs(options) do
      if is_supported(option) and not text:find('\n---| "' .. name .. '" # ', 1, true) then
        missing[#missing + 1] = name
      end
      if option.set:find("S") and not open:find("@field " .. name .. "? ", 1, true) then
        missing[#missing + 1] = "open_options " .. name
      end
      for word in pairs(option.words or {}) do
        if not text:find('[ |]"' .. word .. '"') then missing[#missing + 1] = word end
      end
    end
    assert.same({}, missing)
    for name in text:gmatch('\n%-%-%-| "([%l%d_]+)" # %l+, [SCR]') do
      assert.is_truthy(options[name], name .. " is no option")
    end
    for name in open:gmatch("@field ([%l%d_]+)%?") do
      assert.is_truthy(name == "async" or options[name] and options[name].set:find("S"), name)
    end
  end)

  it("gives WinHTTP's options WinHTTP's numbers", function()
    for name, number in pairs { callback = 1, resolve_timeout = 2, receive_response_timeout = 7,
      handle_type = 9, parent_handle = 21, security_flags = 31, url = 34, proxy = 38,
      user_agent = 41, context_value = 45, client_cert_context = 47, disable_feature = 63,
      max_conns_per_server = 73, max_conns_per_1_0_server = 74, enable_feature = 79,
      secure_protocols = 84, redirect_policy = 88, max_http_automatic_redirects = 89,
      max_http_status_continue = 90, max_response_header_size = 91,
      max_response_drain_size = 92, connection_info = 93, reject_userpwd_in_url = 100,
      decompression = 118, http_protocol_used = 134, request_times = 142, request_stats = 146,
      username = 4096, proxy_password = 4099 } do
      assert.equal(number, options[name].number, name)
    end
  end)

  it("knows words for the values WinHTTP has names for", function()
    assert.same({ never = 0, disallow_https_to_http = 1, always = 2 },
      options.redirect_policy.words)
    assert.same({ gzip = 1, deflate = 2, br = 4, zstd = 8 }, options.decompression.words)
    assert.is_nil(options.connect_timeout.words)
  end)
end)

describe("Every option", function()
  leaks.watch()

  it("is read where it says, and refused elsewhere by WinHTTP's code", function()
    each(function(name, option, letter, handle)
      local where = name .. " on " .. letter
      local value, message, code = handle:query_option(name)
      if option.query == "" then
        assert.same({ nil, 87 }, { value, code }, where)
        assert.matches("invalid parameter: " .. name, message, 1, true)
      elseif not option.query:find(letter) then
        assert.same({ nil, 12018 }, { value, code }, where)
        assert.matches("incorrect handle type: " .. name, message, 1, true)
      elseif value == nil then
        -- Not yet: there is no exchange to tell about.
        assert.equal(12019, code, where)
        assert.equal("R", letter)
      else
        assert.is_nil(message, where)
      end
    end)
  end)

  it("is set where it says, and refused elsewhere by WinHTTP's code", function()
    each(function(name, option, letter, handle)
      local where = name .. " on " .. letter
      local done, message, code = handle:set_option(name, sample(name, option))
      if not is_supported(option) then
        assert.same({ nil, 12009 }, { done, code }, where)
        assert.matches("invalid option: " .. name, message, 1, true)
      elseif not (option.query .. option.set):find(letter) then
        assert.same({ nil, 12018 }, { done, code }, where)
      elseif option.set == "" then
        assert.same({ nil, 12011 }, { done, code }, where)
      elseif not option.set:find(letter) then
        assert.same({ nil, 12018 }, { done, code }, where)
      elseif option.type == "none" then
        assert.same({ nil, 12019 }, { done, code }, where)
      else
        assert.is_true(done, where .. ": " .. tostring(message))
      end
    end)
  end)

  it("is at first what WinHTTP has it at, or design says", function()
    each(function(name, option, letter, handle)
      if option.set == "" or not option.query:find(letter) then return end
      local value = handle:query_option(name)
      local expected = values[name][1]
      assert.equal(expected, value, name .. " on " .. letter)
      if option.type == "integer" or option.type == "flags" then
        assert.equal("integer", math.type(value), name)
      end
    end)
  end)

  it("reads back what was set, and takes nothing that is out of its range", function()
    each(function(name, option, letter, handle)
      if not option.set:find(letter) then return end
      local kept = option.query:find(letter) and handle:query_option(name)
      for _, bad in ipairs(bad_values(name, option)) do
        local done, message, code = handle:set_option(name, bad)
        assert.same({ nil, 87 }, { done, code }, ("%s = %s"):format(name, bad))
        assert.is_string(message)
        if kept ~= nil and option.query:find(letter) then
          assert.equal(kept, handle:query_option(name), name)
        end
      end
      for _, good in ipairs(good_values(name, option)) do
        assert.is_true(handle:set_option(name, good), name)
        -- A response's time is never less than a read's.
        if option.query:find(letter) and name ~= "receive_response_timeout" then
          assert.equal(good, handle:query_option(name), name)
        end
      end
    end)
  end)

  it("raises for a value of another type", function()
    local wrong = {
      boolean = { 1, "true", {} }, integer = { "x", 1.5, false, {} },
      flags = { "nonsense", { "nonsense" }, 1.5, false, { 1 } },
      time = { true, "5", {} }, string = { false, {}, print },
    }
    each(function(name, option, letter, handle)
      if not option.set:find(letter) or option.type == "none" then return end
      for _, value in ipairs(wrong[option.type]) do
        assert.has_error(function() handle:set_option(name, value) end)
      end
      assert.has_error(function() handle:set_option(name, nil) end)
      assert.has_error(function() handle:set_option(name) end)
    end)
  end)

  it("that is a time may be any, and endless", function()
    each(function(name, option, letter, handle)
      if option.type ~= "time" or not option.set:find(letter) then return end
      -- It counts as receive_timeout when that is more.
      if name == "receive_response_timeout" then handle:set_option("receive_timeout", 0.001) end
      for _, long in ipairs { 1e15, 1e300, math.maxinteger } do
        assert.is_true(handle:set_option(name, long), name)
        assert.is_true(handle:query_option(name) > 1e12, name)
      end
      assert.is_true(handle:set_option(name, 1e-300))
      assert.is_true(handle:query_option(name) > 0 and handle:query_option(name) <= 0.001, name)
      for _, none in ipairs { math.huge, false } do
        assert.is_true(handle:set_option(name, 5))
        assert.is_true(handle:set_option(name, none))
        assert.is_false(handle:query_option(name), name)
      end
    end)
  end)

  it("takes the words for its values, and flags a list of them", function()
    each(function(name, option, letter, handle)
      if not option.words or not option.set:find(letter) then return end
      local list, sum = {}, 0
      for word, number in pairs(option.words) do
        assert.is_true(handle:set_option(name, word), name .. " " .. word)
        if option.query:find(letter) then assert.equal(number, handle:query_option(name), word) end
        list[#list + 1], sum = word, sum | number
        assert.has_error(function() handle:set_option(name, word .. "x") end)
        assert.has_error(function() handle:set_option(name, word:upper()) end)
      end
      if option.type ~= "flags" then
        assert.has_error(function() handle:set_option(name, list) end)
        return
      end
      assert.is_true(handle:set_option(name, list))
      if option.query:find(letter) then assert.equal(sum, handle:query_option(name)) end
      assert.has_error(function() handle:set_option(name, { list[1], "nonsense" }) end)
      -- No word is no flag, where that is a value.
      local none, _, code = handle:set_option(name, {})
      assert.is_true(none or code == 87, name)
    end)
  end)

  it("belongs to one handle: no other option changes with it", function()
    local all = handles()
    for _, name in ipairs(sorted_names()) do
      local option = options[name]
      for level, handle in ipairs(all) do
        if option.set:find(letters[level]) and option.type ~= "none" then
          local others = {}
          for other, its in pairs(options) do
            if other ~= name and its.set ~= "" and its.query:find(letters[level])
              and other ~= "receive_response_timeout" then
              others[other] = handle:query_option(other)
            end
          end
          assert(handle:set_option(name, sample(name, option)))
          for other, value in pairs(others) do
            assert.equal(value, handle:query_option(other), name .. " changed " .. other)
          end
        end
      end
    end
    all[1]:close()
  end)

  it("of a closed handle is an invalid handle", function()
    local all = handles()
    all[1]:close()
    for _, handle in ipairs(all) do
      for name, option in pairs(options) do
        assert.equal(6, select(3, handle:query_option(name)), name)
        assert.equal(6, select(3, handle:set_option(name, sample(name, option))), name)
      end
    end
  end)
end)

describe("A request", function()
  leaks.watch()

  local function both(name)
    local option = options[name]
    return option.set == "SR" and option.query:find("S") and option.query:find("R")
  end

  it("belongs to its session, but poll_budget to all", function()
    local one <close> = assert(hinternet.open {})
    local other <close> = assert(hinternet.open {})
    assert(one:set_option("connect_timeout", 7))
    assert.equal(60, other:query_option("connect_timeout"))
    assert(one:set_option("poll_budget", 0.0005))
    assert.equal(0.0005, other:query_option("poll_budget"))
    assert(other:set_option("poll_budget", 0.0002))
    assert.equal(0.0002, one:query_option("poll_budget"))
    assert(other:set_option("poll_budget", false))
    assert.equal(0.0005, other:query_option("poll_budget"))
    one:close()
    assert.is_false(other:query_option("poll_budget"))
  end)

  it("copies its session's numbers when it is made, and has its own from then on", function()
    for _, name in ipairs(sorted_names()) do
      local option = options[name]
      if both(name) and option.type ~= "string" and name ~= "receive_response_timeout" then
        local all = handles()
        local session, connection, before = table.unpack(all)
        local first = before:query_option(name)
        local good = good_values(name, option)
        local one, two = good[1], good[2] or first
        assert(session:set_option(name, one))
        assert.equal(first, before:query_option(name), name)
        local after = connection:open_request()
        assert.equal(one, after:query_option(name), name)
        assert(after:set_option(name, two))
        assert.equal(one, session:query_option(name), name)
        assert.equal(first, before:query_option(name), name)
        if option.query:find("C") then
          assert.equal(one, connection:query_option(name), name)
        end
        session:close()
      end
    end
  end)

  it("sees its session's texts until it is given its own", function()
    local count = 0
    for _, name in ipairs(sorted_names()) do
      if both(name) and options[name].type == "string" then
        count = count + 1
        local session, connection, before = table.unpack(handles())
        local good = values[name].takes
        assert(session:set_option(name, good[1]))
        local after = connection:open_request("GET", "/", { secure = true })
        assert.equal(good[1], before:query_option(name), name)
        assert.equal(good[1], after:query_option(name), name)
        local own = good[2] or good[1] .. "x"
        if name == "pinned_public_keys" then own = good[1] .. ";" .. good[1] end
        assert(after:set_option(name, own))
        assert.equal(own, after:query_option(name), name)
        assert.equal(good[1], before:query_option(name), name)
        assert.equal(good[1], session:query_option(name), name)
        session:close()
      end
    end
    assert.is_true(count > 5)
  end)
end)

describe("hinternet.open", function()
  leaks.watch()

  it("takes every option that a session can set, and reads back the same", function()
    for _, name in ipairs(sorted_names()) do
      local option = options[name]
      if option.set:find("S") then
        for _, good in ipairs(good_values(name, option)) do
          local session <close> = assert(hinternet.open { [name] = good })
          if option.query:find("S") and name ~= "receive_response_timeout" then
            assert.equal(good, session:query_option(name), name)
          end
        end
        for _, bad in ipairs(bad_values(name, option)) do
          local session, message, code = hinternet.open { [name] = bad }
          assert.same({ nil, 87 }, { session, code }, name)
          assert.is_string(message)
        end
        for word in pairs(option.words or {}) do
          local session <close> = assert(hinternet.open { [name] = word })
          assert.equal(1, session:query_option("handle_type"))
        end
      end
    end
  end)

  it("fails for options a session does not have, by the code set_option gives", function()
    for _, name in ipairs(sorted_names()) do
      local option = options[name]
      if not option.set:find("S") then
        local session, message, code
        -- One that is not supported has no type: nothing is said of its value.
        session, message, code = hinternet.open { [name] = sample(name, option) }
        assert.is_nil(session, name)
        assert.is_string(message)
        local expected = 12018
        if not is_supported(option) then
          expected = 12009
        elseif option.set == "" and option.query:find("S") then
          expected = 12011
        end
        assert.equal(expected, code, name)
      end
    end
  end)

  it("raises for a name that is no option, and for a value of the wrong type", function()
    for _, bad in ipairs { { nonsense = 1 }, { Connect_Timeout = 1 }, { [1] = "async" },
      { async = 1 }, { user_agent = 5 }, { connect_timeout = "5" }, { decompression = "nonsense" },
      { max_response_body = "x" }, { reject_userpwd_in_url = 1 } } do
      assert.has_error(function() hinternet.open(bad) end)
    end
  end)

  it("leaves no session behind when it cannot set an option", function()
    local live = require "hinternet.core".live
    local before = live()
    assert.is_nil((hinternet.open { unix_socket = ("x"):rep(200) }))
    assert.equal(before, (live()))
  end)
end)
