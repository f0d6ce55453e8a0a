-- Runs the main chunk of one service. The host calls this file with the argument line of the
-- service and with the search patterns in globals; see the chapter "services" of the reference.

local words = {}
for word in string.gmatch(..., "%S+") do
	words[#words + 1] = word
end
SERVICE_NAME = words[1] or error "the argument line names no service"

-- Returns the main chunk, the pattern that found it, and the errors of broken files before it.
local function find_main(patterns, name)
	local missing, broken = {}, {}
	for pattern in string.gmatch(patterns, "[^;]+") do
		local file = string.gsub(pattern, "%?", (string.gsub(name, "%%", "%%%%")))
		local chunk, err = loadfile(file)
		if chunk then
			return chunk, pattern, broken
		end
		missing[#missing + 1] = err
		if not string.find(err, "^cannot open") then
			broken[#broken + 1] = err
		end
	end
	error(table.concat(missing, "\n"))
end

-- `./test/?/init.lua` gives `./test/name/` and true: modules beside the file are found as well.
local function service_path(pattern, name)
	local folder = string.match(pattern, "^(.*/)[^/?]+$")
	if folder then
		return string.gsub(folder, "%?", (string.gsub(name, "%%", "%%%%"))), true
	end
	return string.match(pattern, "^(.*/).+$"), false
end

local main, pattern, broken = find_main(LUA_SERVICE, SERVICE_NAME)
LUA_SERVICE = nil

package.path, LUA_PATH = LUA_PATH, nil
package.cpath, LUA_CPATH = LUA_CPATH, nil

local path, has_modules = service_path(pattern, SERVICE_NAME)
SERVICE_PATH = path
if has_modules then
	package.path = path .. "?.lua;" .. package.path
end

for _, err in ipairs(broken) do
	require "skynet.core".error("warning: a broken file was passed over: " .. err)
end

if LUA_PRELOAD then
	local preload = assert(loadfile(LUA_PRELOAD))
	preload(table.unpack(words))
	LUA_PRELOAD = nil
end

require = require "skynet.require".require

-- A tail call: what is above is garbage as soon as the main chunk runs.
return main(select(2, table.unpack(words)))
