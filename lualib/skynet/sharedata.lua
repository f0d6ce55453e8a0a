-- Structured data that all services of a node read, one copy in memory. The service `sharedatad`
-- keeps the current versions; a coroutine for each name that was queried here waits for the next.

local skynet = require "skynet"
local native = require "skynet.shared.native"

local sharedata = {}

local daemon

-- name -> the view of this service
local views = setmetatable({}, { __mode = "v" })

-- Names that a coroutine of this service watches.
local watched = {}

skynet.init(function()
	daemon = skynet.uniqueservice "sharedatad"
end)

-- Returns the current tree of a name, and its number.
local function current(name)
	while true do
		local number = skynet.call(daemon, "lua", "query", name)
		local tree = native.open(number)
		-- It has gone when a newer version came in between.
		if tree then
			return tree, number
		end
	end
end

-- Shows each new version in the view, as long as there is one.
local function watch(name, number)
	repeat
		local ok, newer = pcall(skynet.call, daemon, "lua", "monitor", name, number)
		local view = views[name]
		local tree = ok and newer and view and native.open(newer)
		if tree then
			native.switch(view, tree)
			native.close(tree)
		end
		number = newer
	until not (ok and newer and view)
	watched[name] = nil
	if not number then
		views[name] = nil
	end
end

function sharedata.query(name)
	local view = views[name]
	if view then
		return view
	end
	local tree, number = current(name)
	-- Somebody else may have been faster.
	view = views[name]
	if not view then
		view = native.view(tree, "data")
		views[name] = view
		if not watched[name] then
			watched[name] = true
			skynet.fork(watch, name, number)
		end
	end
	native.close(tree)
	return view
end

-- Hands a table over as a tree, anything else as it is. What a `__pairs` has to say is asked by
-- packing.
local function publish(command, name, value, ...)
	if type(value) ~= "table" then
		local ok, text = skynet.call(daemon, "lua", command, name, value, ...)
		if not ok then
			error(text, 3)
		end
		return
	end
	local tree = native.build(value, "data")
		or native.build(skynet.unpack(skynet.packstring(value)), "data")
	skynet.call(daemon, "lua", command .. "_tree", name, native.offer(tree))
	native.close(tree)
end

-- The value is a table; or a text, which is Lua code that makes one; or "@" and the name of such a
-- file.
function sharedata.new(name, value, ...)
	publish("new", name, value, ...)
end

function sharedata.update(name, value, ...)
	publish("update", name, value, ...)
end

function sharedata.delete(name)
	skynet.call(daemon, "lua", "delete", name)
	views[name] = nil
end

-- Views always show the version that this service knows of, so only garbage is left to do.
function sharedata.flush()
	collectgarbage()
end

-- A plain copy of what is at a path of keys.
function sharedata.deepcopy(name, ...)
	local view = views[name]
	local tree = view and native.tree(view) or current(name)
	return native.copy(tree, ...)
end

return sharedata
