-- Critical sections: functions given to one queue run one after another, in the order of arrival.
--
-- Ownership passes to the next coroutine at the moment the owner leaves, so nobody overtakes it
-- before it runs. The section is a to-be-closed variable: a killed coroutine leaves it, too.

local skynet = require "skynet"

local running = coroutine.running
local traceback = debug.traceback

local function finish(ok, ...)
	if ok then
		return ...
	end
	error((...), 0)
end

function skynet.queue()
	local owner
	local waiting = {}
	local head, tail = 1, 0

	local section = setmetatable({}, {
		__close = function()
			if owner ~= running() then
				return -- killed while it waited
			end
			owner = nil
			while head <= tail and not owner do
				local next_owner = waiting[head]
				waiting[head] = nil
				head = head + 1
				-- Nobody sleeps on the token of a coroutine that was killed.
				if skynet.wakeup(next_owner) then
					owner = next_owner
				end
			end
		end,
	})

	return function(f, ...)
		local co = running()
		if owner == co then
			return f(...)
		end
		local _ <close> = section
		if owner then
			tail = tail + 1
			waiting[tail] = co
			repeat
				skynet.wait(co)
			until owner == co
		else
			owner = co
		end
		return finish(xpcall(f, traceback, ...))
	end
end

return skynet.queue
