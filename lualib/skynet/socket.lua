-- Sockets for services that read and write with coroutines. A socket belongs to the service that
-- started it; one coroutine at a time may wait on it. The driver's events arrive as messages of
-- the class "socket", which this module registers.

local driver = require "skynet.socketdriver"
local skynet = require "skynet"

local socket = {}

-- Above so many bytes that nobody has read, the driver is told to stop reading.
local BUFFER_LIMIT = 128 * 1024

-- The sockets of this service by id. When the service ends, they are closed.
local sockets = setmetatable({}, {
	__gc = function(all)
		for id in next, all do
			driver.close(id)
		end
	end,
})

-- Functions to call when a socket is closed, by id.
local close_callbacks = {}

-- Objects: id, connected (false until the driver says so, and after the end), connecting (true, or
-- the text of a failed connect), buffer, waiting (a coroutine), want (a number, a separator, or
-- true for "until the end"), paused, limit, callback (of a listener or of a UDP socket), protocol,
-- closing (a coroutine that waits for the reader).

local function wakeup(s)
	local co = s.waiting
	if co then
		s.waiting = nil
		skynet.wakeup(co)
	end
end

local function pause(s, size)
	if s.paused == nil then
		if size then
			skynet.error(string.format("Pause socket (%d) size : %d", s.id, size))
		else
			skynet.error(string.format("Pause socket (%d)", s.id))
		end
		driver.pause(s.id)
		s.paused = true
		-- What is on its way already is taken in before the reader goes on.
		skynet.yield()
	end
end

-- Blocks the running coroutine until an event wakes it.
local function suspend(s)
	assert(not s.waiting)
	s.waiting = coroutine.running()
	if s.paused then
		skynet.error(string.format("Resume socket (%d)", s.id))
		driver.start(s.id)
		skynet.wait(s.waiting)
		s.paused = nil
	else
		skynet.wait(s.waiting)
	end
	-- Whoever closes the socket waits until this reader has gone on.
	local closing = s.closing
	if closing then
		skynet.wakeup(closing)
	end
end

local events = {}

events[1] = function(id, size, block) -- data
	local s = sockets[id]
	if s == nil then
		skynet.error("socket: drop package from " .. id)
		driver.drop(block, size)
		return
	end
	local total = driver.push(s.buffer, s.pool, block, size)
	local want = s.want
	if math.type(want) == "integer" then
		if total >= want then
			s.want = nil
			if total > BUFFER_LIMIT then
				pause(s, total)
			end
			wakeup(s)
		end
		return
	end
	if s.limit and total > s.limit then
		skynet.error(string.format("socket buffer overflow: fd=%d size=%d", id, total))
		driver.close(id)
		return
	end
	if type(want) == "string" then
		if driver.readline(s.buffer, nil, want) then
			s.want = nil
			if total > BUFFER_LIMIT then
				pause(s, total)
			end
			wakeup(s)
		end
	elseif total > BUFFER_LIMIT and not s.waiting then
		pause(s, total)
	end
end

events[2] = function(id, ud, text) -- connect
	local s = sockets[id]
	if s == nil or s.connected then
		return
	end
	if s.listening then
		s.address, s.port = text, ud
		s.listening = nil
	end
	s.connected = true
	wakeup(s)
end

events[3] = function(id) -- close
	local s = sockets[id]
	if s then
		s.connected = false
		wakeup(s)
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
	if s.connected then
		skynet.error("socket: error on", id, text)
	elseif s.connecting then
		s.connecting = text
	end
	s.connected = false
	driver.shutdown(id)
	wakeup(s)
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

-- Makes the object of a socket and waits until it is connected, started or bound.
local function connect(id, callback, listening)
	local s = {
		id = id,
		buffer = callback == nil and driver.buffer() or nil,
		pool = callback == nil and {} or nil,
		connected = false,
		connecting = true,
		callback = callback,
		listening = listening,
		protocol = "TCP",
	}
	assert(not close_callbacks[id], "socket has onclose callback")
	local old = sockets[id]
	if old and not old.unstarted then
		error "socket is not closed"
	end
	sockets[id] = s
	suspend(s)
	local failure = s.connecting
	s.connecting = nil
	if s.connected then
		return id
	end
	sockets[id] = nil
	return nil, failure
end

function socket.open(addr, port)
	return connect(driver.connect(addr, port))
end

function socket.bind(os_fd)
	return connect(driver.bind(os_fd))
end

function socket.stdin()
	return socket.bind(0)
end

function socket.start(id, func)
	driver.start(id)
	return connect(id, func)
end

function socket.listen(host, port, backlog)
	local id = driver.listen(host, port, backlog)
	local s = {
		id = id,
		connected = false,
		listening = true,
		unstarted = true,
		protocol = "TCP",
	}
	assert(sockets[id] == nil)
	sockets[id] = s
	suspend(s)
	return id, s.address, s.port
end

function socket.pause(id)
	local s = sockets[id]
	if s then
		pause(s)
	end
end

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
	if s.connected then
		-- Nobody resumes a socket that is being closed.
		s.paused = false
		if s.waiting then
			-- The reader takes what is there; then it wakes this coroutine.
			assert(not s.closing)
			s.closing = coroutine.running()
			skynet.wait(s.closing)
		else
			suspend(s)
		end
		s.connected = false
	end
	sockets[id] = nil
end

-- What is left when a socket is closed.
local function rest(s)
	return driver.readall(s.buffer, s.pool)
end

function socket.read(id, n)
	local s = sockets[id]
	assert(s)
	if n == nil then
		local text = rest(s)
		if text ~= "" then
			return text
		end
		if not s.connected then
			return false, text
		end
		assert(not s.want)
		s.want = 0
		suspend(s)
		text = rest(s)
		if text ~= "" then
			return text
		end
		return false, text
	end
	local text = driver.pop(s.buffer, s.pool, n)
	if text then
		return text
	end
	if s.closing or not s.connected then
		return false, rest(s)
	end
	assert(not s.want)
	s.want = n
	suspend(s)
	text = driver.pop(s.buffer, s.pool, n)
	if text then
		return text
	end
	return false, rest(s)
end

function socket.readall(id)
	local s = sockets[id]
	assert(s)
	if not s.connected then
		local text = rest(s)
		return text ~= "" and text
	end
	assert(not s.want)
	s.want = true
	suspend(s)
	assert(s.connected == false)
	s.want = nil
	return rest(s)
end

function socket.readline(id, sep)
	sep = sep or "\n"
	local s = sockets[id]
	assert(s)
	local text = driver.readline(s.buffer, s.pool, sep)
	if text then
		return text
	end
	if not s.connected then
		return false, rest(s)
	end
	assert(not s.want)
	s.want = sep
	suspend(s)
	if s.connected then
		return driver.readline(s.buffer, s.pool, sep)
	end
	return false, rest(s)
end

function socket.block(id)
	local s = sockets[id]
	if not s or not s.connected then
		return false
	end
	assert(not s.want)
	s.want = 0
	suspend(s)
	return s.connected
end

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
		return not (s.connected or s.connecting)
	end
end

function socket.limit(id, limit)
	assert(sockets[id]).limit = limit
end

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
		s.connected = false
		wakeup(s)
		close_callbacks[id] = nil
		sockets[id] = nil
	end
end

local function create_udp(id, callback)
	assert(not sockets[id], "socket is not closed")
	sockets[id] = {
		id = id,
		connected = true,
		protocol = "UDP",
		callback = callback,
	}
	return id
end

function socket.udp(callback, host, port)
	return create_udp(driver.udp(host, port), callback)
end

function socket.udp_connect(id, addr, port, callback)
	local s = sockets[id]
	if s then
		assert(s.protocol == "UDP")
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
