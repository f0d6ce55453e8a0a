-- Calls with a time limit, made of fork, sleep and wakeup; and one of select.

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "slow" then
	check.serve {
		sleep = function(ti)
			skynet.sleep(ti)
			return "answer"
		end,
	}
	return
end

local function call_within(ti, ...)
	local token = {}
	local result
	skynet.fork(function(...)
		result = table.pack(pcall(skynet.call, ...))
		if token then
			skynet.wakeup(token)
		end
	end, ...)
	skynet.sleep(ti, token)
	token = nil
	if not result then
		return false
	end
	return table.unpack(result, 1, result.n)
end

check.main(function()
	local slow = check.helper "slow"
	check.results({ true, "answer" }, call_within(100000, slow, "lua", "sleep", 2))
	check.results({ false }, call_within(2, slow, "lua", "sleep", 20))
	check.results({ true, "answer" }, call_within(100000, slow, "lua", "sleep", 2))
	for _, resp in skynet.request { slow, "lua", "sleep", 20 }:select(2) do
		check.fail("an answer in time: " .. tostring(resp))
	end
	skynet.sleep(30)
	check.not_logged "Unknown session"
end)
