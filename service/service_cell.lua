-- Runs the code of one in-line service of `skynet.service`.

local skynet = require "skynet"

local name = ...

local start = skynet.start

-- The cell is running already: what the code would start is called when the code is done.
local function record_start()
	local start_function
	function skynet.start(f)
		start_function = f
	end
	return function()
		return start_function
	end
end

local function refuse()
	error "No dispatch function"
end

local function init(code, ...)
	local recorded = record_start()
	skynet.dispatch("lua", refuse)
	local main = assert(load(code, name))
	main(...)
	local f = recorded()
	if f then
		f()
	end
	skynet.ret()
end

start(function()
	skynet.dispatch("lua", function(_, _, command, ...)
		assert(command == "init", command)
		init(...)
	end)
end)
