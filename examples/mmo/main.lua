-- Starts a small world, lets bots play in it, draws up the balance, and ends the node.
--
--     bot -> login          who I am; a secret for both of us
--     bot -> gate           the way of everything else
--     gate -> watchdog      connections, and the first packet of each
--     gate -> agent         what the bot of this connection wants
--     agent -> scene        where the bot goes
--     scene -> agent -> bot what there is to see
local skynet = require "skynet"
require "skynet.manager"

local SCENES = { "meadow", "cave" }

local bot_count = tonumber(skynet.getenv "bots")
local steps = tonumber(skynet.getenv "steps")

local function start_world()
	local watchdog = skynet.newservice "watchdog"
	skynet.name(".watchdog", watchdog)
	for seed, name in ipairs(SCENES) do
		skynet.name(".scene_" .. name, skynet.newservice("scene", name, seed))
	end
	skynet.newservice "login"
	local _, port = skynet.call(watchdog, "lua", "open", {
		address = "127.0.0.1",
		port = 0,
		maxclient = 1000,
	})
	return port
end

-- Lets all bots play at once; returns the sums of what they tell.
local function play(port)
	local total = { moves = 0, seen = 0, coins = 0 }
	local left, done = bot_count, {}
	for i = 1, bot_count do
		skynet.fork(function()
			local bot = skynet.newservice("bot", port, "bot" .. i, i)
			local result = skynet.call(bot, "lua", "play", steps)
			for key in pairs(total) do
				total[key] = total[key] + result[key]
			end
			left = left - 1
			if left == 0 then
				skynet.wakeup(done)
			end
		end)
	end
	skynet.wait(done)
	return total
end

skynet.start(function()
	local port = start_world()
	local begun = skynet.now()
	local total = play(port)
	local laid, left = 0, 0
	for _, name in ipairs(SCENES) do
		local scene = skynet.call(".scene_" .. name, "lua", "balance")
		laid, left = laid + scene.laid, left + scene.left
		skynet.error(string.format("%s: %d of %d coins left", name, scene.left, scene.laid))
	end
	skynet.error(string.format(
		"%d bots made %d moves and saw %d others come and go in %.2f s",
		bot_count, total.moves, total.seen, (skynet.now() - begun) / 100
	))
	local fits = total.coins + left == laid
	skynet.error(string.format(
		"they found %d coins: the books %s", total.coins, fits and "balance" or "DO NOT balance"
	))
	skynet.abort()
end)
