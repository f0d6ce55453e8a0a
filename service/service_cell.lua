-- Runs the code of one in-line service of `skynet.service`.

local skynet = require "skynet"

local name = ...

local start = skynet.start

local function refuse()
	error "No dispatch function"
end

local function init(code, ...)
	-- The cell is running already, so `start` only records what to call when the code is done.
	local start_function
	function skynet.start(f)
		start_function = f
	end
	skynet.dispatch("lua", refuse)
	local main = assert(load(code, name))
	main(...)
	if start_function then
		start_function()
	end
	skynet.ret()
end

start(function()
	skynet.dispatch("lua", function(_, _, command, ...)
		assert(command == "init", command)
		init(...)
	end)
end)
