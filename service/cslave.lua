-- This node's part in a network of harbors: connects to the master and to the other slaves, hands
-- the connections to the native harbor service, and keeps global names and who is connected.
--
-- Reads the config keys `harbor`, `address` and `master`. Is up when all slaves that were there
-- before are connected.

local skynet = require "skynet"
require "skynet.manager"
local socket = require "skynet.socket"
local control = require "skynet.harbor.control"
local log = require "skynet.limited_log"()

local own_id, own_address

-- The native harbor service.
local harbor_service

local master

-- harbor -> fd, while connected
local slaves = {}

-- harbor -> coroutines that wait until it comes or goes
local watchers = {}

-- Those who wait until the master is gone.
local master_watchers = {}

-- name -> address, and name -> response closures of queries
local names, queries = {}, {}

local command = {}

local function wake(list)
	for _, co in ipairs(list or {}) do
		skynet.wakeup(co)
	end
end

local function changed(id)
	local waiting = watchers[id]
	watchers[id] = nil
	wake(waiting)
end

-- Gives a connection to the harbor service; `how` is "S" when this node has connected.
local function hand_over(how, fd, id)
	socket.abandon(fd)
	slaves[id] = fd
	changed(id)
	skynet.send(harbor_service, "harbor", string.format("%s %d %d", how, fd, id))
end

-- A younger slave has come: the older ones connect to it.
local function connect_slave(id, address)
	if slaves[id] or not control.is_harbor(id) or id == own_id or type(address) ~= "string" then
		return
	end
	local ok, fd = pcall(socket.open, address)
	if not ok or not fd then
		return skynet.error("Can't connect to " .. tostring(address))
	end
	skynet.error(string.format("Connect to harbor %d (fd=%d), %s", id, fd, address))
	hand_over("S", fd, id)
end

local function know(name, address)
	names[name] = address
	local waiting = queries[name]
	queries[name] = nil
	for _, respond in ipairs(waiting or {}) do
		respond(true, address)
	end
	-- What waits for the name is sent; its address is the source of this message.
	skynet.redirect(harbor_service, address, "harbor", 0, "N " .. name)
end

local function gone(id)
	if slaves[id] then
		slaves[id] = nil
		changed(id)
		skynet.send(harbor_service, "harbor", "D " .. id)
	end
end

-- What the master says, by the first value of the packet.
local on = {}

on.C = connect_slave

function on.N(name, address)
	if type(name) == "string" and math.type(address) == "integer" then
		know(name, address)
	end
end

function on.D(id)
	gone(id)
end

-- While this node waits for the older ones: { missing = how many, co = who waits }, and what the
-- master has said meanwhile.
local meeting

local function handle(kind, ...)
	local f = on[kind]
	if not f then
		skynet.error("Invalid master message type " .. tostring(kind))
	elseif meeting and kind == "D" and not slaves[...] then
		-- It will never connect.
		meeting.missing = meeting.missing - 1
		skynet.wakeup(meeting.co)
	elseif meeting then
		table.insert(meeting, table.pack(kind, ...))
	else
		f(...)
	end
end

local function listen_to_master()
	local function next_packet(kind, ...)
		if kind ~= nil then
			handle(kind, ...)
			return true
		end
	end
	repeat until not next_packet(control.read(master))
	skynet.error "Master disconnect"
	socket.close(master)
	master = nil
	local waiting = master_watchers
	master_watchers = {}
	wake(waiting)
	if meeting then
		skynet.wakeup(meeting.co)
	end
end

-- The connections that have not said their number.
local strangers = {}

-- An older slave has connected: its first byte is its number.
local function accept(fd, from)
	socket.start(fd)
	strangers[fd] = true
	local byte = socket.read(fd, 1)
	strangers[fd] = nil
	local id = byte and string.byte(byte)
	if not id or not meeting then
		log(string.format("Connection (fd =%d) closed", fd))
	elseif not control.is_harbor(id) or id == own_id then
		log(string.format("Invalid slave %d (fd =%d)", id, fd))
	elseif slaves[id] then
		log(string.format("Slave %d exist (fd =%d)", id, fd))
	else
		skynet.error(string.format("New connection (fd = %d, %s)", fd, from))
		hand_over("A", fd, id)
		meeting.missing = meeting.missing - 1
		return skynet.wakeup(meeting.co)
	end
	socket.close(fd)
end

-- Waits until the older slaves have connected, and then does what the master has said meanwhile.
local function meet(listener, count)
	meeting = { missing = count, co = coroutine.running() }
	skynet.fork(listen_to_master)
	socket.start(listener, accept)
	skynet.error(string.format("Waiting for %d harbors", count))
	while meeting.missing > 0 do
		skynet.wait(meeting.co)
		assert(master, "closed")
	end
	local said = meeting
	meeting = nil
	for fd in pairs(strangers) do
		socket.shutdown(fd)
	end
	for _, packet in ipairs(said) do
		handle(table.unpack(packet, 1, packet.n))
	end
end

local function connect_master(address)
	local ok, fd = pcall(socket.open, address)
	assert(ok and fd, "Can't connect to master")
	skynet.error("slave connect to master " .. address)
	return fd
end

local function join()
	local listener = socket.listen(own_address)
	master = connect_master(assert(skynet.getenv "master", "config key master is missing"))
	harbor_service = assert(skynet.launch("harbor", own_id, skynet.self()))
	control.write(master, "H", own_id, own_address)
	local kind, count = control.read(master)
	assert(kind, "closed")
	assert(kind == "W" and math.type(count) == "integer", "slave shakehand failed")
	meet(listener, count)
	socket.close(listener)
	skynet.error "Shakehand ready"
end

function command.REGISTER(name, address)
	assert(names[name] == nil)
	know(name, address)
	if master then
		control.write(master, "R", name, address)
	end
end

local function ask_master(name)
	if master then
		control.write(master, "Q", name)
	end
end

function command.QUERYNAME(name)
	if string.sub(name, 1, 1) == "." then
		return skynet.retpack(skynet.localname(name))
	elseif names[name] then
		return skynet.retpack(names[name])
	end
	if not queries[name] then
		queries[name] = {}
		ask_master(name)
	end
	table.insert(queries[name], skynet.response())
end

local function watch(id)
	watchers[id] = watchers[id] or {}
	table.insert(watchers[id], (coroutine.running()))
	skynet.wait()
end

function command.LINK(id)
	if slaves[id] then
		watch(id)
	end
	skynet.ret()
end

function command.CONNECT(id)
	if not slaves[id] then
		watch(id)
	end
	skynet.ret()
end

function command.LINKMASTER()
	if master then
		table.insert(master_watchers, (coroutine.running()))
		skynet.wait()
	end
	skynet.ret()
end

skynet.register_protocol { name = "harbor", id = skynet.PTYPE_HARBOR, pack = tostring }

-- The harbor service asks for names, and says which nodes it has lost.
skynet.register_protocol {
	name = "text",
	id = skynet.PTYPE_TEXT,
	unpack = skynet.tostring,
	dispatch = function(_, _, text)
		local kind, what = string.match(text, "^(%u) (.*)$")
		if kind == "Q" then
			if names[what] then
				know(what, names[what])
			else
				ask_master(what)
			end
		elseif kind == "D" then
			local id = math.tointeger(tonumber(what))
			skynet.error(string.format("Harbor %d is down", id))
			slaves[id] = nil
			changed(id)
		else
			skynet.error("Unknown message of the harbor: " .. text)
		end
	end,
}

skynet.start(function()
	own_id = assert(math.tointeger(tonumber(skynet.getenv "harbor")), "config key harbor is missing")
	own_address = assert(skynet.getenv "address", "config key address is missing")
	skynet.dispatch("lua", function(_, _, name, ...)
		local f = assert(command[name], name)
		f(...)
	end)
	join()
end)
