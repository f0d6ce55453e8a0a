-- skynet.core: raw sends, the callback, and the kernel's text commands.

local check = require "check"
local skynet = require "skynet"
local core = require "skynet.core"

local mode = ...

if mode == "raw" then
	-- A service without the library: its own callback from the first message on.
	local seen = {}
	core.callback(function(kind, msg, sz, session, source)
		if kind == skynet.PTYPE_LUA then
			seen[#seen + 1] = { kind, type(msg), sz, session > 0, source }
			local payload = table.pack(core.unpack(msg, sz))
			if payload[1] == "swap" then
				core.callback(function(_, _, _, s, from)
					core.send(from, skynet.PTYPE_RESPONSE, s, core.packstring "swapped")
				end)
			elseif payload[1] == "fail" then
				error "in the callback"
			end
			core.send(source, skynet.PTYPE_RESPONSE, session, core.pack(seen))
		end
	end)
	core.send(".launcher", skynet.PTYPE_LUA, 0, core.packstring "LAUNCHOK")
	return
end

local function commands()
	check.equal(core.command "REG", ":8")
	check.equal(core.command("REG", ""), ":8")
	check.equal(core.command("REG", ".abc"), "abc")
	check.results({}, core.command("REG", ".abc"))
	check.equal(core.command("NAME", ".zz :ff"), "zz")
	check.equal(core.command("QUERY", ".zz"), ":ff")
	check.results({}, core.command("QUERY", ".nobody"))
	check.results({}, core.command("QUERY", "global"))
	check.results({}, core.command("NO SUCH COMMAND", "x"))
	check.equal(core.command("GETENV", "harbor"), "0")
	check.results({}, core.command("GETENV", "no such key"))
	check.results({}, core.command("SETENV", "core_key some value"))
	check.equal(core.command("GETENV", "core_key"), "some value")
	check.match(core.command "STARTTIME", "^%d+$")
	check.equal(core.command("STAT", "mqlen"), "0")
	check.match(core.command("STAT", "cpu"), "^%d+%.%d%d%d%d%d%d$")
	check.match(core.command("STAT", "message"), "^%d+$")
	check.equal(core.command("STAT", "xyz"), "")
	check.equal(core.addresscommand("QUERY", ".abc"), 8)
	check.equal(core.addresscommand "REG", 8)
	check.results({}, core.addresscommand("QUERY", ".nobody"))
	check.equal(core.intcommand("STAT", "xyz"), 0)
	check.equal(math.type(core.intcommand("STAT", "message")), "integer")
	check.equal(math.type(core.intcommand("STAT", "cpu")), "float")
	check.raises_like("Invalid result", core.intcommand, "GETENV", "core_key")
end

local function launching()
	local path = skynet.getenv "logpath"
	local address = core.command("LAUNCH", "logger " .. path .. "/second.log")
	check.match(address, "^:%x%x%x%x%x%x%x%x$")
	check.logged("[" .. address:lower() .. "] LAUNCH logger " .. path .. "/second.log\n")
	check.results({}, core.command("LAUNCH", "logger /no/such/folder/x"))
	check.logs "error: launch logger FAILED\n"
	core.command("KILL", address)
	check.results({}, core.send(tonumber(address:sub(2), 16), 0, 0, "x"))
	core.command("KILL", ":ffff")
	check.logs "KILL :ffff\n"
	core.command("KILL", "neither")
	check.logs "error: Can't convert neither to handle\n"
	core.command("KILL", ".nobody")
end

local function timers()
	local got = check.transcript()
	skynet.dispatch_unknown_response(function(session)
		got(session)
	end)
	local later = core.intcommand("TIMEOUT", 2)
	local now = core.intcommand("TIMEOUT", -5)
	check.equal(now, later + 1)
	check.equal(got:text(), "")
	got:wait(2)
	got:equal(now .. " " .. later)
end

local function sends()
	local n = core.genid()
	check.equal(core.send(skynet.self(), 250, 0, ""), 0)
	check.equal(core.send(skynet.self(), 250, nil, "text"), n + 1)
	check.equal(core.send("8", 250, 77, "text"), 77)
	check.equal(core.send("0x8", 250, 78, "text"), 78)
	check.equal(core.redirect(skynet.self(), 0xabc, 250, 79, "text"), 79)
	check.raises_like("number expected", core.send, skynet.self(), 250)
	check.raises_like("invalid param no value", core.send, skynet.self(), 250, 0)
	check.raises_like("invalid param number", core.send, skynet.self(), 250, 0, 5)
	check.raises("Invalid service address 0", core.send, 0, 250, 0, "")
	check.raises("Invalid service address 0", core.send, 0.0, 250, 0, "")
	check.raises_like("dest address type %(nil%)", core.send, nil, 250, 0, "")
	check.raises_like("number expected", core.redirect, skynet.self(), "x", 250, 0, "")
	check.results({}, core.send(":fffff0", 250, 0, ""))
	check.results({ 2, true }, core.harbor(0x02000001))
	check.results({ 0, false }, core.harbor(0x00000001))
end

local function raw_service()
	local raw = check.helper "raw"
	local seen = skynet.call(raw, "lua", "one")
	check.same(seen, { { 10, "userdata", 5 - 1, true, 8 } })
	skynet.send(raw, "lua", "fail")
	local head = "lua call %[8 to :%x+ : 0 msgsz = 5%] error : "
	check.logs(head .. "\27%[31m[^\n]*in the callback")
	local swap = check.background(skynet.call, raw, "lua", "swap")
	check.ok(check.outcome(swap))
	check.equal(skynet.call(raw, "lua", "anything"), "swapped")
	check.raises_like("bad argument", core.callback, "not a function")
end

local function conversions()
	check.results({ n = 0 }, core.tostring(nil))
	local msg, sz = core.pack "x"
	check.equal(core.tostring(msg, sz), core.packstring "x")
	core.trash(msg, sz)
	check.equal(math.type(core.now()), "integer")
	check.equal(math.type(core.hpc()), "integer")
end

check.main(function()
	commands()
	launching()
	timers()
	skynet.dispatch_unknown_request(function() end)
	sends()
	raw_service()
	conversions()
end)
