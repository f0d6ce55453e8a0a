-- skynet.sharedata: views of one copy, new versions, and what cannot be shared.

local check = require "check"
local skynet = require "skynet"
local sharedata = require "skynet.sharedata"

local mode = ...

-- A reader in another service.
local function reader()
	local view
	check.serve {
		query = function(name)
			view = sharedata.query(name)
		end,
		get = function(...)
			local value = view
			for _, key in ipairs { ... } do
				value = value[key]
			end
			return value
		end,
	}
end

local function keys_of(t)
	local count = 0
	for _ in pairs(t) do
		count = count + 1
	end
	return count
end

local function reading()
	sharedata.new("read", {
		10, 20, 30,
		text = "some text", yes = true, no = false, half = 1.5, big = 1 << 40, [-7] = "seven",
		sub = { deep = { "a", "b" }, empty = {} },
	})
	local view = sharedata.query "read"
	check.equal(view, sharedata.query "read")
	check.equal(type(view), "table")
	check.equal(#view, 3)
	check.equal(view[1], 10)
	check.equal(view.text, "some text")
	check.equal(view.yes, true)
	check.equal(view.no, false)
	check.equal(view.half, 1.5)
	check.equal(view.big, 1 << 40)
	check.equal(view[-7], "seven")
	check.equal(view.missing, nil)
	check.equal(view[nil], nil)
	check.equal(view[4], nil)
	check.equal(view.sub, view.sub)
	check.equal(view.sub.deep[2], "b")
	check.equal(#view.sub.deep, 2)
	check.equal(#view.sub.empty, 0)
	check.equal(next({}, nil), nil)
	check.equal(keys_of(view), 10)
	check.equal(keys_of(view.sub.empty), 0)
	local list = {}
	for i, value in ipairs(view) do
		list[i] = value
	end
	check.same(list, { 10, 20, 30 })
	check.equal(table.concat(view.sub.deep, ","), "a,b")
	check.results({ "a", "b" }, table.unpack(view.sub.deep))
	-- The array comes first.
	local order = {}
	for key in pairs(view) do
		order[#order + 1] = key
	end
	check.same({ order[1], order[2], order[3] }, { 1, 2, 3 })
	-- Views that were touched before the walk are the ones it shows.
	for key, value in pairs(view) do
		check.equal(value, view[key])
	end
	check.same(skynet.unpack(skynet.packstring(view.sub)), { deep = { "a", "b" }, empty = {} })
end

local function large_tables()
	local large = {}
	for i = 1, 1000 do
		large[i] = { id = i }
		large["key" .. i] = i
	end
	sharedata.new("large", large)
	local view = sharedata.query "large"
	check.equal(view[500].id, 500)
	check.equal(view.key77, 77)
	local touched = view[500]
	local sum = 0
	for key, value in pairs(view) do
		sum = sum + (type(value) == "table" and value.id or value)
		check.equal(type(value) == "table" and value.id or value, tonumber(tostring(key):match "%d+"))
	end
	check.equal(sum, 1001000)
	check.ok(touched == view[500])
end

local function writing_raises()
	local view = sharedata.query "read"
	check.raises("Error newindex, the key []", function() view.new = 1 end)
	check.raises("Error newindex, the key []", function() view.text = 1 end)
	check.raises("Error newindex, the key [.sub]", function() view.sub.deep = 1 end)
	check.raises("Error newindex, the key [.sub.deep]", function() view.sub.deep[1] = 1 end)
	check.raises("Error newindex, the key [.sub.deep]", function() table.insert(view.sub.deep, 1) end)
	check.equal(view.text, "some text")
end

local function odd_keys_raise()
	local view = sharedata.query "read"
	for _ = 1, 2 do
		check.raises("Invalid key 1.5", function() return view[1.5] end)
		check.raises_like("string expected, got boolean", function() return view[true] end)
		for _ in pairs(view) do
			break
		end
	end
end

local function updates()
	sharedata.new("versions", { n = 1, sub = { x = 1, below = { "old" } }, other = { y = 1 } })
	local service = check.helper "reader"
	skynet.call(service, "lua", "query", "versions")
	local view = sharedata.query "versions"
	-- The service begins to watch at its first yield.
	skynet.yield()
	local sub, other, below = view.sub, view.other, view.sub.below
	check.equal(other.y, 1)
	check.equal(below[1], "old")
	sharedata.update("versions", { n = 2, sub = { x = 2, below = { "new", "newer" } } })
	check.equal(view.n, 2)
	check.equal(sub, view.sub)
	check.equal(sub.x, 2)
	check.equal(below, view.sub.below)
	check.equal(#below, 2)
	check.equal(below[2], "newer")
	check.equal(view.other, nil)
	local gone = "The key [.other] doesn't exist after update"
	check.raises(gone, function() return other.y end)
	check.raises(gone, function() return #other end)
	check.raises(gone, function() for _ in pairs(other) do end end)
	check.eventually(function()
		return skynet.call(service, "lua", "get", "n") == 2
	end, "the other service sees the version")
	check.equal(skynet.call(service, "lua", "get", "sub", "below", 2), "newer")
	sharedata.update("versions", { n = 3, other = { y = 3 }, sub = "no table" })
	check.equal(view.other.y, 3)
	check.equal(view.sub, "no table")
	check.raises("The key [.sub.below] doesn't exist after update", function() return below[1] end)
end

-- Whoever keeps a part only hears of updates as well.
local function parts_alone()
	sharedata.new("part", { sub = { deep = { x = 1 } } })
	local deep = sharedata.query("part").sub.deep
	check.equal(deep.x, 1)
	skynet.yield()
	collectgarbage()
	collectgarbage()
	sharedata.update("part", { sub = { deep = { x = 2 } } })
	check.eventually(function() return deep.x == 2 end, "the part is updated")
end

-- A stretch of code that does not yield sees one version.
local function one_version_at_a_time()
	sharedata.new("stretch", { 1, 1, 1 })
	local view = sharedata.query "stretch"
	local update = check.background(sharedata.update, "stretch", { 2, 2, 2 })
	local torn = false
	for _ = 1, 200 do
		local first = view[1]
		for _, value in ipairs(view) do
			torn = torn or value ~= first
		end
		skynet.yield()
	end
	check.outcome(update)
	check.equal(torn, false)
	check.equal(view[3], 2)
end

local function names()
	check.raises_like("call failed", sharedata.query, "unknown")
	check.raises_like("call failed", sharedata.delete, "unknown")
	sharedata.new("name", { 1 })
	check.raises_like("call failed", sharedata.new, "name", { 2 })
	local view = sharedata.query "name"
	skynet.yield()
	sharedata.delete "name"
	check.equal(view[1], 1)
	check.raises_like("call failed", sharedata.query, "name")
	sharedata.new("name", { 3 })
	check.equal(sharedata.query("name")[1], 3)
	check.equal(view[1], 1)
	sharedata.update("created", { "by update" })
	check.equal(sharedata.query("created")[1], "by update")
	sharedata.new "nothing"
	check.equal(keys_of(sharedata.query "nothing"), 0)
end

local function texts_and_files()
	sharedata.new("globals", "a = 1; b = { ... }; c = math.max(4, 7)", "x", "y")
	local view = sharedata.query "globals"
	check.equal(view.a, 1)
	check.equal(view.b[2], "y")
	check.equal(view.c, 7)
	check.equal(keys_of(view), 3)
	sharedata.new("returned", "hidden = 1; return { value = ... }", 5)
	check.equal(sharedata.query("returned").value, 5)
	check.equal(sharedata.query("returned").hidden, nil)
	local name = os.tmpname()
	local file = assert(io.open(name, "w"))
	file:write "return { from = 'file' }"
	file:close()
	sharedata.new("file", "@" .. name)
	os.remove(name)
	check.equal(sharedata.query("file").from, "file")
end

local function copies()
	local copy = sharedata.deepcopy "read"
	check.equal(copy.sub.deep[1], "a")
	copy.sub.deep[1] = "changed"
	check.equal(getmetatable(copy), nil)
	check.equal(sharedata.query("read").sub.deep[1], "a")
	check.results({ "b" }, sharedata.deepcopy("read", "sub", "deep", 2))
	check.same(sharedata.deepcopy("read", "sub", "deep"), { "a", "b" })
	check.equal((sharedata.deepcopy("read", "missing", "below")), nil)
	check.equal((sharedata.deepcopy("globals", "a")), 1)
end

local function metatables_are_passed_over()
	sharedata.new("meta", setmetatable({ a = 1 }, { __index = { b = 2 } }))
	local view = sharedata.query "meta"
	check.equal(view.a, 1)
	check.equal(view.b, nil)
	-- Views are data like any other.
	sharedata.new("again", { copy = sharedata.query "read" })
	check.equal(sharedata.query("again").copy.sub.deep[2], "b")
end

local function wrong_data()
	for _, value in ipairs { 12, true } do
		check.ok(not pcall(sharedata.new, "wrong", value))
	end
	for _, value in ipairs {
		{ [1.5] = 1 }, { [true] = 1 }, { sub = { f = print } }, { co = coroutine.create(print) },
		"no lua at all", "error 'in the chunk'", "return { f = print }", "@/no/such/file",
	} do
		local ok, err = pcall(sharedata.new, "wrong", value)
		check.ok(not ok and type(err) == "string")
	end
	local cycle = {}
	cycle.cycle = cycle
	check.ok(not pcall(sharedata.new, "wrong", cycle))
	check.ok(not pcall(sharedata.query, "wrong"))
	sharedata.new("right", { 1 })
	check.equal(sharedata.query("right")[1], 1)
	sharedata.flush()
end

if mode == "reader" then
	reader()
else
	check.main(function()
		reading()
		large_tables()
		writing_raises()
		odd_keys_raise()
		updates()
		parts_alone()
		one_version_at_a_time()
		names()
		texts_and_files()
		copies()
		metatables_are_passed_over()
		wrong_data()
	end)
end
