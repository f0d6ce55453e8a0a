-- snax.loginserver: the handshake, what goes wrong with it, slaves and master, one login at a time.
--! config: handshake_seconds = 4
--! differs: there a client may be silent for ever

local check = require "check"
local skynet = require "skynet"
local crypt = require "skynet.crypt"
local socket = require "skynet.socket"

local PORT_KEY <const> = "login_port"

if (...) ~= nil or skynet.localname ".login_test" or skynet.getenv(PORT_KEY) then
	-- The service under test, and its slaves.
	local server = {
		host = "127.0.0.1",
		port = skynet.getenv(PORT_KEY),
		name = "login_test",
		instance = 2,
		handshake_seconds = tonumber(skynet.getenv "handshake_seconds"),
	}

	function server.auth_handler(token)
		local user, game, password = token:match "^(.*)@(.*):(.*)$"
		assert(password == "secret", "wrong password")
		return game, user
	end

	local blocked = {}

	function server.login_handler(game, uid, secret)
		assert(#secret == 8)
		if game == "slow" then
			skynet.wait(blocked)
		end
		assert(game ~= "nowhere", "unknown server")
		if game ~= "silent" then
			return uid .. " on " .. game
		end
	end

	function server.command_handler(command, ...)
		if command == "unblock" then
			skynet.wakeup(blocked)
		end
		return command, ...
	end

	require "snax.loginserver"(server)
	return
end

local port

local function connect()
	return assert(socket.open("127.0.0.1", port))
end

local function write(id, text)
	socket.write(id, text .. "\n")
end

-- The client's part up to its proof. Returns the secret.
local function agree(id)
	local challenge = crypt.base64decode(socket.readline(id))
	check.equal(#challenge, 8)
	local key = crypt.randomkey()
	write(id, crypt.base64encode(crypt.dhexchange(key)))
	local secret = crypt.dhsecret(crypt.base64decode(socket.readline(id)), key)
	write(id, crypt.base64encode(crypt.hmac64(challenge, secret)))
	return secret
end

local function offer(id, token)
	write(id, crypt.base64encode(crypt.desencode(agree(id), token)))
end

-- The last line of a login.
local function login(token)
	local id = connect()
	offer(id, token)
	local line = socket.readline(id)
	socket.close(id)
	return line
end

local function subid_of(line)
	return crypt.base64decode(assert(line:match "^200 (.*)$", line))
end

local function logins()
	check.equal(subid_of(login "alice@game:secret"), "alice on game")
	check.equal(subid_of(login "alice@game:secret"), "alice on game")
	check.equal(subid_of(login "bob@silent:secret"), "")
	local tasks = {}
	for i = 1, 20 do
		tasks[i] = check.background(login, "user" .. i .. "@game:secret")
	end
	for i = 1, 20 do
		local _, line = check.outcome(tasks[i])
		check.equal(subid_of(line), "user" .. i .. " on game")
	end
end

local function refusals()
	check.equal(login "alice@game:guess", "401 Unauthorized")
	check.equal(login "alice@nowhere:secret", "403 Forbidden")
	check.equal(login "no token", "401 Unauthorized")
	check.logs "invalid client %(fd = %d+%) error = [^\n]*wrong password"
	check.logs "invalid client %(fd = %d+%) error = [^\n]*unknown server"
	check.logs "connect from 127%.0%.0%.1:%d+ %(fd = %d+%)"
end

-- Sends lines in the place of the handshake; returns the answer behind the challenge.
local function garbage(...)
	local id = connect()
	check.equal(#crypt.base64decode(socket.readline(id)), 8)
	for _, line in ipairs { ... } do
		write(id, line)
	end
	local answer = socket.readline(id)
	socket.close(id)
	return answer
end

local function broken_handshakes()
	check.equal(garbage(crypt.base64encode "seven b"), "401 Unauthorized")
	check.equal(garbage "%%%%", "401 Unauthorized")
	check.equal(garbage "", "401 Unauthorized")
	check.logs "Invalid client key"
	-- A wrong proof, and bytes that are no token.
	local id = connect()
	socket.readline(id)
	write(id, crypt.base64encode(crypt.dhexchange(crypt.randomkey())))
	socket.readline(id)
	write(id, crypt.base64encode "12345678")
	check.equal(socket.readline(id), "401 Unauthorized")
	socket.close(id)
	check.logs "challenge failed"
	id = connect()
	agree(id)
	write(id, crypt.base64encode(crypt.randomkey()))
	check.equal(socket.readline(id), "401 Unauthorized")
	socket.close(id)
end

local function endless_lines()
	local id = connect()
	socket.readline(id)
	socket.write(id, string.rep("x", 9000))
	check.equal(socket.readline(id), false)
	socket.close(id)
	check.logs "auth failed: socket %(fd = %d+%) closed"
end

local function silence()
	local silent, halfway = connect(), connect()
	socket.readline(silent)
	agree(halfway)
	check.equal(socket.readline(silent), false)
	check.equal(socket.readline(halfway), false)
	socket.close(silent)
	socket.close(halfway)
end

local function lost_connections()
	for _ = 1, 3 do
		socket.close(connect())
	end
	local id = connect()
	agree(id)
	socket.close(id)
	check.equal(subid_of(login "alice@game:secret"), "alice on game")
end

local function one_login_at_a_time(master)
	local first = check.background(login, "carol@slow:secret")
	check.eventually(function()
		return login "carol@game:secret" == "406 Not Acceptable"
	end, "the second login is refused")
	skynet.call(master, "lua", "unblock")
	local _, line = check.outcome(first)
	check.equal(subid_of(line), "carol on slow")
	check.equal(subid_of(login "carol@game:secret"), "carol on game")
end

check.main(function()
	port = check.free_port()
	skynet.setenv(PORT_KEY, port)
	local master = check.helper()
	check.logged("login server listen at : 127.0.0.1 " .. port)
	check.results({ "hello", 1, 2 }, skynet.call(master, "lua", "hello", 1, 2))
	logins()
	refusals()
	broken_handshakes()
	endless_lines()
	lost_connections()
	silence()
	one_login_at_a_time(master)
end)
