-- The making side of datasheets: publishes tables under names. The in-line service `datasheet`
-- keeps the current versions.

local skynet = require "skynet"
local service = require "skynet.service"
local native = require "skynet.shared.native"

-- What the service does. Its code travels, so it brings everything along.
local function datasheet_service()
	local skynet = require "skynet"
	local native = require "skynet.shared.native"

	-- name -> { tree, number, waiting = { response... } }
	local current = {}

	local command = {}

	function command.update(name, number)
		local old = current[name]
		current[name] = { tree = assert(native.open(number)), number = number, waiting = {} }
		if old then
			for _, response in ipairs(old.waiting) do
				response(true, number)
			end
			native.close(old.tree)
		end
	end

	function command.query(name)
		return assert(current[name], "create data first").number
	end

	local function monitor(name, number)
		local entry = assert(current[name], "create data first")
		if entry.number ~= number then
			skynet.retpack(entry.number)
		else
			entry.waiting[#entry.waiting + 1] = skynet.response()
		end
	end

	skynet.info_func(function()
		local info = {}
		for name, entry in pairs(current) do
			info[name] = { handle = entry.number, monitors = #entry.waiting }
		end
		return info
	end)

	skynet.start(function()
		skynet.dispatch("lua", function(_, _, name, ...)
			if name == "monitor" then
				monitor(...)
			else
				local f = assert(command[name], name)
				skynet.retpack(f(...))
			end
		end)
	end)
end

local builder = {}

local address

-- The names of this builder.
local own = {}

skynet.init(function()
	address = service.new("datasheet", datasheet_service)
end)

local function build(value)
	assert(type(value) == "table")
	return native.build(value, "sheet")
		or native.build(skynet.unpack(skynet.packstring(value)), "sheet")
end

local function publish(name, value)
	local tree = type(value) == "string" and native.decode(value) or build(value)
	skynet.call(address, "lua", "update", name, native.offer(tree))
	native.close(tree)
end

-- The value is a table, or a text made by `compile`.
function builder.new(name, value)
	assert(not own[name])
	publish(name, value)
	own[name] = true
end

function builder.update(name, value)
	assert(own[name])
	publish(name, value)
end

-- The document of a table: bytes that `new` and `update` take in its place.
function builder.compile(value)
	local tree = build(value)
	local document = native.encode(tree)
	native.close(tree)
	return document
end

return builder
