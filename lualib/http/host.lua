-- http.host: the host part of URLs. Used by http.httpc and http.websocket.

local host = {}

-- Returns the scheme in lower case and what stands behind it.
function host.scheme(text, default)
	local scheme, rest = text:match "^(%a[%w+.-]*)://(.*)$"
	if scheme then
		return scheme:lower(), rest
	end
	return default, text
end

local function is_ipv4(name)
	return name:match "^%d+%.%d+%.%d+%.%d+$" ~= nil
end

-- Takes "name[:port]" apart; an IPv6 address stands in brackets. Returns the name, the port or
-- nil, and whether the name is an address.
function host.parse(text)
	local address, port = text:match "^%[([%x:.]+)%](.*)$"
	if address and (port == "" or port:match "^:%d+$") then
		return address, tonumber(port:sub(2)), true
	end
	local _, colons = text:gsub(":", "")
	if colons > 1 then
		error(string.format("Invalid host: bare IPv6 address '%s', use '[%s]' instead", text, text))
	end
	local name, digits = text:match "^([^:]*):(%d+)$"
	name = name or text
	return name, tonumber(digits), is_ipv4(name)
end

return host
