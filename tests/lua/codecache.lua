-- skynet.codecache: files are compiled once for the whole process.
--! config: lua_path = lua_path .. ";@DIR@/?.lua"

local check = require "check"
local skynet = require "skynet"
local cache = require "skynet.codecache"

local mode, path = ...

if mode == "loader" then
	check.serve {
		load = function()
			return loadfile(path)()
		end,
		off = function()
			cache.mode "OFF"
			return loadfile(path)()
		end,
	}
	return
end

local function write(text)
	local file = assert(io.open(path, "w"))
	file:write(text)
	file:close()
end

check.main(function()
	path = skynet.getenv "logpath" .. "/cached.lua"
	check.equal(skynet.cache, cache)
	check.equal(cache.mode(), "ON")
	check.equal(cache.loadfile, loadfile)
	check.raises_like("invalid option 'SOMETIMES'", cache.mode, "SOMETIMES")

	write "return 1"
	local other = check.helper("loader", path)
	check.equal(loadfile(path)(), 1)
	write "return 2"
	check.equal(loadfile(path)(), 1)
	check.equal(dofile(path), 1)
	check.equal(skynet.call(other, "lua", "load"), 1)
	check.step "cached in all services"

	check.equal(skynet.call(other, "lua", "off"), 2)
	check.equal(loadfile(path)(), 1)
	cache.mode "OFF"
	check.equal(cache.mode(), "OFF")
	check.equal(loadfile(path)(), 2)
	cache.mode "EXIST"
	check.equal(loadfile(path)(), 1)
	cache.clear()
	check.equal(loadfile(path)(), 2)
	write "return 3"
	check.equal(loadfile(path)(), 3)
	cache.mode "ON"
	check.equal(loadfile(path)(), 3)
	write "return 4"
	check.equal(loadfile(path)(), 3)
	check.step "modes"

	write "broken ="
	cache.clear()
	check.equal(loadfile(path), nil)
	write "return ..."
	check.equal(loadfile(path)(5), 5)
	local env = { value = 6 }
	write "return value"
	cache.clear()
	check.equal(loadfile(path, "t", env)(), 6)
	value = 7
	check.equal(loadfile(path)(), 7)
	check.equal(select("#", loadfile "/no/such/file.lua"), 2)
	check.step "errors are not cached, environments are not shared"

	write "local n = 0 return function() n = n + 1 return n end"
	cache.clear()
	local one, two = loadfile(path)(), loadfile(path)()
	check.equal(one(), 1)
	check.equal(one(), 2)
	check.equal(two(), 1)
	check.step "upvalues are not shared"
end)
