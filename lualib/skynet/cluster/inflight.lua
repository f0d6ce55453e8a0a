-- The requests of a connection that its services have not answered yet: for clusteragent. When they
-- hold too much memory nothing more is read from the connection, until half of it is answered: so a
-- peer that asks faster than the services answer gets slower, and not this node larger.

local driver = require "skynet.socketdriver"
local settings = require "skynet.cluster.settings"

local inflight = {}

-- What a waiting request costs beside its body, roughly: a coroutine.
local COST <const> = 2048

local socket, log, peer
local held, paused = 0, false

function inflight.start(id, from, limited_log)
	socket, peer, log = id, from, limited_log
end

function inflight.enter(size)
	held = held + size + COST
	if held > settings.requests_link and not paused then
		paused = true
		log(string.format(
			"cluster: not reading from %s, unanswered requests hold %d MiB (cluster_requests_link)", peer, held >> 20))
		driver.pause(socket)
	end
end

function inflight.leave(size)
	held = held - size - COST
	if paused and 2 * held <= settings.requests_link then
		paused = false
		driver.start(socket)
	end
end

return inflight
