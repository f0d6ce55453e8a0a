-- The command LOCKS: a text in every build, and figures where the counters are built in.

local check = require "check"
local core = require "skynet.core"

local function locks(...)
	return core.command("LOCKS", ...)
end

check.main(function()
	check.equal(type(locks()), "string")
	local usage = locks "no such word"
	check.equal(usage:match "LOCKS %[on.*$", "LOCKS [on [class] | off [class] | reset | json]")
	local answer = locks "on mailbox"
	if answer:find("lock-stats", 1, true) then
		check.equal(answer, "this build has no lock counters: build with --features lock-stats")
		return
	end
	check.equal(answer, "counting mailbox")
	check.equal(locks "off", "counting nothing")
	check.equal(locks():sub(1, 5), "class")
	check.equal(locks("json"):sub(1, 1), "[")
end)
