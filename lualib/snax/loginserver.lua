-- The frame of a login server: proves to clients and server that they have one secret without
-- sending it, lets the application check the token, and tells the client who it is now. Lines of
-- text:
--
--     server   base64(challenge)
--     client   base64(dhexchange(its key))
--     server   base64(dhexchange(its key))
--     client   base64(hmac64(challenge, secret))
--     client   base64(desencode(secret, token))
--     server   200 base64(subid), or why not
--
-- The service of an application calls the function of this module. It runs as the *master*, which
-- listens and decides, and starts copies of itself, the *slaves*, which do the handshakes.

local skynet = require "skynet"
require "skynet.manager"
local crypt = require "skynet.crypt"
local socket = require "skynet.socket"
local limited_log = require "skynet.limited_log"

local encode, decode = crypt.base64encode, crypt.base64decode

local SLAVES <const> = 8
local KEY_BYTES <const> = 8

-- A client may send this much without the end of a line.
local LINE_BYTES_MAX <const> = 8192

-- A client has so many seconds for its part of the handshake.
local HANDSHAKE_SECONDS <const> = 60

-- What is raised when the client is gone; nobody is left to be told.
local LOST <const> = setmetatable({}, {
	__tostring = function()
		return "connection lost"
	end,
})

local function read_line(id)
	return socket.readline(id) or error(LOST)
end

local function write_line(id, text)
	if not socket.write(id, text .. "\n") then
		error(LOST)
	end
end

-- Returns the secret that both sides have now.
local function agree(id)
	local challenge = crypt.randomkey()
	write_line(id, encode(challenge))
	local client_key = decode(read_line(id))
	assert(#client_key == KEY_BYTES, "Invalid client key")
	local own_key = crypt.randomkey()
	write_line(id, encode(crypt.dhexchange(own_key)))
	local secret = crypt.dhsecret(client_key, own_key)
	local proof = decode(read_line(id))
	if proof ~= crypt.hmac64(challenge, secret) then
		error "challenge failed"
	end
	return secret
end

-- Returns the secret and the token of a client that is quick enough.
local function shake_hands(conf, id)
	local is_done = false
	skynet.timeout((conf.handshake_seconds or HANDSHAKE_SECONDS) * 100, function()
		if not is_done then
			socket.shutdown(id)
		end
	end)
	local ok, secret, line = pcall(function()
		return agree(id), read_line(id)
	end)
	is_done = true
	if not ok then
		error(secret, 0)
	end
	return secret, crypt.desdecode(secret, decode(line))
end

-- Returns server, uid and secret of a client that proved who it is.
local function authenticate(conf, id)
	local secret, token = shake_hands(conf, id)
	local server, uid = conf.auth_handler(token)
	return server, uid, secret
end

-- Answers the master: true, server, uid, secret; or false and why not; or nil when the client left.
local function outcome(ok, ...)
	if ok then
		return true, ...
	elseif (...) ~= LOST then
		return false, tostring((...))
	end
end

local function run_slave(conf)
	skynet.dispatch("lua", function(_, _, id, address)
		skynet.error(string.format("connect from %s (fd = %d)", address, id))
		if not socket.start(id) then
			return skynet.retpack()
		end
		socket.limit(id, LINE_BYTES_MAX)
		-- The answer goes last: the master may write as soon as it has it.
		local result = table.pack(outcome(pcall(authenticate, conf, id)))
		socket.abandon(id)
		skynet.retpack(table.unpack(result, 1, result.n))
	end)
end

-- Users that are just logging in.
local logging_in = {}

-- Writes the last line of a login.
local function finish(id, text)
	if not socket.write(id, text .. "\n") then
		error "the client is gone"
	end
end

local function log_in(conf, id, server, uid, secret)
	if not conf.multilogin then
		if logging_in[uid] then
			finish(id, "406 Not Acceptable")
			error(string.format("User %s is already login", uid))
		end
		logging_in[uid] = true
	end
	local ok, subid = pcall(conf.login_handler, server, uid, secret)
	logging_in[uid] = nil
	if not ok then
		finish(id, "403 Forbidden")
		error(subid, 0)
	end
	finish(id, "200 " .. encode(subid or ""))
end

-- Has a slave do the handshake, and decides.
local function accept(conf, slave, id, address)
	local ok, server, uid, secret = skynet.call(slave, "lua", id, address)
	if ok then
		log_in(conf, id, server, uid, secret)
	elseif ok == nil then
		error(string.format("auth failed: socket (fd = %d) closed", id))
	else
		finish(id, "401 Unauthorized")
		-- The slave's text says where.
		error(server, 0)
	end
end

local function run_master(conf)
	local log = limited_log()
	local slaves, next_slave = {}, 0
	for i = 1, conf.instance or SLAVES do
		slaves[i] = skynet.newservice(SERVICE_NAME)
	end
	skynet.dispatch("lua", function(_, _, ...)
		skynet.retpack(conf.command_handler(...))
	end)
	local host = conf.host or "0.0.0.0"
	local port = assert(tonumber(conf.port), "port is missing")
	skynet.error(string.format("login server listen at : %s %d", host, port))
	local listener = socket.listen(host, port)
	socket.start(listener, function(id, address)
		next_slave = next_slave % #slaves + 1
		local ok, err = pcall(accept, conf, slaves[next_slave], id, address)
		if not ok then
			log(string.format("invalid client (fd = %d) error = %s", id, err))
		end
		-- What was written still leaves.
		socket.close_fd(id)
	end)
end

-- Runs the service as the config says.
return function(conf)
	local name = "." .. (conf.name or "login")
	skynet.start(function()
		-- The master has its name before it starts copies.
		if skynet.localname(name) then
			run_slave(conf)
			return
		end
		assert(conf.auth_handler, "auth_handler is missing")
		assert(conf.login_handler, "login_handler is missing")
		assert(conf.command_handler, "command_handler is missing")
		skynet.register(name)
		run_master(conf)
	end)
end
