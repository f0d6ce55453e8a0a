-- Loads modules from coroutines: the main function of a module and its `skynet.init` functions
-- may block, and coroutines that want the same module meanwhile wait for the one that loads it.
-- Used by skynet.require only.

local skynet = require "skynet"
local now = require "skynet.require".now

local loaded = package.loaded
local running = coroutine.running

-- name -> { loader = coroutine, done = boolean, waiting coroutines... } while it is being loaded.
local loading = {}

-- coroutine -> init functions of the module whose main function it runs at present.
local inits = setmetatable({}, { __mode = "k" })

local M = {}

-- Returns the loader function of a module and its extra argument, or nothing.
local function find(name)
	for _, search in ipairs(package.searchers) do
		local loader, extra = search(name)
		if type(loader) == "function" then
			return loader, extra
		end
	end
end

-- Runs the main function, then the init functions it asked for, and stores the result.
local function execute(name, loader, extra)
	local co = running()
	local outer = inits[co]
	local own = {}
	inits[co] = own
	local result = loader(name, extra)
	inits[co] = outer
	for i = 1, #own do
		own[i]()
	end
	if result ~= nil then
		loaded[name] = result
	elseif loaded[name] == nil then
		loaded[name] = true
	end
end

local entry_meta = {}

-- Lets the waiting coroutines go on, however the load ended: also when its coroutine was killed.
function entry_meta:__close()
	loading[self.name] = nil
	for i = 1, #self do
		skynet.wakeup(self[i])
	end
end

local function load(name)
	local loader, extra = find(name)
	if not loader then
		return now(name)
	end
	local co = running()
	local outer = inits[co]
	local entry <close> = setmetatable({ name = name, loader = co }, entry_meta)
	loading[name] = entry
	local ok, err = xpcall(execute, debug.traceback, name, loader, extra)
	if not ok then
		inits[co] = outer
		error(err, 0)
	end
	entry.done = true
	return loaded[name], extra
end

local function wait(name, entry)
	local co = running()
	if entry.loader == co then
		error("circular dependency", 3)
	end
	entry[#entry + 1] = co
	repeat
		skynet.wait(co)
	until loading[name] ~= entry
	if not entry.done then
		error(string.format("require %s failed", name), 3)
	end
	return loaded[name]
end

function M.require(name)
	local entry = loading[name]
	if entry then
		return wait(name, entry)
	end
	return load(name)
end

function M.init(f)
	local list = inits[running()]
	if not list then
		error("skynet.init is called in a main chunk or in the main function of a module", 3)
	end
	list[#list + 1] = f
end

return M
