-- sproto: typed messages in few bytes, and requests and responses made of them. The codec is native
-- (sproto.core); here is what applications see of it.

local core = require "sproto.core"
local sprotoparser = require "sprotoparser"

local encode, decode = core.encode, core.decode

local sproto = {}
local host = {}
local object = { __index = sproto }
local owner = { __index = sproto }
local host_metatable = { __index = host }

-- The key of a type that is not there is its absence itself.
local ABSENT = false

local function wrap(cobj, metatable)
	return setmetatable({ __cobj = cobj, __types = {}, __protocols = {} }, metatable)
end

function owner:__gc()
	core.deleteproto(self.__cobj)
end

function sproto.new(bundle)
	return wrap(assert(core.newproto(bundle)), owner)
end

function sproto.sharenew(cobj)
	return wrap(cobj, object)
end

function sproto.parse(text)
	return sproto.new(sprotoparser.parse(text))
end

-- Returns the handle of a type; ABSENT when there is none.
local function find_type(self, name)
	local handle = self.__types[name]
	if handle == nil then
		handle = core.querytype(self.__cobj, name) or ABSENT
		self.__types[name] = handle
	end
	return handle
end

local function need_type(self, name)
	return find_type(self, name) or error("type not found", 3)
end

-- Returns { name, tag, request, response } of a protocol, known by its name and its tag; ABSENT
-- when there is none.
local function find_protocol(self, key)
	local found = self.__protocols[key]
	if found == nil then
		local other, request, response = core.protocol(self.__cobj, key)
		if other == nil then
			return ABSENT
		end
		local name, tag = key, other
		if type(key) == "number" then
			name, tag = other, key
		end
		found = { name = name, tag = tag, request = request, response = response }
		self.__protocols[name] = found
		self.__protocols[tag] = found
	end
	return found
end

local function need_protocol(self, key, level)
	return find_protocol(self, key) or error(tostring(key) .. " not found", (level or 2) + 1)
end

function sproto:exist_type(name)
	return find_type(self, name) ~= ABSENT
end

function sproto:exist_proto(key)
	return find_protocol(self, key) ~= ABSENT
end

function sproto:queryproto(key)
	return need_protocol(self, key)
end

function sproto:encode(name, value)
	return encode(self.__types[name] or need_type(self, name), value)
end

function sproto:decode(name, ...)
	return decode(self.__types[name] or need_type(self, name), ...)
end

function sproto:pencode(name, value)
	return core.pack(encode(need_type(self, name), value))
end

function sproto:pdecode(name, ...)
	return decode(need_type(self, name), core.unpack(...))
end

function sproto:request_encode(key, value)
	local protocol = need_protocol(self, key)
	local request = protocol.request
	return request and encode(request, value) or "", protocol.tag
end

function sproto:response_encode(key, value)
	local response = need_protocol(self, key).response
	return response and encode(response, value) or ""
end

function sproto:request_decode(key, ...)
	local protocol = need_protocol(self, key)
	local request = protocol.request
	if request then
		return decode(request, ...), protocol.name
	end
	return nil, protocol.name
end

function sproto:response_decode(key, ...)
	local response = need_protocol(self, key).response
	if response then
		return decode(response, ...)
	end
end

sproto.pack = core.pack
sproto.unpack = core.unpack

function sproto:default(name, side)
	if side == nil then
		return core.default(need_type(self, name))
	end
	local protocol = need_protocol(self, name)
	local handle
	if side == "REQUEST" then
		handle = protocol.request
	elseif side == "RESPONSE" then
		handle = protocol.response
	else
		error "Invalid type"
	end
	return handle and core.default(handle)
end

function sproto:host(package_name)
	local handle = find_type(self, package_name or "package") or error("type package not found", 2)
	return setmetatable({ __schema = self, __package = handle, __sessions = {} }, host_metatable)
end

-- The header of a message that is being read or written; it is used by one function at a time and
-- none of them can wait.
local header = {}

local function set_header(kind, session, ud)
	header.type, header.session, header.ud = kind, session, ud
end

-- Makes the function that answers a request.
local function responder(self, response, session)
	return function(value, ud)
		set_header(nil, session, ud)
		return core.message(self.__package, header, response, value)
	end
end

function host:dispatch(...)
	local bytes = core.unpack(...)
	set_header()
	local _, size = decode(self.__package, bytes, header)
	local kind, session, ud = header.type, header.session, header.ud
	if kind then
		local protocol = self.__schema.__protocols[kind] or need_protocol(self.__schema, kind)
		local request = protocol.request
		local value = request and core.decode_behind(request, bytes, size)
		local response = session and responder(self, protocol.response, session)
		return "REQUEST", protocol.name, value or nil, response or nil, ud
	end
	local response = self.__sessions[assert(session, "session not found")]
	if response == nil then
		error "Unknown session"
	end
	self.__sessions[session] = nil
	local value = response and core.decode_behind(response, bytes, size)
	return "RESPONSE", session, value or nil, ud
end

function host:attach(schema)
	local protocols = schema.__protocols
	return function(key, value, session, ud)
		local protocol = protocols[key] or need_protocol(schema, key)
		set_header(protocol.tag, session, ud)
		if session then
			self.__sessions[session] = protocol.response or ABSENT
		end
		return core.message(self.__package, header, protocol.request, value)
	end
end

return sproto
