-- skynet.socketchannel: order and session mode, parts, failures, backups, auth, changes, overload.

local check = require "check"
local skynet = require "skynet"
local socket = require "skynet.socket"
local socketchannel = require "skynet.socketchannel"

-- Listens; each connection runs serve(id) and is closed behind it. Returns the port.
local function server(serve)
	local listener, _, port = socket.listen("127.0.0.1", 0)
	socket.start(listener, function(id)
		socket.start(id)
		pcall(serve, id)
		socket.close(id)
	end)
	return port
end

-- The lines of a connection.
local function lines(id)
	return function()
		return socket.readline(id) or nil
	end
end

-- Calls act(id, line) for each line of each connection until it returns false. Returns the port.
local function line_server(act)
	return server(function(id)
		for line in lines(id) do
			if act(id, line) == false then
				return
			end
		end
	end)
end

local function channel_to(port, more)
	local desc = { host = "127.0.0.1", port = port }
	for k, v in pairs(more or {}) do
		desc[k] = v
	end
	return socketchannel.channel(desc)
end

local function read_ok(sock)
	return true, sock:readline()
end

local function echo(id, line)
	socket.write(id, line .. "\n")
end

local function is_lost(ok, err)
	check.equal(ok, false)
	check.ok(rawequal(err, socketchannel.error), tostring(err))
end

local function the_error_is_one_object()
	check.equal(tostring(socketchannel.error), "[Error: socket]")
end

local function order_mode()
	local channel = channel_to(line_server(echo))
	check.equal(channel:request("one\n", read_ok), "one")
	check.results({}, channel:request "unanswered\n")
	check.equal(channel:request("two\n", function(sock)
		check.equal(sock:readline(), "unanswered")
		return true, sock:read(2) .. sock:readline "\n"
	end), "two")
	local tasks = {}
	for i = 1, 20 do
		tasks[i] = check.background(channel.request, channel, i .. "\n", read_ok)
	end
	for i = 1, 20 do
		check.results({ true, tostring(i) }, check.outcome(tasks[i]))
	end
	check.equal(channel:request("nil\n", function(sock)
		sock:readline()
		return true
	end), nil)
	channel:close()
end

local function a_refused_answer_raises_its_data()
	local channel = channel_to(line_server(echo))
	check.raises_like("^.+:%d+: told no$", channel.request, channel, "told no\n", function(sock)
		return false, sock:readline()
	end)
	local value = {}
	local ok, err = pcall(channel.request, channel, "x\n", function(sock)
		sock:readline()
		return nil, value
	end)
	check.equal(ok, false)
	check.ok(rawequal(err, value))
	check.equal(channel:request("still here\n", read_ok), "still here")
	channel:close()
end

local function answers_in_parts()
	local channel = channel_to(line_server(echo))
	local function part(sock)
		local text = sock:readline()
		return text ~= "bad", text, text ~= "last" and text ~= "bad"
	end
	check.same(channel:request("a\nb\nlast\n", part), { "a", "b", "last" })
	check.equal(channel:request("last\n", part), "last")
	check.raises("bad", channel.request, channel, "a\nbad\n", part)
	check.equal(channel:request("on\n", read_ok), "on")
	channel:close()
end

local function a_response_function_that_raises_fails_all()
	local connections = 0
	local channel = channel_to((server(function(id)
		connections = connections + 1
		for line in lines(id) do
			echo(id, line)
		end
	end)))
	local first = check.background(channel.request, channel, "1\n", function(sock)
		sock:readline()
		error("broken", 0)
	end)
	local second = check.background(channel.request, channel, "2\n", read_ok)
	for _, task in ipairs { first, second } do
		local ok, err = check.outcome(task)
		check.equal(ok, false)
		check.match(err, ": broken$")
	end
	check.equal(channel:request("again\n", read_ok), "again")
	check.equal(connections, 2)
	channel:close()
end

local function a_lost_connection_fails_all_and_comes_back()
	local connections = 0
	local channel = channel_to((server(function(id)
		connections = connections + 1
		for line in lines(id) do
			if line == "close" then
				return
			end
			echo(id, line)
		end
	end)))
	local tasks = {}
	for i, text in ipairs { "a", "close", "b", "c" } do
		tasks[i] = check.background(channel.request, channel, text .. "\n", read_ok)
	end
	check.results({ true, "a" }, check.outcome(tasks[1]))
	for i = 2, 4 do
		is_lost(check.outcome(tasks[i]))
	end
	check.equal(channel:request("back\n", read_ok), "back")
	check.equal(connections, 2)
	-- Nobody waits: the next request finds a new connection.
	channel:request "close\n"
	check.eventually(function()
		return check.log():find("socket closed by peer :  127.0.0.1 ", 1, true)
	end, "an idle channel notices")
	check.equal(channel:request("back\n", read_ok), "back")
	check.equal(connections, 3)
	channel:close()
end

local function a_closed_channel()
	local heard = 0
	local channel = channel_to(line_server(function(id, line)
		heard = heard + 1
		if line ~= "silence" then
			echo(id, line)
		end
	end))
	local waiting = {
		check.background(channel.request, channel, "silence\n", read_ok),
		check.background(channel.request, channel, "silence\n", read_ok),
	}
	check.eventually(function() return heard == 2 end, "the requests arrive")
	channel:close()
	for _, task in ipairs(waiting) do
		is_lost(check.outcome(task))
	end
	check.raises("assertion failed!", channel.request, channel, "x\n", read_ok)
	channel:close()
	check.equal(channel:connect(true), true)
	check.equal(channel:connect(true), true)
	check.equal(channel:request("x\n", read_ok), "x")
	channel:close()
end

local function no_server()
	local port = check.free_port()
	local channel = channel_to(port)
	is_lost(pcall(channel.connect, channel, true))
	check.logged("Connect failed Connection refused 127.0.0.1 " .. port)
	is_lost(pcall(channel.request, channel, "x\n", read_ok))
	-- The one that connects and the one that waits for it both fail.
	local tasks = {
		check.background(channel.request, channel, "x\n", read_ok),
		check.background(channel.request, channel, "x\n", read_ok),
	}
	is_lost(check.outcome(tasks[1]))
	is_lost(check.outcome(tasks[2]))
end

local function connecting_for_ever()
	local port = check.free_port()
	local channel = channel_to(port)
	local task = check.background(channel.connect, channel)
	check.eventually(function()
		return check.log():find "socket: connect Connection refused"
	end, "an attempt fails")
	local listener = socket.listen("127.0.0.1", port)
	socket.start(listener, function(id)
		socket.start(id)
	end)
	check.results({ true, true }, check.outcome(task))
	check.logged("socket: connect to 127.0.0.1 " .. port)
	channel:close()
	socket.close(listener)
end

local function close_ends_the_attempts()
	local channel = channel_to(check.free_port())
	local task = check.background(channel.connect, channel)
	channel:close()
	check.results({ true, false }, check.outcome(task))
end

local function backups()
	local dead = check.free_port()
	local alive = line_server(echo)
	local channel = channel_to(dead, {
		backup = { { host = "127.0.0.1", port = dead }, { host = "127.0.0.1", port = alive } },
	})
	check.equal(channel:request("x\n", read_ok), "x")
	check.logged("socket: connect to backup host 127.0.0.1 " .. alive)
	channel:close()
	-- A host alone has the port of the channel.
	local other = channel_to(alive, { host = "127.0.0.2", backup = { "127.0.0.1" } })
	check.equal(other:request("x\n", read_ok), "x")
	other:close()
end

local function auth()
	local said = {}
	local port = line_server(function(id, line)
		said[#said + 1] = line
		echo(id, line)
	end)
	local channel = channel_to(port, {
		auth = function(c)
			check.equal(c:request("hello\n", read_ok), "hello")
			check.equal(c:request("password\n", read_ok), "password")
		end,
	})
	local tasks = {}
	for i = 1, 3 do
		tasks[i] = check.background(channel.request, channel, i .. "\n", read_ok)
	end
	for i = 1, 3 do
		check.results({ true, tostring(i) }, check.outcome(tasks[i]))
	end
	check.same(said, { "hello", "password", "1", "2", "3" })
	channel:close()
end

local function a_failed_auth()
	local port = line_server(echo)
	local channel = channel_to(port, {
		auth = function()
			error("no entry", 0)
		end,
	})
	is_lost(pcall(channel.connect, channel, true))
	check.logged "socket: auth failed no entry"
	check.logged("Connect failed no more backup host 127.0.0.1 " .. port)
	-- It may name a backup.
	local tried = {}
	channel = channel_to(port, {
		auth = function(c)
			tried[#tried + 1] = true
			if #tried == 1 then
				c:changebackup { { host = "127.0.0.1", port = line_server(echo) } }
				error "try the other"
			end
		end,
	})
	check.equal(channel:request("x\n", read_ok), "x")
	check.equal(#tried, 2)
	channel:close()
end

local function auth_may_change_the_host()
	local first = line_server(echo)
	local second = line_server(function(id, line)
		socket.write(id, "second " .. line .. "\n")
	end)
	local channel
	channel = channel_to(first, {
		auth = function(c)
			if c:request("who\n", read_ok) == "who" then
				c:changehost("127.0.0.1", second)
			end
		end,
	})
	check.equal(channel:request("x\n", read_ok), "second x")
	channel:close()
end

local function changehost()
	local second = line_server(function(id, line)
		socket.write(id, "second " .. line .. "\n")
	end)
	local channel = channel_to(line_server(function(id, line)
		if line ~= "silence" then
			echo(id, line)
		end
	end))
	check.equal(channel:request("x\n", read_ok), "x")
	local task = check.background(channel.request, channel, "silence\n", read_ok)
	channel:changehost("127.0.0.1", second)
	is_lost(check.outcome(task))
	check.equal(channel:request("x\n", read_ok), "second x")
	channel:close()
end

-- Session mode: lines of "session status text".
local function read_session(sock)
	local session, status, text = sock:readline():match "^(%d+) (%S+) (.*)$"
	if status == "raise" then
		error(text, 0)
	end
	return tonumber(session), status ~= "error", text, status == "part"
end

local function session_mode()
	local held = {}
	local port = line_server(function(id, line)
		if line == "flush" then
			for i = #held, 1, -1 do
				echo(id, held[i])
			end
			held = {}
		else
			held[#held + 1] = line
		end
	end)
	local channel = channel_to(port, { response = read_session })
	local tasks = {}
	for i = 1, 5 do
		tasks[i] = check.background(channel.request, channel, i .. " ok text" .. i .. "\n", i)
	end
	local wrong = check.background(channel.request, channel, "6 error told no\n", 6)
	local parts = check.background(channel.request, channel, "7 ok c\n7 part b\n7 part a\n", 7)
	channel:request "99 ok nobody\n"
	channel:request "flush\n"
	for i = 1, 5 do
		check.results({ true, "text" .. i }, check.outcome(tasks[i]))
	end
	local ok, err = check.outcome(wrong)
	check.equal(ok, false)
	check.match(err, ": told no$")
	local _, list = check.outcome(parts)
	check.same(list, { "a", "b", "c" })
	check.logged "socket: unknown session : 99"
	-- A waiter without a request.
	local pushed = check.background(channel.response, channel, 8)
	channel:request "8 ok pushed\nflush\n"
	check.results({ true, "pushed" }, check.outcome(pushed))
	-- What the function raises reaches all.
	tasks = {
		check.background(channel.request, channel, "1 raise gone mad\n", 1),
		check.background(channel.request, channel, "2 ok never\nflush\n", 2),
	}
	check.results({ true, "never" }, check.outcome(tasks[2]))
	ok, err = check.outcome(tasks[1])
	check.equal(ok, false)
	check.match(err, ": gone mad$")
	channel:close()
end

local function a_lost_connection_in_session_mode()
	local heard = 0
	local channel = channel_to(line_server(function(_, line)
		heard = heard + 1
		return line ~= "close"
	end), { response = read_session })
	local tasks = {
		check.background(channel.request, channel, "1 ok\n", 1),
		check.background(channel.request, channel, "2 ok\n", 2),
	}
	channel:request "close\n"
	is_lost(check.outcome(tasks[1]))
	is_lost(check.outcome(tasks[2]))
	local task = check.background(channel.request, channel, "1 ok\n", 1)
	check.eventually(function() return heard == 4 end, "the request arrives")
	channel:close()
	is_lost(check.outcome(task))
end

local function requests_in_parts()
	local channel = channel_to(line_server(echo))
	check.equal(channel:request("a", read_ok, { "b", "c\n" }), "abc")
	check.equal(channel:request("a\n", read_ok, {}), "a")
	channel:close()
end

-- The peer does not read, so the channel has to keep what it sends.
local function overload()
	local events = check.transcript()
	local peer
	local listener, _, port = socket.listen("127.0.0.1", 0)
	socket.start(listener, function(id)
		peer = id
	end)
	local channel = channel_to(port, {
		nodelay = true,
		overload = function(is_on)
			events(is_on)
		end,
	})
	local block = string.rep("x", 1 << 20)
	for _ = 1, 24 do
		channel:request(block)
	end
	events:wait(1)
	events:equal "true"
	check.eventually(function()
		return check.log():find "WARNING: %d+ K bytes need to send out %(fd = %d+%) 127.0.0.1 %d+"
	end, "further warnings are logged")
	socket.start(peer)
	skynet.fork(function()
		while socket.read(peer) do
		end
	end)
	events:wait(2)
	events:equal "true false"
	channel:close()
	socket.close(peer)
end

local function own_read_functions()
	local channel = channel_to(line_server(echo), {
		socket_readline = function(sock)
			return "mine " .. socket.readline(sock[1])
		end,
		socket_read = function(sock, n)
			return "mine " .. socket.read(sock[1], n)
		end,
	})
	check.equal(channel:request("x\n", read_ok), "mine x")
	check.equal(channel:request("xyz\n", function(sock)
		return true, sock:read(4)
	end), "mine xyz\n")
	channel:close()
end

check.main(function()
	the_error_is_one_object()
	order_mode()
	a_refused_answer_raises_its_data()
	answers_in_parts()
	a_response_function_that_raises_fails_all()
	a_lost_connection_fails_all_and_comes_back()
	a_closed_channel()
	no_server()
	connecting_for_ever()
	close_ends_the_attempts()
	backups()
	auth()
	a_failed_auth()
	auth_may_change_the_host()
	changehost()
	session_mode()
	a_lost_connection_in_session_mode()
	requests_in_parts()
	overload()
	own_read_functions()
end)
