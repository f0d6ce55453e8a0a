-- require and skynet.init from coroutines.
--! config: lua_path = lua_path .. ";@TESTS@/module/?.lua;@DIR@/?.lua"

local check = require "check"
local skynet = require "skynet"

local events = check.transcript()
EVENTS = events

local function write(name, text)
	local file = assert(io.open(skynet.getenv "logpath" .. "/" .. name .. ".lua", "w"))
	file:write(text)
	file:close()
end

local function reset()
	for i = #events, 1, -1 do
		events[i] = nil
	end
end

local in_main = require "blocking_module_main"
skynet.init(function()
	events "init of the service"
end)

local function modules_of_the_main_chunk()
	check.equal(in_main, true)
	events:equal "module_main init_of_module_main init of the service"
	reset()
end

local function a_module_may_block()
	local module = require "blocking_module"
	check.equal(module.name, "blocking_module")
	check.match(module.path, "module/blocking_module%.lua$")
	events:equal "chunk chunk_done init1 init1_done init2"
	reset()
	check.equal(require "blocking_module", module)
	events:equal ""
end

local function results_are_kept()
	check.equal(require "returns_nothing", true)
	check.equal(require "returns_false", false)
	check.equal(package.loaded.returns_false, false)
	check.equal(require "string", string)
	check.equal(require "skynet", skynet)
	check.raises_like("module 'no.such.module' not found", require, "no.such.module")
end

local function concurrent_loads_share_one()
	local others = {}
	for i = 1, 3 do
		others[i] = check.background(require, "shared_module")
	end
	check.ok(not others[1].done and not others[3].done)
	skynet.wakeup "shared_module"
	for i = 1, 3 do
		local ok, module = check.outcome(others[i])
		check.ok(ok)
		check.equal(module, package.loaded.shared_module)
	end
	events:equal "shared"
	reset()
end

local function failures_reach_all_and_are_forgotten()
	local first = check.background(require, "failing_module")
	local second = check.background(require, "failing_module")
	skynet.wakeup "failing_module"
	local ok, err = check.outcome(first)
	check.ok(not ok)
	check.match(err, "the module failed\nstack traceback:\n")
	ok, err = check.outcome(second)
	check.ok(not ok)
	check.match(err, "require failing_module failed$")
	local third = check.background(require, "failing_module")
	check.eventually(function() return skynet.wakeup "failing_module" end, "loads again")
	check.ok(not check.outcome(third))
	reset()
end

local function circles_are_found()
	write("circle_a", [[ require "circle_b" ]])
	write("circle_b", [[ require "circle_a" ]])
	check.raises_like("circular dependency", require, "circle_a")
end

local function init_of_nested_modules()
	write("outer", [[
		local skynet = require "skynet"
		EVENTS "outer"
		skynet.init(function() EVENTS "outer_init1" end)
		require "inner"
		skynet.init(function() EVENTS "outer_init2" end)
		EVENTS "outer_done"
	]])
	write("inner", [[
		local skynet = require "skynet"
		EVENTS "inner"
		skynet.init(function() skynet.yield() EVENTS "inner_init" end)
	]])
	require "outer"
	events:equal "outer inner inner_init outer_done outer_init1 outer_init2"
	reset()
end

local function broken_files_say_why()
	write("broken", "local = 1")
	check.raises_like("broken%.lua:1:", require, "broken")
end

local function init_elsewhere_raises()
	check.ok(not pcall(skynet.init, print))
	local done = check.background(skynet.init, print)
	check.ok(not check.outcome(done))
end

check.main(function()
	modules_of_the_main_chunk()
	a_module_may_block()
	results_are_kept()
	concurrent_loads_share_one()
	failures_reach_all_and_are_forgotten()
	circles_are_found()
	init_of_nested_modules()
	broken_files_say_why()
	init_elsewhere_raises()
end)
