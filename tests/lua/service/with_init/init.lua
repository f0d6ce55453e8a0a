-- A service in a folder of its own, with a module beside it; for the test "loader".

local skynet = require "skynet"
local beside = require "beside"

skynet.start(function()
	skynet.dispatch("lua", function()
		skynet.retpack(SERVICE_NAME, SERVICE_PATH, beside)
	end)
end)
