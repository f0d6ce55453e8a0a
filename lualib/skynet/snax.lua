-- Typed remote calls: a snax service is a file of functions, and its callers hold an object with a
-- method for each of them.

local skynet = require "skynet"
local definition = require "snax.interface"

local PROTOCOL <const> = "snax"

skynet.register_protocol {
	name = PROTOCOL,
	id = skynet.PTYPE_SNAX,
	pack = skynet.pack,
	unpack = skynet.unpack,
}

local snax = {}

-- type -> interface
local interfaces = {}

-- What the main chunk of a snax file sees when a caller runs it to learn the names.
local function globals_of_callers()
	local module = skynet.getenv "snax_interface_g"
	return module and require(module) or { require = function() end }
end

function snax.interface(name)
	local interface = interfaces[name]
	if not interface then
		local main, functions = definition.load(name, globals_of_callers())
		main()
		interface = { name = name, accept = {}, response = {}, system = {} }
		for _, entry in ipairs(functions) do
			interface[entry.group][entry.name] = entry.id
		end
		interfaces[name] = interface
	end
	return interface
end

-- A table of methods that are made when they are first asked for.
local function methods(ids, message, make)
	return setmetatable({}, {
		__index = function(self, name)
			local id = ids[name] or error(string.format(message, tostring(name)), 2)
			local method = make(id)
			rawset(self, name, method)
			return method
		end,
	})
end

local object_meta = {
	__tostring = function(self)
		return string.format("[%s:%x]", self.type, self.handle)
	end,
}

local function object_of(handle, kind)
	local interface = snax.interface(kind)
	local object = { handle = handle, type = kind }
	object.post = methods(interface.accept, "post " .. kind .. ":%s no exist", function(id)
		return function(...)
			skynet.send(handle, PROTOCOL, id, ...)
		end
	end)
	object.req = methods(interface.response, "request " .. kind .. ":%s no exist", function(id)
		return function(...)
			return skynet.call(handle, PROTOCOL, id, ...)
		end
	end)
	return setmetatable(object, object_meta)
end

-- address -> object, as long as somebody uses it
local objects = setmetatable({}, { __mode = "v" })

function snax.bind(handle, kind)
	local object = objects[handle]
	if object then
		assert(object.type == kind)
	else
		object = object_of(handle, kind)
		objects[handle] = object
	end
	return object
end

local function system_call(object, name, ...)
	local id = snax.interface(object.type).system[name]
	return skynet.call(object.handle, PROTOCOL, id, ...)
end

function snax.rawnewservice(name, ...)
	local init = snax.interface(name).system.init
	local handle = skynet.newservice("snaxd", name)
	skynet.call(handle, PROTOCOL, init, ...)
	return handle
end

function snax.newservice(name, ...)
	return snax.bind(snax.rawnewservice(name, ...), name)
end

function snax.uniqueservice(name, ...)
	return snax.bind(assert(skynet.uniqueservice("snaxd", name, ...)), name)
end

function snax.globalservice(name, ...)
	return snax.bind(assert(skynet.uniqueservice(true, "snaxd", name, ...)), name)
end

function snax.queryservice(name)
	return snax.bind(assert(skynet.queryservice("snaxd", name)), name)
end

function snax.queryglobal(name)
	return snax.bind(assert(skynet.queryservice(true, "snaxd", name)), name)
end

function snax.self()
	return snax.bind(skynet.self(), SERVICE_NAME)
end

function snax.kill(object, ...)
	system_call(object, "exit", ...)
end

function snax.exit(...)
	snax.kill(snax.self(), ...)
end

local function results(ok, ...)
	if not ok then
		error((...), 0)
	end
	return ...
end

function snax.hotfix(object, source, ...)
	return results(system_call(object, "hotfix", source, ...))
end

function snax.profile_info(object)
	return system_call(object, "profile")
end

function snax.printf(format, ...)
	skynet.error(string.format(format, ...))
end

-- Lets this snax service take the same messages by the lua protocol, which is what other nodes send.
function snax.enablecluster()
	skynet.dispatch("lua", function(...)
		return skynet.dispatch(PROTOCOL)(...)
	end)
end

return snax
