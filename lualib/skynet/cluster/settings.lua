-- The config keys of the cluster, with their defaults. Times are in seconds in the config and in
-- centiseconds here, sizes in MiB and bytes. The keys are described in docs/src/reference/config.md.

local number = require "skynet.config_number"

local SECOND <const> = 100
local MIB <const> = 1 << 20

return {
	-- A connection that is not made after this time counts as failed.
	connect_timeout = number("cluster_connect_timeout", 5, SECOND),
	-- How often a link asks its peer for a sign of life; 0: never.
	heartbeat = number("cluster_heartbeat", 0, SECOND),
	-- A link whose peer's machine is silent for this time is lost; 0: when the system gives it up.
	silence = number("cluster_silence", 60, SECOND),
	-- A call that has no time limit of its own fails after this time, and a request of another node
	-- that is not answered within it; 0: never.
	call_limit = number("cluster_call_limit", 0, SECOND),
	-- What may wait to be sent on a link, and what unanswered requests of a connection may hold.
	unsent_link = number("cluster_unsent_link", 256, MIB),
	requests_link = number("cluster_requests_link", 256, MIB),
	-- What the unfinished large messages of one link may hold together, and of all links.
	large_link = number("cluster_large_link", 256, MIB),
	large_total = number("cluster_large_total", 1024, MIB),
	-- A large message whose next part does not come within this time is given up.
	large_timeout = number("cluster_large_timeout", 60, SECOND),
}
