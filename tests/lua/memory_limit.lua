-- skynet.memlimit, and the warnings of a growing service.
--! log: Set memory limit to 4.00 M
--! log: Memory warning 32.
--! log: Memory warning 64.

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "limited" then
	skynet.memlimit(4 * 1024 * 1024)
	local once = skynet.memlimit == nil
	local command = {}

	-- In steps that leave room for the error message and its traceback.
	local function grow()
		local t = {}
		for i = 1, 100000000 do
			t[i] = string.rep("x", 100000 + i)
		end
	end

	function command.caught()
		local ok, err = pcall(grow)
		collectgarbage()
		return ok, err
	end

	command.raised = grow

	function command.once()
		return once
	end

	check.serve(command)
	return
end

if mode == "large" then
	check.serve {
		grow = function()
			local t = {}
			for i = 1, 70 do
				t[i] = string.rep("x", 1024 * 1024 - i)
			end
			return #t
		end,
	}
	return
end

check.main(function()
	local limited = check.helper "limited"
	check.equal(skynet.call(limited, "lua", "once"), true)
	for _ = 1, 2 do
		local ok, err = skynet.call(limited, "lua", "caught")
		check.equal(ok, false)
		check.match(err, "not enough memory$")
		check.raises("call failed", skynet.call, limited, "lua", "raised")
	end
	check.logs "not enough memory"
	check.equal(skynet.call(limited, "lua", "once"), true)
	local large = check.helper "large"
	check.equal(skynet.call(large, "lua", "grow"), 70)
end)
