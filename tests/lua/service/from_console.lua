-- Registers its argument as a local name; for the tests of the console.

local skynet = require "skynet"
require "skynet.manager"

local argument = ...

skynet.start(function()
	skynet.dispatch("lua", function()
		skynet.retpack(argument)
	end)
	skynet.register("." .. argument)
end)
