-- fork, timeout, sleep, wait, wakeup, killthread.

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "slow" then
	skynet.start(function()
		skynet.dispatch("lua", function()
			skynet.wait()
		end)
	end)
	return
end

local function fork_keeps_arguments()
	local got
	local co = skynet.fork(function(...)
		got = table.pack(coroutine.running(), ...)
	end, nil, 1, nil, "x", nil)
	check.equal(type(co), "thread")
	skynet.yield()
	check.same({ table.unpack(got, 2, got.n) }, { nil, 1, nil, "x", nil })
	check.equal(got.n, 6)
	local count
	skynet.fork(function(...) count = select("#", ...) end, nil, 1, nil, "x", nil)
	skynet.fork(function(...) check.equal(select("#", ...), 0) end)
	skynet.yield()
	check.equal(count, 5)
end

local function timeouts_run_in_time()
	local events = check.in_one_tick(function()
		local events = check.transcript()
		local start = skynet.now()
		local co = skynet.timeout(3, function()
			check.ok(skynet.now() - start >= 3)
			events "3"
		end)
		check.equal(type(co), "thread")
		skynet.timeout(1, function() events "1" end)
		skynet.timeout(0, function() events "0" end)
		skynet.timeout(-5, function() events "-5" end)
		return events
	end)
	events:wait(4)
	events:equal "0 -5 1 3"
end

local function sleep_measures()
	local start = skynet.now()
	check.results({}, skynet.sleep(5))
	check.ok(skynet.now() - start >= 5)
	check.results({}, skynet.sleep "1")
	check.results({}, skynet.sleep(1.0))
	check.raises_like("number has no integer representation", skynet.sleep, 1.5)
	check.raises_like("string expected, got nil", skynet.sleep, nil)
	check.raises_like("number has no integer representation", skynet.timeout, 1.5, print)
end

local function sleeper(token, ti, events, name)
	return skynet.fork(function()
		local result = table.pack(skynet.sleep(ti, token))
		events(name .. ":" .. tostring(result[1]) .. ":" .. result.n)
	end)
end

local function wakeup_breaks_sleeps()
	local events = check.transcript()
	local token = {}
	local co = sleeper(nil, 100000, events, "own")
	sleeper(token, 100000, events, "table")
	sleeper("text", 100000, events, "text")
	sleeper(17, 100000, events, "number")
	sleeper(false, 100000, events, "false")
	skynet.yield()
	for _, t in ipairs { co, token, "text", 17 } do
		check.results({ true }, skynet.wakeup(t))
	end
	skynet.yield()
	events:equal "own:BREAK:1 table:BREAK:1 text:BREAK:1 number:BREAK:1"
	for _, t in ipairs { co, token, "text", 17, "never seen" } do
		check.results({}, skynet.wakeup(t))
	end
end

local function wait_returns_nothing()
	local events = check.transcript()
	skynet.fork(function()
		events(select("#", skynet.wait "w"))
	end)
	skynet.yield()
	events:equal ""
	check.results({ true }, skynet.wakeup "w")
	skynet.yield()
	events:equal "0"
end

local function wakeups_are_not_remembered()
	local events = check.transcript()
	check.results({}, skynet.wakeup "early")
	skynet.fork(function()
		skynet.wait "early"
		events "woken"
	end)
	skynet.yield()
	skynet.yield()
	events:equal ""
	skynet.wakeup "early"
	skynet.yield()
	events:equal "woken"
end

local function two_sleepers_on_one_token()
	skynet.fork(function() skynet.wait "shared" end)
	skynet.yield()
	local second = check.background(function()
		check.raises("token duplicative", skynet.wait, "shared")
		check.raises("token duplicative", skynet.sleep, 1, "shared")
	end)
	check.equal(check.outcome(second), true)
	skynet.wakeup "shared"
	skynet.yield()
end

local function a_broken_sleep_leaves_no_timer()
	local events = check.transcript()
	sleeper("short", 3, events, "short")
	skynet.yield()
	skynet.wakeup "short"
	skynet.sleep(6)
	events:equal "short:BREAK:1"
	check.not_logged "Unknown session"
end

local function kill_a_sleeper()
	local events = check.transcript()
	local co = sleeper("victim", 100000, events, "victim")
	skynet.yield()
	check.equal(skynet.killthread(co), co)
	check.results({}, skynet.wakeup "victim")
	check.results({}, skynet.killthread(co))
	skynet.yield()
	events:equal ""
end

local function kill_by_name()
	local events = check.transcript()
	local co = sleeper("victim", 100000, events, "victim")
	skynet.yield()
	local name = tostring(co):gsub("%W", "%%%0")
	check.equal(skynet.killthread(name), co)
	check.results({}, skynet.killthread(name))
end

local function kill_a_fork_before_it_runs()
	local events = check.transcript()
	local co = skynet.fork(events, "never")
	check.equal(skynet.killthread(co), co)
	skynet.yield()
	events:equal ""
end

local function kill_a_request()
	local done = {}
	local victim
	skynet.dispatch("lua", function()
		victim = coroutine.running()
		skynet.wait()
		done[1] = true
	end)
	local requester = check.background(skynet.call, skynet.self(), "lua")
	check.eventually(function() return victim end, "request taken")
	check.equal(skynet.killthread(victim), victim)
	local ok, err = check.outcome(requester)
	check.equal(ok, false)
	check.match(err, "call failed$")
	check.same(done, {})
end

local function kill_a_caller()
	local peer = check.helper "slow"
	local co = skynet.fork(skynet.call, peer, "lua")
	skynet.yield()
	check.equal(skynet.killthread(co), co)
	check.equal(skynet.task(co), nil)
end

local function the_running_task_is_not_found()
	check.results({}, skynet.killthread((coroutine.running())))
end

check.main(function()
	fork_keeps_arguments()
	timeouts_run_in_time()
	sleep_measures()
	wakeup_breaks_sleeps()
	wait_returns_nothing()
	wakeups_are_not_remembered()
	two_sleepers_on_one_token()
	a_broken_sleep_leaves_no_timer()
	check.step "sleeping and waking"
	kill_a_sleeper()
	kill_by_name()
	kill_a_fork_before_it_runs()
	kill_a_request()
	kill_a_caller()
	the_running_task_is_not_found()
end)
