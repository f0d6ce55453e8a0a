-- Starts the counter, feeds it, asks it, and ends the node.
local skynet = require "skynet"
require "skynet.manager"

skynet.start(function()
	local counter = skynet.newservice "counter"
	for word in string.gmatch("the quick fox and the lazy dog", "%a+") do
		skynet.call(counter, "lua", "add", word)
	end
	skynet.error("the:", skynet.call(counter, "lua", "count", "the"))
	skynet.abort()
end)
