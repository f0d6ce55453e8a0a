-- How a Lua service comes to life: arguments, globals, search paths, failures.
--! config: extra = "value"
--! config: luaservice = luaservice .. ";@DIR@/?.lua"
--! log: broken_syntax.lua:3:
--! log: lua loader error : *the main chunk raised
--! log: KILL self

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "arguments" then
	local arguments = table.pack(...)
	local globals = {}
	for _, name in ipairs { "LUA_PATH", "LUA_CPATH", "LUA_SERVICE", "LUA_PRELOAD" } do
		globals[name] = _G[name]
	end
	local gc_runs = collectgarbage "isrunning"
	local in_main = not coroutine.isyieldable()
	skynet.start(function()
		skynet.dispatch("lua", function()
			local runs_now = collectgarbage "isrunning"
			local generational = collectgarbage "incremental"
			collectgarbage(generational)
			skynet.retpack(arguments, globals, SERVICE_NAME, SERVICE_PATH,
				{ gc_runs, in_main, runs_now, generational })
		end)
	end)
	return
end

local function arguments_are_words()
	local service = skynet.newservice("loader", "arguments", "a b", 3, " c\t d ")
	local arguments, globals, name, path, state = skynet.call(service, "lua")
	check.same(arguments, { n = 6, "arguments", "a", "b", "3", "c", "d" })
	check.same(globals, {})
	check.equal(name, "loader")
	check.match(path, "tests/lua/$")
	check.same(state, { false, true, true, "generational" })
	service = skynet.newservice("loader", "arguments", "one\ntwo")
	check.same((skynet.call(service, "lua")), { n = 2, "arguments", "one" })
	service = skynet.newservice("loader", "arguments", "a", nil, "b")
	check.same((skynet.call(service, "lua")), { n = 2, "arguments", "a" })
	check.raises("call failed", skynet.newservice, "loader", "arguments", true)
end

local function services_in_folders()
	local service = skynet.newservice "with_init"
	local name, path, beside = skynet.call(service, "lua")
	check.equal(name, "with_init")
	check.match(path, "tests/lua/service/with_init/$")
	check.equal(beside, "from beside")
	check.match(package.path, "^[^;]*tests/lua/%?%.lua;")
end

local function failures_reach_the_creator()
	check.raises("call failed", skynet.newservice, "no_such_service")
	check.logs "lua loader error : [^\n]*cannot open [^\n]*/no_such_service.lua"
	local tried = select(2, check.log():gsub("cannot open [^\n]*/no_such_service[./]", ""))
	check.ok(tried >= 5, tried)
	check.raises("call failed", skynet.newservice, "broken_syntax")
	check.raises("call failed", skynet.newservice, "broken_main")
	check.raises("call failed", skynet.newservice, "")
end

local function blocking_in_the_main_chunk_raises()
	local service = skynet.newservice "blocking_main"
	local slept, why_not, called, why, forked = skynet.call(service, "lua")
	check.equal(slept, false)
	check.match(why_not, "attempt to yield from outside a coroutine")
	check.equal(called, false)
	check.match(why, "attempt to yield from outside a coroutine")
	check.equal(forked, true)
end

local function a_later_file_serves_when_an_earlier_one_is_broken()
	local folder = skynet.getenv("logpath")
	local file = assert(io.open(folder .. "/broken_syntax.lua", "w"))
	file:write [[require("skynet").start(function() end)]]
	file:close()
	check.ok(skynet.newservice "broken_syntax")
end

check.main(function()
	arguments_are_words()
	services_in_folders()
	failures_reach_the_creator()
	blocking_in_the_main_chunk_raises()
	a_later_file_serves_when_an_earlier_one_is_broken()
	check.equal(skynet.getenv "extra", "value")
	check.equal(package.loaded["skynet"], skynet)
	for _, name in ipairs { "skynet.core", "skynet.profile", "skynet.codecache", "skynet.require" } do
		check.equal(type(require(name)), "table", name)
	end
	check.equal(coroutine.resume, require "skynet.profile".resume)
	check.equal(coroutine.wrap, require "skynet.profile".wrap)
end)
