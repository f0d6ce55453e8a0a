-- Session numbers: who takes one, and in what order.

local check = require "check"
local skynet = require "skynet"
local core = require "skynet.core"

local mode = ...

if mode == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(session)
			if session == 0 then
				error "expected a session"
			end
			skynet.retpack(session)
		end)
	end)
	return
end

local function log_sessions(first)
	skynet.start(function()
		skynet.send(first, "lua", skynet.genid())
	end)
end

if mode == "first" then
	log_sessions(tonumber((select(2, ...))))
	return
end

check.main(function()
	local got
	skynet.dispatch("lua", function(session, _, what)
		check.equal(session, 0)
		got = what
	end)
	check.helper("first", skynet.self())
	check.eventually(function() return got end, "first session")
	check.equal(got, 2)
	check.step "start takes session 1"

	local peer = check.helper "peer"
	local n = skynet.genid()
	check.equal(skynet.genid(), n + 1)
	check.equal(skynet.call(peer, "lua"), n + 2)
	skynet.sleep(0)
	check.equal(skynet.call(peer, "lua"), n + 4)
	skynet.timeout(0, function() end)
	check.equal(skynet.call(peer, "lua"), n + 6)
	skynet.send(peer, "lua")
	check.equal(skynet.call(peer, "lua"), n + 7)
	skynet.fork(function()
		skynet.wait "token"
	end)
	skynet.yield()
	check.equal(skynet.call(peer, "lua"), n + 10)
	check.equal(skynet.redirect(peer, 0, "lua", nil, ""), n + 11)
	check.equal(core.genid(), n + 12)
	check.equal(skynet.request({ peer, "lua" }):select() and skynet.genid(), n + 14)
	check.step "calls, sleeps, timers, waits, select and genid take one, sends take none"
end)
