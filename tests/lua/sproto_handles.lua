-- sproto: handles keep what they refer to, whatever is deleted or collected.
--! differs: there a handle is an address, which lives as long as nobody frees it

local check = require "check"
local sproto = require "sproto"
local core = require "sproto.core"
local parser = require "sprotoparser"

check.main(function()
	local sp = sproto.parse ".A { x 0 : integer a 1 : A }"
	local handle = core.querytype(sp.__cobj, "A")
	core.deleteproto(sp.__cobj)
	check.raises_like("Need a sproto object", core.querytype, sp.__cobj, "A")
	check.raises_like("Need a sproto object", core.deleteproto, sp.__cobj)
	sp = nil
	collectgarbage()
	local bytes = core.encode(handle, { x = 1, a = { x = 2 } })
	check.results({ { x = 1, a = { x = 2 } }, #bytes }, core.decode(handle, bytes))
	check.same(core.default(handle), { x = 0, a = { __type = "A" } })

	-- What is no handle of a type is refused.
	check.results({}, core.decode(nil, bytes))
	check.results({}, core.decode(io.stdout, bytes))
	check.raises_like("Need a sproto type", core.encode, io.stdout, {})
	check.raises_like("nil expected", core.encode, nil, {})

	-- Clear words where the reference trips over its own code.
	check.raises("protocols need a type: the schema has none", parser.parse, "f 1 {}")
	local digits = ".A { name 0 : string(2) }"
	check.raises("field name: only integers can have decimal digits", parser.parse, digits)
	local key = ".A { name 0 : *string(k) }"
	check.raises("field name: only an array of structs can have a key", parser.parse, key)
end)
