-- Numbers of the config with a default and a unit. Used by the services of clusters and harbors.

local skynet = require "skynet"

-- Returns the number of a key, or `default`, times `unit`, as an integer.
return function(key, default, unit)
	local text = skynet.getenv(key)
	local value = text == nil and default or tonumber(text)
	if value == nil or not (value >= 0 and value < 1e9) then
		error(string.format("config key %s must be a number that is not negative, not %q", key, text), 0)
	end
	return math.floor(value * unit)
end
