-- Names of nodes from a name server: "dns:DOMAIN?server=IP:PORT&port=NUMBER&service=NAME".
--
-- The node NAME is where the SRV records of _ironsky._tcp.NAME.DOMAIN say, or, with the option
-- `port`, at that port of the host NAME.DOMAIN. Without the option `server` the first one of
-- /etc/resolv.conf is asked.

local dns = require "skynet.dns"

local resolver = {}
resolver.__index = resolver

-- The host and the port of a text, without brackets.
local function split(text)
	local host, port = string.match(text, "^%[?([^%]]-)%]?:(%d+)$")
	return host, math.tointeger(tonumber(port))
end

local function joined(host, port)
	return string.format(string.find(host, ":", 1, true) and "[%s]:%d" or "%s:%d", host, port)
end

-- Returns the addresses of a host and the seconds for which they hold; nil and why there are none.
local function addresses_of(host)
	local list, seconds = dns.query(host, "A")
	if not list then
		list, seconds = dns.query(host, "AAAA")
	end
	if not list then
		return nil, string.format("%s has neither an A nor an AAAA record", host)
	end
	return list, seconds
end

-- An address of the list: the one that is in use, if it still is in it.
local function keep_or_first(list, port, used)
	for _, address in ipairs(list) do
		if joined(address, port) == used then
			return used
		end
	end
	return joined(list[1], port)
end

-- Draws one of several records in proportion to their weights (RFC 2782: those of weight 0 have a
-- very small chance).
local function draw(records)
	local sum = 0
	for _, record in ipairs(records) do
		sum = sum + record.weight
	end
	local at = math.random(0, sum)
	for _, record in ipairs(records) do
		at = at - record.weight
		if at <= 0 and (record.weight > 0 or sum == 0) then
			return record
		end
	end
	return records[1]
end

-- The records of the most urgent priority.
local function most_urgent(records)
	local urgent = {}
	for _, record in ipairs(records) do
		if not urgent[1] or record.priority < urgent[1].priority then
			urgent = { record }
		elseif record.priority == urgent[1].priority then
			table.insert(urgent, record)
		end
	end
	return urgent
end

-- Finds where one of the records points to. A node stays where it is as long as the records allow.
local function place(self, name, records, seconds)
	local urgent = most_urgent(records)
	local used, chosen = self.used[name], nil
	for _, record in ipairs(urgent) do
		if used and used.target == record.target and used.port == record.port then
			chosen = record
		end
	end
	chosen = chosen or draw(urgent)
	if chosen.target == "" then
		return nil, string.format("the SRV record of %s says that there is no such service", name)
	end
	local list, held = addresses_of(chosen.target)
	if not list then
		return nil, held
	end
	local address = keep_or_first(list, chosen.port, used and used.address)
	self.used[name] = { target = chosen.target, port = chosen.port, address = address }
	return address, math.min(seconds, held)
end

function resolver:resolve(name)
	local host = name .. self.suffix
	local records, seconds = dns.query(self.service .. host, "SRV")
	if records then
		return place(self, name, records, seconds)
	elseif not self.port then
		self.used[name] = nil
		return nil, seconds
	end
	local list, held = addresses_of(host)
	if not list then
		self.used[name] = nil
		return nil, held
	end
	local address = keep_or_first(list, self.port, self.used[name] and self.used[name].address)
	self.used[name] = { address = address }
	return address, held
end

return function(domain, options)
	local server = options:text "server"
	if server then
		local ip, port = split(server)
		if not port then
			error(string.format("the option server must be IP:PORT, not %q", server), 0)
		end
		dns.server(ip, port)
	end
	local port = options:number "port"
	if port and not (math.tointeger(port) and port <= 65535) then
		error(string.format("the option port must be the number of a port, not %s", port), 0)
	end
	return setmetatable({
		suffix = domain == "" and "" or "." .. domain,
		service = string.format("_%s._tcp.", options:text("service", "ironsky")),
		port = port and math.tointeger(port),
		-- name -> { target =, port =, address = } of the last answer
		used = {},
	}, resolver)
end
