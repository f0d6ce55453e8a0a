-- Sockets for services that read and write with coroutines. A socket belongs to the service that
-- started it; one coroutine at a time may wait on it. The driver's events arrive as messages of
-- the class "socket", which this module registers.

local driver = require "skynet.socketdriver"
local native = require "skynet.socket.native"
local skynet = require "skynet"

local socket = {}

-- The sockets of this service by id. What is read and who waits is kept by `native`, which also
-- closes them when the service ends. Fields: connecting (true, or the text of a failed connect),
-- listening (a listener that has not heard of its address), unstarted (a listener before `start`),
-- address, port, callback (of a listener or a UDP socket), on_warning, udp.
local sockets = {}

-- Functions to call when a socket is closed, by id.
local close_callbacks = {}

local events = {}

-- 1, data, is handled by `native`.

events[2] = function(id, ud, text) -- connect
	local s = sockets[id]
	if s == nil or native.connected(id) then
		return
	end
	if s.listening then
		s.address, s.port = text, ud
		s.listening = nil
	end
	native.connected(id, true)
	native.wake(id)
end

events[3] = function(id) -- close
	if sockets[id] then
		native.connected(id, false)
		native.wake(id)
	else
		driver.close(id)
	end
	local callback = close_callbacks[id]
	if callback then
		close_callbacks[id] = nil
		callback(id)
	end
end

events[4] = function(id, newid, address) -- accept
	local s = sockets[id]
	if s == nil then
		driver.close(newid)
		return
	end
	s.callback(newid, address)
end

events[5] = function(id, _, text) -- error
	local s = sockets[id]
	if s == nil then
		driver.shutdown(id)
		skynet.error("socket: error on unknown", id, text)
		return
	end
	if s.callback then
		skynet.error("socket: accept error:", text)
		return
	end
	if native.connected(id) then
		skynet.error("socket: error on", id, text)
	elseif s.connecting then
		s.connecting = text
	end
	native.connected(id, false)
	driver.shutdown(id)
	native.wake(id)
end

events[6] = function(id, size, block, address) -- udp
	local s = sockets[id]
	if s == nil or s.callback == nil then
		skynet.error("socket: drop udp package from " .. id)
		driver.drop(block, size)
		return
	end
	local data = skynet.tostring(block, size)
	driver.drop(block, size)
	s.callback(data, address)
end

events[7] = function(id, kib) -- warning
	local s = sockets[id]
	if s and s.on_warning then
		s.on_warning(id, kib)
	else
		skynet.error(string.format("WARNING: %d K bytes need to send out (fd = %d)", kib, id))
	end
end

skynet.register_protocol {
	name = "socket",
	id = skynet.PTYPE_SOCKET,
	unpack = driver.unpack,
	dispatch = function(_, _, event, ...)
		events[event](...)
	end,
}

-- Waits until a socket is connected, started or bound.
local function connect(id, callback)
	assert(not close_callbacks[id], "socket has onclose callback")
	local old = sockets[id]
	if old and not old.unstarted then
		error "socket is not closed"
	end
	local s = { connecting = true, callback = callback }
	sockets[id] = s
	native.add(id)
	native.wait(id)
	local failure = s.connecting
	s.connecting = nil
	if sockets[id] == s and native.connected(id) then
		return id
	end
	if sockets[id] == s then
		sockets[id] = nil
		native.forget(id)
	end
	return nil, failure
end

function socket.open(addr, port)
	return connect(driver.connect(addr, port))
end

-- As open, within so many hundredths of a second.
function socket.open_timeout(time, addr, port)
	local id = driver.connect(addr, port)
	skynet.timeout(time, function()
		local s = sockets[id]
		if s and s.connecting then
			s.connecting = string.format("no connection after %g s", time / 100)
			driver.shutdown(id)
		end
	end)
	return connect(id)
end

-- Reads and writes a descriptor of the process.
function socket.bind(descriptor)
	return connect(driver.bind(descriptor))
end

-- The standard input; see bind.
function socket.stdin()
	local STANDARD_INPUT <const> = 0
	return socket.bind(STANDARD_INPUT)
end

function socket.start(id, func)
	driver.start(id)
	return connect(id, func)
end

function socket.listen(host, port, backlog)
	local id = driver.listen(host, port, backlog)
	assert(sockets[id] == nil)
	local s = { listening = true, unstarted = true }
	sockets[id] = s
	native.add(id)
	native.wait(id)
	return id, s.address, s.port
end

socket.pause = native.pause

function socket.shutdown(id)
	if sockets[id] then
		driver.shutdown(id)
	end
end

function socket.close_fd(id)
	assert(sockets[id] == nil, "Use socket.close instead")
	driver.close(id)
end

function socket.close(id)
	local s = sockets[id]
	if s == nil then
		return
	end
	driver.close(id)
	if native.connected(id) then
		native.wait_close(id)
	end
	if sockets[id] == s then
		sockets[id] = nil
		native.forget(id)
	end
end

socket.read = native.read
socket.readall = native.readall
socket.readline = native.readline
socket.block = native.block
socket.write = driver.send
socket.lwrite = driver.lsend
socket.header = driver.header
socket.sendto = driver.udp_send
socket.udp_address = driver.udp_address
socket.netstat = driver.info
socket.resolve = driver.resolve

function socket.invalid(id)
	return sockets[id] == nil
end

function socket.disconnected(id)
	local s = sockets[id]
	if s then
		return not (s.connecting or native.connected(id))
	end
end

socket.limit = native.limit

function socket.warning(id, callback)
	assert(sockets[id]).on_warning = callback
end

function socket.onclose(id, callback)
	close_callbacks[id] = callback
end

-- Forgets a socket without closing it, so that another service can start it.
function socket.abandon(id)
	local s = sockets[id]
	if s then
		native.connected(id, false)
		native.wake(id)
		native.forget(id)
		close_callbacks[id] = nil
		sockets[id] = nil
	end
end

local function create_udp(id, callback)
	assert(not sockets[id], "socket is not closed")
	sockets[id] = { udp = true, callback = callback }
	native.add(id, true)
	return id
end

function socket.udp(callback, host, port)
	return create_udp(driver.udp(host, port), callback)
end

function socket.udp_connect(id, addr, port, callback)
	local s = sockets[id]
	if s then
		assert(s.udp)
		if callback then
			s.callback = callback
		end
	else
		create_udp(id, callback)
	end
	driver.udp_connect(id, addr, port)
end

function socket.udp_listen(addr, port, callback)
	return create_udp(driver.udp_listen(addr, port), callback)
end

function socket.udp_dial(addr, port, callback)
	return create_udp(driver.udp_dial(addr, port), callback)
end

return socket
