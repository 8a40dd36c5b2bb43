---@meta hinternet.loops

---What `hinternet.luv`, `hinternet.cqueues` and `hinternet.copas` have. Each
---lets calls of both levels wait in the loop of that library.
---@class hinternet.foreign_loop
local loop = {}

---Runs f(...) in a new coroutine of the loop. With cqueues it is one of the
---running controller.
---@param f fun(...)
---@param ... any
---@return thread? thread with luv and Copas
function loop.spawn(f, ...) end

---A function that runs f in the coroutine it is called in, with calls that wait;
---with luv one that spawns f.
---@param f fun(...): ...
---@return fun(...): ...
function loop.wrap(f) end

---Drives what is pending, until nothing is: for callbacks of asynchronous
---sessions and for tasks. Raises with the poll(2) reactor.
---@param controller? userdata with cqueues; the running one when absent
function loop.start(controller) end

---How a coroutine of a loop without an adapter waits.
---@class hinternet.waiter
---@field wait fun(token: table) suspends the running coroutine until it is woken with that token; may return early; the token is the same for all waits of a coroutine, and may be written to
---@field wake fun(token: table) has the loop resume that coroutine, but never at once

---`hinternet.parked`, for such loops.
---@class hinternet.parked
local parked = {}

---A function that runs f in the coroutine it is called in, with calls that wait
---through `waiter`, unless they have another there.
---@param waiter hinternet.waiter
---@param f fun(...): ...
---@return fun(...): ...
function parked.wrap(waiter, f) end
