-- Reads JSON, for the answers of discovery engines. The writer is the console's.
--
-- The text comes from outside: what is not JSON gives nil and what is wrong, and never an error.

local render = require "skynet.console.render"

-- Deeper nesting than this is refused.
local DEPTH_MAX <const> = 32

local PLAIN <const> = { ["true"] = true, ["false"] = false }
local ESCAPES <const> = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ["/"] = "/", ["\\"] = "\\", ['"'] = '"' }

local function fail(what, at)
	error(string.format("no JSON: %s at byte %d", what, at), 0)
end

local function skip(text, at)
	return string.find(text, "[^ \t\r\n]", at) or #text + 1
end

local function unescape(text, at)
	local char = string.sub(text, at, at)
	if char ~= "u" then
		return ESCAPES[char] or fail("an unknown escape", at), at + 1
	end
	local digits = string.match(text, "^%x%x%x%x", at + 1) or fail("an unknown escape", at)
	return utf8.char(tonumber(digits, 16)), at + 5
end

local function read_string(text, at)
	local parts = {}
	while true do
		local stop = string.find(text, '["\\]', at) or fail("a string without an end", at)
		parts[#parts + 1] = string.sub(text, at, stop - 1)
		if string.sub(text, stop, stop) == '"' then
			return table.concat(parts), stop + 1
		end
		parts[#parts + 1], at = unescape(text, stop + 1)
	end
end

local read_value

-- Reads what stands between brackets: `item(at)` reads one item and returns where it ends.
local function read_items(text, at, close, item)
	at = skip(text, at)
	if string.sub(text, at, at) == close then
		return at + 1
	end
	while true do
		at = skip(text, item(at))
		local char = string.sub(text, at, at)
		at = skip(text, at + 1)
		if char == close then
			return at
		elseif char ~= "," then
			fail("neither , nor " .. close, at - 1)
		end
	end
end

local function read_object(text, at, depth)
	local object = {}
	return object, read_items(text, at, "}", function(from)
		if string.sub(text, from, from) ~= '"' then
			fail("no name", from)
		end
		local name, after = read_string(text, from + 1)
		after = skip(text, after)
		if string.sub(text, after, after) ~= ":" then
			fail("no :", after)
		end
		object[name], after = read_value(text, skip(text, after + 1), depth)
		return after
	end)
end

local function read_array(text, at, depth)
	local array, count = {}, 0
	return array, read_items(text, at, "]", function(from)
		local after
		count = count + 1
		array[count], after = read_value(text, from, depth)
		return after
	end)
end

function read_value(text, at, depth)
	local char = string.sub(text, at, at)
	if depth == 0 then
		fail("nested too deeply", at)
	elseif char == "{" then
		return read_object(text, at + 1, depth - 1)
	elseif char == "[" then
		return read_array(text, at + 1, depth - 1)
	elseif char == '"' then
		return read_string(text, at + 1)
	end
	local word = string.match(text, "^[%w+.-]+", at) or fail("no value", at)
	local value = PLAIN[word]
	if value == nil and word ~= "null" then
		value = tonumber(word) or fail("no value", at)
	end
	return value, at + #word
end

local function read_all(text)
	local value, at = read_value(text, skip(text, 1), DEPTH_MAX)
	at = skip(text, at)
	if at <= #text then
		fail("more behind the value", at)
	end
	return value
end

local json = { encode = render.json }

-- Returns the value; null becomes nil, and a member of an object that is null is not there. Returns
-- nil and a text for what is no JSON.
function json.decode(text)
	local ok, value = pcall(read_all, text)
	if ok then
		return value
	end
	return nil, value
end

return json
