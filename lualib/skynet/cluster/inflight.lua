-- The requests of a connection that its services have not answered yet: for clusteragent. When they
-- hold too much memory nothing more is read from the connection, and what has been read waits as it
-- came, until half of them are answered: so a peer that asks faster than the services answer gets
-- slower, and not this node larger.

local skynet = require "skynet"
local driver = require "skynet.socketdriver"
local settings = require "skynet.cluster.settings"

local inflight = {}

-- What a waiting request costs beside its body, roughly: a coroutine here and one in the service.
local COST <const> = 4096

local socket, log, peer
-- Called with (packet, size) of what has waited.
local on_packet

local held, paused = 0, false

-- Packets and their sizes in turn, from `first` to `last`.
local backlog, first, last = {}, 1, 0

function inflight.start(id, from, limited_log, handle)
	socket, peer, log, on_packet = id, from, limited_log, handle
end

-- Takes a packet if it has to wait. Returns true then.
function inflight.keep(packet, size)
	if paused then
		backlog[last + 1], backlog[last + 2] = packet, size
		last = last + 2
	end
	return paused
end

local function resume()
	while first < last do
		if held > settings.requests_link then
			return
		end
		local packet, size = backlog[first], backlog[first + 1]
		backlog[first], backlog[first + 1] = nil, nil
		first = first + 2
		on_packet(packet, size)
	end
	backlog, first, last = {}, 1, 0
	paused = false
	driver.start(socket)
end

function inflight.enter(size)
	held = held + size + COST
	if held > settings.requests_link and not paused then
		paused = true
		log(string.format("cluster: not reading from %s, unanswered requests hold %d MiB "
			.. "(cluster_requests_link)", peer, held >> 20))
		driver.pause(socket)
	end
end

function inflight.leave(size)
	local before = held
	held = before - size - COST
	-- Once on the way down.
	if paused and 2 * held <= settings.requests_link and 2 * before > settings.requests_link then
		skynet.fork(resume)
	end
end

-- The connection has ended: what waits is freed.
function inflight.clear()
	for at = first, last, 2 do
		skynet.trash(backlog[at], backlog[at + 1])
	end
	backlog, first, last = {}, 1, 0
end

return inflight
