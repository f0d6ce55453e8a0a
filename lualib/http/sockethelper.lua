-- http.sockethelper: sockets as functions that raise errors, for http.* and applications.

local skynet = require "skynet"
local socket = require "skynet.socket"

local sockethelper = {
	readall = socket.readall,
	close = socket.close,
	shutdown = socket.shutdown,
}

-- What is raised when a connection fails; compare by identity. Its text can be read once.
local socket_error = setmetatable({}, {
	__tostring = function(self)
		local text = self.text or "[Socket Error]"
		self.text = nil
		return text
	end,
	__call = function(self, what)
		self.text = "[Socket Error] : " .. tostring(what)
		return self
	end,
})
sockethelper.socket_error = socket_error

-- read function -> the id that it reads from
local id_of = setmetatable({}, { __mode = "k" })

-- Remembers which connection a read function belongs to, so that it can get a deadline.
function sockethelper.belongs(read, id)
	id_of[read] = id
	return read
end

local function read_or_raise(id, size)
	local text = socket.read(id, size)
	if text then
		return text
	end
	error(socket_error("read failed fd = " .. id))
end

local function read_with_rest(id, rest)
	return function(size)
		if not rest then
			return read_or_raise(id, size)
		end
		local first = rest
		if size == nil or size == #first then
			rest = nil
			return first
		elseif size < #first then
			rest = first:sub(size + 1)
			return first:sub(1, size)
		end
		rest = nil
		return first .. read_or_raise(id, size - #first)
	end
end

-- Returns a function that reads; `rest` is what has been read before.
function sockethelper.readfunc(id, rest)
	if rest then
		return sockethelper.belongs(read_with_rest(id, rest), id)
	end
	return sockethelper.belongs(function(size)
		return read_or_raise(id, size)
	end, id)
end

function sockethelper.writefunc(id)
	return function(text)
		if not socket.write(id, text) then
			error(socket_error("write failed fd = " .. id))
		end
	end
end

-- Returns id, error text and whether it took too long.
local function open_in_time(host, port, timeout)
	local id, err
	local state = "connecting"
	local waiting = coroutine.running()
	skynet.fork(function()
		id, err = socket.open(host, port)
		if state == "connecting" then
			state = "done"
			skynet.wakeup(waiting)
		elseif id then
			-- Nobody wants it any more.
			socket.close(id)
		end
	end)
	skynet.sleep(timeout)
	if state == "done" then
		return id, err, false
	end
	state = "late"
	return nil, nil, true
end

local CONNECT_FAILED = "connect failed host = %s port = %s timeout = %s err = %s is_time_out = %s"

-- Connects, within `timeout` hundredths of a second if it is given.
function sockethelper.connect(host, port, timeout)
	local id, err, late
	if timeout then
		id, err, late = open_in_time(host, port, timeout)
	else
		id, err = socket.open(host, port)
	end
	if id then
		return id
	end
	local text = string.format(CONNECT_FAILED, host, port, tostring(timeout), tostring(err), tostring(late))
	error(socket_error(text))
end

local last_report, unreported = -100, 0

-- Logs why a connection was ended, one line a second at most.
local function report(id, why)
	unreported = unreported + 1
	local now = skynet.now()
	if now - last_report < 100 then
		return
	end
	local more = unreported > 1 and string.format(" (and %d others)", unreported - 1) or ""
	skynet.error(string.format("http: connection %d closed: %s%s", id, why, more))
	last_report, unreported = now, 0
end

local deadline = {}
deadline.__index = deadline

function deadline:__close()
	self.id = nil
end

-- Ends the connection behind a read function unless the result is closed (`<close>`) within a
-- number of seconds. nil when the function is not one of a socket.
function sockethelper.deadline(read, seconds, why)
	local id = id_of[read]
	if not id or seconds <= 0 then
		return nil
	end
	local limit = setmetatable({ id = id }, deadline)
	skynet.timeout(math.ceil(seconds * 100), function()
		if limit.id then
			report(id, why)
			socket.shutdown(id)
		end
	end)
	return limit
end

return sockethelper
