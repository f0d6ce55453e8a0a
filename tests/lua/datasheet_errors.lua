-- skynet.datasheet: what is wrong with a table or a document is said.
--! differs: there the texts are `assertion failed!`, and documents are not checked

local check = require "check"
local builder = require "skynet.datasheet.builder"

check.main(function()
	check.raises("Invalid key 7 (at [.sub])", builder.new, "x", { sub = { [7] = 1 } })
	check.raises("Unsupport value function (at [.f])", builder.new, "x", { f = print })
	check.raises("Unsupport value string with a NUL (at [.1])", builder.compile, { "\0" })
	local cycle = {}
	cycle[1] = cycle
	check.raises("A table that contains itself can't be shared (at [.1])", builder.compile, cycle)
	local document = builder.compile { a = { b = "text" } }
	for length = 0, #document - 1 do
		check.raises_like("Invalid datasheet", builder.new, "x", document:sub(1, length))
	end
	builder.new("x", document)
end)
