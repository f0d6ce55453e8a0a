-- The frame of a message server: a gate for clients that log in elsewhere, prove it with their
-- first packet, send requests with a session, and get the answers even if they lose the connection
-- in between and come back.
--
--     username   base64(uid) @ base64(server) # base64(subid)
--     handshake  username : index : base64(hmac of "username:index" with the secret)
--     request    content, session (4 bytes)
--     answer     content, status (1 or 0), session

local skynet = require "skynet"
local crypt = require "skynet.crypt"
local driver = require "skynet.socketdriver"
local netpack = require "skynet.netpack"
local gateserver = require "snax.gateserver"
local limited_log = require "skynet.limited_log"

local log = limited_log()

local encode, decode = crypt.base64encode, crypt.base64decode

-- Request handlers pass requests on as messages of clients.
skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
}

local msgserver = {}

local ANSWERS_KEPT <const> = 128
-- A stranger has so many seconds to say who he is.
local GREETING_SECONDS <const> = 60

local SESSION_BYTES <const> = 4
local PACKET_BYTES_MAX <const> = 0xffff

-- username -> {
--     name, secret,
--     version = the index of its last handshake,
--     id, ip = its connection and where that comes from,
--     answers = session -> answer, numbered by `next_number`,
-- }
--
-- An answer is { id = the connection that waits, packet = when it is known, version = of the
-- connection it was sent to or asked for again on, number = of its last sending }.
local users = {}

-- id -> the user of a connection
local user_of = {}

-- id -> where a connection comes from that has not said who it is
local strangers = {}

function msgserver.username(uid, subid, server)
	return encode(uid) .. "@" .. encode(server) .. "#" .. encode(tostring(subid))
end

-- Returns uid, subid and server.
function msgserver.userid(username)
	local uid, server, subid = string.match(username, "([^@]*)@([^#]*)#(.*)")
	return decode(uid), decode(subid), decode(server)
end

function msgserver.login(username, secret)
	assert(users[username] == nil, "the user is logged in")
	users[username] = {
		name = username,
		secret = secret,
		version = 0,
		answers = {},
		next_number = 0,
	}
end

function msgserver.logout(username)
	local user = users[username]
	users[username] = nil
	if user and user.id then
		user_of[user.id] = nil
		gateserver.closeclient(user.id)
	end
end

function msgserver.ip(username)
	local user = users[username]
	return user and user.id and user.ip
end

local function send(id, text)
	driver.send(id, netpack.pack(text))
end

-- Returns what to tell a stranger, and the user that it is if it is one.
local function identify(text)
	local username, index, proof = string.match(text, "([^:]*):([^:]*):([^:]*)")
	local user = users[username]
	if not user then
		return "404 User Not Found"
	end
	local version = assert(tonumber(index), "the index is not a number")
	proof = decode(proof)
	if version <= user.version then
		return "403 Index Expired"
	elseif proof ~= crypt.hmac_hash(user.secret, username .. ":" .. index) then
		return "401 Unauthorized"
	end
	user.version = version
	return "200 OK", user
end

-- Handles the first packet of a connection.
local function greet(id, ip, text)
	strangers[id] = nil
	local ok, verdict, user = pcall(identify, text)
	if not ok then
		log(verdict)
		verdict = "400 Bad Request"
	end
	send(id, verdict)
	if user then
		user.id, user.ip = id, ip
		user_of[id] = user
	else
		gateserver.closeclient(id)
	end
end

-- Forgets the older half of the answers when there are too many.
local function trim(user, kept)
	if user.next_number < 2 * kept then
		return
	end
	user.next_number = user.next_number - kept
	for session, answer in pairs(user.answers) do
		if answer.number then
			answer.number = answer.number - kept
			if answer.packet and answer.number < 0 then
				user.answers[session] = nil
			end
		end
	end
end

-- Returns the answer that a session has already, to be sent to another connection; or nothing, and
-- the session begins anew: one connection may use its numbers again.
local function earlier_answer(user, session)
	local answer = user.answers[session]
	if not answer or answer.version ~= user.version then
		return answer
	end
	user.answers[session] = nil
	if not answer.packet then
		error("Conflict session " .. crypt.hexencode(session))
	end
end

-- Runs a request; returns the packet that answers it.
local function execute(user, content, session, run)
	local ok, result = pcall(run, user.name, content)
	if not ok then
		skynet.error(result)
	end
	local body = ok and result or ""
	return body .. string.pack("B", ok and 1 or 0) .. session
end

-- Writes down that an answer goes out, or will, on the user's connection of now.
local function book(user, answer)
	answer.version = user.version
	answer.number = user.next_number
end

local function serve(conf, id, user, text)
	local session = string.sub(text, -SESSION_BYTES)
	assert(#session == SESSION_BYTES, "a request without a session")
	local answer = earlier_answer(user, session)
	if answer then
		answer.id = id
		book(user, answer)
		if not answer.packet then
			return
		end
	else
		answer = { id = id }
		user.answers[session] = answer
		local content = string.sub(text, 1, -SESSION_BYTES - 1)
		local packet = execute(user, content, session, conf.request_handler)
		if #packet > PACKET_BYTES_MAX then
			user.answers[session] = nil
			error "the answer is too long"
		end
		answer.packet = packet
		book(user, answer)
	end
	user.next_number = user.next_number + 1
	-- It may have moved while the request ran, and it may be gone.
	if user_of[answer.id] then
		send(answer.id, answer.packet)
	end
	answer.id = nil
	trim(user, conf.expired_number or ANSWERS_KEPT)
end

local function request(conf, id, text)
	local user = user_of[id]
	local ok, err = false, "the connection is not authorized"
	if user then
		ok, err = pcall(serve, conf, id, user, text)
	end
	if not ok then
		log(string.format("Invalid package %s : %s", err, text))
		gateserver.closeclient(id)
	end
end

-- Closes a connection that says nothing.
local function expect_greeting(id, ip, seconds)
	strangers[id] = ip
	skynet.timeout(seconds * 100, function()
		if strangers[id] == ip then
			strangers[id] = nil
			gateserver.closeclient(id)
		end
	end)
end

local function handler_of(conf)
	local handler = {}

	local command = {
		login = assert(conf.login_handler, "login_handler is missing"),
		logout = assert(conf.logout_handler, "logout_handler is missing"),
		kick = assert(conf.kick_handler, "kick_handler is missing"),
	}
	assert(conf.request_handler, "request_handler is missing")

	function handler.command(name, _, ...)
		return assert(command[name], "unknown command")(...)
	end

	function handler.open(_, gate)
		local name = assert(gate.servername, "servername is missing")
		return conf.register_handler(name)
	end

	function handler.connect(id, ip)
		expect_greeting(id, ip, conf.handshake_seconds or GREETING_SECONDS)
		gateserver.openclient(id)
	end

	function handler.message(id, message, size)
		local text = netpack.tostring(message, size)
		local ip = strangers[id]
		if ip then
			greet(id, ip, text)
		else
			request(conf, id, text)
		end
	end

	function handler.disconnect(id)
		strangers[id] = nil
		local user = user_of[id]
		user_of[id] = nil
		if user then
			-- The user may have come back on another connection.
			if user.id == id then
				user.id, user.ip = nil, nil
			end
			if conf.disconnect_handler then
				conf.disconnect_handler(user.name)
			end
		end
		gateserver.closeclient(id)
	end

	handler.error = handler.disconnect

	return handler
end

-- Runs the service.
function msgserver.start(conf)
	gateserver.start(handler_of(conf))
end

return msgserver
