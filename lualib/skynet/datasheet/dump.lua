-- The document of a table: see the page on the Lua API for its format.

local native = require "skynet.shared.native"

local dump = {}

function dump.dump(value)
	assert(type(value) == "table")
	local tree = native.build(value, "sheet")
	return native.encode(tree)
end

return dump
