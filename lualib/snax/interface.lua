-- Reads the file of a snax service: which functions it defines, and under which numbers they travel.
-- Used by the service itself (snaxd), by its callers (skynet.snax) and for patches (snax.hotfix).

local skynet = require "skynet"

-- The functions that every snax service may define as globals, in the order of their numbers.
local SYSTEM <const> = { "init", "exit", "hotfix", "profile" }

local M = {}

-- A table whose assignments are definitions of functions.
local function group_of(functions, group)
	local defined = {}
	return setmetatable({}, {
		__newindex = function(_, name, f)
			if type(name) ~= "string" then
				error(group .. " method only support string", 2)
			elseif type(f) ~= "function" then
				error(string.format("%s.%s must be function", group, name), 2)
			elseif defined[name] then
				error(string.format("%s.%s duplicate definition", group, name), 2)
			end
			defined[name] = true
			functions[#functions + 1] = { id = #functions + 1, group = group, name = name, f = f }
		end,
	})
end

-- Returns the list of functions, filled while a file runs in the environment that is the second
-- result. What the file does not define itself it finds in `globals`.
function M.collect(globals)
	local functions, system = {}, {}
	for id, name in ipairs(SYSTEM) do
		local entry = { id = id, group = "system", name = name }
		functions[id], system[name] = entry, entry
	end
	local environment = setmetatable({
		accept = group_of(functions, "accept"),
		response = group_of(functions, "response"),
	}, {
		__index = globals,
		__newindex = function(self, name, value)
			local entry = system[name]
			if entry then
				if type(value) ~= "function" then
					error(name .. " must be a function", 2)
				end
				entry.f = value
			end
			rawset(self, name, value)
		end,
	})
	return functions, environment
end

-- Loads the file of this name. Returns its main function and the pattern that found it.
local function find(patterns, name, environment)
	local errors = {}
	for pattern in string.gmatch(patterns, "[^;]+") do
		local path = string.gsub(pattern, "%?", (string.gsub(name, "%%", "%%%%")))
		local main, err = loadfile(path, "bt", environment)
		if main then
			return main, pattern
		end
		errors[#errors + 1] = err
	end
	error(table.concat(errors, "\n"), 0)
end

-- Loads a snax file without running it. Returns its main function, the list that it fills when it
-- runs, and the pattern that found it. `loader` finds files otherwise; see the config key
-- `snax_loader`.
function M.load(name, globals, loader)
	local patterns = skynet.getenv "snax" or error("please set snax in config file", 0)
	local functions, environment = M.collect(globals)
	local main, pattern = (loader or find)(patterns, name, environment)
	return main, functions, pattern
end

return M
