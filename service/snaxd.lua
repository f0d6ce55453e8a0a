-- Runs one snax service: loads its file and calls the function that a message names by its number.

local skynet = require "skynet"
local snax = require "skynet.snax"
local definition = require "snax.interface"
local profile = require "skynet.profile"

local name = tostring((...))

local loader = skynet.getenv "snax_loader"
loader = loader and assert(loadfile(loader))()

local main, functions, pattern = definition.load(name, _G, loader)

-- The file may require modules that stand in a folder of its name.
SERVICE_NAME = name
SERVICE_PATH = string.match(pattern, "^[^?]*") .. name .. "/"
package.path = SERVICE_PATH .. "?.lua;" .. package.path
main()

local ready = false

-- One for each function: { count = calls, time = seconds of processor time }. Closing it ends the
-- measurement of a call, however the call ends.
local stat_meta = {}

function stat_meta:__close()
	self.time = self.time + profile.stop()
end

-- name -> stat
local times = setmetatable({}, {
	__index = function(self, name)
		local stat = setmetatable({ count = 0, time = 0 }, stat_meta)
		self[name] = stat
		return stat
	end,
})

local function timed(entry, ...)
	profile.start()
	local stat <close> = times[entry.name]
	stat.count = stat.count + 1
	return entry.f(...)
end

local system = {}

function system.init(entry, ...)
	assert(not ready, "Already init")
	if entry.f then
		entry.f(...)
	end
	skynet.info_func(function()
		return times
	end)
	ready = true
	skynet.ret()
end

function system.exit(entry, ...)
	assert(ready, "Never init")
	if entry.f then
		entry.f(...)
	end
	skynet.ret()
	skynet.exit()
end

function system.hotfix(_, ...)
	skynet.retpack(pcall(require "snax.hotfix", functions, _G, ...))
end

function system.profile()
	skynet.retpack(times)
end

local call = {}

function call.accept(entry, ...)
	timed(entry, ...)
end

function call.response(entry, ...)
	skynet.retpack(timed(entry, ...))
end

function call.system(entry, ...)
	system[entry.name](entry, ...)
end

local function dispatch(_, _, id, ...)
	local entry = functions[id] or error(string.format("%s has no function %s", name, tostring(id)))
	if entry.group ~= "system" then
		assert(ready, "Init first")
	end
	call[entry.group](entry, ...)
end

skynet.start(function()
	skynet.dispatch("snax", dispatch)
end)
