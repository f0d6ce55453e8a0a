-- The log service of the test "log_service": writes "<writer> <text>" lines to a file.

local skynet = require "skynet"

local path = ...

local function write(text)
	local file = assert(io.open(path, "a"))
	file:write(text, "\n")
	file:close()
end

skynet.register_protocol {
	name = "text",
	id = skynet.PTYPE_TEXT,
	unpack = skynet.tostring,
	dispatch = function(_, address, text)
		write(address .. " " .. text)
	end,
}

skynet.register_protocol {
	name = "SYSTEM",
	id = skynet.PTYPE_SYSTEM,
	unpack = function(_, sz)
		return sz
	end,
	dispatch = function(session, _, size)
		write("hangup " .. session .. " " .. size)
	end,
}

skynet.start(function() end)
