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

-- Floods before the first measurement, between two of them, and how many bytes each entry of a
-- flood may leave: less than any Lua value that is kept for it.
local WARM <const>, ROUNDS <const>, COUNT <const>, SHARE <const> = 2, 4, 500, 8
local FLOODS <const> = 7

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
	for index = 1, COUNT // 5 do
		results[index] = check.background(function(...)
			for _ = 1, 5 do
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
	check.eventually(function()
		return peer.status "strangers" == 0 and peer.status "agents" == 1
	end, "strangers are gone")
end

-- What is allocated when nothing is under way and every service has collected its garbage.
local function live()
	for _ = 1, 2 do
		for service in pairs(memory.info()) do
			if service ~= skynet.self() then
				peer.memory(service)
			end
		end
		collectgarbage()
	end
	return memory.total()
end

-- One large call has failed after the other: what was held for it is given up a moment later.
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
	local before = settled()
	for _ = 1, ROUNDS do
		round()
	end
	local growth = settled() - before
	check.ok(growth < ROUNDS * FLOODS * COUNT * SHARE, growth .. " bytes more after floods")
	skynet.error("growth " .. growth .. " of " .. before)
end)
