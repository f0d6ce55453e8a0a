-- The order of tasks inside a service: wake-ups, failed calls, forks, then the next message.

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "peer" then
	check.serve {
		fail = function()
			error "asked to fail"
		end,
		sequence = function(source)
			skynet.send(source, "lua", "first")
			skynet.send(source, "lua", "second")
			return "answer"
		end,
	}
	return
end

local function sleeper(t, token, after)
	skynet.fork(function()
		skynet.wait(token)
		t(token)
		if after then
			after()
		end
	end)
end

local function wakeups_then_forks()
	local t = check.transcript()
	for _, token in ipairs { "t1", "t2", "t3" } do
		sleeper(t, token, function()
			skynet.fork(t, "fork_of_" .. token)
		end)
	end
	skynet.yield()
	skynet.fork(t, "F1")
	skynet.wakeup "t3"
	skynet.wakeup "t2"
	skynet.wakeup "t1"
	skynet.fork(t, "F2")
	t "before"
	skynet.yield()
	t:equal "before t3 t2 t1 F1 F2 fork_of_t3 fork_of_t2 fork_of_t1"
end

local function woken_task_wakes_another()
	local t = check.transcript()
	sleeper(t, "a", function()
		skynet.wakeup "c"
		t "a2"
	end)
	sleeper(t, "b")
	sleeper(t, "c")
	skynet.yield()
	skynet.wakeup "a"
	skynet.wakeup "b"
	skynet.yield()
	t:equal "a a2 b c"
end

local function woken_task_that_sleeps_again()
	local t = check.transcript()
	skynet.fork(function()
		skynet.wait "x"
		t "x1"
		skynet.wait "x"
		t "x2"
	end)
	sleeper(t, "y", function()
		skynet.wakeup "x"
	end)
	skynet.yield()
	skynet.wakeup "x"
	skynet.wakeup "y"
	skynet.fork(t, "F")
	skynet.yield()
	t:equal "x1 y x2 F"
end

local function failed_calls_come_after_wakeups_and_before_forks()
	local t = check.transcript()
	local peer = skynet.newservice(SERVICE_NAME, "silent")
	for i = 1, 2 do
		skynet.fork(function()
			pcall(skynet.call, peer, "lua", i)
			t("call" .. i)
			skynet.fork(t, "fork_of_call" .. i)
		end)
	end
	sleeper(t, "w")
	skynet.yield()
	skynet.fork(t, "F")
	skynet.term(peer)
	skynet.wakeup "w"
	skynet.yield()
	local text = t:text()
	-- The two calls end in the order of a table walk.
	local one = "w call1 call2 F fork_of_call1 fork_of_call2"
	local two = "w call2 call1 F fork_of_call2 fork_of_call1"
	check.ok(text == one or text == two, text)
end

local function forks_of_forks_run_before_the_next_message()
	local t = check.transcript()
	skynet.timeout(0, function()
		t "message"
	end)
	skynet.fork(function()
		t "f1"
		skynet.fork(function()
			t "f1.1"
			skynet.fork(t, "f1.1.1")
		end)
	end)
	skynet.fork(t, "f2")
	t "before"
	skynet.yield()
	t:wait(6)
	t:equal "before f1 f2 f1.1 f1.1.1 message"
end

local function fork_waits_for_its_creator()
	local ran = false
	skynet.fork(function()
		ran = true
	end)
	for _ = 1, 1000 do
		check.ok(not ran)
	end
	skynet.yield()
	check.ok(ran)
end

local function yield_lets_queued_messages_pass()
	local t = check.transcript()
	for i = 1, 3 do
		skynet.timeout(0, function()
			t("m" .. i)
		end)
	end
	skynet.yield()
	t "after"
	t:equal "m1 m2 m3 after"
end

local function timers_of_one_tick_keep_their_order()
	local t = check.in_one_tick(function()
		local t = check.transcript()
		for i = 1, 50 do
			skynet.timeout(5, function()
				t(i)
			end)
		end
		skynet.timeout(2, function()
			t "early"
		end)
		return t
	end)
	t:wait(51)
	check.equal(t[1], "early")
	for i = 1, 50 do
		check.equal(t[i + 1], tostring(i))
	end
end

local function answers_keep_their_place_among_sends()
	local t = check.transcript()
	local peer = check.helper "peer"
	skynet.dispatch("lua", function(_, _, what)
		t(what)
	end)
	t(skynet.call(peer, "lua", "sequence", skynet.self()))
	t:equal "first second answer"
end

local function finished_coroutines_are_used_again()
	local first
	skynet.fork(function()
		first = coroutine.running()
	end)
	skynet.yield()
	local second
	skynet.fork(function()
		second = coroutine.running()
	end)
	check.ok(first)
	skynet.yield()
	check.ok(second)
end

if mode == "silent" then
	skynet.start(function()
		skynet.dispatch("lua", skynet.ignoreret)
	end)
	return
end

check.main(function()
	wakeups_then_forks()
	woken_task_wakes_another()
	woken_task_that_sleeps_again()
	failed_calls_come_after_wakeups_and_before_forks()
	forks_of_forks_run_before_the_next_message()
	fork_waits_for_its_creator()
	yield_lets_queued_messages_pass()
	timers_of_one_tick_keep_their_order()
	answers_keep_their_place_among_sends()
	finished_coroutines_are_used_again()
end)
