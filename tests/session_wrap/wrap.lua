-- Sessions at the end of their range and behind it; session_wrap.rs runs this.

local check = require "check"
local skynet = require "skynet"
local core = require "skynet.core"

local LAST = 0x7fffffff

-- The next session of this service is the one behind `last`.
local function skip_to(last)
	require "skip_to"(skynet.self(), last)
end

if ... == "peer" then
	local held = {}
	local command = {}

	function command.echo(session, ...)
		skynet.retpack(session, ...)
	end

	function command.later(session, ...)
		skynet.sleep(1)
		skynet.retpack(session, ...)
	end

	function command.hold()
		table.insert(held, skynet.response())
	end

	function command.release()
		for _, respond in ipairs(held) do
			respond(true, "released")
		end
		held = {}
		skynet.ret()
	end

	skynet.start(function()
		skynet.dispatch("lua", function(session, _, name, ...)
			command[name](session, ...)
		end)
	end)
	return
end

local peer

-- What waits while the sessions start again: one of each kind, under the lowest sessions.
local function hold()
	skip_to(0)
	local waiting = { done = 0, started = false }
	local function task(f, ...)
		skynet.fork(function(...)
			f(...)
			waiting.done = waiting.done + 1
		end, ...)
	end
	local function call(address)
		check.equal(skynet.call(address, "lua", "hold"), "released")
	end
	task(call, peer)
	task(call, ".peer")
	task(function()
		check.equal(skynet.sleep(100000, "sleeper"), "BREAK")
	end)
	task(skynet.wait, "waiter")
	task(function()
		for _, answer in skynet.request({ peer, "lua", "hold" }):select() do
			check.same(answer, { n = 1, "released" })
		end
	end)
	local section = require "skynet.queue"()
	task(section, skynet.wait, "inside")
	task(section, function()
		waiting.entered = true
	end)
	skynet.timeout(100000, function()
		waiting.started = true
	end)
	skynet.yield()
	local sessions = {}
	for session = 1, 20 do
		if skynet.task(session) ~= "No session" then
			sessions[session] = true
		end
	end
	return waiting, sessions
end

local function release(waiting)
	check.equal(waiting.done, 0)
	check.ok(not waiting.entered and not waiting.started)
	skynet.call(peer, "lua", "release")
	for _, token in ipairs { "sleeper", "waiter", "inside" } do
		check.equal(skynet.wakeup(token), true, token)
	end
	check.eventually(function() return waiting.done == 7 end, "all go on")
	check.ok(waiting.entered)
end

local function is_free(session, taken, seen)
	check.ok(session > 0 and session <= LAST, session)
	check.ok(not taken[session], "handed out while pending: " .. session)
	check.ok(not seen[session], "handed out twice: " .. session)
	seen[session] = true
end

-- Every function that takes a session, across the end of the range.
local function wrap(distance)
	local waiting, taken = hold()
	check.ok(next(taken))
	skip_to(LAST - distance)
	local seen = {}
	for i = 1, 12 do
		is_free(skynet.call(peer, "lua", i % 2 == 0 and "echo" or "later"), taken, seen)
		is_free(skynet.genid(), taken, seen)
		is_free(core.genid(), taken, seen)
		is_free(core.send(peer, skynet.PTYPE_TEXT, nil, ""), taken, seen)
		is_free(skynet.redirect(peer, 0, "lua", nil, skynet.pack("echo")), taken, seen)
		check.results({}, skynet.sleep(i % 2))
		local ran = false
		skynet.timeout(0, function()
			ran = true
		end)
		skynet.yield()
		check.ok(ran)
		for _, answer in skynet.request({ peer, "lua", "echo" }):select() do
			is_free(answer[1], taken, seen)
		end
	end
	check.ok(seen[LAST] or distance > 1)
	release(waiting)
end

check.main(function()
	require "skynet.manager"
	skynet.register_protocol { name = "text", id = skynet.PTYPE_TEXT }
	-- Answers to sessions that were only asked for come back to nobody.
	skynet.dispatch_unknown_response(function() end)
	peer = check.helper "peer"
	skynet.name(".peer", peer)
	for distance = 1, 40 do
		wrap(distance)
	end
	check.step "one of each kind"

	skip_to(0)
	local tokens = {}
	local woken = 0
	for i = 1, 5000 do
		tokens[i] = {}
		skynet.fork(function()
			skynet.wait(tokens[i])
			woken = woken + 1
		end)
	end
	skynet.yield()
	local taken = {}
	for session = 1, 6000 do
		taken[session] = skynet.task(session) ~= "No session"
	end
	local seen = {}
	skip_to(LAST - 1)
	for _ = 1, 300 do
		is_free(skynet.call(peer, "lua", "echo"), taken, seen)
	end
	check.ok(seen[LAST])
	check.equal(woken, 0)
	for i = 1, 5000 do
		skynet.wakeup(tokens[i])
	end
	skynet.yield()
	check.equal(woken, 5000)
	check.step "a crowd in one row"
end)
