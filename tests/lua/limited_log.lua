-- skynet.limited_log: some lines a second, and the number of the others.
--! differs: there is no such module there

local check = require "check"
local skynet = require "skynet"
local limited_log = require "skynet.limited_log"

local function lines_with(text)
	local _, count = check.log():gsub(text, "")
	return count
end

check.main(function()
	local log, other = limited_log(), limited_log()
	-- All within one second of the clock, or two when it is just passing.
	for i = 1, 1000 do
		log("stranger " .. i)
	end
	other "the other log"
	local passed = lines_with "stranger %d"
	check.ok(passed >= 10 and passed <= 20, passed)
	check.equal(lines_with "the other log", 1)
	check.eventually(function()
		log "late"
		return check.log():find "%d+ more such lines"
	end, "the others are counted")
end)
