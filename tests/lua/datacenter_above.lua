-- datacenter.wait sees a table that is set above its path.
--! differs: the reference loses such a waiter

local check = require "check"
local datacenter = require "skynet.datacenter"

check.main(function()
	local deep = check.background(datacenter.wait, "a", "b", "c")
	local other = check.background(datacenter.wait, "a", "x")
	check.equal(datacenter.get "a", nil)
	datacenter.set("a", { b = { c = "found" } })
	check.results({ true, "found" }, check.outcome(deep))
	check.ok(not other.done)
	datacenter.set("a", "x", 1)
	check.results({ true, 1 }, check.outcome(other))
end)
