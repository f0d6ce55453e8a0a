-- Versions of shared tables: they go with their last reader, and no reader sees two at once.
--! config: thread = 4
--! differs: it looks at the native part, which is this house's

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"
local sharedata = require "skynet.sharedata"
local sharetable = require "skynet.sharetable"
local native = require "skynet.shared.native"

local mode = ...

local SIZE = 50
local UPDATES = 200

local function version(n)
	local t = { list = {}, deep = { { { n = n } } } }
	for i = 1, SIZE do
		t.list[i] = n
		t["key" .. i] = { n = n }
	end
	return t
end

-- Tells whether all of a table is one version, and which.
local function version_of(view)
	local n = view.deep[1][1].n
	for _, value in ipairs(view.list) do
		if value ~= n then
			return nil
		end
	end
	for key, value in pairs(view) do
		if type(key) == "string" and key:find "^key" and value.n ~= n then
			return nil
		end
	end
	return n
end

-- Reads all the time; keeps what it saw.
local function reader()
	local view, torn, last, falling = nil, 0, 0, 0
	check.serve {
		query = function(module, name)
			view = require("skynet." .. module).query(name)
		end,
		watch = function()
			skynet.fork(function()
				while last < UPDATES do
					local n = version_of(view)
					torn = torn + (n and 0 or 1)
					falling = falling + ((n or last) < last and 1 or 0)
					last = n or last
					skynet.yield()
				end
			end)
		end,
		update = function(name)
			sharetable.update(name)
		end,
		seen = function()
			return last, torn, falling
		end,
		n = function()
			return version_of(view)
		end,
	}
end

local function storm()
	sharedata.new("storm", version(0))
	local readers = {}
	for i = 1, 8 do
		readers[i] = check.helper "reader"
		skynet.call(readers[i], "lua", "query", "sharedata", "storm")
		skynet.call(readers[i], "lua", "watch")
	end
	for n = 1, UPDATES do
		sharedata.update("storm", version(n))
	end
	for _, service in ipairs(readers) do
		check.eventually(function()
			return skynet.call(service, "lua", "seen") == UPDATES
		end, "the last version arrives")
		local _, torn, falling = skynet.call(service, "lua", "seen")
		check.equal(torn, 0)
		check.equal(falling, 0)
		skynet.kill(service)
	end
end

local function number_of(daemon, name)
	return skynet.call(daemon, "lua", "query", name)
end

local function is_alive(number)
	local tree = native.open(number)
	if tree then
		native.close(tree)
		return true
	end
	return false
end

local function goes(number)
	check.eventually(function() return not is_alive(number) end, "the version goes")
end

local function versions_of_sharedata_go()
	local daemon = skynet.uniqueservice "sharedatad"
	sharedata.new("name", version(1))
	local view = sharedata.query "name"
	local service, killed = check.helper "reader", check.helper "reader"
	skynet.call(service, "lua", "query", "sharedata", "name")
	skynet.call(killed, "lua", "query", "sharedata", "name")
	check.equal(version_of(view), 1)
	local first = number_of(daemon, "name")
	check.ok(is_alive(first))
	skynet.kill(killed)
	sharedata.update("name", version(2))
	goes(first)
	local second = number_of(daemon, "name")
	sharedata.delete "name"
	check.equal(skynet.call(service, "lua", "n"), 2)
	check.ok(is_alive(second))
	check.equal(version_of(view), 2)
	skynet.kill(service)
	check.ok(is_alive(second))
	view = nil
	collectgarbage()
	collectgarbage()
	goes(second)
end

local function versions_of_sharetable_go()
	sharetable.loadtable("name", version(1))
	local first = number_of(sharetable.address, "name")
	local service, other = check.helper "reader", check.helper "reader"
	skynet.call(service, "lua", "query", "sharetable", "name")
	skynet.call(other, "lua", "query", "sharetable", "name")
	sharetable.loadtable("name", version(2))
	check.equal(skynet.call(service, "lua", "n"), 1)
	check.ok(is_alive(first))
	skynet.call(other, "lua", "update", "name")
	check.equal(skynet.call(other, "lua", "n"), 2)
	check.ok(is_alive(first))
	skynet.kill(service)
	goes(first)
	check.equal(skynet.call(other, "lua", "n"), 2)
end

-- A tree that nobody took goes with whoever offered it.
local function nothing_is_lost_on_the_way()
	local tree = native.build(version(1), "data")
	local number = native.offer(tree)
	check.ok(is_alive(number))
	check.ok(native.size(tree) > SIZE * 16)
	check.equal(native.users(tree), 0)
	native.close(tree)
	check.ok(not is_alive(number))
	check.raises_like("the tree has gone", native.view, tree, "data")
	check.equal(native.open(1 << 60), nil)
	check.raises_like("shared table expected", native.switch, {}, native.build({}, "data"))
	check.raises_like("shared table expected", native.tree, sharetable.query "name".deep)
end

if mode == "reader" then
	reader()
else
	check.main(function()
		storm()
		versions_of_sharedata_go()
		versions_of_sharetable_go()
		nothing_is_lost_on_the_way()
	end)
end
