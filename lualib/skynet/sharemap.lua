-- skynet.sharemap: a table that one service writes and others read. Each commit is one sproto
-- message in a block that all readers share (skynet.stm).

local stm = require "skynet.stm"
local sprotoloader = require "sprotoloader"

local sharemap = {}

-- Where the schema of all services is.
local SLOT = 0

local loaded

local function schema()
	loaded = loaded or sprotoloader.load(SLOT)
	return loaded
end

-- Loads the file of the schema, for all services.
function sharemap.register(filename)
	sprotoloader.register(filename, SLOT)
	loaded = nil
end

-- Returns the fields of `object` with commit, which publishes them, and copy, which returns what
-- another service needs to read them.
function sharemap.writer(typename, object)
	local fields = object or {}
	local block = stm.new(schema():encode(typename, fields))
	local methods = {}
	function methods:commit()
		block(schema():encode(typename, self))
	end
	function methods:copy()
		return stm.copy(block)
	end
	return setmetatable(fields, { __index = methods })
end

local function refuse(_, name)
	error(("sharemap: the field %s belongs to its writer"):format(tostring(name)), 2)
end

-- Returns a view of what a writer has published, as of the last update.
function sharemap.reader(typename, copy)
	local block = stm.newcopy(copy)
	local fields = {}
	local methods = {}
	local function decode(pointer, size)
		fields = schema():decode(typename, pointer, size)
	end
	function methods:update()
		return block(decode)
	end
	methods:update()
	return setmetatable({}, {
		__index = function(_, name)
			local value = fields[name]
			if value == nil then
				return methods[name]
			end
			return value
		end,
		__newindex = refuse,
		__pairs = function()
			return next, fields
		end,
	})
end

return sharemap
