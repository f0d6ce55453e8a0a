-- The master of a network of harbors: knows its slaves, tells them of each other, and keeps the
-- global names. Listens on the config key `standalone`.

local skynet = require "skynet"
local socket = require "skynet.socket"
local control = require "skynet.harbor.control"
local log = require "skynet.limited_log"()

-- harbor -> { fd =, address = }, of those that are connected
local slaves = {}

-- name -> address of the service
local names = {}

local function broadcast(...)
	for _, slave in pairs(slaves) do
		control.write(slave.fd, ...)
	end
end

-- Reads the first packet of a slave. Raises what is wrong with it.
local function handshake(fd)
	local in_time = control.deadline(fd)
	local kind, id, address = control.read(fd)
	in_time()
	if kind ~= "H" then
		error("Invalid handshake type " .. tostring(kind), 0)
	elseif not control.is_harbor(id) then
		error("Invalid slave id " .. tostring(id), 0)
	elseif type(address) ~= "string" then
		error("Invalid slave address " .. tostring(address), 0)
	elseif control.is_taken(slaves, id) then
		error(string.format("Slave %d already register on %s", id, slaves[id].address), 0)
	end
	return id, address
end

-- Introduces a slave to the others.
local function welcome(fd, id, address)
	local others = 0
	for _, slave in pairs(slaves) do
		if control.write(slave.fd, "C", id, address) then
			others = others + 1
		end
	end
	control.write(fd, "W", others)
	slaves[id] = { fd = fd, address = address }
	skynet.error(string.format("Harbor %d (fd=%d) report %s", id, fd, address))
end

-- What slaves say, by the first value of the packet. Returns false when the slave has to go.
local on = {}

function on.R(_, name, address)
	if type(name) ~= "string" or not control.is_address(address) then
		return false
	end
	names[name] = names[name] or address
	-- Also when the name is taken: slaves go by the latest one they hear of.
	broadcast("N", name, address)
	return true
end

function on.Q(fd, name)
	if names[name] then
		control.write(fd, "N", name, names[name])
	end
	return true
end

local function listen_to(fd)
	while true do
		local kind, name, address = control.read(fd)
		if kind == nil then
			return
		end
		local f = on[kind]
		if not f then
			log("Invalid slave message type " .. tostring(kind))
		elseif not f(fd, name, address) then
			return
		end
	end
end

local function serve(fd, from)
	log(string.format("connect from %s %d", from, fd))
	socket.start(fd)
	control.watch(fd)
	-- The first warning comes when 1 MiB waits: the slave does not read.
	socket.warning(fd, function(_, kib)
		if kib > 0 then
			log(string.format("slave fd = %d does not read", fd))
			socket.shutdown(fd)
		end
	end)
	local ok, id, address = pcall(handshake, fd)
	if not ok then
		log(string.format("disconnect fd = %d, error = %s", fd, id))
		return socket.close(fd)
	end
	welcome(fd, id, address)
	listen_to(fd)
	skynet.error(string.format("slave %d is down", id))
	slaves[id] = nil
	socket.close(fd)
	broadcast("D", id)
end

skynet.start(function()
	local address = skynet.getenv "standalone"
	skynet.error("master listen socket " .. tostring(address))
	local id = socket.listen(address)
	socket.start(id, serve)
end)
