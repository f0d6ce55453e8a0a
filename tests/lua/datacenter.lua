-- skynet.datacenter: a shared tree of values.

local check = require "check"
local skynet = require "skynet"
local datacenter = require "skynet.datacenter"

local get, set, wait = datacenter.get, datacenter.set, datacenter.wait

local function values()
	check.equal(get "nothing", nil)
	check.equal(get("no", "such", "path"), nil)
	check.equal(get(), nil)
	check.equal(set("a", 1), nil)
	check.equal(get "a", 1)
	check.equal(set("a", 2), 1)
	check.equal(set("a", false), 2)
	check.equal(get "a", false)
	check.equal(set("a", nil), false)
	check.equal(get "a", nil)
	set("tree", "branch", "leaf", "value")
	check.same(get "tree", { branch = { leaf = "value" } })
	check.equal(get("tree", "branch", "leaf"), "value")
	set("tree", "table", { x = { y = 1 } })
	check.equal(get("tree", "table", "x", "y"), 1)
	set(1, 2, 3)
	check.equal(get(1, 2), 3)
	set("tree", "branch", "number", 5)
	check.raises("call failed", get, "tree", "branch", "number", "beyond")
	check.raises("call failed", set, "tree", "branch", "number", "beyond", 1)
	-- A text has no fields, but it can be asked for them.
	check.equal(get("tree", "branch", "leaf", "beyond"), nil)
	check.raises("call failed", set, "tree", "branch", "leaf", "beyond", 1)
	check.equal(get("tree", "branch", "leaf"), "value")
end

local function waiting()
	set("ready", "yes")
	check.equal(wait "ready", "yes")
	set("not_true", false)
	check.equal(wait "not_true", false)
	local waiters = {}
	for i = 1, 3 do
		waiters[i] = check.background(wait, "later", "key")
	end
	local other = check.background(wait, "later", "other")
	check.equal(get("later", "key"), nil)
	check.raises("call failed", wait, "later")
	check.raises("call failed", wait, "later", "key", "below")
	set("later", "unrelated", 1)
	check.ok(not waiters[1].done)
	set("later", "key", "bingo")
	for i = 1, 3 do
		check.results({ true, "bingo" }, check.outcome(waiters[i]))
	end
	check.ok(not other.done)
	set("later", "other", false)
	check.results({ true, false }, check.outcome(other))
end

local function setting_below_a_waiter_fails_it()
	local waiter = check.background(wait, "leaf", "waited")
	check.equal(get "leaf", nil)
	set("leaf", "waited", "below", 1)
	check.ok(not check.outcome(waiter))
	check.equal(get("leaf", "waited", "below"), 1)
end

local function the_service()
	check.raises("call failed", skynet.call, "DATACENTER", "lua", "NONSENSE")
	check.equal(skynet.call("DATACENTER", "lua", "QUERY", "ready"), "yes")
end

check.main(function()
	values()
	waiting()
	setting_below_a_waiter_fails_it()
	the_service()
end)
