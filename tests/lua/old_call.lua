-- A call without an answer is reported once, with both ends.
--! config: call_warning = 1
--! differs: the reference does not report old calls

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

local mode = ...

if mode == "silent" then
	check.serve {
		wait = function(key)
			skynet.wait(key)
		end,
		go = function(key)
			skynet.wakeup(key)
		end,
	}
	return
end

local function lines_with(text)
	local found = {}
	for line in check.log():gmatch "[^\n]+" do
		if line:find(text, 1, true) then
			found[#found + 1] = line
		end
	end
	return found
end

check.main(function()
	local silent = check.helper "silent"
	local own, callee = skynet.address(skynet.self()), skynet.address(silent)
	skynet.name(".silent", silent)
	local by_number = check.background(skynet.call, silent, "lua", "wait", 1)
	local by_name = check.background(skynet.call, ".silent", "lua", "wait", 2)
	local other_kind = check.background(skynet.call, silent, "debug", "LINK")
	local start = "warning: the call from " .. own .. " to "
	check.eventually(function() return #lines_with(start) == 3 end, "three reports")
	local lines = lines_with(start)
	check.match(lines[1], callee .. " has no answer for %d%.%d s %(type lua, session %d+%)$")
	check.match(lines[2], "%.silent %(" .. callee .. "%) has no answer for %d%.%d s %(type lua")
	check.match(lines[3], callee .. " has no answer for %d%.%d s %(type debug")

	-- Once for each call; those that are answered in time are not reported.
	-- Sent: a call could take long enough for a report of its own.
	skynet.send(silent, "lua", "go", 1)
	check.ok(check.outcome(by_number))
	local again = check.background(skynet.call, silent, "lua", "wait", 3)
	check.eventually(function() return #lines_with(start) == 4 end, "a fourth report")
	check.equal(by_name.done, nil)
	check.equal(other_kind.done, nil)
	skynet.send(silent, "lua", "go", 3)
	check.ok(check.outcome(again))
	check.equal(#lines_with(start), 4)
end)
