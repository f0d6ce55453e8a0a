-- skynet.dns: names to addresses, by the hosts file and one name server. A question blocks only the
-- coroutine that asks.
--
-- Ids are random, the socket takes packets of the server alone, and an answer must repeat the
-- question. Questions that get no answer are sent again while their time lasts. An answer that does
-- not fit into a packet is asked for again over TCP.

local skynet = require "skynet"
local socket = require "skynet.socket"
local crypt = require "skynet.crypt"
local packet = require "skynet.dns.packet"

local dns = {
	DEFAULT_HOSTS = "/etc/hosts",
	DEFAULT_RESOLV_CONF = "/etc/resolv.conf",
}

-- All times are centiseconds.
local TRY_TIMES = { 100, 200, 400, 800, 1500 }
local QUERY_TIMES = { 100, 200 }
local IDLE_CHECK = 12000
local IDLE_TIME = 6000
-- The hosts file is looked at again after this time.
local HOSTS_TIME = 1000
-- Bad packets are logged once in this time.
local COMPLAINT_TIME = 500
-- With more names in the cache, those that have expired are thrown out.
local CACHE_MAX = 4096
-- The longest that an answer is kept, in seconds.
local SECONDS_MAX = 7 * 24 * 3600
-- How long an answer over TCP may take.
local TCP_TIME = 500

-- The numbers of what can be asked for, and of a name that does not exist.
local KINDS = { A = 1, AAAA = 28, SRV = 33 }
local NO_NAME = 3

-- The server that dns.server set, and what is connected now: { id, ip, port, used }.
local server = {}
local connection
-- Questions under way by id: { name, kind, packet, token, answer }.
local questions = {}
-- Addresses by family and name: { list, expires }.
local cache = { [false] = {}, [true] = {} }
local cached = 0
local hosts = {}
local last_complaint

local function complain(text)
	local now = skynet.now()
	if not last_complaint or now - last_complaint >= COMPLAINT_TIME then
		last_complaint = now
		skynet.error(text)
	end
end

-- Lines of a file, without comments; none when it cannot be read.
local function lines_of(path)
	local file = path and io.open(path)
	local lines = {}
	for line in file and file:lines() or next, {} do
		lines[#lines + 1] = line:match "^[^#;]*"
	end
	if file then
		file:close()
	end
	return lines
end

local function read_hosts(path)
	local all = { [false] = {}, [true] = {} }
	for _, line in ipairs(lines_of(path)) do
		local address, names = line:match "^%s*([%x.:%[%]]+)%s+(.*)$"
		for name in (names or ""):lower():gmatch "%S+" do
			local by_name = all[address:find(":", 1, true) ~= nil]
			by_name[name] = by_name[name] or {}
			table.insert(by_name[name], address)
		end
	end
	return all
end

local function find_host(name, ipv6)
	local path = dns.DEFAULT_HOSTS
	if not path then
		return
	end
	local now = skynet.now()
	if hosts.path ~= path or now - hosts.time >= HOSTS_TIME then
		hosts = { path = path, time = now, all = read_hosts(path) }
	end
	return hosts.all[ipv6][name]
end

local function first_nameserver()
	for _, line in ipairs(lines_of(dns.DEFAULT_RESOLV_CONF)) do
		local ip = line:match "^%s*nameserver%s+(%S+)"
		if ip then
			return ip
		end
	end
end

local function throw_out_expired()
	local now = skynet.now()
	cached = 0
	for _, names in pairs(cache) do
		for name, entry in pairs(names) do
			if entry.expires <= now then
				names[name] = nil
			else
				cached = cached + 1
			end
		end
	end
	if cached > CACHE_MAX then
		dns.flush()
	end
end

local function remember(name, ipv6, list, seconds)
	if cached >= CACHE_MAX then
		throw_out_expired()
	end
	local names = cache[ipv6]
	if not names[name] then
		cached = cached + 1
	end
	names[name] = { list = list, expires = skynet.now() + math.min(seconds, SECONDS_MAX) * 100 }
end

-- Reads an answer: { id, name, kind, list, seconds, status, truncated }; nil when it is malformed.
local function read(bytes)
	local id, name, kind, seconds, list, status, truncated = packet.answer(bytes)
	return id and {
		id = id, name = name, kind = kind, list = list,
		seconds = seconds, status = status, truncated = truncated,
	}
end

-- What the server sent.
local function receive(bytes)
	local answer = read(bytes)
	if not answer then
		complain "Recv an invalid package when dns query"
		return
	end
	local question = questions[answer.id]
	if not question then
		-- It came too late; nobody asks any more.
		return
	end
	if question.name ~= answer.name or question.kind ~= answer.kind then
		complain "Recv an invalid name when dns query"
		return
	end
	questions[answer.id] = nil
	question.answer = answer
	skynet.wakeup(question.token)
end

local function disconnect()
	local old = connection
	connection = nil
	skynet.error(("Udp server close %s:%d (%d)"):format(old.ip, old.port, old.id))
	socket.close(old.id)
end

local function close_when_idle(mine)
	skynet.timeout(IDLE_CHECK, function()
		if connection ~= mine then
			return
		elseif skynet.now() - mine.used > IDLE_TIME then
			disconnect()
		else
			close_when_idle(mine)
		end
	end)
end

local function connect()
	local ip = server.ip or first_nameserver()
	assert(ip, "Call dns.server first")
	local port = server.port or 53
	local id = socket.udp_dial(ip, port, receive)
	connection = { id = id, ip = ip, port = port, used = skynet.now() }
	skynet.error(("Udp server open %s:%d (%d)"):format(ip, port, id))
	close_when_idle(connection)
end

local function send(question)
	if not connection then
		connect()
	end
	connection.used = skynet.now()
	socket.write(connection.id, question.packet)
end

local function new_id()
	local id
	repeat
		id = string.unpack("<I2", crypt.randomkey())
	until id ~= 0 and not questions[id]
	return id
end

-- Asks over TCP; returns the answer, nil when there is none.
local function ask_over_tcp(question, id)
	local sockethelper = require "http.sockethelper"
	local connected, fd = pcall(sockethelper.connect, connection.ip, connection.port, TCP_TIME)
	if not connected then
		return
	end
	local open = true
	skynet.timeout(TCP_TIME, function()
		if open then
			socket.shutdown(fd)
		end
	end)
	socket.write(fd, string.pack(">s2", question.packet))
	local head = socket.read(fd, 2)
	local bytes = head and socket.read(fd, (string.unpack(">I2", head)))
	open = false
	socket.close(fd)
	local answer = bytes and read(bytes)
	if answer and answer.id == id and answer.name == question.name and answer.kind == question.kind then
		return answer
	end
end

-- Asks the server, again after each of these times; returns its answer, nil when there is none.
local function ask(name, kind, times)
	local id = new_id()
	local question = { name = name, kind = kind, token = {} }
	question.packet = packet.question(id, name, kind)
	questions[id] = question
	for _, time in ipairs(times) do
		local sent, err = pcall(send, question)
		if not sent then
			questions[id] = nil
			error(err, 0)
		end
		skynet.sleep(time, question.token)
		local answer = question.answer
		if answer then
			return answer.truncated and connection and ask_over_tcp(question, id) or answer
		end
	end
	questions[id] = nil
	skynet.error(("DNS query %s timeout"):format(name))
end

-- Asks for the addresses of a name; returns them, nil when there are none.
local function ask_for_addresses(name, ipv6)
	local answer = ask(name, ipv6 and KINDS.AAAA or KINDS.A, TRY_TIMES)
	if answer and answer.list[1] then
		remember(name, ipv6, answer.list, answer.seconds)
		return answer.list
	end
end

local function checked(name, kind)
	name = name:lower():gsub("%.$", "")
	if not name:find "[^a-z0-9_.-]" and packet.question(1, name, kind) then
		return name
	end
end

-- Sets the server; without an address it is the first one of the resolver file.
function dns.server(ip, port)
	server = { ip = ip, port = ip and port or 53 }
	if connection and (connection.ip ~= ip or connection.port ~= server.port) then
		disconnect()
	end
end

-- Returns the first address of a name and the list of all.
function dns.resolve(name, ipv6)
	name = name:lower()
	ipv6 = ipv6 and true or false
	if name:find "^[%d.]+$" or name:find(":", 1, true) then
		return name
	end
	name = checked(name, KINDS.A)
	if not name then
		return nil, "illegal name"
	end
	local list = find_host(name, ipv6)
	if list then
		return list[1], list
	end
	local entry = cache[ipv6][name]
	if not entry or entry.expires <= skynet.now() then
		list = ask_for_addresses(name, ipv6)
		if list then
			return list[1], list
		end
	end
	if not entry then
		error "timeout or no answer"
	end
	-- An old answer is better than none.
	return entry.list[1], entry.list
end

-- Asks the server for the records of a name: "A" and "AAAA" are addresses, "SRV" tables with
-- `target`, `port`, `priority` and `weight`. Neither the hosts file nor the cache are used. Returns
-- the list and the seconds for which it holds; nil and a text when the server knows of none. Raises
-- when it does not answer, or cannot.
function dns.query(name, kind)
	local number = KINDS[kind] or error(("no kind of record: %s"):format(tostring(kind)))
	name = checked(name, number) or error(("illegal name %q"):format(name), 0)
	local answer = ask(name, number, QUERY_TIMES)
	if not answer then
		error(("name server: no answer about %s"):format(name), 0)
	elseif answer.status ~= 0 and answer.status ~= NO_NAME then
		error(("name server: status %d for %s"):format(answer.status, name), 0)
	elseif answer.list[1] then
		return answer.list, math.min(answer.seconds, SECONDS_MAX)
	end
	return nil, ("%s has no %s record"):format(name, kind)
end

-- Forgets all answers.
function dns.flush()
	cache = { [false] = {}, [true] = {} }
	cached = 0
end

return dns
