-- skynet.sharetable: what is wrong with a table is said to whoever wants to share it.
--! differs: there the caller hears `call failed`, and `rawset` changes the data of all services

local check = require "check"
local sharetable = require "skynet.sharetable"

local function loading(text, source)
	check.raises_like(text, sharetable.loadstring, "x", source)
end

check.main(function()
	loading("Not a table, it's a number%.$", "return 3")
	loading("Can't share metatable %(at %[%.a%.1%]%)$", "return { a = { setmetatable({}, {}) } }")
	loading("Invalid function with upvalue %(at %[%.f%]%)$", "return { f = function() return _G end }")
	loading("Invalid type %[thread%] %(at %[%.1%]%)$", "return { coroutine.create(print) }")
	loading("Invalid key table", "return { [{}] = 1 }")
	loading("contains itself", "local t = {} t.t = t return t")
	loading("unexpected symbol", "return return")
	loading("in the chunk", "error 'in the chunk'")
	loading("error object is a table value", "error {}")
	check.raises_like("/no/such/file", sharetable.loadfile, "/no/such/file")
	check.raises("Invalid type [function] (at [.f])", sharetable.loadtable, "x", { f = print })
	sharetable.loadtable("x", setmetatable({ a = 1, s = "text" }, { __index = { b = 2 } }))
	local t = sharetable.query "x"
	check.equal(t.b, nil)
	check.raises_like("attempt to change a shared table", rawset, t, "new", 1)
	check.raises_like("attempt to change a shared table", rawset, t, "a", 2)
	check.equal(t.a, 1)
	local plain = {}
	check.ok(rawset(plain, "key", 1) == plain)
	check.equal(plain.key, 1)
	check.equal(next(plain), "key")
	-- Views as content of other tables.
	sharetable.loadtable("copy", { t })
	check.equal(sharetable.query("copy")[1].s, "text")
end)
