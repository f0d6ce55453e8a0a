-- `dbg <launcher command> [args]`: asks the launcher, prints what it says, and ends. For the
-- console on standard input: `dbg list`, `dbg stat`, `dbg mem`.

local skynet = require "skynet"
local render = require "skynet.console.render"

local words = { ... }

skynet.start(function()
	local ok, result = pcall(skynet.call, ".launcher", "lua", table.unpack(words))
	for _, line in ipairs(render.text(ok and result or { tostring(result) })) do
		print(line)
	end
	skynet.exit()
end)
