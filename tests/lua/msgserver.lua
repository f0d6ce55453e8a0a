-- snax.msgserver: handshake, requests, sessions, lost connections, the cache of answers.
--! differs: there ip() forgets a user whose old connection ends after he came back

local check = require "check"
local skynet = require "skynet"
local crypt = require "skynet.crypt"

local SECRET <const> = "12345678"

local function server()
	local msgserver = require "snax.msgserver"
	local conf = { expired_number = 8, handshake_seconds = 4 }
	local calls, disconnects, blocked = 0, 0, {}
	local agent

	function conf.login_handler(name)
		msgserver.login(name, SECRET)
	end

	function conf.logout_handler(name)
		msgserver.logout(name)
	end

	function conf.kick_handler(command, ...)
		if command == "agent" then
			agent = ...
		elseif command == "ip" then
			return msgserver.ip(...)
		elseif command == "calls" then
			return calls
		elseif command == "disconnects" then
			return disconnects
		elseif command == "unblock" then
			skynet.wakeup(blocked)
		end
	end

	function conf.request_handler(_, text)
		calls = calls + 1
		if text == "block" then
			skynet.wait(blocked)
		elseif text == "raise" then
			error "raised by the handler"
		elseif text == "nothing" then
			return nil
		elseif text == "huge" then
			return string.rep("x", 0xffff)
		end
		-- A server has the protocol "client" for its agents.
		if text == "agent" then
			return skynet.tostring(skynet.rawcall(agent, "client", text))
		end
		return "re:" .. text
	end

	function conf.disconnect_handler()
		disconnects = disconnects + 1
	end

	function conf.register_handler(name)
		return "registered", name
	end

	msgserver.start(conf)
end

local function agent()
	skynet.register_protocol {
		name = "client",
		id = skynet.PTYPE_CLIENT,
		unpack = skynet.tostring,
		dispatch = function(_, _, text)
			skynet.ret("from the " .. text)
		end,
	}
	skynet.start(function() end)
end

local socket
local port
local gate

local function connect()
	return assert(socket.open("127.0.0.1", port))
end

local function send(id, text)
	socket.write(id, string.pack(">s2", text))
end

local function receive(id)
	local head = socket.read(id, 2)
	return head and socket.read(id, (string.unpack(">I2", head)))
end

local function proof(name, index, secret)
	return crypt.base64encode(crypt.hmac_hash(secret or SECRET, name .. ":" .. index))
end

-- Connects and says who it is. Returns the connection and the answer.
local function greet(name, index, secret)
	local id = connect()
	send(id, name .. ":" .. index .. ":" .. proof(name, index, secret))
	return id, receive(id)
end

local function enter(name, index)
	local id, answer = greet(name, index)
	check.equal(answer, "200 OK")
	return id
end

local function request(id, text, session)
	send(id, text .. string.pack(">I4", session))
end

-- Returns content, status and session of the next answer.
local function answer(id)
	local text = receive(id)
	if text then
		return text:sub(1, -6), string.unpack("B>I4", text:sub(-5))
	end
end

local function check_answer(id, content, status, session)
	local got, got_status, got_session = answer(id)
	check.same({ got, got_status, got_session }, { content, status, session })
end

local function ask(command, ...)
	return skynet.call(gate, "lua", "kick", command, ...)
end

local function new_user(name)
	local full = require "snax.msgserver".username(name, 1, "test")
	skynet.call(gate, "lua", "login", full)
	return full
end

local function names()
	local msgserver = require "snax.msgserver"
	check.equal(msgserver.username("hello", 1, "sample"), "aGVsbG8=@c2FtcGxl#MQ==")
	check.results({ "hello", "1", "sample" }, msgserver.userid "aGVsbG8=@c2FtcGxl#MQ==")
end

local function refused(name, text, verdict)
	local id = connect()
	send(id, text)
	check.equal(receive(id), verdict, name)
	check.equal(receive(id), false, name)
	socket.close(id)
end

local function handshakes()
	local name = new_user "handshakes"
	refused("unknown", "nobody:1:" .. proof("nobody", "1"), "404 User Not Found")
	refused("no colons", "garbage", "404 User Not Found")
	refused("empty", "", "404 User Not Found")
	refused("a wrong proof", name .. ":1:" .. crypt.base64encode "12345678", "401 Unauthorized")
	refused("no number", name .. ":one:" .. proof(name, "one"), "400 Bad Request")
	refused("no base64", name .. ":1:%%%%", "400 Bad Request")
	socket.close(enter(name, 5))
	for _, index in ipairs { 5, 4, 0, -1 } do
		refused("too old", name .. ":" .. index .. ":" .. proof(name, index), "403 Index Expired")
	end
	refused("a wrong secret", name .. ":6:" .. proof(name, 6, "other123"), "401 Unauthorized")
	socket.close(enter(name, 6))
end

local function silence()
	local name = new_user "silence"
	local silent, quick = connect(), enter(name, 1)
	check.equal(receive(silent), false)
	socket.close(silent)
	-- Whoever has said who he is may be silent for longer.
	request(quick, "x", 1)
	check_answer(quick, "re:x", 1, 1)
	socket.close(quick)
end

local function requests()
	local id = enter(new_user "requests", 1)
	request(id, "one", 1)
	check_answer(id, "re:one", 1, 1)
	request(id, "raise", 2)
	check_answer(id, "", 0, 2)
	check.logs "raised by the handler"
	request(id, "nothing", 3)
	check_answer(id, "", 1, 3)
	request(id, "", 0xffffffff)
	check_answer(id, "re:", 1, 0xffffffff)
	-- Answers come when they are ready.
	request(id, "block", 4)
	request(id, "quick", 5)
	check_answer(id, "re:quick", 1, 5)
	ask "unblock"
	check_answer(id, "re:block", 1, 4)
	-- A number may be used again on one connection.
	request(id, "again", 1)
	check_answer(id, "re:again", 1, 1)
	socket.close(id)
end

local function requests_for_agents()
	ask("agent", check.helper "agent")
	local id = enter(new_user "agents", 1)
	request(id, "agent", 1)
	check_answer(id, "from the agent", 1, 1)
	socket.close(id)
end

local function bad_requests()
	local name = new_user "bad"
	local id = enter(name, 1)
	send(id, "abc")
	check.equal(receive(id), false)
	socket.close(id)
	id = enter(name, 2)
	request(id, "huge", 1)
	check.equal(receive(id), false)
	socket.close(id)
	check.logs "Invalid package .- : "
end

local function lost_answers()
	local name = new_user "lost"
	local id = enter(name, 1)
	request(id, "first", 0)
	check_answer(id, "re:first", 1, 0)
	request(id, "block", 1)
	local calls = check.eventually(function()
		local n = ask "calls"
		return n > 0 and n
	end, "the request runs")
	socket.close(id)
	-- The answer that is known comes at once, whatever the request says now.
	id = enter(name, 2)
	request(id, "fake", 0)
	check_answer(id, "re:first", 1, 0)
	-- The one that is not yet known comes when it is.
	request(id, "fake", 1)
	request(id, "new", 2)
	check_answer(id, "re:new", 1, 2)
	ask "unblock"
	check_answer(id, "re:block", 1, 1)
	check.equal(ask "calls" - calls <= 2, true, "the fakes did not run")
	socket.close(id)
end

local function a_conflict()
	local name = new_user "conflict"
	local id = enter(name, 1)
	request(id, "block", 7)
	request(id, "x", 7)
	request(id, "x", 7)
	check.equal(receive(id), false)
	socket.close(id)
	check.logs "Conflict session %x+"
	ask "unblock"
end

-- With expired_number 8 at least 8 answers are kept, and at most 16.
local function the_cache_is_trimmed()
	local name = new_user "cache"
	local id = enter(name, 1)
	for i = 1, 16 do
		request(id, "n" .. i, i)
		check_answer(id, "re:n" .. i, 1, i)
	end
	socket.close(id)
	id = enter(name, 2)
	request(id, "fake", 16)
	check_answer(id, "re:n16", 1, 16)
	request(id, "fake", 9)
	check_answer(id, "re:n9", 1, 9)
	request(id, "run anew", 1)
	check_answer(id, "re:run anew", 1, 1)
	socket.close(id)
end

local function logins_and_ips()
	local name = new_user "ip"
	check.raises_like("call failed", skynet.call, gate, "lua", "login", name)
	check.equal(ask("ip", name), nil)
	local first = enter(name, 1)
	local ip = ask("ip", name)
	check.match(ip, "^127%.0%.0%.1:%d+$")
	local second = enter(name, 2)
	check.ok(ask("ip", name) ~= ip)
	-- The old connection stays, and its end is nothing to the new one.
	request(first, "old", 1)
	check_answer(first, "re:old", 1, 1)
	local before = ask "disconnects"
	socket.close(first)
	check.eventually(function() return ask "disconnects" == before + 1 end, "it ends")
	check.match(ask("ip", name), "^127%.0%.0%.1:%d+$")
	skynet.call(gate, "lua", "logout", name)
	check.equal(receive(second), false)
	check.equal(ask("ip", name), nil)
	socket.close(second)
	local id, verdict = greet(name, 3)
	check.equal(verdict, "404 User Not Found")
	socket.close(id)
	new_user "ip"
	socket.close(enter(name, 1))
end

local function bad_commands()
	check.raises_like("call failed", skynet.call, gate, "lua", "no_such_command")
	local other = check.helper "server"
	check.raises_like("call failed", skynet.call, other, "lua", "open", { port = 0 })
end

if (...) == "server" then
	server()
elseif (...) == "agent" then
	agent()
else
	socket = require "skynet.socket"
	check.main(function()
		gate = check.helper "server"
		local conf = { address = "127.0.0.1", port = 0, servername = "test" }
		port = check.free_port()
		conf.port = port
		check.results({ "registered", "test" }, skynet.call(gate, "lua", "open", conf))
		names()
		handshakes()
		silence()
		requests()
		requests_for_agents()
		bad_requests()
		lost_answers()
		a_conflict()
		the_cache_is_trimmed()
		logins_and_ips()
		bad_commands()
	end)
end
