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
