-- skynet.dns with a server of our own: answers, the cache, the hosts file, errors.
--! config: lua_path = lua_path .. ";@TESTS@/module/?.lua"

local check = require "check"
local skynet = require "skynet"
local dns = require "skynet.dns"
local name_server = require "name_server"

local A, AAAA = 1, 28
local V6 = "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\xab\1"

local asked = {}
local zone = {
	["one.test"] = { [A] = { name_server.a(60, 192, 0, 2, 1) } },
	["many.test"] = {
		[A] = {
			{ 5, 60, "\xc0\x0c" },
			name_server.a(60, 192, 0, 2, 7),
			name_server.a(30, 192, 0, 2, 6),
			{ AAAA, 60, V6 },
		},
		[AAAA] = { { AAAA, 60, V6 } },
	},
	["short.test"] = { [A] = { name_server.a(1, 192, 0, 2, 9) } },
	["none.test"] = { [A] = {} },
}

local function respond(id, name, kind)
	asked[#asked + 1] = name
	local records = zone[name] and zone[name][kind] or {}
	return name_server.answer(id, name, kind, records)
end

local function count(name)
	local n = 0
	for _, one in ipairs(asked) do
		n = n + (one == name and 1 or 0)
	end
	return n
end

local function answers()
	check.results({ "192.0.2.1", { "192.0.2.1" } }, dns.resolve "one.test")
	check.results({ "192.0.2.1", { "192.0.2.1" } }, dns.resolve "ONE.test")
	check.equal(count "one.test", 1, "the second time from the cache")
	local first, all = dns.resolve("many.test", true)
	check.equal(first, "2001:db8:0:0:0:0:0:ab01")
	check.same(all, { first })
	first = dns.resolve "many.test"
	check.equal(first, "192.0.2.7")
	check.equal(count "many.test", 2, "a question for each family")
	dns.flush()
	dns.resolve "one.test"
	check.equal(count "one.test", 2, "asked again when the cache was flushed")
end

local function addresses_are_not_asked_for()
	local before = #asked
	for _, address in ipairs { "192.0.2.1", "999", "::1", "[::1]", "fe80::1%eth0" } do
		check.results({ address }, dns.resolve(address))
	end
	for _, wrong in ipairs { "a b", "a\0b", "a/b", "\xff", ("a"):rep(64) .. ".test", ("a."):rep(600) } do
		check.results({ n = 2, nil, "illegal name" }, dns.resolve(wrong))
	end
	check.equal(#asked, before)
end

local function old_answers()
	check.equal((dns.resolve "short.test"), "192.0.2.9")
	check.eventually(function()
		dns.resolve "short.test"
		return count "short.test" >= 2
	end, "the answer expires")
	check.raises("timeout or no answer", dns.resolve, "none.test")
	check.raises("timeout or no answer", dns.resolve, "unknown.test")
end

local function at_once()
	local results = {}
	for i = 1, 100 do
		local name = ("n%d.test"):format(i)
		zone[name] = { [A] = { name_server.a(60, 10, 0, 0, i) } }
		results[i] = check.background(dns.resolve, name)
	end
	for i = 1, 100 do
		local ok, address = check.outcome(results[i])
		check.ok(ok)
		check.equal(address, "10.0.0." .. i)
	end
end

local function hosts_file()
	local path = os.tmpname()
	local file = assert(io.open(path, "w"))
	file:write "127.0.0.1 localhost Alias.Test # other.test\n"
	file:write "  ::1\tlocalhost ; x\n# 10.0.0.1 no.test\n10.0.0.2 alias.test\n\nnonsense\n"
	file:close()
	dns.DEFAULT_HOSTS = path
	check.results({ "127.0.0.1", { "127.0.0.1", "10.0.0.2" } }, dns.resolve "alias.test")
	check.results({ "::1", { "::1" } }, dns.resolve("localhost", true))
	check.raises("timeout or no answer", dns.resolve, "other.test")
	check.raises("timeout or no answer", dns.resolve, "no.test")
	os.remove(path)
end

check.main(function()
	dns.DEFAULT_RESOLV_CONF = nil
	dns.server("127.0.0.1", name_server.start(respond))
	hosts_file()
	answers()
	addresses_are_not_asked_for()
	old_answers()
	at_once()
end)
