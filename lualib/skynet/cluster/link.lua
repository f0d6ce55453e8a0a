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
-- A connection is up when the other end is welcome and welcomes us, which `guard` knows. An end that
-- refuses us counts as a failed attempt, also when it says so late.
--
-- After a link was lost by silence, the next connection has to show a sign of life before it is used:
-- the system of a frozen peer accepts connections, and what is sent on them would be done long after
-- it was given up, and keep the peer busy when it is back.
--
-- No packet is ever sent twice: a request on a connection that gets lost fails.

local skynet = require "skynet"
local driver = require "skynet.socketdriver"
local guard = require "skynet.cluster.guard"
local packets = require "skynet.cluster.packets"
local settings = require "skynet.cluster.settings"
local unsent = require "skynet.cluster.unsent"
local writer = require "skynet.cluster.writer"

local BACKOFF_MIN <const> = 5
local BACKOFF_MAX <const> = 25

-- So long an attempt waits for its connections before it adds one.
local PATIENCE <const> = 50

local link = {}

local state = "down"
-- The name of the node, its address ("host:port"; false: marked down), and the socket.
local node, address, socket
-- Why the node is down.
local down_why = "marked down"
-- The attempt that is on its way: { coroutines that wait for it..., sockets = set, error = text }.
local attempt
local backoff, not_before = 0, 0
-- Called with (pointer, size) of each packet, and with (text) when a connection is left.
local on_packet, on_down
-- Makes the packet that asks the peer for a sign of life.
local beat
-- Where packets go: to the guard until the link is up.
local receive

local counters = { dials = 0, connects = 0, failures = 0, losses = 0, sent = 0, received = 0 }
local last_error
-- When the peer was heard, and how often `watch` has looked since.
local last_heard, quiet = 0, 0
-- The peer went silent, and has said nothing since.
local was_silent = false

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

local function back_off()
	backoff = math.min(math.max(2 * backoff, BACKOFF_MIN), BACKOFF_MAX)
	not_before = skynet.now() + backoff
end

local function failed(why)
	if socket then
		guard.leave(socket)
	end
	state, socket = "down", nil
	last_error = describe(why)
	counters.failures = counters.failures + 1
	back_off()
	conclude(last_error)
	on_down(last_error)
end

local function lost(why, refused)
	state, socket = "down", nil
	last_error = describe(why)
	counters.losses = counters.losses + 1
	if refused then
		back_off()
	else
		backoff = 0
	end
	on_down(last_error)
end

-- Leaves the connection, whatever its state. `refused`: the peer does not want it.
local function drop(why, refused)
	if state == "up" then
		guard.leave(socket)
		driver.shutdown(socket)
		lost(why, refused)
	elseif attempt then
		failed(why)
	end
end

-- Adds a connection to an attempt, now and as long as none is made.
local function dial(this)
	if this ~= attempt or socket then
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
			local lacks = guard.waits_for() or socket and "sign of life" or "connection"
			failed(string.format("no %s after %g s", lacks, settings.connect_timeout / 100))
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

-- Tells whether a socket is one of the attempt that is on its way, which has none yet.
local function is_awaited(id)
	return attempt ~= nil and socket == nil and attempt.sockets[id] ~= nil
end

-- Blocks until the link is up. Raises a text with the node and the reason when it does not come up.
local function need()
	while state ~= "up" do
		if not address then
			error(string.format("node %s is %s", node, down_why), 0)
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

-- Asks the peer for a sign of life every now and then. Looks are counted and not only the time: when
-- it is this node that has stood still, what the peer has said comes behind the first look.
local function watch(id)
	skynet.timeout(settings.heartbeat, function()
		if socket ~= id or state ~= "up" then
			return
		end
		quiet = quiet + 1
		local silence = skynet.now() - last_heard
		if quiet >= 3 and silence >= 3 * settings.heartbeat then
			was_silent = true
			return drop(string.format("no sign of life for %.1f s", silence / 100))
		end
		link.write(beat())
		watch(id)
	end)
end

local function up(id)
	state, receive, was_silent = "up", on_packet, false
	last_heard, quiet = skynet.now(), 0
	counters.connects = counters.connects + 1
	writer.open(id)
	conclude()
	if settings.heartbeat > 0 then
		watch(id)
	end
end

-- Uses a connection when the peer has answered on it.
local function prove(id)
	receive = function(packet, size)
		on_packet(packet, size)
		if socket == id then
			up(id)
		end
	end
	writer.open(id)
	link.write(beat())
	local patience = 3 * settings.heartbeat
	skynet.timeout(patience, function()
		if socket == id and state == "connecting" then
			failed(string.format("no sign of life for %.1f s", patience / 100))
		end
	end)
end

local event = {}

function event.init(id)
	if not is_awaited(id) then
		return
	end
	socket, receive = id, guard.receive
	driver.nodelay(id)
	if settings.silence > 0 then
		driver.silence(id, settings.silence)
	end
	guard.call(id, node, address, {
		done = function()
			if was_silent then
				prove(id)
			else
				up(id)
			end
		end,
		fail = drop,
	})
end

function event.data(id, packet, size)
	if id ~= socket then
		return skynet.trash(packet, size)
	end
	last_heard, quiet = skynet.now(), 0
	counters.received = counters.received + size
	receive(packet, size)
end

function event.more(next_packet, queue)
	for id, packet, size in next_packet, queue do
		event.data(id, packet, size)
	end
end

function event.close(id)
	if id == socket or is_awaited(id) then
		local missing = guard.waits_for()
		drop(missing and "closed by the peer before its " .. missing or "closed by the peer")
	end
end

function event.error(id, text)
	if id == socket or is_awaited(id) then
		drop(text)
	end
end

function event.warning(id, kib)
	if id == socket then
		unsent.buffer(kib)
	end
end

packets(event)

-- `handlers`: `packet(pointer, size)`, who owns it then; `down(text)`; `beat() -> packet`.
function link.start(name, handlers)
	node, on_packet, on_down, beat = name, handlers.packet, handlers.down, handlers.beat
end

-- Changes the address: the old connection is left at once, its requests fail. false: the node is
-- down, for the reason `why` if it is given.
function link.move(to, why)
	if to == address then
		return
	end
	down_why = why and "gone: " .. why or "marked down"
	drop(not to and why or "the address changes")
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

-- Puts the node and its address before a text.
link.describe = describe

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
