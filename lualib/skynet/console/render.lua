-- How the results of console commands look: as text for a person, as JSON for a script.
-- Used by skynet.console.session and skynet.console.commands.

local render = {}

local function sorted(t)
	local keys = {}
	for key in pairs(t) do
		keys[#keys + 1] = key
	end
	table.sort(keys, function(a, b)
		if math.type(a) and math.type(b) then
			return a < b
		end
		return tostring(a) < tostring(b)
	end)
	return keys
end

local function by_text(t)
	local keys = {}
	for key in pairs(t) do
		keys[#keys + 1] = key
	end
	table.sort(keys, function(a, b)
		return tostring(a) < tostring(b)
	end)
	return keys
end

-- A table within a table: its pairs on one line.
local function on_one_line(value)
	if type(value) ~= "table" then
		return tostring(value)
	end
	local parts = {}
	for _, key in ipairs(by_text(value)) do
		parts[#parts + 1] = tostring(key) .. ":" .. tostring(value[key])
	end
	return table.concat(parts, "\t")
end

-- A grid is a table with rows of equal keys: { columns = { { "age", "%.2f s" }, ... }, rows... }.
-- Text columns stand at the left, numbers at the right.
local grid = {}

function render.grid(columns, rows)
	rows.columns = columns
	return setmetatable(rows, grid)
end

local function cell(row, column)
	local value = row[column[1]]
	if value == nil then
		return ""
	elseif column[2] and type(value) == "number" then
		return string.format(column[2], value)
	end
	return tostring(value)
end

local function grid_lines(rows)
	local lines = {}
	for i = 0, #rows do
		lines[i + 1] = {}
	end
	for c, column in ipairs(rows.columns) do
		local texts, width = { column[1] }, #column[1]
		for i, row in ipairs(rows) do
			texts[i + 1] = cell(row, column)
			width = math.max(width, #texts[i + 1])
		end
		local align = column[2] and "" or "-"
		for i, text in ipairs(texts) do
			lines[i][c] = string.format("%" .. align .. math.min(width, 99) .. "s", text)
		end
	end
	for i, parts in ipairs(lines) do
		lines[i] = table.concat(parts, "  "):gsub("%s+$", "")
	end
	return lines
end

-- Returns the lines of a result.
function render.text(result)
	if result == nil then
		return {}
	elseif type(result) ~= "table" then
		return { tostring(result) }
	elseif getmetatable(result) == grid then
		return grid_lines(result)
	end
	local lines = {}
	for _, key in ipairs(by_text(result)) do
		lines[#lines + 1] = tostring(key) .. "\t" .. on_one_line(result[key])
	end
	return lines
end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function json_string(text)
	if not utf8.len(text) then
		-- Bytes that are no text: each as the character of its number.
		text = text:gsub("[\128-\255]", function(byte)
			return utf8.char(byte:byte())
		end)
	end
	return '"' .. text:gsub('[%c"\\]', function(c)
		return ESCAPES[c] or string.format("\\u%04x", c:byte())
	end) .. '"'
end

local json

local function json_array(t)
	local parts = {}
	for i, value in ipairs(t) do
		parts[i] = json(value)
	end
	return "[" .. table.concat(parts, ",") .. "]"
end

local function json_object(t)
	local parts = {}
	for _, key in ipairs(sorted(t)) do
		parts[#parts + 1] = json_string(tostring(key)) .. ":" .. json(t[key])
	end
	return "{" .. table.concat(parts, ",") .. "}"
end

local function json_number(number)
	if math.type(number) == "integer" then
		return string.format("%d", number)
	elseif number ~= number or number == math.huge or number == -math.huge then
		return "null"
	end
	return string.format("%.14g", number)
end

function json(value)
	if value == nil then
		return "null"
	elseif type(value) == "boolean" then
		return tostring(value)
	elseif type(value) == "number" then
		return json_number(value)
	elseif type(value) ~= "table" then
		return json_string(tostring(value))
	elseif getmetatable(value) == grid or #value > 0 then
		return json_array(value)
	end
	return json_object(value)
end

-- Returns a value as JSON in one line.
render.json = json

return render
