-- Runs a piece of code inside a service, with the tables behind its handlers in reach.

-- Collects the tables among the upvalues of a function, through the functions among them.
local function collect(f, tables, seen)
	if seen[f] then
		return
	end
	seen[f] = true
	local i = 1
	while true do
		local name, value = debug.getupvalue(f, i)
		if not name then
			return
		end
		if type(value) == "table" and name ~= "_ENV" and tables[name] == nil then
			tables[name] = value
		elseif type(value) == "function" then
			collect(value, tables, seen)
		end
		i = i + 1
	end
end

local function tables_of(...)
	local tables, seen = {}, {}
	for i = 1, select("#", ...) do
		local f = select(i, ...)
		if type(f) == "function" then
			collect(f, tables, seen)
		end
	end
	return tables
end

local function protocol_tables(skynet)
	local result = {}
	for name, protocol in pairs(skynet._proto) do
		if type(name) == "string" and protocol.dispatch then
			result[name] = tables_of(protocol.dispatch)
		end
	end
	return result
end

return function(skynet, source, filename, args, ...)
	local output = {}
	local function print(...)
		local values = table.pack(...)
		for i = 1, values.n do
			values[i] = tostring(values[i])
		end
		output[#output + 1] = table.concat(values, "\t")
	end
	local env = setmetatable({
		print = print,
		_U = tables_of(...),
		_P = protocol_tables(skynet),
	}, { __index = _ENV })
	local chunk, err = load(source, filename and "@" .. filename or "=(load)", "bt", env)
	if not chunk then
		return false, { err }
	end
	args = args or { n = 0 }
	local ok, problem = xpcall(chunk, debug.traceback, table.unpack(args, 1, args.n))
	if not ok then
		output[#output + 1] = problem
	end
	return ok, output
end
