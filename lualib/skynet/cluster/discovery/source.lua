-- Reads the config key `cluster_discovery`, "MODULE:ARGUMENT?OPTION=VALUE&...", and opens what it
-- names: "dns" and "etcd" are in this folder, any other name is a Lua module of the user.
--
-- Such a module is a function of the argument and the options, which returns a resolver; see
-- docs/src/guide/discovery.md. Used by the service clusterdiscovery.

local url = require "http.url"

local source = {}

local BUILT_IN <const> = {
	dns = "skynet.cluster.discovery.dns",
	etcd = "skynet.cluster.discovery.etcd",
}

local options = {}
options.__index = options

-- Takes an option as text; nil when it is not there.
function options:text(name, default)
	local value = self.values[name]
	self.values[name] = nil
	if type(value) == "table" then
		error(string.format("the option %s stands there twice", name), 0)
	end
	return value or default
end

-- Takes an option that is a number above 0.
function options:number(name, default)
	local text = self:text(name)
	local value = text == nil and default or tonumber(text)
	if text and not (value and value > 0 and value < math.huge) then
		error(string.format("the option %s must be a number above 0, not %q", name, text), 0)
	end
	return value
end

-- The source without a password, for people.
function source.shown(text)
	return (string.gsub(text, "://([^/@:]*):.*@", "://%1:***@"))
end

local function open(text)
	local name, argument = string.match(text, "^([%w_.-]+):?(.*)$")
	if not name then
		error("it must begin with the name of a module", 0)
	end
	local rest, query = string.match(argument, "^([^?]*)%??(.*)$")
	local given = setmetatable({ values = url.parse_query(query) }, options)
	local ttl = given:number("ttl", 10)
	local factory = require(BUILT_IN[name] or name)
	if type(factory) ~= "function" then
		error(string.format("the module %s returns a %s and no function", name, type(factory)), 0)
	end
	local resolver = factory(rest, given, ttl)
	if type(resolver) ~= "table" or type(resolver.resolve) ~= "function" then
		error(string.format("the module %s makes no table with a function resolve", name), 0)
	end
	local unknown = next(given.values)
	if unknown then
		error(string.format("there is no option %s", unknown), 0)
	end
	return resolver, ttl
end

-- Returns the resolver and the seconds for which an announcement holds. Raises what is wrong.
function source.open(text)
	local ok, resolver, ttl = pcall(open, text)
	if not ok then
		error(string.format("cluster_discovery = %q: %s", source.shown(text), tostring(resolver)), 0)
	end
	return resolver, ttl
end

return source
