-- PTYPE_ERROR: which calls fail when a service says that it is gone, and who says so.

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

local mode = ...

if mode == "silent" then
	local closures = {}
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, what)
			if what == "exit" then
				skynet.exit()
			elseif what == "block" then
				skynet.wait()
			elseif what == "spin" then
				repeat until skynet.getenv "spinner_was_killed"
			elseif what == "busy" then
				local stop = skynet.hpc() + 200000000
				repeat until skynet.hpc() > stop
				skynet.exit()
			elseif what == "respond" then
				table.insert(closures, skynet.response())
			elseif what == "test" then
				local ok = {}
				for i, r in ipairs(closures) do
					ok[i] = r "TEST"
				end
				skynet.retpack(table.unpack(ok))
			elseif what == "use" then
				skynet.retpack(closures[1](true, "x"))
			else
				skynet.ignoreret()
			end
		end)
	end)
	return
end

if mode == "caller" then
	local watched
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, what, address)
			if what == "call" then
				watched = check.background(skynet.call, address, "lua", "respond")
				skynet.ret()
			elseif what == "exit" then
				skynet.exit()
			end
		end)
	end)
	return
end

if mode == "handler" then
	-- Replaces the built-in handler of protocol "error".
	local got = {}
	skynet.start(function()
		local old = skynet.dispatch("error", function(session, source, ...)
			got[#got + 1] = { session, source, select("#", ...) }
		end)
		skynet.dispatch("lua", function()
			skynet.retpack(type(old), got)
		end)
	end)
	return
end

local function session_zero_fails_integer_calls_only()
	local peer = check.helper "silent"
	skynet.name(".watched", peer)
	local by_number = check.background(skynet.call, peer, "lua", "block")
	local by_name = check.background(skynet.call, ".watched", "lua", "block")
	local by_hex = check.background(skynet.call, skynet.address(peer), "lua", "block")
	skynet.redirect(skynet.self(), peer, "error", 0, "")
	local ok, err = check.outcome(by_number)
	check.ok(not ok)
	check.match(err, "call failed$")
	check.ok(not by_name.done and not by_hex.done)
	skynet.term ".watched"
	check.raises("call failed", error, select(2, check.outcome(by_name)), 0)
	check.ok(not by_hex.done)
	skynet.term(skynet.address(peer))
	check.ok(not check.outcome(by_hex))
end

local function an_error_with_a_session_fails_that_call()
	local peer = check.helper "silent"
	local one = check.background(skynet.call, peer, "lua", "block")
	local two = check.background(skynet.call, peer, "lua", "block")
	local sessions = {}
	skynet.task(sessions)
	local numbers = {}
	for key in pairs(sessions) do
		numbers[#numbers + 1] = tonumber(key:match "session: (%d+)")
	end
	table.sort(numbers)
	skynet.redirect(skynet.self(), peer, "error", numbers[2], "")
	check.ok(not check.outcome(two))
	check.ok(not one.done)
	skynet.term(peer)
	check.ok(not check.outcome(one))
end

local function exit_fails_requests_in_progress()
	local peer = check.helper "silent"
	local blocked = check.background(skynet.call, peer, "lua", "block")
	local owed = check.background(skynet.call, peer, "lua", "respond")
	check.raises("call failed", skynet.call, peer, "lua", "exit")
	check.ok(not check.outcome(blocked))
	check.ok(not check.outcome(owed))
end

local function queued_requests_bounce()
	local peer = check.helper "silent"
	skynet.send(peer, "lua", "busy")
	local queued = {}
	for i = 1, 20 do
		queued[i] = check.background(skynet.call, peer, "lua", "block")
	end
	for i = 1, 20 do
		check.ok(not check.outcome(queued[i]), i)
	end
end

local function a_bounced_send_fails_other_calls()
	local peer = check.helper "silent"
	local by_number = check.background(skynet.call, peer, "lua", "block")
	skynet.call(peer, "lua", "test")
	skynet.send(peer, "lua", "spin")
	-- More than one turn of the scheduler takes, so some are still queued when the service goes.
	for _ = 1, 200 do
		skynet.send(peer, "lua", "late")
	end
	skynet.kill(peer)
	skynet.setenv("spinner_was_killed", "yes")
	check.ok(not check.outcome(by_number))
end

local function closures_of_a_dead_requester_are_forgotten()
	local keeper = check.helper "silent"
	local caller = check.helper "caller"
	skynet.call(caller, "lua", "call", keeper)
	check.eventually(function()
		return skynet.call(keeper, "lua", "test")
	end, "closure taken")
	skynet.send(caller, "lua", "exit")
	check.eventually(function()
		return skynet.call(keeper, "lua", "test") == false
	end, "closure forgotten")
	check.equal(skynet.call(keeper, "lua", "use"), false)
end

local function closures_of_a_killed_requester_test_true()
	local keeper = check.helper "silent"
	local caller = check.helper "caller"
	skynet.call(caller, "lua", "call", keeper)
	check.eventually(function()
		return skynet.call(keeper, "lua", "test")
	end, "closure taken")
	skynet.kill(caller)
	check.equal(skynet.call(keeper, "lua", "test"), true)
	check.equal(skynet.call(keeper, "lua", "use"), false)
end

local function the_handler_can_be_replaced()
	local peer = check.helper "handler"
	skynet.redirect(peer, skynet.self(), "error", 4711, "text")
	skynet.redirect(peer, skynet.self(), "error", 0, "")
	local kind, got = skynet.call(peer, "lua")
	check.equal(kind, "function")
	check.same(got, { { 4711, skynet.self(), 2 }, { 0, skynet.self(), 2 } })
end

check.main(function()
	session_zero_fails_integer_calls_only()
	check.step "session 0"
	an_error_with_a_session_fails_that_call()
	check.step "one session"
	exit_fails_requests_in_progress()
	check.step "exit"
	queued_requests_bounce()
	check.step "bounced calls"
	a_bounced_send_fails_other_calls()
	check.step "bounced sends"
	closures_of_a_dead_requester_are_forgotten()
	check.step "closures after exit"
	closures_of_a_killed_requester_test_true()
	check.step "closures after kill"
	the_handler_can_be_replaced()
end)
