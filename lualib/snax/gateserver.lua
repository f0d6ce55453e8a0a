-- The frame of a gate: a service that listens, takes packets behind a 2-byte length from its
-- clients, and gives them to a handler. `snax.msgserver` and the service `gate` are built on it.
--
-- It takes the socket messages itself, so `skynet.socket` cannot be loaded in the same service.

local skynet = require "skynet"
local driver = require "skynet.socketdriver"
local netpack = require "skynet.netpack"
local limited_log = require "skynet.limited_log"

local gateserver = {}

local CLIENTS_MAX <const> = 1024

-- What a connection can be while the gate knows it.
local OPEN <const> = "open"
local READ_CLOSED <const> = "its peer has closed"
local REFUSED <const> = "refused"

local connection_count = 0
local clients_max
local nodelay

-- The listening socket, and those that were closed and have not said so yet.
local listener
local old_listeners = {}

-- Who waits for the listener; it gets `address` and `port`, or `failure`.
local opening

local handler

-- Packets of all connections that are not whole or have not been handled.
local queue

local log = limited_log()

-- id -> state. A service that ends closes its sockets; nobody else would.
local connections = setmetatable({}, {
	__gc = function(all)
		if listener then
			driver.close(listener)
		end
		for id in pairs(all) do
			driver.close(id)
		end
	end,
})

-- Starts to read from a connection.
function gateserver.openclient(id)
	if connections[id] == OPEN then
		driver.start(id)
	end
end

-- Closes a connection; what was sent on it still leaves.
function gateserver.closeclient(id)
	if connections[id] then
		connections[id] = nil
		driver.close(id)
	end
end

local function deliver(id, message, size)
	if connections[id] == OPEN then
		handler.message(id, message, size)
	else
		local text = netpack.tostring(message, size)
		log(string.format("Drop message from fd (%d) : %s", id, text))
	end
end

-- Delivers what waits. A handler may block: the packets behind its own go on in another task, which
-- has been forked by then.
local function deliver_all()
	local id, message, size = netpack.pop(queue)
	if not id then
		return
	end
	skynet.fork(deliver_all)
	repeat
		deliver(id, message, size)
		id, message, size = netpack.pop(queue)
	until not id
end

-- What socket messages say, by the words of netpack.filter.
local event = {
	data = deliver,
	more = deliver_all,
}

function event.init(id, address, port)
	if opening and id == listener then
		opening.address, opening.port = address, port
		skynet.wakeup(opening)
	end
end

function event.open(id, address)
	connection_count = connection_count + 1
	if connection_count > clients_max then
		connections[id] = REFUSED
		driver.shutdown(id)
		return
	end
	connections[id] = OPEN
	if nodelay then
		driver.nodelay(id)
	end
	handler.connect(id, address)
end

function event.close(id)
	if id == listener then
		listener = nil
		return
	elseif old_listeners[id] then
		old_listeners[id] = nil
		return
	end
	connection_count = connection_count - 1
	if connections[id] == OPEN then
		connections[id] = READ_CLOSED
	else
		connections[id] = nil
	end
	if handler.disconnect then
		handler.disconnect(id)
	end
end

function event.error(id, text)
	if id ~= listener then
		driver.shutdown(id)
		if handler.error then
			handler.error(id, text)
		end
		return
	end
	skynet.error("gateserver accept error: " .. text)
	if opening then
		opening.failure = text
		skynet.wakeup(opening)
	end
end

function event.warning(id, kib)
	if handler.warning then
		handler.warning(id, kib)
	end
end

local command = {}

-- Listens. The real address and port go into `conf`.
function command.open(source, conf)
	assert(not listener, "The gate is open")
	local address = conf.address or "0.0.0.0"
	local port = assert(conf.port, "The gate needs a port")
	clients_max = conf.maxclient or CLIENTS_MAX
	nodelay = conf.nodelay
	skynet.error(string.format("Listen on %s %d", address, port))
	listener = driver.listen(address, port, conf.backlog)
	opening = {}
	skynet.wait(opening)
	local result = opening
	opening = nil
	if result.failure then
		listener = nil
		error(result.failure)
	end
	conf.address, conf.port = result.address, result.port
	driver.start(listener)
	if handler.open then
		return handler.open(source, conf)
	end
end

-- Takes no more connections; those that are there stay.
function command.close()
	assert(listener, "The gate is not open")
	old_listeners[listener] = true
	driver.close(listener)
	listener = nil
end

local function take(new_queue, ...)
	queue = new_queue
	return ...
end

local function register_sockets()
	skynet.register_protocol {
		name = "socket",
		id = skynet.PTYPE_SOCKET,
		unpack = function(message, size)
			return take(netpack.filter(queue, message, size))
		end,
		dispatch = function(_, _, what, ...)
			if what then
				event[what](...)
			end
		end,
	}
end

local function serve()
	skynet.dispatch("lua", function(_, source, name, ...)
		local own = command[name]
		if own then
			skynet.retpack(own(source, ...))
		else
			skynet.retpack(handler.command(name, source, ...))
		end
	end)
end

-- Runs the service with a handler; one with `embed` belongs to a service that starts by itself.
function gateserver.start(new_handler)
	assert(new_handler.message, "A gate needs a handler of messages")
	assert(new_handler.connect, "A gate needs a handler of connections")
	handler = new_handler
	register_sockets()
	if handler.embed then
		serve()
	else
		skynet.start(serve)
	end
end

return gateserver
