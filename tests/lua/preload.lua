-- Config key preload: a file that runs in every Lua service before its main chunk.
--! config: preload = "@TESTS@/service/preloaded.lua"

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "other" then
	check.serve {
		seen = function()
			return PRELOADED
		end,
	}
	return
end

check.main(function()
	check.same(PRELOADED, { n = 1, "preload" })
	local seen = skynet.call(check.helper("other", "x"), "lua", "seen")
	check.same(seen, { n = 3, "preload", "other", "x" })
	check.equal(LUA_PRELOAD, nil)
end)
