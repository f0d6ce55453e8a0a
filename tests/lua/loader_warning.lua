-- A broken file that a later one of the same name replaces is named in the log.
--! config: luaservice = luaservice .. ";@DIR@/?.lua"
--! differs: the reference passes over the broken file in silence
--! log: warning: a broken file was passed over: *broken_syntax.lua:3:

local check = require "check"
local skynet = require "skynet"

check.main(function()
	local file = assert(io.open(skynet.getenv("logpath") .. "/broken_syntax.lua", "w"))
	file:write [[require("skynet").start(function() end)]]
	file:close()
	check.ok(skynet.newservice "broken_syntax")
end)
