-- Documents: the bytes of a datasheet. The page on the Lua API has their format.

local native = require "skynet.shared.native"

local dump = {}

-- Returns the document of a table.
function dump.dump(value)
	assert(type(value) == "table")
	local tree = native.build(value, "sheet")
	local document = native.encode(tree)
	native.close(tree)
	return document
end

-- Returns the table of a document.
function dump.undump(document)
	local tree = native.decode(document)
	local value = native.copy(tree)
	native.close(tree)
	return value
end

-- Returns the document of `current` in which tables have the numbers that they have in `last`, as
-- far as they were there.
function dump.diff(last, current)
	local before, after = native.decode(last), native.decode(current)
	local document = native.encode(after, before)
	native.close(before)
	native.close(after)
	return document
end

return dump
