-- The connection to another node: one in each service that requires this, which is clustersender.
--
-- | state | what it means | becomes |
-- |---|---|---|
-- | down | not connected; nobody has asked for it since it went down | connecting, backing off |
-- | backing off | asked for, but the last attempt failed a moment ago | connecting |
-- | connecting | an attempt is on its way | up, down |
-- | up | connected | down |
--
-- Who needs the link makes it come up and waits for the attempt; all who wait share its outcome.
-- After a failed attempt the next one waits a little, at most a quarter of a second, so a peer that
-- is back is found within that time, and one that is away is not stormed.
--
-- An attempt has several connections on their way when its first one gets no answer, and takes the
-- one that is made first: the system repeats a lost first packet only after one, two, four seconds.
--
-- No packet is ever sent twice: a request on a connection that gets lost fails.

local skynet = require "skynet"
local driver = require "skynet.socketdriver"
local packets = require "skynet.cluster.packets"
local settings = require "skynet.cluster.settings"
local writer = require "skynet.cluster.writer"

local BACKOFF_MIN <const> = 5
local BACKOFF_MAX <const> = 25

-- So long an attempt waits for its connections before it adds one.
local PATIENCE <const> = 50

local link = {}

local state = "down"
-- The name of the node, its address ("host:port"; false: marked down), and the socket.
local node, address, socket
-- The attempt that is on its way: { coroutines that wait for it..., sockets = set, error = text }.
local attempt
local backoff, not_before = 0, 0
-- Called with (pointer, size) of each packet, and with (text) when the link goes down.
local on_packet, on_down

local counters = { dials = 0, connects = 0, failures = 0, losses = 0, sent = 0, received = 0 }
local last_error
local last_heard = 0

local function describe(what)
	return string.format("node %s (%s): %s", node, address or "marked down", what)
end

-- Ends the attempt for all who wait for it; the connections that it does not need are left.
local function conclude(text)
	local over = attempt
	attempt = nil
	if over then
		for id in pairs(over.sockets) do
			if id ~= socket then
				driver.shutdown(id)
			end
		end
		over.error, over.done = text, true
		for _, co in ipairs(over) do
			skynet.wakeup(co)
		end
	end
end

local function failed(why)
	state, socket = "down", nil
	last_error = describe(why)
	counters.failures = counters.failures + 1
	backoff = math.min(math.max(2 * backoff, BACKOFF_MIN), BACKOFF_MAX)
	not_before = skynet.now() + backoff
	conclude(last_error)
end

local function lost(why)
	state, socket = "down", nil
	last_error = describe(why)
	counters.losses = counters.losses + 1
	on_down(last_error)
end

-- Leaves the connection, whatever its state.
local function drop(why)
	if state == "up" then
		driver.shutdown(socket)
		lost(why)
	elseif attempt then
		failed(why)
	end
end

-- Adds a connection to an attempt, now and as long as none is made.
local function dial(this)
	if this ~= attempt then
		return
	end
	state = "connecting"
	counters.dials = counters.dials + 1
	local ok, id = pcall(driver.connect, address)
	if not ok or id < 0 then
		return failed(ok and "no free socket" or id)
	end
	this.sockets[id] = true
	skynet.timeout(PATIENCE, function()
		dial(this)
	end)
end

local function start_dialing(this)
	dial(this)
	skynet.timeout(settings.connect_timeout, function()
		if attempt == this then
			failed(string.format("no connection after %g s", settings.connect_timeout / 100))
		end
	end)
end

local function begin()
	local this = { sockets = {} }
	attempt = this
	local wait = not_before - skynet.now()
	if backoff > 0 and wait > 0 then
		state = "backing off"
		skynet.timeout(wait, function()
			if attempt == this then
				start_dialing(this)
			end
		end)
	else
		start_dialing(this)
	end
	return this
end

-- Tells whether a socket is one of the attempt that is on its way.
local function is_awaited(id)
	return attempt ~= nil and attempt.sockets[id] ~= nil
end

-- Blocks until the link is up. Raises a text with the node and the reason when it does not come up.
local function need()
	while state ~= "up" do
		if not address then
			error(string.format("node %s is marked down", node), 0)
		end
		local this = attempt or begin()
		if not this.done then
			table.insert(this, (coroutine.running()))
			repeat
				skynet.wait()
			until this.done
		end
		if this.error then
			error(this.error, 0)
		end
	end
end

-- Asks the peer for a sign of life every now and then, in the words of `beat`.
local function watch(id, beat)
	skynet.timeout(settings.heartbeat, function()
		if socket ~= id or state ~= "up" then
			return
		end
		local silence = skynet.now() - last_heard
		if silence >= 3 * settings.heartbeat then
			return drop(string.format("no sign of life for %.1f s", silence / 100))
		end
		link.write(beat())
		watch(id, beat)
	end)
end

local event = {}

function event.init(id)
	if not is_awaited(id) then
		return
	end
	state, socket, backoff, last_heard = "up", id, 0, skynet.now()
	counters.connects = counters.connects + 1
	writer.open(id)
	driver.nodelay(id)
	conclude()
	if settings.heartbeat > 0 then
		watch(id, link.beat)
	end
end

function event.data(id, packet, size)
	if id ~= socket then
		return skynet.trash(packet, size)
	end
	last_heard = skynet.now()
	counters.received = counters.received + size
	on_packet(packet, size)
end

function event.more(next_packet, queue)
	for id, packet, size in next_packet, queue do
		event.data(id, packet, size)
	end
end

function event.close(id)
	if id == socket or is_awaited(id) then
		drop "closed by the peer"
	end
end

function event.error(id, text)
	if id == socket or is_awaited(id) then
		drop(text)
	end
end

packets(event)

-- `handlers`: `packet(pointer, size)`, who owns it then; `down(text)`; `beat() -> packet`.
function link.start(name, handlers)
	node, on_packet, on_down, link.beat = name, handlers.packet, handlers.down, handlers.beat
end

-- Changes the address: the old connection is left at once, its requests fail.
function link.move(to)
	if to == address then
		return
	end
	drop "the address changes"
	address, backoff, not_before = to, 0, 0
end

-- Makes the link come up; see `need`.
link.need = need

-- Writes a packet, and the parts behind it, which small packets may overtake. The link is up.
function link.write(packet, parts)
	counters.sent = counters.sent + #packet
	if parts == nil then
		return writer.write(packet)
	end
	for _, part in ipairs(parts) do
		counters.sent = counters.sent + #part
	end
	table.insert(parts, 1, packet)
	writer.write_parts(parts)
end

-- The peer does not speak the protocol.
link.drop = drop

function link.status()
	local status = {
		node = node,
		address = address or "down",
		state = state,
		error = last_error,
		silent = state == "up" and (skynet.now() - last_heard) / 100 or nil,
	}
	for name, count in pairs(counters) do
		status[name] = count
	end
	return status
end

return link
