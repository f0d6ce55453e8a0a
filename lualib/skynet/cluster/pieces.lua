-- Bytes of a connection that have been read and not been used, as they came: for clusterdoor.

local pieces = {}

-- More pieces than this become one: strangers who send byte by byte hold no more than their bytes.
local COUNT_MAX <const> = 64

function pieces.new()
	return { size = 0 }
end

local function join(held)
	local text = table.concat(held)
	for at = 2, #held do
		held[at] = nil
	end
	held[1] = text
	return text
end

function pieces.add(held, text)
	held.size = held.size + #text
	table.insert(held, text)
	if #held > COUNT_MAX then
		join(held)
	end
end

-- Returns the first bytes, as many as there are of so many.
function pieces.peek(held, count)
	local first = held[1] or ""
	if #first < count then
		first = join(held)
	end
	return string.sub(first, 1, count)
end

-- Returns the first packet without its length, nil when there is no whole one. It stays.
function pieces.packet(held)
	if held.size >= 2 then
		local len = string.unpack(">I2", pieces.peek(held, 2))
		if held.size >= len + 2 then
			return string.sub(join(held), 3, len + 2)
		end
	end
end

-- Takes so many bytes off.
function pieces.drop(held, count)
	held[1] = string.sub(join(held), count + 1)
	held.size = held.size - count
end

-- Returns all bytes.
pieces.all = join

return pieces
