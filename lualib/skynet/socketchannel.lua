-- A connection that requests share: it is opened when it is needed, opened again when it breaks,
-- and each request gets its own answer. Clients of databases are built on it.
--
-- *Order mode*: answers come in the order of the requests, and each request brings the function
-- that reads its own. *Session mode*: the channel has one function that reads any answer and says
-- whose it is.
--
-- Each connection is an object of its own, with a task (the reader) that reads its answers and
-- with those who wait for them. When it breaks, they fail, and the channel makes another one. The
-- reader knows its connection, not the channel, so that a channel nobody uses can be collected.

local skynet = require "skynet"
local socket = require "skynet.socket"
local driver = require "skynet.socketdriver"

local socketchannel = {}

-- Raised when a connection fails; callers compare with it.
local lost <const> = setmetatable({}, {
	__tostring = function()
		return "[Error: socket]"
	end,
})

socketchannel.error = lost

-- Centiseconds between two rounds of attempts: this much more each time, up to the maximum.
local RETRY_STEP <const> = 100
local RETRY_MAX <const> = 1000

-- What a response function reads from --------------------------------------------------------------

local function or_lost(value)
	return value or error(lost)
end

local reading = {}

function reading:read(...)
	return (or_lost(socket.read(self[1], ...)))
end

function reading:readline(...)
	return (or_lost(socket.readline(self[1], ...)))
end

local function reading_meta(desc)
	return {
		__index = {
			read = desc.socket_read or reading.read,
			readline = desc.socket_readline or reading.readline,
		},
		__gc = function(sock)
			socket.shutdown(sock[1])
		end,
	}
end

-- Waiting for an answer ----------------------------------------------------------------------------

-- Blocks until the waiter has its answer.
local function wait_for(waiter)
	if not waiter.done then
		skynet.wait(waiter)
	end
	if waiter.ok then
		return waiter.value
	end
	error(waiter.value)
end

-- Ends the wait; whoever is first decides how.
local function settle(waiter, ok, value)
	if not waiter.done then
		waiter.done, waiter.ok, waiter.value = true, ok, value
		skynet.wakeup(waiter)
	end
end

-- Takes one part of an answer; returns whether the answer is complete.
local function take_part(waiter, ok, data, more)
	if not ok then
		settle(waiter, false, data)
		return true
	end
	if more then
		waiter.parts = waiter.parts or {}
		table.insert(waiter.parts, data)
		return false
	end
	if waiter.parts then
		table.insert(waiter.parts, data)
		data = waiter.parts
	end
	settle(waiter, true, data)
	return true
end

-- Connections --------------------------------------------------------------------------------------

local function is_current(connection)
	local channel = connection.owner.channel
	return channel and channel.connection == connection
end

local function fail_all(connection, err)
	local queue, sessions = connection.queue, connection.sessions
	connection.queue, connection.sessions = {}, {}
	connection.first, connection.last = 1, 0
	for _, waiter in pairs(queue) do
		settle(waiter, false, err)
	end
	for _, waiter in pairs(sessions) do
		settle(waiter, false, err)
	end
end

-- Ends a connection: nobody sends on it any more, and whoever waits fails.
local function break_off(connection, err)
	if connection.broken then
		return
	end
	connection.broken = true
	local channel = connection.owner.channel
	if channel and channel.connection == connection then
		channel.connection = nil
	end
	if connection.is_idle then
		skynet.wakeup(connection)
	end
	pcall(socket.close, connection.id)
	fail_all(connection, err)
end

-- Blocks the reader until somebody waits for an answer; false when the connection has ended.
local function next_in_order(connection)
	while connection.first > connection.last do
		if connection.broken then
			return
		end
		connection.is_idle = true
		skynet.wait(connection)
		connection.is_idle = false
	end
	local waiter = connection.queue[connection.first]
	connection.queue[connection.first] = nil
	connection.first = connection.first + 1
	return waiter
end

local function read_in_order(connection)
	for waiter in next_in_order, connection do
		local complete
		repeat
			local read, ok, data, more = pcall(waiter.read, connection.sock)
			if not read then
				break_off(connection, ok)
				settle(waiter, false, ok)
				return
			end
			complete = take_part(waiter, ok, data, more)
		until complete
	end
end

local function read_by_session(connection)
	while true do
		local read, session, ok, data, more = pcall(connection.response, connection.sock)
		if not read or not session then
			break_off(connection, session or lost)
			return
		end
		local waiter = connection.sessions[session]
		if not waiter then
			skynet.error("socket: unknown session :", session)
		elseif take_part(waiter, ok, data, more) then
			connection.sessions[session] = nil
		end
	end
end

local function run_reader(connection)
	connection.reader = coroutine.running()
	local read = connection.response and read_by_session or read_in_order
	local ok, err = pcall(read, connection)
	connection.reader_done = true
	if connection.awaited then
		skynet.wakeup(connection.awaited)
	end
	if not ok then
		error(err)
	end
end

-- The channel's own close event: in order mode nobody reads while nobody waits.
local function watch_close(connection)
	socket.onclose(connection.id, function()
		if connection.is_idle and not connection.broken then
			skynet.error("socket closed by peer : ", connection.host, connection.port)
			break_off(connection, lost)
		end
	end)
end

local function watch_overload(channel, connection)
	local overload = channel.desc.overload
	local weak = connection.owner
	socket.warning(connection.id, function(id, kib)
		local owner = weak.channel
		if not owner then
			return
		elseif kib == 0 then
			if owner.is_overloaded then
				owner.is_overloaded = false
				overload(false)
			end
		elseif owner.is_overloaded then
			local text = "WARNING: %d K bytes need to send out (fd = %d) %s %s"
			skynet.error(string.format(text, kib, id, connection.host, connection.port))
		else
			owner.is_overloaded = true
			overload(true)
		end
	end)
end

-- The reader of the connection before may still be busy with an answer that it has.
local function wait_for_reader(connection)
	if connection and not connection.reader_done and connection.reader ~= coroutine.running() then
		connection.awaited = {}
		skynet.wait(connection.awaited)
	end
end

-- Takes an open socket into use.
local function establish(channel, id)
	local desc = channel.desc
	wait_for_reader(channel.last_connection)
	if desc.nodelay then
		driver.nodelay(id)
	end
	local connection = {
		id = id,
		host = channel.host,
		port = channel.port,
		owner = setmetatable({ channel = channel }, { __mode = "v" }),
		sock = setmetatable({ id }, channel.sock_meta),
		response = desc.response,
		queue = {},
		first = 1,
		last = 0,
		sessions = {},
	}
	if desc.overload then
		if channel.is_overloaded then
			channel.is_overloaded = false
			desc.overload(false)
		end
		watch_overload(channel, connection)
	end
	if not desc.response then
		watch_close(connection)
	end
	channel.connection, channel.last_connection = connection, connection
	skynet.fork(run_reader, connection)
end

-- Runs the application's part of a connect. Returns false when it failed.
local function authenticate(channel)
	local auth = channel.desc.auth
	if not auth then
		return true
	end
	channel.authenticating = coroutine.running()
	local ok, err = pcall(auth, channel)
	channel.authenticating = nil
	if ok then
		return true
	end
	if channel.connection then
		break_off(channel.connection, lost)
	end
	if err ~= lost then
		skynet.error("socket: auth failed", err)
	end
	return false
end

-- Connecting ---------------------------------------------------------------------------------------

local function name_of(host, port)
	return string.format("%s:%s", host, port)
end

-- Returns the next backup that this round has not tried. The list may change in between.
local function next_backup(channel, tried)
	for _, backup in ipairs(channel.backup or {}) do
		local host, port = backup, channel.desc.port
		if type(backup) == "table" then
			host, port = backup.host, backup.port or port
		end
		if not tried[name_of(host, port)] then
			skynet.error("socket: connect to backup host", host, port)
			return host, port
		end
	end
end

-- Tries the channel's host, then the backups, each once. Returns whether it is connected; if not,
-- why not.
local function try_all(channel)
	local tried, err = {}, nil
	local host, port = channel.host, channel.port
	while host do
		tried[name_of(host, port)] = true
		local id
		id, err = socket.open(host, port)
		if channel.closed then
			if id then
				socket.close(id)
			end
			return false, "closed"
		end
		if id then
			channel.host, channel.port = host, port
			establish(channel, id)
			if authenticate(channel) then
				-- It may have changed the host.
				if channel.connection then
					return true
				elseif channel.closed then
					return false, "closed"
				end
				return try_all(channel)
			end
			err = "no more backup host"
		end
		host, port = next_backup(channel, tried)
	end
	return false, err
end

local function try_for_ever(channel)
	local pause = 0
	while not channel.closed do
		local ok, err = try_all(channel)
		if ok then
			skynet.error("socket: connect to", channel.host, channel.port)
			return
		elseif channel.closed then
			return
		end
		skynet.error("socket: connect", err)
		if pause > RETRY_MAX then
			skynet.error("socket: try to reconnect", channel.host, channel.port)
		end
		skynet.sleep(pause)
		pause = (pause > RETRY_MAX and 0 or pause) + RETRY_STEP
	end
end

-- Returns true if the running task may send now, false if the channel is closed, nil if somebody
-- has to connect.
local function is_usable(channel)
	local connection = channel.connection
	if connection and socket.disconnected(connection.id) ~= false then
		skynet.error("socket: disconnect detected ", channel.host, channel.port)
		break_off(connection, lost)
		connection = nil
	end
	local authenticating = channel.authenticating
	if connection and (not authenticating or authenticating == coroutine.running()) then
		return true
	end
	if channel.closed then
		return false
	end
end

-- Makes the channel usable: by one task, for which the others wait. Returns as `is_usable`, and why
-- it could not.
local function connect(channel, once)
	local usable = is_usable(channel)
	if usable ~= nil then
		return usable
	end
	if channel.authenticating == coroutine.running() then
		-- Its own connection is gone; it cannot wait for itself.
		error(lost)
	end
	local err
	local waiting = channel.connecting
	if waiting then
		local token = {}
		table.insert(waiting, token)
		skynet.wait(token)
		if not once then
			return connect(channel)
		end
		err = channel.connect_error
	else
		waiting = {}
		channel.connecting = waiting
		local ok, result = pcall(function()
			if not once then
				return try_for_ever(channel)
			end
			local connected, why = try_all(channel)
			return not connected and why or nil
		end)
		channel.connecting = nil
		channel.connect_error = result
		for _, token in ipairs(waiting) do
			skynet.wakeup(token)
		end
		if not ok then
			error(result)
		end
		err = result
	end
	usable = is_usable(channel)
	if usable == false and once then
		-- It was closed meanwhile.
		error(lost)
	end
	return usable, err
end

local function require_connection(channel, once)
	local usable, err = connect(channel, once)
	if usable == nil then
		skynet.error(string.format("Connect failed %s %s %s", err, channel.host, channel.port))
		error(lost)
	end
	return usable
end

-- The channel --------------------------------------------------------------------------------------

local channel_class = {}
local channel_meta = { __index = channel_class }

function channel_meta:__gc()
	self.closed = true
	if self.connection then
		socket.shutdown(self.connection.id)
	end
end

function socketchannel.channel(desc)
	return setmetatable({
		desc = desc,
		host = assert(desc.host, "host is missing"),
		port = desc.port,
		backup = desc.backup,
		sock_meta = reading_meta(desc),
		closed = false,
	}, channel_meta)
end

-- Connects, or returns true if it is connected. With `once` one round is tried, and an error raised
-- when it fails; else it tries until it succeeds, or the channel is closed.
function channel_class:connect(once)
	self.closed = false
	return require_connection(self, once)
end

local function write_all(id, request, parts)
	if not parts then
		return socket.write(id, request)
	end
	local ok = socket.lwrite(id, request)
	for _, part in ipairs(parts) do
		ok = ok and socket.lwrite(id, part)
	end
	return ok
end

-- Queues the running task for an answer on a connection.
local function add_waiter(connection, response)
	local waiter = { read = response }
	if connection.response then
		connection.sessions[response] = waiter
	else
		connection.last = connection.last + 1
		connection.queue[connection.last] = waiter
		if connection.is_idle then
			skynet.wakeup(connection)
		end
	end
	return waiter
end

-- Sends a request and returns the answer. `response` reads it in order mode, and is its session in
-- session mode; without one there is no answer. With `padding`, an array of further parts, other
-- requests may be sent between the parts.
function channel_class:request(request, response, padding)
	assert(require_connection(self, true))
	local connection = self.connection
	if not write_all(connection.id, request, padding) then
		break_off(connection, lost)
		error(lost)
	end
	if response == nil then
		return
	end
	return wait_for(add_waiter(connection, response))
end

-- Returns an answer that nobody asked for.
function channel_class:response(response)
	assert(require_connection(self))
	return wait_for(add_waiter(self.connection, response))
end

function channel_class:close()
	if not self.closed then
		self.closed = true
		if self.connection then
			break_off(self.connection, lost)
		end
	end
end

-- Connects to another host from now on.
function channel_class:changehost(host, port)
	self.host = host
	if port then
		self.port = port
	end
	if not self.closed and self.connection then
		break_off(self.connection, lost)
	end
end

function channel_class:changebackup(list)
	self.backup = list
end

return socketchannel
