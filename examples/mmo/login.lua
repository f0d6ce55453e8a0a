-- The login server: checks the password, and tells the watchdog who is coming.
local skynet = require "skynet"
local crypt = require "skynet.crypt"

local conf = {
	host = "127.0.0.1",
	port = skynet.getenv "login_port",
	name = "login_master",
	instance = 2,
}

-- Token: base64(user):base64(password). Returns the game server, of which there is one, and the user.
function conf.auth_handler(token)
	local user, password = string.match(token, "^([^:]+):(.+)$")
	assert(crypt.base64decode(password) == "sesame", "wrong password")
	return "world", crypt.base64decode(user)
end

function conf.login_handler(_, user, secret)
	return skynet.call(".watchdog", "lua", "expect", user, secret)
end

function conf.command_handler() end

require "snax.loginserver"(conf)
