-- One scene: a square of tiles with coins on some of them. It is divided into cells; a player sees
-- who is in his own cell and in the eight around it, and hears of nobody else. Its arguments are a
-- name and the seed of its coins.
local skynet = require "skynet"

local SIZE <const> = 40
local CELL <const> = 8
local COINS <const> = 60

local name, seed = ...

-- user -> { user =, agent =, x =, y = }
local players = {}

-- cell -> user -> player
local cells = setmetatable({}, {
	__index = function(all, key)
		local cell = {}
		all[key] = cell
		return cell
	end,
})

-- tile -> true where a coin lies
local coins = {}
local coins_left = 0

local function tile_of(x, y)
	return y * SIZE + x
end

local function cell_of(column, row)
	return row * SIZE + column
end

local function cell_at(x, y)
	return cell_of(x // CELL, y // CELL)
end

-- Returns the set of players who see the tile (x, y): user -> player.
local function watchers(x, y)
	local set = {}
	for row = y // CELL - 1, y // CELL + 1 do
		for column = x // CELL - 1, x // CELL + 1 do
			for user, player in pairs(cells[cell_of(column, row)]) do
				set[user] = player
			end
		end
	end
	return set
end

local function tell(player, ...)
	skynet.send(player.agent, "lua", "see", ...)
end

-- Tells two players that they see each other from now on.
local function introduce(one, other)
	tell(one, "appear", other.user, other.x, other.y)
	tell(other, "appear", one.user, one.x, one.y)
end

local function part(one, other)
	tell(one, "vanish", other.user)
	tell(other, "vanish", one.user)
end

-- Tells everybody concerned that a player has moved; `before` is who saw the old place.
local function report_move(player, before)
	local after = watchers(player.x, player.y)
	for user, other in pairs(after) do
		if other ~= player then
			if before[user] then
				tell(other, "moved", player.user, player.x, player.y)
			else
				introduce(player, other)
			end
		end
	end
	for user, other in pairs(before) do
		if other ~= player and not after[user] then
			part(player, other)
		end
	end
end

-- Takes the coin from a tile; returns how many there were.
local function pick_up(x, y)
	local tile = tile_of(x, y)
	if not coins[tile] then
		return 0
	end
	coins[tile] = nil
	coins_left = coins_left - 1
	return 1
end

local function within(value)
	return math.max(0, math.min(SIZE - 1, value))
end

local command = {}

-- Returns where the player stands.
function command.enter(user, agent)
	local player = { user = user, agent = agent, x = SIZE // 2, y = SIZE // 2 }
	for _, other in pairs(watchers(player.x, player.y)) do
		introduce(player, other)
	end
	players[user] = player
	cells[cell_at(player.x, player.y)][user] = player
	return player.x, player.y
end

-- Moves a player by one tile at most. Returns where he stands, and how many coins he found there.
function command.move(user, dx, dy)
	local player = players[user]
	local before = watchers(player.x, player.y)
	cells[cell_at(player.x, player.y)][user] = nil
	player.x = within(player.x + math.max(-1, math.min(1, dx)))
	player.y = within(player.y + math.max(-1, math.min(1, dy)))
	cells[cell_at(player.x, player.y)][user] = player
	report_move(player, before)
	return player.x, player.y, pick_up(player.x, player.y)
end

function command.leave(user)
	local player = players[user]
	players[user] = nil
	cells[cell_at(player.x, player.y)][user] = nil
	for _, other in pairs(watchers(player.x, player.y)) do
		part(player, other)
	end
end

function command.balance()
	return { laid = COINS, left = coins_left }
end

local function lay_coins()
	math.randomseed(tonumber(seed))
	while coins_left < COINS do
		local tile = tile_of(math.random(0, SIZE - 1), math.random(0, SIZE - 1))
		if not coins[tile] then
			coins[tile] = true
			coins_left = coins_left + 1
		end
	end
end

skynet.start(function()
	lay_coins()
	skynet.error("scene", name, "is open")
	skynet.dispatch("lua", function(_, _, what, ...)
		skynet.retpack(command[what](...))
	end)
end)
