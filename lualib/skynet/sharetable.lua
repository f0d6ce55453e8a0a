-- Lua tables that all services of a node read, one copy in memory. The in-line service
-- `sharetable` keeps the current versions.

local skynet = require "skynet"
local service = require "skynet.service"
local native = require "skynet.shared.native"

-- What the service does. Its code travels, so it brings everything along.
local function sharetable_service()
	local skynet = require "skynet"
	local native = require "skynet.shared.native"

	-- name -> { tree, number, clients = { address -> true } }
	local current = {}

	-- name -> the versions before, as far as somebody reads them
	local history = {}

	local command = {}

	local function read_by_somebody(versions)
		local found = {}
		for _, version in ipairs(versions) do
			local tree = native.open(version.number)
			if tree then
				native.close(tree)
				found[#found + 1] = version
			end
		end
		return found
	end

	local function enter(name, tree)
		local old = current[name]
		current[name] = {
			tree = tree,
			size = native.size(tree),
			number = native.offer(tree),
			clients = {},
		}
		if old then
			native.close(old.tree)
			old.tree = nil
			local versions = history[name] or {}
			table.insert(versions, 1, old)
			history[name] = read_by_somebody(versions)
		end
	end

	function command.publish(_, name, number)
		enter(name, assert(native.open(number)))
		return true
	end

	function command.run(_, name, source, ...)
		local ok, tree = pcall(native.run, source, ...)
		if not ok then
			return false, tree
		end
		enter(name, tree)
		return true
	end

	function command.query(source, name)
		local entry = current[name]
		if entry then
			entry.clients[source] = true
			return entry.number
		end
	end

	function command.queryall(source, names)
		local numbers = {}
		if names then
			for _, name in ipairs(names) do
				numbers[name] = command.query(source, name)
			end
		else
			for name in pairs(current) do
				numbers[name] = command.query(source, name)
			end
		end
		return numbers
	end

	local function line(version)
		local clients = {}
		for address in pairs(version.clients) do
			clients[#clients + 1] = skynet.address(address)
		end
		return string.format("%d [%d]: (%s)", version.number, version.size, table.concat(clients, ","))
	end

	skynet.info_func(function()
		local info = {}
		for name, entry in pairs(current) do
			local lines = { line(entry) }
			history[name] = read_by_somebody(history[name] or {})
			for _, version in ipairs(history[name]) do
				lines[#lines + 1] = line(version)
			end
			info[name] = {
				current = entry.number,
				size = entry.size,
				history = table.concat(lines, "\n\t"),
			}
		end
		return info
	end)

	skynet.start(function()
		skynet.dispatch("lua", function(_, source, name, ...)
			local f = assert(command[name], name)
			skynet.retpack(f(source, ...))
		end)
	end)
end

local sharetable = {}

local address

skynet.init(function()
	address = service.new("sharetable", sharetable_service)
	sharetable.address = address
	native.guard()
end)

-- name -> number of a version -> the view of it that `query` returns
local views = {}

-- name -> set of all views of any version
local all_views = {}

local function weak(tables, name, mode)
	local found = tables[name]
	if not found then
		found = setmetatable({}, { __mode = mode })
		tables[name] = found
	end
	return found
end

-- Returns the view of a version; nil when the version has gone.
local function view_of(name, number)
	local known = weak(views, name, "v")
	local view = known[number]
	if view then
		return view
	end
	local tree = native.open(number)
	if tree then
		view = native.view(tree, "table")
		native.close(tree)
		known[number] = view
		weak(all_views, name, "k")[view] = true
	end
	return view
end

function sharetable.query(name)
	while true do
		local number = skynet.call(address, "lua", "query", name)
		local view = number and view_of(name, number)
		-- A version can be replaced while its number is on the way.
		if view or not number then
			return view
		end
	end
end

function sharetable.queryall(names)
	local found = skynet.call(address, "lua", "queryall", names)
	for name, number in pairs(found) do
		found[name] = view_of(name, number) or sharetable.query(name)
	end
	return found
end

local function run(name, source, ...)
	local ok, text = skynet.call(address, "lua", "run", name, source, ...)
	if not ok then
		error(text, 3)
	end
end

function sharetable.loadfile(filename, ...)
	run(filename, "@" .. filename, ...)
end

function sharetable.loadstring(name, source, ...)
	run(name, source, ...)
end

function sharetable.loadtable(name, tbl)
	assert(type(tbl) == "table")
	local tree = native.build(tbl, "table")
		or native.build(skynet.unpack(skynet.packstring(tbl)), "table")
	skynet.call(address, "lua", "publish", name, native.offer(tree))
	native.close(tree)
end

local function update(name)
	local newest = sharetable.query(name)
	if not newest then
		return
	end
	local tree = native.tree(newest)
	for view in pairs(all_views[name]) do
		if not rawequal(view, newest) then
			native.switch(view, tree)
		end
	end
	native.close(tree)
end

-- Lets the views of older versions that this service has show the newest one.
function sharetable.update(...)
	for _, name in ipairs { ... } do
		update(name)
	end
end

return sharetable
