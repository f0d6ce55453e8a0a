-- The module `skynet`: the native functions of the runtime, and what is rarely used in Lua. A
-- function that is missing in the native part is taken from `skynet.lazy.api` at its first use,
-- so a small service does not pay memory for it.

local skynet = require "skynet.native"

require "skynet.native.internal".set_start_hook(require "skynet.require".init_all)

skynet.register_protocol {
	name = "debug",
	id = skynet.PTYPE_DEBUG,
	pack = skynet.pack,
	unpack = skynet.unpack,
	dispatch = function(session, source, ...)
		require "skynet.debug".dispatch(session, source, ...)
	end,
}

return setmetatable(skynet, {
	__index = function(_, name)
		local value = require "skynet.lazy.api"[name]
		rawset(skynet, name, value)
		return value
	end,
})
