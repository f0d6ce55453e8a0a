-- SIGNAL 0 to an idle service does not hurt its next message.
--! differs: the reference loses the dispatch of the next message

local check = require "check"
local skynet = require "skynet"
local core = require "skynet.core"

check.main(function()
	local echo = skynet.newservice "echo"
	check.equal(skynet.call(echo, "lua", 1), 1)
	core.command("SIGNAL", skynet.address(echo))
	check.equal(skynet.call(echo, "lua", 2), 2)
end)
