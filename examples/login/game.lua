-- The game server: answers the requests of users that the login server sent. Its argument is the
-- address of the login server.
local skynet = require "skynet"
local msgserver = require "snax.msgserver"

local login = tonumber((...))

local server_name
local last_subid = 0

-- username -> uid
local users = {}

local conf = {}

-- When the gate opens.
function conf.register_handler(name)
	server_name = name
	skynet.call(login, "lua", "register", name, skynet.self())
end

-- From the login server: somebody is coming, and this is how he proves it.
function conf.login_handler(uid, secret)
	last_subid = last_subid + 1
	local subid = tostring(last_subid)
	local username = msgserver.username(uid, subid, server_name)
	msgserver.login(username, secret)
	users[username] = uid
	return subid
end

local function leave(uid, subid)
	local username = msgserver.username(uid, subid, server_name)
	msgserver.logout(username)
	users[username] = nil
	skynet.call(login, "lua", "logout", uid)
end

conf.logout_handler = leave
conf.kick_handler = leave

function conf.disconnect_handler(username)
	skynet.error("server:", users[username], "is away")
end

-- A request may take its time. If the client loses the connection meanwhile, it asks again on the
-- next one, and gets the answer of this call: it is not made twice.
function conf.request_handler(username, text)
	skynet.error("server:", users[username], "asks:", text)
	skynet.sleep(5)
	return string.upper(text)
end

msgserver.start(conf)
