-- http.url: paths and queries of URLs, decoded.

local url = {}

local function decode_byte(digits)
	local code = tonumber(digits, 16) or error "malformed %XX in a url"
	return string.char(code)
end

local function decode(text)
	if text:find "[%%+]" then
		text = text:gsub("+", " "):gsub("%%(..)", decode_byte)
	end
	return text
end

-- Returns the path, decoded, and the query as it is, "" without one.
function url.parse(text)
	local path, query = text:match "^([^?]*)%??(.*)$"
	return decode(path), query
end

-- Returns the fields of a query; one that is repeated is an array.
function url.parse_query(text)
	local fields = {}
	for raw_name, raw_value in text:gmatch "(.-)=([^&]*)&?" do
		local name, value = decode(raw_name), decode(raw_value)
		local before = fields[name]
		if before == nil then
			fields[name] = value
		elseif type(before) == "table" then
			before[#before + 1] = value
		else
			fields[name] = { before, value }
		end
	end
	return fields
end

return url
