-- The node `store`: keeps the scores of all players, published as @scores.

local skynet = require "skynet"
require "skynet.manager"
local cluster = require "skynet.cluster"

local scores = {}
-- The games that are not through, and those that wait for them.
local playing, waiting = { red = true, blue = true }, {}

local command = {}

function command.add(player, points)
	scores[player] = (scores[player] or 0) + points
	return scores[player]
end

-- Returns the players, the best one first.
function command.top()
	local players = {}
	for player in pairs(scores) do
		table.insert(players, player)
	end
	table.sort(players, function(a, b)
		return scores[a] > scores[b] or scores[a] == scores[b] and a < b
	end)
	return players
end

-- A game is through; returns when all are. Then the store ends too.
function command.bye(game)
	playing[game] = nil
	table.insert(waiting, (coroutine.running()))
	print(string.format("store: %s is through", game))
	if next(playing) ~= nil then
		return skynet.wait()
	end
	print("store: the best player is " .. command.top()[1])
	for _, co in ipairs(waiting) do
		skynet.wakeup(co)
	end
	skynet.timeout(50, skynet.abort)
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		skynet.retpack(command[name](...))
	end)
	cluster.register "scores"
end)
