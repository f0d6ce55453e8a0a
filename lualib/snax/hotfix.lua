-- Exchanges functions of a running snax service for those of a patch. The patch goes on with the
-- service's own local variables: a local that it declares without a value is the service's variable
-- of that name.

local definition = require "snax.interface"

-- Calls visit(f, index, name, value) for each upvalue of a function, and of the Lua functions among
-- the values.
local function each_upvalue(f, visit, seen)
	if seen[f] then
		return
	end
	seen[f] = true
	for index = 1, math.huge do
		local name, value = debug.getupvalue(f, index)
		if not name then
			return
		end
		-- C functions have upvalues without names.
		if name ~= "" then
			visit(f, index, name, value)
			if type(value) == "function" then
				each_upvalue(value, visit, seen)
			end
		end
	end
end

-- The service's variables by name: where one can be found, for debug.upvaluejoin.
local function variables_of(functions)
	local variables, seen = {}, {}
	for _, entry in ipairs(functions) do
		if entry.f then
			each_upvalue(entry.f, function(f, index, name)
				local id = debug.upvalueid(f, index)
				local known = variables[name]
				if not known then
					variables[name] = { f = f, index = index, id = id }
				elseif known.id ~= id then
					error("ambiguity local value " .. name, 0)
				end
			end, seen)
		end
	end
	return variables
end

local function join(patch, variables)
	local seen = {}
	for _, entry in ipairs(patch) do
		if entry.f then
			each_upvalue(entry.f, function(f, index, name, value)
				local target = variables[name]
				if target and (value == nil or name == "_ENV") then
					debug.upvaluejoin(f, index, target.f, target.index)
				end
			end, seen)
		end
	end
end

local function find(functions, wanted)
	for _, entry in ipairs(functions) do
		if entry.group == wanted.group and entry.name == wanted.name then
			return entry
		end
	end
	error(string.format("Patch mismatch %s.%s", wanted.group, wanted.name), 0)
end

-- Applies the source of a patch to the functions of a service; returns what the function `hotfix` of
-- the patch returns. A patch that fails before that function changes nothing.
return function(functions, globals, source, ...)
	local patch, environment = definition.collect(globals)
	assert(load(source, "=patch", "bt", environment))()
	local targets = {}
	for index, entry in ipairs(patch) do
		targets[index] = find(functions, entry)
	end
	join(patch, variables_of(functions))
	local hotfix
	for index, entry in ipairs(patch) do
		if entry.group == "system" and entry.name == "hotfix" then
			hotfix = entry.f
		elseif entry.f then
			targets[index].f = entry.f
		end
	end
	if hotfix then
		return hotfix(...)
	end
end
