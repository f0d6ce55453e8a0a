-- skynet.sharedata: what is wrong with a table is said to whoever wants to share it.
--! differs: there the caller hears `call failed`, and the log of the service has the reason

local check = require "check"
local sharedata = require "skynet.sharedata"

check.main(function()
	local cycle = { sub = {} }
	cycle.sub.cycle = cycle
	check.raises("A table that contains itself can't be shared (at [.sub.cycle])",
		sharedata.new, "x", cycle)
	check.raises("Unsupport value type function (at [.a.2.f])",
		sharedata.new, "x", { a = { 1, { f = print } } })
	check.raises("Invalid key 1.5 (at [.sub])", sharedata.new, "x", { sub = { [1.5] = 1 } })
	local deep = {}
	for _ = 1, 200 do
		deep = { deep = deep }
	end
	check.raises_like("Tables nest deeper than 128", sharedata.new, "x", deep)
	check.raises_like("in the chunk", sharedata.new, "x", "error 'in the chunk'")
	check.raises_like("Unsupport value type function %(at %[%.f%]%)",
		sharedata.new, "x", "return { f = print }")
	check.raises_like("/no/such/file", sharedata.new, "x", "@/no/such/file")
	check.raises_like("Unknown data type number", sharedata.update, "x", 12)
	-- Large integers and integer keys are kept whole.
	sharedata.new("x", { [1 << 40] = "far" })
	check.equal(sharedata.query("x")[1 << 40], "far")
	-- The metatable is nobody's business.
	check.equal(getmetatable(sharedata.query "x"), false)
	check.raises("cannot change a protected metatable", setmetatable, sharedata.query "x", {})
end)
