-- skynet.sharetable: tables of all types, versions, and updates of what a service holds.

local check = require "check"
local skynet = require "skynet"
local sharetable = require "skynet.sharetable"

local mode = ...

local function reader()
	local tables = {}
	check.serve {
		query = function(name)
			tables[name] = sharetable.query(name)
		end,
		update = function(name)
			sharetable.update(name)
		end,
		get = function(name, ...)
			local value = tables[name]
			for _, key in ipairs { ... } do
				value = value[key]
			end
			return value
		end,
	}
end

local function content(t)
	local copy = {}
	for key, value in pairs(t) do
		copy[key] = type(value) == "table" and content(value) or value
	end
	return copy
end

local function loading_tables()
	local data = {
		1, 2, { "three" }, name = "text", [1.5] = "float key", [true] = "boolean key",
		[-3] = 3.25, sub = { empty = {} },
	}
	sharetable.loadtable("data", data)
	local t = sharetable.query "data"
	check.same(content(t), data)
	check.ok(t == sharetable.query "data")
	check.ok(t.sub == sharetable.query("data").sub)
	check.equal(#t, 3)
	check.equal(#t.sub.empty, 0)
	check.equal(t[3][1], "three")
	check.equal(t[1.5], "float key")
	check.equal(t[true], "boolean key")
	check.equal(t.missing, nil)
	check.equal(t[7.0], nil)
	check.equal(t[2.0], 2)
	check.ok(not getmetatable(t))
	check.equal(sharetable.query "never loaded", nil)
	check.same(skynet.unpack(skynet.packstring(t.sub)), { empty = {} })
end

local function walking()
	local t = sharetable.query "data"
	check.ok(next(t) ~= nil)
	check.equal(next(t.sub.empty), nil)
	local seen = {}
	for key, value in next, t do
		seen[key] = value
	end
	check.same(content(seen), content(t))
	local list = {}
	for _, value in ipairs(t) do
		list[#list + 1] = type(value)
	end
	check.same(list, { "number", "number", "table" })
	check.results({ "three" }, table.unpack(t[3]))
end

local function writing_raises()
	local t = sharetable.query "data"
	check.raises_like("attempt to index a table value", function() t.name = 1 end)
	check.raises_like("attempt to index a table value", function() t.new = 1 end)
	check.raises_like("attempt to index a table value", function() t.sub.empty[1] = 1 end)
	check.raises_like("metatable", setmetatable, t, {})
	check.equal(t.name, "text")
end

local function chunks_and_files()
	sharetable.loadstring("chunk", "local a, b = ... return { a = a, sum = a + b }", 3, 4)
	check.same(content(sharetable.query "chunk"), { a = 3, sum = 7 })
	local name = os.tmpname()
	local file = assert(io.open(name, "w"))
	file:write "return { from = 'file', ... }"
	file:close()
	sharetable.loadfile(name, true)
	check.same(content(sharetable.query(name)), { from = "file", true })
	sharetable.loadstring("by file", "@" .. name)
	check.equal(sharetable.query("by file").from, "file")
	os.remove(name)
	-- The chunk runs in a state of its own.
	sharetable.loadstring("own", "leak = 1 return { skynet = tostring(skynet), service = tostring(SERVICE_NAME) }")
	check.same(content(sharetable.query "own"), { skynet = "nil", service = "nil" })
	check.equal(rawget(_G, "leak"), nil)
end

local function functions()
	sharetable.loadstring("functions", "return { double = function(x) return x * 2 end, tostring = tostring }")
	local t = sharetable.query "functions"
	check.equal(t.double(21), 42)
	check.equal(t.double, t.double)
	check.equal(t.tostring(5), "5")
end

local function versions()
	local service = check.helper "reader"
	sharetable.loadtable("versions", { n = 1, sub = { x = 1, below = { 1 } } })
	skynet.call(service, "lua", "query", "versions")
	local old = sharetable.query "versions"
	local sub, below, holder = old.sub, old.sub.below, { [old] = "as key" }
	check.equal(below[1], 1)
	sharetable.loadtable("versions", { n = 2, sub = { x = 2 } })
	check.equal(old.n, 1)
	check.equal(below[1], 1)
	local new = sharetable.query "versions"
	check.equal(new.n, 2)
	check.equal(old.n, 1)
	check.ok(old ~= new)
	sharetable.update "versions"
	check.equal(old.n, 2)
	check.ok(old == new)
	check.ok(old == sharetable.query "versions")
	check.equal(sub.x, 2)
	check.ok(sub == new.sub)
	check.equal(holder[old], "as key")
	check.equal(skynet.call(service, "lua", "get", "versions", "n"), 1)
	check.equal(skynet.call(service, "lua", "get", "versions", "sub", "below", 1), 1)
	skynet.call(service, "lua", "update", "versions")
	check.equal(skynet.call(service, "lua", "get", "versions", "n"), 2)
	check.equal(skynet.call(service, "lua", "get", "versions", "sub", "below"), nil)
	-- What a removed table held cannot be had any more.
	check.ok(not pcall(function() return below[1] end))
	sharetable.update("never loaded", "versions")
end

local function parts_alone()
	sharetable.loadtable("part", { sub = { deep = { x = 1 } } })
	local deep = sharetable.query("part").sub.deep
	check.equal(deep.x, 1)
	collectgarbage()
	collectgarbage()
	sharetable.loadtable("part", { sub = { deep = { x = 2 } } })
	sharetable.update "part"
	check.equal(deep.x, 2)
end

local function all()
	sharetable.loadtable("one", { 1 })
	sharetable.loadtable("two", { 2 })
	local some = sharetable.queryall { "one", "two", "three" }
	check.same(content(some), { one = { 1 }, two = { 2 } })
	check.ok(some.one == sharetable.query "one")
	local every = sharetable.queryall()
	check.equal(every.two[1], 2)
	check.equal(every.data.name, "text")
end

local function info()
	local info = skynet.call(sharetable.address, "debug", "INFO")
	check.equal(type(info.one.size), "number")
	check.match(info.one.history, "%[%d+%]: %(" .. skynet.address(skynet.self()) .. "%)")
	check.ok(info.one.current)
end

local function wrong_data()
	check.raises("assertion failed!", sharetable.loadtable, "wrong", 3)
	for _, source in ipairs {
		"return 3", "return setmetatable({}, {})", "return { f = function() return _G end }",
		"return { co = coroutine.create(print) }", "return return", "error 'no'", "return nil",
		"return { [{}] = 1 }", "@/no/such/file",
	} do
		local ok, err = pcall(sharetable.loadstring, "wrong", source)
		check.ok(not ok and type(err) == "string", source)
	end
	check.ok(not pcall(sharetable.loadtable, "wrong", { f = function() end }))
	check.ok(not pcall(sharetable.loadstring, "wrong", "return { ... }", {}))
	check.equal(sharetable.query "wrong", nil)
end

if mode == "reader" then
	reader()
else
	check.main(function()
		loading_tables()
		walking()
		chunks_and_files()
		functions()
		versions()
		parts_alone()
		all()
		info()
		wrong_data()
		writing_raises()
	end)
end
