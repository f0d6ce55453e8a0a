-- LOGON and LOGOFF: the messages of one service in a file.

local check = require "check"
local skynet = require "skynet"
local core = require "skynet.core"

check.main(function()
	local echo = skynet.newservice "echo"
	local key = skynet.address(echo)
	local path = string.format("%s/%08x.log", skynet.getenv "logpath", echo)
	core.command("LOGON", key)
	check.logged("Open log file " .. path .. "\n")
	check.equal(skynet.call(echo, "lua", "x", 1), "x")
	skynet.send(echo, "lua")
	skynet.call(echo, "lua", "x", 1)
	core.command("LOGOFF", key)
	check.logged("Close log file " .. key .. "\n")
	skynet.call(echo, "lua", "not logged")
	local file = assert(io.open(path))
	check.match(file:read "l", "^open time: %d+ %a+ %a+ +%d+ %d+:%d+:%d+ %d+$")
	check.match(file:read "l", "^:00000008 10 %d+ %d+ 0c780a01$")
	check.match(file:read "l", "^:00000008 10 0 %d+ $")
	check.match(file:read "l", "^:00000008 10 %d+ %d+ 0c780a01$")
	check.match(file:read "l", "^close time: %d+$")
	check.equal(file:read "l", nil)
	file:close()
end)
