-- Floods of calls that fail, of strangers and of bad requests leave nothing behind in this node:
-- measured in bytes that are allocated, not in pages that the allocator keeps.
--! differs: it has other limits, and logs a line for each failure

local check = require "check"
local skynet = require "skynet"
local cluster = require "skynet.cluster"
local memory = require "skynet.memory"
local socket = require "skynet.socket"
local peer = require "module.cluster_peer"

local ECHO <const> = skynet.packstring "echo"

-- Rounds of floods before the measured ones, those, and the entries of a flood.
local WARM <const>, ROUNDS <const>, COUNT <const> = 4, 8, 500

-- What all measured floods may leave: 200 bytes for each entry of one flood, much less than the
-- request or the coroutine of a call. Buffers, which are as large as was needed at once, vary more.
local GROWTH_MAX <const> = 200 * ROUNDS * COUNT

local serve = {}

function serve.echo(...)
	return "echo", ...
end

function serve.fail()
	error "on purpose"
end

local port

local function many(f, ...)
	local results = {}
	for index = 1, COUNT // 2 do
		results[index] = check.background(function(...)
			for _ = 1, 2 do
				check.equal(pcall(f, ...), false)
			end
		end, ...)
	end
	for index = 1, #results do
		check.outcome(results[index])
	end
end

local text <const> = string.rep("x", 500)

local floods = {}

function floods.dead_node()
	many(cluster.call, "dead", "@main", "echo", text)
end

function floods.absent_node()
	many(cluster.call_timeout, 1, "absent", "@main", "echo", text)
end

function floods.silent_node()
	many(cluster.call_timeout, 1, "silent", "@main", "echo", text)
end

function floods.errors()
	many(cluster.call, "self", "@main", "fail", text)
	many(cluster.call, "self", "@nobody", "echo", text)
	many(cluster.call, "self", 0xfffff0, "echo", text)
end

function floods.pushes()
	for _ = 1, COUNT do
		cluster.send("dead", "@main", "echo", text)
		cluster.send("self", "@nobody", "echo", text)
		cluster.send("self", 0xfffff0, "echo", text)
	end
end

function floods.strangers()
	for index = 1, COUNT do
		local fd = check.ok(socket.open("127.0.0.1", port))
		socket.write(fd, index % 2 == 0 and "hello\n" or peer.frame(peer.request("@main", 1)):sub(1, index % 10))
		socket.close(fd)
	end
end

function floods.bad_requests()
	local fd = check.ok(socket.open("127.0.0.1", port))
	for index = 1, COUNT do
		peer.write(fd, peer.request("@nobody", index) .. ECHO)
		peer.write(fd, "\7bad")
		peer.write(fd, "\2" .. string.pack("<I4", index) .. "x")
		peer.write(fd, peer.large_request("@main", index, 100))
	end
	peer.write(fd, peer.request("@main", 0x7fffffff) .. ECHO)
	repeat
		local packet = check.ok(peer.read(fd))
	until packet:find("^\xff\xff\xff\x7f\1")
	socket.close(fd)
end

local function round()
	for _, flood in pairs(floods) do
		flood()
	end
	-- The agent of this node itself is left, and no call that nobody waits for.
	check.eventually(function()
		return peer.status "strangers" == 0 and peer.status "agents" == 1 and peer.link("silent").pending == 0
	end, "strangers and calls are gone")
end

-- What is allocated when every service has collected its garbage, without what the threads keep
-- for their next allocations.
local function live()
	for _ = 1, 2 do
		for service in pairs(memory.info()) do
			if service ~= skynet.self() then
				-- It may have ended meanwhile.
				pcall(peer.memory, service)
			end
		end
		memory.trim()
		collectgarbage()
	end
	return memory.total() - memory.mallctl "stats.arenas.4096.tcache_bytes"
end

-- The same when nothing is under way any more.
local function settled()
	local last = live()
	check.eventually(function()
		local now = live()
		local done = now >= last
		last = now
		return done
	end, "nothing becomes free any more")
	return last
end

-- Opens and closes a socket; returns its number. Numbers go up by one.
local function socket_number()
	local id = socket.listen("127.0.0.1", 0)
	socket.close(id)
	return id
end

-- A number that no socket has had before costs its place in the table of sockets once, until
-- 65,536 of them are there. Returns what `count` of them cost.
local function cost_of_sockets(count)
	local before, first = settled(), socket_number()
	local last
	repeat
		last = socket_number()
	until last - first >= 2048
	return (settled() - before) * count // (last - first)
end

check.main(function()
	skynet.dispatch("lua", function(session, _, name, ...)
		if session ~= 0 then
			skynet.retpack(serve[name](...))
		end
	end)
	cluster.register "main"
	local _
	_, port = cluster.open(0)
	local id, _, dead_port = socket.listen("127.0.0.1", 0)
	socket.close(id)
	peer.listen("silent", function(fd)
		for _ in peer.read, fd do
			-- Nothing is answered, and nothing kept.
		end
	end)
	cluster.reload { self = "127.0.0.1:" .. port, dead = "127.0.0.1:" .. dead_port }
	for _ = 1, WARM do
		round()
	end
	local before, first = settled(), socket_number()
	for _ = 1, ROUNDS do
		round()
	end
	local growth, sockets = settled() - before, socket_number() - first
	growth = growth - cost_of_sockets(sockets)
	check.ok(growth < GROWTH_MAX, string.format("%d bytes more, %d are allowed", growth, GROWTH_MAX))
end)
