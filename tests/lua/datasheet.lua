-- skynet.datasheet: tables that fill themselves, new versions in place, and the document.

local check = require "check"
local skynet = require "skynet"
local builder = require "skynet.datasheet.builder"
local datasheet = require "skynet.datasheet"

local mode = ...

local function reader()
	local sheet
	check.serve {
		query = function(name)
			sheet = datasheet.query(name)
		end,
		get = function(...)
			local value = sheet
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

local function reading()
	local data = { 1, "two", { 3 }, name = "text", yes = true, no = false, sub = { deep = { x = -5 } } }
	builder.new("read", data)
	local sheet = datasheet.query "read"
	check.ok(sheet == datasheet.query "read")
	check.equal(#sheet, 3)
	check.equal(sheet.sub.deep.x, -5)
	check.equal(sheet.missing, nil)
	check.same(content(sheet), data)
	local first
	for key in pairs(datasheet.query("read").sub) do
		first = key
	end
	check.equal(first, "deep")
	-- Once filled they are plain tables.
	check.equal(rawget(sheet, "name"), "text")
	check.ok(next(sheet) ~= nil)
	sheet.own = "written here"
	check.equal(sheet.own, "written here")
end

local function numbers()
	builder.new("numbers", { float = 1.1, big = 1 << 40, small = -(1 << 31), edge = (1 << 31) - 1, over = 1 << 31 })
	local sheet = datasheet.query "numbers"
	check.equal(sheet.float, 1.1000000238418579)
	check.equal(sheet.big, 2.0 ^ 40)
	check.equal(sheet.small, -(1 << 31))
	check.equal(sheet.edge, (1 << 31) - 1)
	check.equal(sheet.over, 2.0 ^ 31)
end

local function updates()
	builder.new("versions", { a = 1, sub = { x = 1, below = { y = 1 } }, never = { touched = 1 } })
	local service = check.helper "reader"
	skynet.call(service, "lua", "query", "versions")
	check.equal(skynet.call(service, "lua", "get", "sub", "x"), 1)
	local sheet = datasheet.query "versions"
	local sub, below, never = sheet.sub, sheet.sub.below, sheet.never
	check.equal(below.y, 1)
	sheet.own = 1
	builder.update("versions", { b = 2, sub = { x = 2 }, never = { touched = 2 } })
	check.eventually(function() return sheet.b == 2 end, "the update arrives")
	check.equal(sheet.a, nil)
	check.equal(sheet.own, nil)
	check.ok(sheet.sub == sub)
	check.equal(sub.x, 2)
	check.equal(never.touched, 2)
	check.raises_like("Invalid proxy %(index = %d+%)", function() return below.y end)
	check.raises_like("Invalid proxy %(index = %d+%)", function() return #below end)
	check.eventually(function()
		return skynet.call(service, "lua", "get", "sub", "x") == 2
	end, "the other service sees it")
	builder.update("versions", { sub = 7 })
	check.eventually(function() return sheet.sub == 7 end, "the next update arrives")
	check.raises_like("Invalid proxy", function() return sub.x end)
end

local function documents()
	local document = builder.compile { a = 1 }
	check.equal(document, "\x20\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0a\0")
	builder.new("document", builder.compile { 1, 2, sub = { yes = true, 1.5 } })
	check.same(content(datasheet.query "document"), { 1, 2, sub = { yes = true, 1.5 } })
	builder.update("document", builder.compile {})
	check.eventually(function() return next(content(datasheet.query "document")) == nil end, "it is empty")
	local dump = require "skynet.datasheet.dump"
	check.equal(dump.dump { a = 1 }, document)
	check.same(dump.undump(document), { a = 1 })
	check.same(dump.undump(builder.compile { "x", { y = 0.5 }, no = false }), { "x", { y = 0.5 }, no = false })
	-- Tables keep their numbers, so that readers find theirs again.
	local before = dump.dump { sub = { x = 1 } }
	local after = dump.diff(before, dump.dump { a = { 1 }, sub = { x = 2 } })
	check.same(dump.undump(after), { a = { 1 }, sub = { x = 2 } })
end

local function names()
	check.raises("assertion failed!", builder.new, "read", {})
	check.raises("assertion failed!", builder.update, "unknown", {})
	check.raises("call failed", datasheet.query, "unknown")
	builder.new("unknown", { 1 })
	check.raises("call failed", datasheet.query, "unknown")
end

local function wrong_data()
	for _, value in ipairs { { [1.5] = 1 }, { [7] = 1 }, { [true] = 1 }, { f = print } } do
		local ok, err = pcall(builder.new, "wrong", value)
		check.ok(not ok and type(err) == "string")
	end
	check.ok(not pcall(builder.new, "wrong", 3))
	builder.new("wrong", { "right" })
	check.equal(datasheet.query("wrong")[1], "right")
end

if mode == "reader" then
	reader()
else
	check.main(function()
		reading()
		numbers()
		updates()
		documents()
		names()
		wrong_data()
	end)
end
