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
	core.command("SIGNAL", skynet.address(looper) .. " 1")
	core.command("SIGNAL", skynet.address(looper) .. " 7")
	check.equal(skynet.call(looper, "lua", "result"), "never ran")
end)
