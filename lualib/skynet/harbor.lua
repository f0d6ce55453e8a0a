-- Global names and the state of the links between nodes; `.cslave` does the work.

local skynet = require "skynet"

local SERVICE <const> = ".cslave"

-- Returns a function that waits until `.cslave` has an answer for its argument.
local function question(command)
	return function(argument)
		return skynet.call(SERVICE, "lua", command, argument)
	end
end

return {
	globalname = function(name, address)
		skynet.send(SERVICE, "lua", "REGISTER", name, address or skynet.self())
	end,
	queryname = question "QUERYNAME",
	link = question "LINK",
	connect = question "CONNECT",
	linkmaster = question "LINKMASTER",
}
