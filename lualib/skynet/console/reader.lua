-- Reads lines and blocks from a socket, with a limit: a peer that sends a megabyte without a line
-- end must not fill the memory of the console. Used by skynet.console.session.

local socket = require "skynet.socket"

local reader = {}
reader.__index = reader

-- Takes more of the input; false when the peer has closed.
local function fill(self)
	local bytes = socket.read(self.fd)
	if not bytes then
		return false
	end
	self.buffer = self.buffer .. bytes
	return true
end

-- Returns the text in front of `separator`; nil, "closed" or nil, "too long" when there is none.
function reader:before(separator, limit)
	local from = 1
	while true do
		local first, last = self.buffer:find(separator, from, true)
		if first and first - 1 <= limit then
			local text = self.buffer:sub(1, first - 1)
			self.buffer = self.buffer:sub(last + 1)
			return text
		elseif #self.buffer > limit + #separator then
			return nil, "too long"
		end
		from = math.max(1, #self.buffer - #separator + 2)
		if not fill(self) then
			return nil, "closed"
		end
	end
end

-- Returns exactly so many bytes, or nil when the peer closes before.
function reader:bytes(count)
	while #self.buffer < count do
		if not fill(self) then
			return nil
		end
	end
	local text = self.buffer:sub(1, count)
	self.buffer = self.buffer:sub(count + 1)
	return text
end

return function(fd)
	return setmetatable({ fd = fd, buffer = "" }, reader)
end
