-- The requests on a link that wait for their responses: for clustersender.
--
-- A request leaves the table with its response, with the link, or at its deadline. Deadlines are
-- looked at once a second, because those who wait have an exact one of their own (`skynet.call_timeout`):
-- here they only make sure that nothing is kept for nobody.

local skynet = require "skynet"
local settings = require "skynet.cluster.settings"

local SWEEP <const> = 100

-- Sessions have 31 bits; one that is less than half of them behind the current one has been asked.
local SESSION_MAX <const> = 0x7fffffff
local HALF <const> = 1 << 30

local pending = {}

-- session -> { co = who waits, since =, deadline =, done =, ok =, data =, size = }; without a
-- coroutine: a sign of life.
local requests = {}

local counters = { pending = 0, late = 0, timeouts = 0 }

-- Called with the session of a request that is given up at its deadline.
local on_timeout

local sweeping = false

-- Ends a request, if it waits.
function pending.finish(session, ok, data, size)
	local request = requests[session]
	requests[session] = nil
	if request and request.co then
		counters.pending = counters.pending - 1
		request.done, request.ok, request.data, request.size = true, ok, data, size
		skynet.wakeup(request.co)
	end
end

function pending.fail_all(text)
	for session in pairs(requests) do
		pending.finish(session, false, text)
	end
end

local function sweep()
	local now = skynet.now()
	sweeping = false
	for session, request in pairs(requests) do
		if request.deadline == nil then
			-- It may wait for ever.
		elseif request.deadline <= now then
			counters.timeouts = counters.timeouts + 1
			on_timeout(session, string.format("no answer for %.2f s", (now - request.since) / 100))
		else
			sweeping = true
		end
	end
	if sweeping then
		skynet.timeout(SWEEP, sweep)
	end
end

-- The deadline of a request that may have one of its own.
function pending.deadline(own)
	if own == nil and settings.call_limit > 0 then
		return skynet.now() + settings.call_limit
	end
	return own
end

-- Waits for the response. Returns true and the body (a string, or a block and its size), or false
-- and a text.
function pending.wait(session, deadline)
	local request = { co = coroutine.running(), since = skynet.now(), deadline = deadline }
	requests[session] = request
	counters.pending = counters.pending + 1
	if deadline and not sweeping then
		sweeping = true
		skynet.timeout(SWEEP, sweep)
	end
	repeat
		skynet.wait(request.co)
	until request.done
	return request.ok, request.data, request.size
end

-- A sign of life is asked for: its response is no surprise.
function pending.beat(session)
	requests[session] = {}
end

function pending.has(session)
	return requests[session] ~= nil
end

-- The first session from this one on that nobody uses.
function pending.free(session)
	while requests[session] do
		session = session % SESSION_MAX + 1
	end
	return session
end

-- A response that nobody waits for has come: returns true if its request has been sent once, which
-- is counted; `next_session` is that of the next request.
function pending.is_late(session, next_session)
	local behind = (next_session - session) & SESSION_MAX
	local asked = session > 0 and session <= SESSION_MAX and behind > 0 and behind < HALF
	if asked then
		counters.late = counters.late + 1
	end
	return asked
end

-- Adds the counters to a status.
function pending.add_to(status)
	for name, count in pairs(counters) do
		status[name] = count
	end
end

-- `give_up(session, text)` has to call `finish`.
function pending.start(give_up)
	on_timeout = give_up
end

return pending
