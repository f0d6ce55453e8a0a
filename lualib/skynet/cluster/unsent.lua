-- What waits to be sent on a link: for its connection, or in the buffer of its socket when the peer
-- reads slowly. Above the limit clustersender refuses requests and drops pushes, until less waits.
--
-- The socket tells of its buffer when 1 MiB wait in it, at each doubling, and when it is empty.

local settings = require "skynet.cluster.settings"

local unsent = {}

local waiting, buffered = 0, 0

-- Returns why nothing more can wait, or nil.
function unsent.excess()
	local bytes = math.max(waiting, buffered)
	if bytes >= settings.unsent_link then
		return string.format("%d MiB wait to be sent, the limit is %d (cluster_unsent_link)",
			bytes >> 20, settings.unsent_link >> 20)
	end
end

-- So many bytes more (or less) wait for the connection.
function unsent.wait(bytes)
	waiting = waiting + bytes
end

-- So many KiB wait in the buffer of the socket.
function unsent.buffer(kib)
	buffered = kib * 1024
end

return unsent
