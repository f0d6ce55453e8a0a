-- The login server: knows the passwords and the game servers, and who is where.
local skynet = require "skynet"
local crypt = require "skynet.crypt"

-- A real one asks its database.
local passwords = { robinson = "friday" }

-- name -> the service of a game server
local games = {}

-- uid -> { game =, subid = }
local online = {}

local conf = {
	host = "127.0.0.1",
	port = skynet.getenv "login_port",
	name = "login_master",
	instance = 2,
}

-- Runs in one of the slaves: says for whom a token is, and where that one wants to go.
function conf.auth_handler(token)
	local user, game, password = string.match(token, "^([^@]+)@([^:]+):(.+)$")
	user = crypt.base64decode(user)
	assert(passwords[user] == crypt.base64decode(password), "wrong password")
	return crypt.base64decode(game), user
end

-- Runs in the master: one after the other for each user. Returns what the client is to call its login.
function conf.login_handler(name, uid, secret)
	local game = assert(games[name], "no such game server")
	local last = online[uid]
	if last then
		skynet.call(last.game, "lua", "kick", uid, last.subid)
	end
	local subid = skynet.call(game, "lua", "login", uid, secret)
	online[uid] = { game = game, subid = subid }
	return subid
end

local command = {}

function command.register(name, address)
	games[name] = address
end

function command.logout(uid)
	online[uid] = nil
end

function conf.command_handler(name, ...)
	return command[name](...)
end

require "snax.loginserver"(conf)
