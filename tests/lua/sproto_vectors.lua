-- sproto: every row of the vectors that were recorded from the reference, and what each message
-- says when it is read again.

local check = require "check"
local sproto = require "sproto"
local core = require "sproto.core"

local FOLDER = debug.getinfo(1, "S").source:match "^@(.*)tests/lua/" .. "tests/vectors/"

-- A reader of JSON that knows what the vectors use.
local function json(text)
	local at = 1
	local value

	local function blank()
		at = text:find("[^%s]", at)
	end

	local function string_()
		local parts = {}
		at = at + 1
		while true do
			local plain = text:match('^[^"\\]+', at)
			if plain then
				parts[#parts + 1] = plain
				at = at + #plain
			end
			local c = text:sub(at, at)
			if c == '"' then
				at = at + 1
				break
			end
			local escaped = text:sub(at + 1, at + 1)
			if escaped == "u" then
				parts[#parts + 1] = utf8.char(tonumber(text:sub(at + 2, at + 5), 16))
				at = at + 6
			else
				local named = { n = "\n", t = "\t", r = "\r", b = "\b", f = "\f" }
				parts[#parts + 1] = named[escaped] or escaped
				at = at + 2
			end
		end
		-- A character stands for one byte.
		return (table.concat(parts):gsub(utf8.charpattern, function(c)
			return string.char(utf8.codepoint(c))
		end))
	end

	local function list(close, item)
		local result = {}
		at = at + 1
		blank()
		while text:sub(at, at) ~= close do
			item(result)
			blank()
			if text:sub(at, at) == "," then
				at = at + 1
				blank()
			end
		end
		at = at + 1
		return result
	end

	function value()
		blank()
		local c = text:sub(at, at)
		if c == "{" then
			return list("}", function(result)
				local key = string_()
				blank()
				at = at + 1
				result[key] = value()
			end)
		elseif c == "[" then
			return list("]", function(result)
				result[#result + 1] = value()
			end)
		elseif c == '"' then
			return string_()
		end
		local word = text:match("^[%w+.-]+", at)
		at = at + #word
		if word == "true" or word == "false" then
			return word == "true"
		end
		return tonumber(word)
	end

	return value()
end

local function vectors(name, count)
	local file <close> = assert(io.open(FOLDER .. name))
	local all = json(file:read "a")
	check.equal(#all.vectors, count, name)
	return all
end

local function hex(text)
	return (text:gsub(".", function(c)
		return string.format("%02x", c:byte())
	end))
end

local function eval(text)
	return assert(load("return " .. text, "=in"))()
end

-- NaN is not equal to itself, so such rows are compared by their bytes alone.
local function has_nan(text)
	return text:find("nan", 1, true)
end

local function bundles()
	local parser = require "sprotoparser"
	for _, row in ipairs(vectors("sproto_bundle.json", 13).vectors) do
		check.equal(hex(parser.parse(row.schema)), row.hex, row.name)
	end
	for _, row in ipairs(vectors("sproto_parser.json", 51).vectors) do
		local ok, result = pcall(parser.parse, row.schema)
		if not row.error then
			check.equal(ok and hex(result) or result, row.hex, row.name)
		elseif row.error:find "^assertion failed" or row.error:find "^attempt to" then
			check.ok(not ok, row.name)
		else
			-- Which of two protocols with one tag is named is nobody's business.
			local want, got = row.error:gsub(" at %w+$", ""), result:gsub(" at %w+$", "")
			check.ok(not ok, row.name)
			check.equal(got:sub(-#want), want, row.name)
		end
	end
end

local function prefix(row, got, name)
	if row[name] then
		check.equal(got, row[name], row.name or row.input)
	elseif row[name .. "_prefix"] then
		local want = row[name .. "_prefix"]
		check.equal(got:sub(1, #want), want, row.name)
	end
end

local function messages()
	local all = vectors("sproto_encode.json", 63)
	local schemas = { S1 = sproto.parse(all.S1), S2 = sproto.parse(all.S2) }
	for _, row in ipairs(all.vectors) do
		local schema = schemas[row.schema]
		local bytes = schema:encode(row.type, eval(row.input))
		prefix(row, hex(bytes), "hex")
		check.equal(#bytes, row.length or #bytes, row.name)
		local packed = schema:pencode(row.type, eval(row.input))
		prefix(row, hex(packed), "packed_hex")
		local decoded, size = schema:decode(row.type, bytes)
		if row.decoded and not has_nan(row.decoded) then
			check.same(decoded, eval(row.decoded), row.name)
			check.same((schema:pdecode(row.type, packed)), decoded, row.name)
		end
		check.equal(size, row.decoded_size or size, row.name)
	end
	for _, row in ipairs(vectors("sproto_encode_errors.json", 24).vectors) do
		local schema = row.type == "Unit" or row.type == "Sample"
		schema = schemas[schema and "S1" or "S2"]
		check.raises(row.error, function()
			return schema:encode(row.type, eval(row.input)) .. ""
		end)
	end
	-- What failed leaves the codec as it was.
	check.equal(hex(schemas.S2:encode("All", { i = 1 })), "01000400")
end

local function packing()
	for _, row in ipairs(vectors("sproto_pack.json", 24).vectors) do
		local input = eval(row.input)
		local packed = core.pack(input)
		prefix(row, hex(packed), "hex")
		check.equal(#packed, row.packed_length, row.name)
		local unpacked = core.unpack(packed)
		check.equal(#unpacked, row.unpacked_length, row.name)
		check.equal(unpacked:sub(1, #input), input, row.name)
		check.ok(not unpacked:sub(#input + 1):find "[^\0]", row.name)
	end
end

-- The rows are calls in words: `name | {field=text} | session | ud`, and `response(...)` of the
-- function that the row before gave.
local function argument(text)
	if text == nil or text == "nil" then
		return nil
	elseif text:sub(1, 1) ~= "{" then
		return tonumber(text) or text
	end
	local result = {}
	for name, value in text:gmatch "([%w_]+)=([^,}]+)" do
		if value == "true" or value == "false" then
			result[name] = value == "true"
		else
			result[name] = tonumber(value) or value
		end
	end
	return result
end

local function arguments(text)
	local parts, count = {}, 0
	for part in text:gmatch "[^|]+" do
		count = count + 1
		parts[count] = argument(part:match "^%s*(.-)%s*$")
	end
	return parts, count
end

local function calls()
	local all = vectors("sproto_rpc.json", 13)
	local schema = sproto.parse(all.schema)
	local host = schema:host()
	local response
	for _, row in ipairs(all.vectors) do
		local bytes
		local words = row.call:match "^response%((.*)%)$"
		if words then
			local parts = arguments(words)
			bytes = response(parts[1], parts[2])
		else
			local parts = arguments(row.call)
			local from = row.name:find "pkg2" and schema:host "pkg2" or host
			bytes = from:attach(schema)(parts[1], parts[2], parts[3], parts[4])
			local kind, name, _, answer = from:dispatch(bytes)
			response = answer
			check.equal(kind, "REQUEST")
			check.equal(name, schema:queryproto(parts[1]).name)
		end
		check.equal(hex(bytes), row.hex, row.name)
		check.equal(hex(core.unpack(bytes)), row.unpacked_hex, row.name)
	end
end

check.main(function()
	bundles()
	messages()
	packing()
	calls()
end)
