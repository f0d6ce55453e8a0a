-- skynet.dns with a real name server at `dns_port`, whose names tests/discovery/dns.rs gives.

local check = require "check"
local skynet = require "skynet"
local dns = require "skynet.dns"

local function addresses()
	check.results({ "192.0.2.1", { "192.0.2.1" } }, dns.resolve "one.test")
	check.results({ "192.0.2.1", { "192.0.2.1" } }, dns.resolve "ONE.Test.")
	check.results({ "2001:db8:0:0:0:0:0:1", { "2001:db8:0:0:0:0:0:1" } }, dns.resolve("one.test", true))
	check.results({ "192.0.2.1", { "192.0.2.1" } }, dns.resolve "alias.test")
end

local function denials()
	check.raises("timeout or no answer", dns.resolve, "nobody.test")
	check.raises("timeout or no answer", dns.resolve, "mail.test", true)
	check.results({ nil, "nobody.test has no A record", n = 2 }, dns.query("nobody.test", "A"))
	check.results({ nil, "one.test has no SRV record", n = 2 }, dns.query("one.test", "SRV"))
	-- This server answers for nobody else.
	check.raises("name server: status 5 for one.elsewhere", dns.query, "one.elsewhere", "A")
end

-- All addresses do not fit into a packet.
local function truncated()
	local _, list = dns.resolve "many.test"
	check.equal(#list, 100)
	check.equal(#(dns.query("many.test", "A")), 100)
end

local function services()
	local list, seconds = dns.query("_ironsky._tcp.db.test", "SRV")
	table.sort(list, function(a, b)
		return a.priority < b.priority
	end)
	check.same(list, {
		{ target = "one.test", port = 7100, priority = 1, weight = 5 },
		{ target = "mail.test", port = 7200, priority = 2, weight = 0 },
	})
	check.ok(seconds <= 7 * 24 * 3600)
	local held = select(2, dns.query("one.test", "A"))
	check.equal(held, 7)
end

check.main(function()
	dns.DEFAULT_HOSTS = nil
	dns.server("127.0.0.1", tonumber(skynet.getenv "dns_port"))
	addresses()
	denials()
	truncated()
	services()
end)
