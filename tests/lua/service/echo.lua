-- Answers with what it was sent; "argument" answers with the first argument of the service.

local skynet = require "skynet"

local argument = ...

skynet.start(function()
	skynet.dispatch("lua", function(_, _, what, ...)
		if what == "argument" then
			skynet.retpack(argument)
		else
			skynet.retpack(what, ...)
		end
	end)
end)
