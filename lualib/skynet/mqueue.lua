-- Messages of the protocol `queue`, handled strictly one after the other, also where the handler
-- blocks. Applications that are new use skynet.queue.

local skynet = require "skynet"

local PROTOCOL <const> = "queue"

skynet.register_protocol {
	name = PROTOCOL,
	id = 8,
	pack = skynet.pack,
	unpack = skynet.unpack,
}

local mqueue = {}

-- What waits, oldest first: { response or false, arguments of the handler }.
local waiting, first, last = {}, 1, 0

local handler
local idle

local function answer(response, ok, ...)
	if response then
		-- The text of an error is part of the answer: the caller raises it.
		response(true, ok, ...)
	elseif not ok then
		skynet.error(...)
	elseif select("#", ...) > 0 then
		skynet.error "A message of mqueue.send has a result, which nobody takes"
	end
end

local function handle(message)
	return xpcall(handler, debug.traceback, table.unpack(message, 1, message.n))
end

local function run()
	while true do
		while first <= last do
			local message = waiting[first]
			waiting[first] = nil
			first = first + 1
			answer(message.response, handle(message))
		end
		idle = coroutine.running()
		skynet.wait(idle)
	end
end

local function arrive(session, _, ...)
	local message = table.pack(...)
	message.response = session ~= 0 and skynet.response()
	last = last + 1
	waiting[last] = message
	if idle then
		skynet.wakeup(idle)
		idle = nil
	end
end

-- f(...) handles each message; its results are the answer. Only once in a service.
function mqueue.register(f)
	assert(handler == nil)
	handler = f
	skynet.dispatch(PROTOCOL, arrive)
	skynet.fork(run)
end

local function results(ok, ...)
	if not ok then
		error((...), 0)
	end
	return ...
end

function mqueue.call(address, ...)
	return results(skynet.call(address, PROTOCOL, ...))
end

function mqueue.send(address, ...)
	skynet.send(address, PROTOCOL, ...)
end

function mqueue.size()
	return last - first + 1
end

return mqueue
