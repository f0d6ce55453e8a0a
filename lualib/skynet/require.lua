-- The `require` of every service, and `skynet.init`. Modules that are loaded from a coroutine may
-- block in their main function; that part is loaded when it is needed first.

local now = require
local loaded = package.loaded

-- Functions of the main chunk that wait for the start of the service; nil once they ran.
local pending = {}

local M = {
	now = now, -- the require of the standard library
}

function M.require(name)
	if loaded[name] or not coroutine.isyieldable() then
		return now(name)
	end
	return now "skynet.lazy.module".require(name)
end

function M.init(f)
	if coroutine.isyieldable() then
		return now "skynet.lazy.module".init(f)
	end
	if not pending then
		error("skynet.init is called in a main chunk or in the main function of a module", 2)
	end
	pending[#pending + 1] = f
end

-- Runs the functions of the main chunk in the order they were given.
function M.init_all()
	local list = pending
	pending = nil
	for i = 1, #list do
		list[i]()
	end
end

return M
