-- Harbor 1: waits for harbor 2, calls it, says what becomes of the call, and does it again.

local skynet = require "skynet"
require "skynet.manager"
local harbor = require "skynet.harbor"

skynet.start(function()
	for round = 1, 2 do
		harbor.connect(2)
		local sleeper = harbor.queryname("SLEEPER" .. round)
		skynet.error("ROUND", round, skynet.call(sleeper, "lua", "echo", "hello"))
		skynet.fork(function()
			skynet.error("CALL", round, pcall(skynet.call, sleeper, "lua", "hang"))
		end)
		harbor.link(2)
		skynet.error("GONE", round)
		skynet.error("LATE", round, pcall(skynet.call, sleeper, "lua", "echo"))
	end
end)
