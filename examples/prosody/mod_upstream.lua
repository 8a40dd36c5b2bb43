--- Lets Prosody's HTTP server answer with what another server says, and serve
-- everybody else meanwhile. In its configuration:
--
--   plugin_paths = { "/path/to/examples/prosody" }
--   modules_enabled = { "upstream" }
--   upstream_url = "https://example.org"
--
-- Also shows how hinternet is driven by a loop there is no adapter for: the
-- loop watches one descriptor, and coroutines wait as they do in that loop.

local async = require "util.async"
local hinternet = require "hinternet"
local parked = require "hinternet.parked"
local server = require "net.server"
local timer = require "util.timer"

local session = assert(hinternet.open { user_agent = "mod_upstream/1.0" })
local pollable = assert(hinternet.pollable())
local watch = server.watchfd(pollable:pollfd(), function() hinternet.poll(0) end)

local waiter = {}

function waiter.wait(token)
  local wait, done = async.waiter()
  token.resume = done
  wait()
end

function waiter.wake(token)
  local done = token.resume
  token.resume = nil
  if done then timer.add_task(0, function() done() end) end
end

local function fetch(event, path)
  local answer, message = session:get(module:get_option_string("upstream_url") .. "/" .. path,
    { timeout = 20 })
  if not answer then
    event.response.status_code = 502
    return message .. "\n"
  end
  event.response.status_code = answer.status
  event.response.headers.content_type = answer.headers["content-type"]
  return answer.body
end

module:depends "http"
module:provides("http", { route = { ["GET /*"] = parked.wrap(waiter, fetch) } })

function module.unload()
  watch:close()
  session:close()
end
