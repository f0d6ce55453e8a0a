-- Keeps the current versions of the tables of `skynet.sharedata`, and tells who waits for the next.

local skynet = require "skynet"
local cache = require "skynet.codecache"
local native = require "skynet.shared.native"

-- Files that make tables are read anew each time.
cache.mode "OFF"

-- Waiting services are looked through for dead ones whenever there are that many more.
local PRUNE_STEP <const> = 32

-- name -> { tree, number, waiting = { response... }, prune_at }
local current = {}

local command = {}

local function enter(name, tree)
	current[name] = {
		tree = tree,
		number = native.offer(tree),
		waiting = {},
		prune_at = PRUNE_STEP,
	}
end

-- Everybody hears of the next version before whoever made it does. The old one goes with its last
-- reader.
local function replace(name, tree)
	local old = current[name]
	enter(name, tree)
	if old then
		for _, response in ipairs(old.waiting) do
			response(true, current[name].number)
		end
		native.close(old.tree)
	end
end

local function run(chunk, ...)
	local globals = setmetatable({}, { __index = _ENV })
	debug.setupvalue(chunk, 1, globals)
	local result = chunk(...)
	return type(result) == "table" and result or setmetatable(globals, nil)
end

local function tree_of(value, ...)
	if value == nil then
		value = {}
	elseif type(value) == "string" then
		local chunk
		if value:sub(1, 1) == "@" then
			chunk = assert(loadfile(value:sub(2)))
		else
			chunk = assert(load(value, value))
		end
		value = run(chunk, ...)
	elseif type(value) ~= "table" then
		error("Unknown data type " .. type(value), 0)
	end
	return native.build(value, "data") or error("a table with __pairs can't be shared", 0)
end

-- Publishes what the value makes; what is wrong with it is told to whoever asked.
local function publish(enter_as, name, ...)
	local ok, tree = pcall(tree_of, ...)
	if not ok then
		return false, tree
	end
	enter_as(name, tree)
	return true
end

function command.new(name, ...)
	assert(not current[name], "the name is in use")
	return publish(enter, name, ...)
end

function command.update(name, ...)
	return publish(replace, name, ...)
end

function command.new_tree(name, number)
	assert(not current[name], "the name is in use")
	enter(name, assert(native.open(number)))
end

function command.update_tree(name, number)
	replace(name, assert(native.open(number)))
end

function command.delete(name)
	local old = assert(current[name], "no such name")
	current[name] = nil
	for _, response in ipairs(old.waiting) do
		response(true)
	end
	native.close(old.tree)
end

function command.query(name)
	return assert(current[name], name).number
end

-- Nothing is counted on the way, so there is nothing to confirm.
function command.confirm()
end

local function prune(entry)
	local alive = {}
	for _, response in ipairs(entry.waiting) do
		if response "TEST" then
			alive[#alive + 1] = response
		end
	end
	entry.waiting = alive
	entry.prune_at = #alive + PRUNE_STEP
end

-- Answers with the number of the next version, or with nothing when the name is deleted.
local function monitor(name, number)
	local entry = current[name]
	if not entry or entry.number ~= number then
		skynet.retpack(entry and entry.number)
		return
	end
	entry.waiting[#entry.waiting + 1] = skynet.response()
	if #entry.waiting > entry.prune_at then
		prune(entry)
	end
end

skynet.start(function()
	skynet.dispatch("lua", function(session, _, name, ...)
		if name == "monitor" then
			monitor(...)
			return
		end
		local f = assert(command[name], name)
		if session == 0 then
			f(...)
		else
			skynet.retpack(f(...))
		end
	end)
end)
