-- Runs source text as if it stood in a function that is on the stack: with its local variables,
-- upvalues and arguments. Used by skynet.remotedebug, and by code that debugs itself.
--
--   injectcode(source [, co] [, level] [, extra]) -> true, results... | false, error
--
-- `level` counts as for debug.getinfo: 1 is the function that calls injectcode, 0 the function in
-- which `co` has stopped. `extra` holds more names. Locals that the code assigns are written back
-- when it has run; upvalues and globals change at once.

-- The local variables of a function by name, as { index, value }, and its variable arguments.
local function locals_of(getlocal)
	local found, i = {}, 1
	while true do
		local name, value = getlocal(i)
		if not name then
			break
		end
		if name:sub(1, 1) ~= "(" then
			found[name] = { index = i, value = value }
		end
		i = i + 1
	end
	local args = { n = 0 }
	while true do
		local name, value = getlocal(-args.n - 1)
		if not name then
			return found, args
		end
		args.n = args.n + 1
		args[args.n] = value
	end
end

-- The upvalues of a function, name -> index, and its globals.
local function upvalues_of(f)
	local found, globals, i = {}, _ENV, 1
	while true do
		local name, value = debug.getupvalue(f, i)
		if not name then
			return found, globals
		elseif name == "_ENV" then
			globals = value
		elseif name ~= "" then
			found[name] = i
		end
		i = i + 1
	end
end

local function environment(f, locals, extra)
	local upvalues, globals = upvalues_of(f)
	return setmetatable({}, {
		__index = function(_, name)
			if locals[name] then
				return locals[name].value
			elseif upvalues[name] then
				local _, value = debug.getupvalue(f, upvalues[name])
				return value
			elseif extra[name] ~= nil then
				return extra[name]
			end
			return globals[name]
		end,
		__newindex = function(_, name, value)
			if locals[name] then
				locals[name].value, locals[name].assigned = value, true
			elseif upvalues[name] then
				debug.setupvalue(f, upvalues[name], value)
			else
				globals[name] = value
			end
		end,
	})
end

local function compile(source, env)
	local chunk = load("return " .. source, "=(debug)", "t", env)
	if chunk then
		return chunk
	end
	return load(source, "=(debug)", "t", env)
end

local function split(co, level, extra)
	if type(co) == "number" or type(co) == "table" then
		co, level, extra = nil, co, level
	end
	if type(level) == "table" then
		level, extra = nil, level
	end
	return co, level or (co and 0 or 1), extra or {}
end

local function injectcode(source, ...)
	local co, level, extra = split(...)
	local info
	if co then
		info = debug.getinfo(co, level, "f")
	else
		info = debug.getinfo(level + 1, "f")
	end
	if not info then
		return false, "Invalid level"
	end
	local locals, args = locals_of(function(i)
		if co then
			return debug.getlocal(co, level, i)
		end
		-- Two functions stand in between: this one and locals_of.
		return debug.getlocal(level + 3, i)
	end)
	local chunk, err = compile(source, environment(info.func, locals, extra))
	if not chunk then
		return false, err
	end
	local results = table.pack(pcall(chunk, table.unpack(args, 1, args.n)))
	for _, item in pairs(locals) do
		if item.assigned and co then
			debug.setlocal(co, level, item.index, item.value)
		elseif item.assigned then
			debug.setlocal(level + 1, item.index, item.value)
		end
	end
	return table.unpack(results, 1, results.n)
end

return injectcode
