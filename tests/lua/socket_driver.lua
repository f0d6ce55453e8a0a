-- skynet.socketdriver: the events of the spec's table, as a service that uses the driver gets them.
--! config: thread = 2

local check = require "check"
local skynet = require "skynet"
local driver = require "skynet.socketdriver"

local NAMES = { "DATA", "CONNECT", "CLOSE", "ACCEPT", "ERROR", "UDP", "WARNING" }

-- What has happened to each socket: "NAME" or "NAME text"; data is joined.
local events, accepted = {}, {}
-- Of these only the number of bytes is kept.
local counted = {}

local function note(id, what)
	local list = events[id] or { data = "" }
	events[id] = list
	if what then
		list[#list + 1] = what
	end
	return list
end

skynet.register_protocol {
	name = "socket",
	id = skynet.PTYPE_SOCKET,
	unpack = driver.unpack,
	dispatch = function(_, _, kind, id, ud, data)
		local name = NAMES[kind]
		if name == "DATA" then
			local list = note(id)
			if counted[id] then
				counted[id] = counted[id] + ud
			else
				list.data = list.data .. skynet.tostring(data, ud)
			end
			driver.drop(data, ud)
		elseif name == "ACCEPT" then
			accepted[#accepted + 1] = ud
			note(id, "ACCEPT")
			check.match(data, "^127%.0%.0%.1:%d+$")
		elseif name == "WARNING" then
			note(id, "WARNING " .. ud)
		elseif data ~= "" then
			note(id, name .. " " .. data)
			if name == "CONNECT" and ud ~= 0 then
				note(id).port = ud
			end
		else
			note(id, name)
		end
	end,
}

local function text(id)
	return table.concat(events[id] or {}, ", ")
end

local function expect(id, want)
	check.eventually(function()
		return #text(id) >= #want
	end, "the events " .. want .. " (so far: " .. text(id) .. ")")
	-- What would come too much comes before a round trip through another connection.
	skynet.sleep(0)
	check.equal(text(id), want)
end

local function expect_data(id, want)
	check.eventually(function()
		return note(id).data == want
	end, "the data " .. want)
end

local function gone(id)
	check.eventually(function()
		for _, s in ipairs(driver.info()) do
			if s.id == id then
				return false
			end
		end
		return true
	end, "the socket is gone")
end

local listener, port

-- A connection: the id of either end, both started.
local function pair()
	local count = #accepted
	local client = driver.connect("127.0.0.1", port)
	local server = check.eventually(function()
		return accepted[count + 1]
	end, "the connection is accepted")
	driver.start(server)
	expect(client, "CONNECT 127.0.0.1")
	expect(server, "CONNECT start")
	return client, server
end

local function listening()
	listener = driver.listen("127.0.0.1", 0)
	expect(listener, "CONNECT 127.0.0.1")
	port = note(listener).port
	driver.start(listener)
	expect(listener, "CONNECT 127.0.0.1, CONNECT start")
end

local function peer_closes()
	local client, server = pair()
	check.equal(driver.send(client, "hello"), true)
	driver.close(client)
	expect_data(server, "hello")
	expect(server, "CONNECT start, CLOSE")
	expect(client, "CONNECT 127.0.0.1, CLOSE")
	check.equal(driver.send(client, "x"), false)
	-- The other half is still open until somebody closes it; CLOSE comes once.
	check.equal(driver.send(server, "x"), true)
	driver.close(server)
	gone(server)
	check.equal(text(server):gsub(", ERROR Broken pipe", ""), "CONNECT start, CLOSE")
	driver.close(server)
	driver.shutdown(server)
	driver.close(99999)
end

local function not_started()
	local count = #accepted
	local client = driver.connect("127.0.0.1", port)
	local server = check.eventually(function()
		return accepted[count + 1]
	end, "the connection is accepted")
	expect(client, "CONNECT 127.0.0.1")
	driver.send(client, "early")
	driver.close(client)
	-- What is sent to a socket that nobody has started is dropped.
	check.equal(driver.send(server, "dropped"), true)
	check.equal(text(server), "")
	driver.start(server)
	expect(server, "CONNECT start, CLOSE")
	check.equal(note(server).data, "early")
	driver.close(server)
	gone(server)
end

local function transfer()
	local client, server = pair()
	driver.start(client)
	expect(client, "CONNECT 127.0.0.1, CONNECT transfer")
	driver.shutdown(client)
	expect(client, "CONNECT 127.0.0.1, CONNECT transfer, CLOSE")
	expect(server, "CONNECT start, CLOSE")
	driver.start(server)
	expect(server, "CONNECT start, CLOSE, ERROR socket closed")
	driver.close(server)
end

local function unknown()
	driver.start(4711)
	expect(4711, "ERROR invalid socket")
	driver.pause(4711)
	driver.nodelay(4711)
	if driver.silence then
		driver.silence(4711, 100)
		check.raises_like("number expected", driver.silence, 4711)
	end
	check.equal(driver.send(4711, "x"), false)
	check.equal(driver.lsend(4711, "x"), false)
end

local function paused()
	local client, server = pair()
	driver.pause(server)
	driver.send(client, "while paused")
	-- A full trip of another connection's bytes later nothing has come.
	local other, peer = pair()
	driver.send(other, "x")
	expect_data(peer, "x")
	check.equal(note(server).data, "")
	driver.start(server)
	expect_data(server, "while paused")
	expect(server, "CONNECT start, CONNECT transfer")
	for _, id in ipairs { client, server, other, peer } do
		driver.shutdown(id)
	end
end

local function refused()
	local free = driver.listen("127.0.0.1", 0)
	expect(free, "CONNECT 127.0.0.1")
	driver.close(free)
	expect(free, "CONNECT 127.0.0.1, CLOSE")
	local id = driver.connect("127.0.0.1", note(free).port)
	expect(id, "ERROR Connection refused")
	local unknown_host = driver.connect("no.such.host.invalid", 80)
	check.eventually(function()
		return events[unknown_host]
	end, "the name is looked up")
	check.match(text(unknown_host), "^ERROR %a")
end

local function warnings()
	local client, server = pair()
	driver.pause(server)
	local block = string.rep("x", 256 * 1024)
	for _ = 1, 60 do
		check.equal(driver.send(client, block), true)
	end
	expect(client, "CONNECT 127.0.0.1, WARNING 1024, WARNING 2048, WARNING 4096, WARNING 8192")
	counted[server] = 0
	driver.start(server)
	check.eventually(function()
		return counted[server] == 60 * #block
	end, "everything arrives")
	expect(client, "CONNECT 127.0.0.1, WARNING 1024, WARNING 2048, WARNING 4096, WARNING 8192, WARNING 0")
	driver.close(client)
	driver.close(server)
end

-- High before low, and nobody's bytes inside of somebody else's.
local function priorities()
	local client, server = pair()
	driver.pause(server)
	local big = string.rep("y", 6 * 1024 * 1024)
	driver.send(client, big)
	driver.lsend(client, "<low1>")
	driver.lsend(client, "<low2>")
	driver.send(client, "<high1>")
	driver.send(client, "<high2>")
	driver.start(server)
	check.eventually(function()
		return #note(server).data == #big + 26
	end, "everything arrives")
	local tail = note(server).data:sub(#big + 1)
	check.ok(tail == "<high1><high2><low1><low2>" or tail == "<low1><high1><high2><low2>", tail)
	driver.shutdown(client)
	driver.shutdown(server)
end

-- A close writes what waits first; a shutdown does not.
local function close_flushes()
	local client, server = pair()
	driver.pause(server)
	local big = string.rep("z", 4 * 1024 * 1024)
	driver.send(client, big)
	driver.close(client)
	expect(client, "CONNECT 127.0.0.1, CLOSE")
	check.equal(driver.send(client, "late"), false)
	driver.start(server)
	expect(server, "CONNECT start, CONNECT transfer, CLOSE")
	check.equal(#note(server).data, #big)
	gone(client)
	driver.close(server)
end

local function what_can_be_sent()
	local client, server = pair()
	check.equal(driver.send(client, { "a", 1, "b", 2.5 }), true)
	check.equal(driver.send(client, 42), true)
	local block, size = driver.str2p "block"
	check.equal(driver.send(client, block, size), true)
	check.equal(driver.send(client, ""), true)
	expect_data(server, "a1b2.542block")
	check.raises_like("string expected", driver.send, client, { true })
	check.raises_like("string expected", driver.send, client, true)
	check.raises_like("number expected", driver.send, {}, "x")
	block, size = driver.str2p "freed"
	check.equal(driver.send(99999, block, size), false)
	driver.shutdown(client)
	driver.shutdown(server)
end

local function addresses()
	check.raises("Invalid address localhost.", driver.connect, "localhost")
	check.raises("Invalid address [::1].", driver.connect, "[::1]")
	check.raises("Invalid port in address localhost:x.", driver.connect, "localhost:x")
	check.raises("Invalid port in address localhost:65536.", driver.connect, "localhost:65536")
	check.raises("Invalid port", driver.connect, "localhost", 0)
	check.raises("Listen error", driver.listen, "127.0.0.1", port)
	check.raises("udp listen host failed", driver.udp_listen, "127.0.0.1", 0)
	check.raises("Invalid udp address", driver.udp_address, "123")
	check.results({ "1.2.3.4", 258 }, driver.udp_address "\1\1\2\1\2\3\4")
	check.equal(driver.resolve("127.0.0.1")[1], "127.0.0.1")
	check.equal(driver.resolve("::1")[1], "::1")
	check.equal(driver.header "\1\2", 258)
	check.equal(driver.header "\1\0\0\0", 1 << 24)
	check.raises("Invalid read 12345", driver.header, "12345")
end

local function ipv6()
	local six = driver.listen("::1", 0)
	expect(six, "CONNECT ::1")
	local client = driver.connect("[::1]:" .. note(six).port)
	expect(client, "CONNECT ::1")
	driver.close(six)
	driver.shutdown(client)
end

local function buffers()
	local buffer, pool = driver.buffer(), {}
	local function push(data)
		return driver.push(buffer, pool, driver.str2p(data))
	end
	check.equal(push "abc", 3)
	check.equal(push "def\r", 7)
	check.equal(push "\nrest", 12)
	check.results({ n = 2, nil, 12 }, driver.pop(buffer, pool, 13))
	check.results({ n = 2, nil, 12 }, driver.pop(buffer, pool, 0))
	check.results({ "ab", 10 }, driver.pop(buffer, pool, 2))
	check.results({ true }, driver.readline(buffer, nil, "\r\n"))
	check.results({}, driver.readline(buffer, nil, "\n\r"))
	check.results({ "cdef" }, driver.readline(buffer, pool, "\r\n"))
	check.results({}, driver.readline(buffer, pool, "\r\n"))
	check.equal(driver.readall(buffer, pool), "rest")
	check.equal(driver.readall(buffer, pool), "")
	push "dropped"
	driver.clear(buffer, pool)
	check.equal(driver.readall(buffer, pool), "")
	driver.clear(nil, pool)
	check.raises_like("eed buffer object at param 1", driver.push, nil, pool, driver.str2p "x")
	check.raises_like("eed message block at param 3", driver.push, buffer, pool, nil, 1)
	check.raises_like("eed buffer object at param 1", driver.pop, nil, pool, 1)
end

local function information()
	local client, server = pair()
	driver.send(client, "12345")
	expect_data(server, "12345")
	local by_id = {}
	for _, s in ipairs(driver.info()) do
		by_id[s.id] = s
	end
	check.equal(by_id[listener].type, "LISTEN")
	check.equal(by_id[listener].sock, "127.0.0.1:" .. port)
	check.ok(by_id[listener].accept >= 1)
	check.equal(by_id[client].type, "TCP")
	check.equal(by_id[client].write, 5)
	check.equal(by_id[client].peer, "127.0.0.1:" .. port)
	check.equal(by_id[client].address, skynet.self())
	check.equal(by_id[client].wbuffer, 0)
	check.equal(by_id[client].writing, false)
	check.equal(by_id[server].read, 5)
	check.equal(by_id[server].reading, true)
	driver.close(client)
	expect(server, "CONNECT start, CLOSE")
	driver.close(server)
end

check.main(function()
	listening()
	for _, test in ipairs {
		peer_closes, not_started, transfer, unknown, paused, refused, warnings, priorities,
		close_flushes, what_can_be_sent, addresses, ipv6, buffers, information,
	} do
		test()
	end
	driver.close(listener)
end)
