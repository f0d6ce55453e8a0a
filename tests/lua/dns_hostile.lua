-- skynet.dns and a server that lies: other names, other ids, other senders, circles, lost packets.
--! differs: there ids count up, a circle of pointers hangs the service, and nothing is sent twice
--! config: lua_path = lua_path .. ";@TESTS@/module/?.lua"
--! log: Udp server open 127.0.0.1:
--! log: Recv an invalid

local check = require "check"
local dns = require "skynet.dns"
local name_server = require "name_server"

local good = name_server.a(60, 192, 0, 2, 1)
local bad = name_server.a(60, 6, 6, 6, 6)
local ids, lost = {}, {}

local lies = {}

function lies.garbage(id)
	return "", "\0", ("\xff"):rep(600), string.pack(">I2", id)
end

function lies.name(id, _, kind)
	return name_server.answer(id, "other.test", kind, { bad })
end

function lies.id(id, name, kind)
	return name_server.answer(id ~ 1, name, kind, { bad })
end

function lies.family(id, name)
	return name_server.answer(id, name, 28, { { 28, 60, ("\6"):rep(16) } })
end

function lies.cut(id, name, kind)
	return name_server.answer(id, name, kind, { bad }):sub(1, -2)
end

-- The name of the question is a pointer to itself.
function lies.circle(id)
	return string.pack(">I2I2I2I2I2I2I2I2I2", id, 0x8180, 1, 1, 0, 0, 0xc00c, 1, 1)
end

-- Two pointers to each other.
function lies.circles(id)
	return string.pack(">I2I2I2I2I2I2I2I2I2I2", id, 0x8180, 1, 1, 0, 0, 0xc00e, 0xc00c, 1, 1)
end

function lies.records(id, name, kind)
	local packet = name_server.answer(id, name, kind, { bad })
	return packet:sub(1, 6) .. "\xff\xff" .. packet:sub(9)
end

function lies.lengths(id, name, kind)
	return name_server.answer(id, name, kind, { { 1, 60, "\6\6\6" } })
end

local function respond(id, name, kind)
	ids[#ids + 1] = id
	if name == "lost.test" and not lost[name] then
		lost[name] = true
		return
	end
	local lie = lies[name:match "^(.*)%.lie$"]
	if lie then
		local packets = { lie(id, name, kind) }
		packets[#packets + 1] = name_server.answer(id, name, kind, { good })
		return table.unpack(packets)
	end
	return name_server.answer(id, name, kind, { good })
end

check.main(function()
	dns.DEFAULT_HOSTS = nil
	dns.DEFAULT_RESOLV_CONF = nil
	check.raises("Call dns.server first", dns.resolve, "a.test")
	dns.server("127.0.0.1", name_server.start(respond))
	for lie in pairs(lies) do
		check.results({ "192.0.2.1", { "192.0.2.1" } }, dns.resolve(lie .. ".lie"))
	end

	-- A last point is no part of the name, and case is nothing.
	check.equal((dns.resolve "Point.Test."), "192.0.2.1")
	check.results({ n = 2, nil, "illegal name" }, dns.resolve "a..b")
	check.results({ n = 2, nil, "illegal name" }, dns.resolve "")

	-- A question that was lost is asked again.
	check.equal((dns.resolve "lost.test"), "192.0.2.1")

	-- Ids are not to be guessed from the ones before.
	local steps = {}
	for i = 1, 50 do
		dns.resolve(("n%d.test"):format(i))
		local step = (ids[#ids] - ids[#ids - 1]) & 0xffff
		steps[step] = true
	end
	local different = 0
	for _ in pairs(steps) do
		different = different + 1
	end
	check.ok(different > 25, "steps between ids")

	-- A new server is asked from now on.
	local other = name_server.start(function(id, name, kind)
		return name_server.answer(id, name, kind, { name_server.a(0, 192, 0, 2, 2) })
	end)
	dns.server("127.0.0.1", other)
	check.equal((dns.resolve "new.test"), "192.0.2.2")

	-- The hosts file is read again when it has changed.
	dns.DEFAULT_HOSTS = "/nowhere/at/all"
	check.equal((dns.resolve "host.test"), "192.0.2.2")
	local path = os.tmpname()
	local file <close> = assert(io.open(path, "w"))
	file:write "10.9.8.7 host.test\n"
	file:close()
	dns.DEFAULT_HOSTS = path
	check.equal((dns.resolve "host.test"), "10.9.8.7")
	os.remove(path)
end)
