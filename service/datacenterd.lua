-- Holds the tree of values of `skynet.datacenter`.

local skynet = require "skynet"

local root = {}

-- A tree of the same shape: the leaves are lists of response closures that wait for the path.
local waiting = {}
local LEAF = {} -- marks a list of response closures

local command = {}

local function branch_of(value)
	assert(type(value) == "table", "the path goes through a value")
	return value
end

function command.QUERY(...)
	local node = root
	for i = 1, select("#", ...) do
		if type(node) == "string" then
			return nil -- as an index of a string gives in Lua
		end
		node = branch_of(node)[select(i, ...)]
		if node == nil then
			return nil
		end
	end
	if node ~= root then
		return node
	end
end

-- Stores a value, returns the old one.
local function store(path, count, value)
	local node = root
	for i = 1, count - 1 do
		local child = node[path[i]]
		if child == nil then
			child = {}
			node[path[i]] = child
		end
		node = branch_of(child)
	end
	local old = node[path[count]]
	node[path[count]] = value
	return old
end

local function answer_all(list, ok, value)
	for _, respond in ipairs(list) do
		respond(ok, value)
	end
end

-- Answers the waiters at this node of the waiting tree, and those below it that the value reaches.
local function wake(node, value)
	if node[LEAF] then
		answer_all(node, true, value)
		return true
	end
	for key, child in pairs(node) do
		if type(value) == "table" and value[key] ~= nil and wake(child, value[key]) then
			node[key] = nil
		end
	end
	return next(node) == nil
end

-- Waiters of the path get the value; waiters of a prefix of it fail.
local function notify(path, count, value)
	local node = waiting
	for i = 1, count do
		local key = path[i]
		local child = node[key]
		if child == nil then
			return
		elseif i == count then
			if wake(child, value) then
				node[key] = nil
			end
		elseif child[LEAF] then
			node[key] = nil
			answer_all(child, false)
			return
		end
		node = child
	end
end

function command.UPDATE(...)
	local path = { ... }
	local count = select("#", ...) - 1
	assert(count > 0, "a path is needed")
	local value = select(-1, ...)
	path[count + 1] = nil
	local old = store(path, count, value)
	if value ~= nil then
		notify(path, count, value)
	end
	return old
end

local function wait(...)
	local node = waiting
	local count = select("#", ...)
	assert(count > 0, "a path is needed")
	for i = 1, count do
		local key = select(i, ...)
		local child = node[key]
		if child == nil then
			child = i == count and { [LEAF] = true } or {}
			node[key] = child
		end
		-- A path that is waited for is a leaf.
		assert((i == count) == (child[LEAF] == true), "somebody waits for a part of the path")
		node = child
	end
	table.insert(node, skynet.response())
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		if name ~= "WAIT" then
			local f = assert(command[name], name)
			return skynet.retpack(f(...))
		end
		local value = command.QUERY(...)
		if value ~= nil then
			return skynet.retpack(value)
		end
		wait(...)
	end)
end)
