-- This node's part in a network of harbors: connects to the master and to the other slaves, hands
-- the connections to the native harbor service, and keeps global names and who is connected.
--
-- Reads the config keys `harbor`, `address` and `master`. Is up when all slaves that were there
-- before are connected.
--
-- A master that is lost is looked for again and again: the node comes back under its number, and
-- says once more which names it has. Meanwhile the other nodes stay connected.
--
-- A connection between two slaves that is lost while both are there comes back: the one that knows
-- the address of the other, from the master, connects again and again, and the other one listens.
-- Of two slaves only one knows it, the one that was there when the other came, or came back.

local skynet = require "skynet"
require "skynet.manager"
local socket = require "skynet.socket"
local control = require "skynet.harbor.control"
local log = require "skynet.limited_log"()

-- Centiseconds between the beginnings of two attempts to connect to who was lost.
local RETRY <const> = 50

-- Centiseconds that an attempt may take, the first one and those that follow.
local FIRST_TIME <const>, NEXT_TIME <const> = 500, 100

local own_id, own_address

-- Where older slaves connect to; not there while nobody is expected.
local listener

-- The native harbor service.
local harbor_service

local master

-- harbor -> fd, while connected
local slaves = {}

-- harbor -> address of those that came after this node; they are connected to from here
local younger = {}

-- harbor -> true, while it is being connected to
local connecting = {}

-- harbor -> coroutines that wait until it comes or goes
local watchers = {}

-- Those who wait until the master is gone.
local master_watchers = {}

-- name -> address, and name -> response closures of queries
local names, queries = {}, {}

-- While this node waits for the older ones: { missing = how many, co = who waits, settled = the
-- numbers of those that are waited for no more, or never were, lost = whether one has gone already },
-- and what the master has said meanwhile.
local meeting

-- Names for which messages wait in the harbor service.
local wanted = {}

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
	control.watch(fd)
	slaves[id] = fd
	changed(id)
	skynet.send(harbor_service, "harbor", string.format("%s %d %d", how, fd, id))
end

-- Waits until it is time for another attempt.
local function pause(begin)
	skynet.sleep(math.max(RETRY - (skynet.now() - begin), 1))
end

-- A younger slave has come, or its connection was lost: connects to it, until the master says that it
-- is gone.
local function connect_slave(id)
	if connecting[id] then
		return
	end
	connecting[id] = true
	local failed
	while younger[id] and not slaves[id] do
		local address, begin = younger[id], skynet.now()
		local fd = control.open(address, failed == address and NEXT_TIME or FIRST_TIME)
		if fd and younger[id] == address and not slaves[id] then
			skynet.error(string.format("Connect to harbor %d (fd=%d), %s", id, fd, address))
			hand_over("S", fd, id)
		elseif fd then
			socket.close(fd)
		else
			if failed ~= address then
				failed = address
				log("Can't connect to " .. address)
			end
			pause(begin)
		end
	end
	connecting[id] = nil
end

local function know(name, address)
	names[name] = address
	local waiting = queries[name]
	queries[name], wanted[name] = nil, nil
	for _, respond in ipairs(waiting or {}) do
		respond(true, address)
	end
	-- What waits for the name is sent; its address is the source of this message.
	skynet.redirect(harbor_service, address, "harbor", 0, "N " .. name)
end

local listen

-- The harbor service has lost a connection, which may not be the latest one.
local function lost(id, fd)
	if slaves[id] ~= fd then
		return
	end
	skynet.error(string.format("Harbor %d is down", id))
	slaves[id] = nil
	changed(id)
	if younger[id] then
		skynet.timeout(RETRY, function()
			connect_slave(id)
		end)
	elseif meeting then
		meeting.lost = true
	elseif not listener then
		-- It will connect again if it lives.
		local ok, why = pcall(listen)
		if not ok then
			log(why)
		end
	end
end

local function gone(id)
	if id ~= nil then
		younger[id] = nil
	end
	if slaves[id] then
		slaves[id] = nil
		changed(id)
		skynet.send(harbor_service, "harbor", "D " .. id)
	end
end

-- What the master says, by the first value of the packet.
local on = {}

-- What the master says next does not wait for the connection.
function on.C(id, address)
	if control.is_harbor(id) and id ~= own_id and type(address) == "string" then
		younger[id] = address
		skynet.fork(connect_slave, id)
	end
end

function on.N(name, address)
	if type(name) == "string" and control.is_address(address) then
		know(name, address)
	end
end

function on.D(id)
	gone(id)
end

-- An older slave has come, or will never come.
local function settle(id)
	if meeting and not meeting.settled[id] then
		meeting.settled[id] = true
		meeting.missing = meeting.missing - 1
		skynet.wakeup(meeting.co)
	end
end

-- What the master says while this node waits for the older ones.
local function note(kind, id, ...)
	if kind == "D" and control.is_harbor(id) and not meeting.settled[id] then
		return settle(id)
	elseif kind == "C" and control.is_harbor(id) then
		-- This node will connect to it.
		meeting.settled[id] = true
	end
	table.insert(meeting, table.pack(kind, id, ...))
end

local function handle(kind, ...)
	local f = on[kind]
	if not f then
		log("Invalid master message type " .. tostring(kind))
	elseif meeting then
		note(kind, ...)
	else
		f(...)
	end
end

-- Handles what the master says until it is gone.
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

-- An older slave has connected: its first byte is its number.
local function accept(fd, from)
	socket.start(fd)
	local in_time = control.deadline(fd)
	local byte = socket.read(fd, 1)
	in_time()
	local id = byte and string.byte(byte)
	if not id then
		log(string.format("Connection (fd =%d) closed", fd))
	elseif id == own_id or not control.is_harbor(id) then
		log(string.format("Connection (fd =%d) of slave %d refused", fd, id))
	elseif control.is_taken(slaves, id) then
		log(string.format("Slave %d exist (fd =%d)", id, fd))
	else
		skynet.error(string.format("New connection (fd = %d, %s)", fd, from))
		hand_over("A", fd, id)
		return settle(id)
	end
	socket.close(fd)
end

function listen()
	listener = socket.listen(own_address)
	socket.start(listener, accept)
end

local function connect_master(time)
	local address = assert(skynet.getenv "master", "config key master is missing")
	local fd = control.open(address, time)
	if not fd then
		error("Can't connect to master " .. skynet.getenv "master", 0)
	end
	control.watch(fd)
	return fd
end

-- Says who this node is. Returns the number of slaves that will connect to it.
local function greet(fd)
	control.write(fd, "H", own_id, own_address)
	local kind, count = control.read(fd)
	if not kind then
		error(string.format("master %s has closed the connection: is there, or was there, another harbor %d?",
			skynet.getenv "master", own_id), 0)
	elseif kind ~= "W" or math.type(count) ~= "integer" then
		error(string.format("slave shakehand failed: %s is no master", skynet.getenv "master"), 0)
	end
	return count
end

local function tell_master(...)
	if master then
		control.write(master, ...)
	end
end

local function ask_master(name)
	tell_master("Q", name)
end

-- A new master knows nothing: tells it the names of this node, and asks for those that are missing.
local function repeat_names()
	for name, address in pairs(names) do
		if address >> 24 == own_id then
			tell_master("R", name, address)
		end
	end
	for _, list in ipairs { queries, wanted } do
		for name in pairs(list) do
			ask_master(name)
		end
	end
end

-- Comes back to the master. Slaves that have lost this one connect to it when they hear of it.
local function rejoin()
	if not listener then
		listen()
	end
	local fd = connect_master(NEXT_TIME)
	-- The others hear of this node now, and connect to it.
	younger = {}
	local ok, why = pcall(greet, fd)
	if not ok then
		socket.close(fd)
		error(why, 0)
	end
	master = fd
	skynet.error "Master is back"
	repeat_names()
end

-- Listens to the master, and looks for it when it is lost, unless the node has not come up yet.
local function follow_master()
	listen_to_master()
	local trouble
	while not meeting do
		local begin = skynet.now()
		local ok, why = pcall(rejoin)
		if ok then
			trouble = nil
			listen_to_master()
		elseif why ~= trouble then
			trouble = why
			skynet.error("The master is away: " .. tostring(why))
		end
		pause(begin)
	end
end

-- Waits until the older slaves have connected, and then does what the master has said meanwhile.
local function meet(count)
	meeting = { missing = count, co = coroutine.running(), settled = {} }
	skynet.fork(follow_master)
	socket.start(listener, accept)
	skynet.error(string.format("Waiting for %d harbors", count))
	while meeting.missing > 0 do
		skynet.wait(meeting.co)
		assert(master, "closed")
	end
	if not meeting.lost then
		skynet.fork(socket.close, listener)
		listener = nil
	end
	local said = meeting
	meeting = nil
	for _, packet in ipairs(said) do
		handle(table.unpack(packet, 1, packet.n))
	end
end

local function join()
	listener = socket.listen(own_address)
	master = connect_master(FIRST_TIME)
	skynet.error("slave connect to master " .. skynet.getenv "master")
	harbor_service = assert(skynet.launch("harbor", own_id, skynet.self()))
	meet(greet(master))
	skynet.error "Shakehand ready"
end

function command.REGISTER(name, address)
	assert(names[name] == nil)
	know(name, address)
	tell_master("R", name, address)
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
				wanted[what] = true
				ask_master(what)
			end
		elseif kind == "D" then
			local id, fd = string.match(what, "^(%d+) (%d+)$")
			lost(tonumber(id), tonumber(fd))
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
