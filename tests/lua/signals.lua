-- SIGNAL 0 breaks a loop, SIGNAL 1 tells the memory.
--! log: recv a signal 0
--! log: signal 0
--! log: recv a signal 1
--! log: Current Memory *K
--! log: recv a signal 7

local check = require "check"
local skynet = require "skynet"
local core = require "skynet.core"

local mode = ...

if mode == "looper" then
	local result = "never ran"
	local command = {}

	function command.loop(address)
		skynet.send(address, "lua", "looping")
		while true do end
	end

	function command.protected(address)
		skynet.send(address, "lua", "looping")
		local ok, err = pcall(function()
			while true do end
		end)
		return ok, err
	end

	function command.wrapped(address)
		skynet.send(address, "lua", "looping")
		local inner = coroutine.wrap(function()
			coroutine.wrap(function()
				while true do end
			end)()
		end)
		inner()
	end

	function command.nested(address)
		skynet.send(address, "lua", "looping")
		require("skynet.coroutine").wrap(function()
			while true do end
		end)()
	end

	function command.after_nested(address)
		local co = coroutine.wrap(function()
			while true do
				coroutine.yield(1)
			end
		end)
		skynet.send(address, "lua", "looping")
		while true do
			co()
		end
	end

	function command.texts(address)
		skynet.send(address, "lua", "looping")
		while true do
			local text = string.rep("ab", 10000)
			text:gsub("a", "b"):gsub("b+", string.upper)
		end
	end

	function command.replacements(address)
		skynet.send(address, "lua", "looping")
		local text = string.rep("a", 1000)
		while true do
			text:gsub("a", function()
				return "b"
			end)
		end
	end

	function command.sorted(address)
		skynet.send(address, "lua", "looping")
		table.sort({ 3, 2, 1 }, function()
			while true do end
		end)
	end

	function command.twice(address)
		skynet.send(address, "lua", "looping")
		local ok, err = pcall(function()
			while true do end
		end)
		skynet.send(address, "lua", ok, err)
		while true do end
	end

	command.result = function()
		return result
	end

	check.serve(command)
	return
end

local function break_loop(looper, name)
	local looping = false
	skynet.dispatch("lua", function()
		looping = true
	end)
	local call = check.background(skynet.call, looper, "lua", name, skynet.self())
	check.eventually(function() return looping end, "the loop runs")
	core.command("SIGNAL", skynet.address(looper))
	return check.outcome(call)
end

local function break_twice(looper)
	local looping = 0
	skynet.dispatch("lua", function()
		looping = looping + 1
	end)
	local call = check.background(skynet.call, looper, "lua", "twice", skynet.self())
	for round = 1, 2 do
		check.eventually(function() return looping == round end, "the loop runs")
		core.command("SIGNAL", skynet.address(looper))
	end
	check.equal(check.outcome(call), false)
end

check.main(function()
	local looper = check.helper "looper"
	check.equal(skynet.call(looper, "lua", "result"), "never ran")
	local ok, err = break_loop(looper, "loop")
	check.equal(ok, false)
	check.match(err, "call failed$")
	check.equal(skynet.call(looper, "lua", "result"), "never ran")
	local _, inner, text = break_loop(looper, "protected")
	check.equal(inner, false)
	check.match(text, "signal 0$")
	for _, name in ipairs {
		"wrapped", "nested", "after_nested", "texts", "replacements", "sorted",
	} do
		ok, err = break_loop(looper, name)
		check.equal(ok, false)
		check.match(err, "call failed$")
		check.equal(skynet.call(looper, "lua", "result"), "never ran")
		check.step(name)
	end
	break_twice(looper)
	check.step "twice"
	core.command("SIGNAL", skynet.address(looper) .. " 1")
	core.command("SIGNAL", skynet.address(looper) .. " 7")
	check.equal(skynet.call(looper, "lua", "result"), "never ran")
end)
