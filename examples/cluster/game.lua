-- The nodes `red` and `blue`: play three rounds, tell the store, and greet the other game.

local skynet = require "skynet"
require "skynet.manager"
local cluster = require "skynet.cluster"

local node = ...
local other = node == "red" and "blue" or "red"

-- The other nodes start at the same time as this one: tries until it is there.
local function call(...)
	local ok, result
	repeat
		ok, result = pcall(cluster.call, ...)
		if not ok then
			skynet.sleep(10)
		end
	until ok
	return result
end

local function play()
	for round = 1, 3 do
		local points = #node * round
		local total = call("store", "@scores", "add", node, points)
		print(string.format("%s: %d points in round %d, %d together", node, points, round, total))
	end
	print(string.format("%s: %s says %q", node, other, call(other, "@game", "hello")))
	call("store", "@scores", "bye", node)
end

skynet.start(function()
	skynet.dispatch("lua", function()
		skynet.retpack("greetings from " .. node)
	end)
	cluster.register "game"
	skynet.fork(function()
		play()
		skynet.abort()
	end)
end)
