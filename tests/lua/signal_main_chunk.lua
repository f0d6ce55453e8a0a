-- SIGNAL 0 breaks a main chunk that never ends: its launch fails.
--! differs: the process crashes there

local check = require "check"
local skynet = require "skynet"
local core = require "skynet.core"

if ... == "chunk" then
	while true do end
end

check.main(function()
	local launch = check.background(skynet.newservice, SERVICE_NAME, "chunk")
	local address = check.eventually(function()
		for known, line in pairs(skynet.call(".launcher", "lua", "LIST")) do
			if line:find("signal_main_chunk chunk", 1, true) then
				return known
			end
		end
	end, "the launch is under way")
	-- The chunk may not have begun at the first signals: idle services drop them.
	while not launch.done do
		core.command("SIGNAL", address)
		skynet.sleep(5)
	end
	check.equal(check.outcome(launch), false)
	check.logs "lua loader error : [^\n]*signal 0"
end)
