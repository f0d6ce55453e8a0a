-- The side of a fault run that is called: a node of a cluster, or a harbor. Writes down each call
-- that it does, with one write a call, in a file that survives its end (config key `done`).

local skynet = require "skynet"
require "skynet.manager"

local done = assert(io.open(skynet.getenv "done", "a"))
done:setvbuf "no"

-- Every so many calls are answered late, so that some are done and not answered when a fault comes.
local LATE <const> = 7

skynet.start(function()
	skynet.dispatch("lua", function(session, _, number)
		-- 0 asks only whether this service can be reached.
		if number > 0 then
			done:write(number .. "\n")
		end
		if session ~= 0 then
			if number % LATE == 0 then
				skynet.sleep(3)
			end
			skynet.retpack(number)
		end
	end)
	if skynet.getenv "harbor" == "0" then
		local cluster = require "skynet.cluster"
		cluster.reload { callee = skynet.getenv "callee" }
		cluster.register "main"
		cluster.open "callee"
	else
		skynet.register "CALLEE"
	end
	skynet.error(string.format("LISTENS %d", math.floor(skynet.time() * 1000)))
end)
