-- skynet.inject: code that runs inside a service and sees the tables behind its handlers.

local check = require "check"
local skynet = require "skynet"
local inject = require "skynet.inject"

local command = { count = 0 }
local config = { level = 1 }

local function helper()
	return config.level
end

local function run(source, ...)
	return inject(skynet, source, "injected.lua", table.pack(...), skynet.dispatch_message)
end

check.main(function()
	skynet.dispatch("lua", function(_, _, name)
		command.count = command.count + helper()
		skynet.retpack(command.count, name)
	end)
	check.results({ 1, "x" }, skynet.call(skynet.self(), "lua", "x"))
	check.results({ true, { "true\ttrue" } },
		run "print(_P.lua.command ~= nil, _P.lua.config ~= nil)")
	check.results({ true, {} }, run "_P.lua.config.level = 10")
	check.results({ 11, "y" }, skynet.call(skynet.self(), "lua", "y"))
	check.equal(config.level, 10)
	check.results({ true, { "table" } }, run "print(type(_U))")
	check.results({ true, { "1\ttext\t3" } }, run("print(...)", 1, "text", 3))
	run "injected_global = 1"
	check.equal(rawget(_G, "injected_global"), nil)
	local ok, output = run "print(1) local x = nil + 1"
	check.equal(ok, false)
	check.equal(output[1], "1")
	check.match(output[2], "^injected%.lua:1: attempt to perform arithmetic")
	ok, output = inject(skynet, "error 'no name'", nil, { n = 0 })
	check.equal(ok, false)
	check.match(output[1], "load")
end)
