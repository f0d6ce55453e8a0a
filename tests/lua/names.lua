-- Addresses and names: self, address, localname, register, name, global names, term.

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"
local harbor = require "skynet.harbor"

local mode = ...

if mode == "echo" then
	check.serve {
		echo = function(...)
			return ...
		end,
		register = skynet.register,
		exit = skynet.exit,
	}
	return
end

local function addresses()
	local self = skynet.self()
	check.equal(self, 8)
	check.equal(skynet.address(self), ":00000008")
	check.equal(skynet.address(0xabc), ":00000abc")
	check.equal(skynet.address ".name", ".name")
	check.equal(skynet.address ":ff", ":ff")
	check.results({ 0, false }, skynet.harbor(self))
	check.results({ 2, true }, skynet.harbor(0x02000001))
end

local function local_names(echo)
	check.equal(skynet.localname ".nobody", nil)
	check.equal(skynet.localname "nodot", nil)
	check.equal(skynet.localname ".launcher", 3)
	check.equal(skynet.localname ".service", 7)
	check.equal(skynet.localname ".logger", 1)
	skynet.register ".me"
	check.equal(skynet.localname ".me", skynet.self())
	skynet.name(".echo", echo)
	check.equal(skynet.localname ".echo", echo)
	check.equal(skynet.call(".echo", "lua", "echo", 5), 5)
	-- The first owner keeps a name.
	skynet.name(".echo", skynet.self())
	check.equal(skynet.localname ".echo", echo)
	skynet.name(".second", echo)
	check.equal(skynet.localname ".second", echo)
	-- Names are not checked for a living service.
	skynet.name(".zz", 0xff)
	check.equal(skynet.localname ".zz", 0xff)
end

local function names_vanish_with_their_service()
	local mortal = check.helper "echo"
	skynet.name(".mortal", mortal)
	skynet.send(mortal, "lua", "exit")
	check.eventually(function() return not skynet.localname ".mortal" end, "name gone")
	check.results({}, skynet.send(".mortal", "lua", "x"))
	local other = check.helper "echo"
	skynet.name(".mortal", other)
	check.equal(skynet.localname ".mortal", other)
end

local function global_names_wait(echo)
	local early = check.background(skynet.call, "GLOBAL", "lua", "echo", "early")
	local query = check.background(harbor.queryname, "GLOBAL")
	check.results({ 0 }, skynet.send("OTHER", "lua", "x"))
	skynet.sleep(2)
	check.ok(not early.done and not query.done)
	skynet.name("GLOBAL", echo)
	check.results({ true, "early" }, check.outcome(early))
	check.results({ true, echo }, check.outcome(query))
	check.equal(skynet.call("GLOBAL", "lua", "echo", "late"), "late")
	check.equal(harbor.queryname "GLOBAL", echo)
	check.equal(harbor.queryname ".echo", echo)
	skynet.send(echo, "lua", "register", "OWN")
	check.equal(harbor.queryname "OWN", echo)
	harbor.globalname("THIRD", echo)
	check.equal(harbor.queryname "THIRD", echo)
	harbor.globalname "MYSELF"
	check.equal(harbor.queryname "MYSELF", skynet.self())
	check.equal(harbor.queryname "DATACENTER", 6)
	check.equal(harbor.queryname "SERVICE", 7)
end

local function term_ends_a_waiting_global_call()
	local blocked = check.background(skynet.call, "NEVER", "lua")
	skynet.term "NEVER"
	local ok, err = check.outcome(blocked)
	check.ok(not ok)
	check.match(err, "call failed$")
end

local function name_rules()
	check.raises("assertion failed!", skynet.register, ":name")
	check.raises("assertion failed!", skynet.register, "sixteen letters.")
	check.raises("assertion failed!", skynet.register, "12")
	check.raises("assertion failed!", skynet.name, ":name", 8)
	check.raises("assertion failed!", skynet.name, "0x10", 8)
	skynet.name("fifteen letters", 8)
	check.equal(harbor.queryname "fifteen letters", 8)
end

local function single_node_links()
	harbor.link(2)
	check.raises("call failed", harbor.linkmaster)
	local connecting = check.background(harbor.connect, 2)
	check.eventually(function()
		return check.log():find("Can't connect to other harbor in single node mode", 1, true)
	end, "warning")
	check.ok(not connecting.done)
	-- A name that is taken: the service that keeps the names says so, nobody else.
	skynet.name("THIRD", skynet.self())
	check.ok(harbor.queryname "THIRD" ~= skynet.self())
end

check.main(function()
	local echo = check.helper "echo"
	addresses()
	local_names(echo)
	names_vanish_with_their_service()
	global_names_wait(echo)
	term_ends_a_waiting_global_call()
	name_rules()
	single_node_links()
end)
