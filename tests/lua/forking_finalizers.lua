-- Finalizers run in the middle of anything that allocates, even while a task is being made.

local check = require "check"
local skynet = require "skynet"

local ROUNDS = 30
local FORKS = 200

local ran, total = {}, 0

local function note(i)
	skynet.wait(i)
	ran[i] = (ran[i] or 0) + 1
	total = total + 1
end

check.main(function()
	local finalized = 0
	local meta = {
		__gc = function()
			finalized = finalized + 1
			skynet.fork(note, -finalized)
		end,
	}
	for round = 1, ROUNDS do
		collectgarbage "stop"
		for _ = 1, FORKS do
			setmetatable({}, meta)
		end
		collectgarbage "restart"
		-- Nothing else allocates here, so the collector runs while tasks are made.
		for i = 1, FORKS do
			skynet.fork(note, (round - 1) * FORKS + i)
		end
	end
	collectgarbage()
	collectgarbage()
	check.equal(finalized, ROUNDS * FORKS)
	skynet.yield()
	collectgarbage()
	for i = 1, ROUNDS * FORKS do
		check.equal(skynet.wakeup(i), true)
		check.equal(skynet.wakeup(-i), true)
	end
	skynet.yield()
	check.equal(total, 2 * ROUNDS * FORKS)
	for i = 1, ROUNDS * FORKS do
		check.equal(ran[i], 1)
		check.equal(ran[-i], 1)
	end
end)
