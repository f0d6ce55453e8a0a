-- The demonstration that `ironsky` without arguments shows: a walk through services, calls,
-- timers, tasks, errors and the end of a service, and how many calls this machine makes a second.

local skynet = require "skynet"
require "skynet.manager"

local MEASURED_SECONDS = 1

-- As many as a screen still shows.
local PAIRS_MAX = 16

local function say(format, ...)
	skynet.error(string.format(format, ...))
end

local function chapter(title)
	skynet.error ""
	say("-- %s --", title)
end

-- An integer with a comma behind every third digit.
local function grouped(number)
	local digits = string.format("%d", number)
	local text = string.gsub(string.reverse(digits), "(%d%d%d)", "%1,")
	return (string.gsub(string.reverse(text), "^,", ""))
end

local function introduce()
	skynet.error ""
	say("Welcome to ironsky %s. This takes about three seconds.", skynet.getenv "ironsky_version" or "")
	say("It runs %s on %s worker threads.", _VERSION, skynet.getenv "thread")
	say("Its locks and its run queue: %s.", skynet.getenv "ironsky_strategy" or "unknown")
	say "Every line begins with the address of the service that wrote it; this one is the demo."
	say "Above, the node launched its system services."
end

local function show_calls()
	chapter "A service is a Lua program of its own; a call sends it a message and waits"
	local account = skynet.newservice("demo_account", 100)
	say("The account %s starts with 100.", skynet.address(account))
	say("call deposit 25  -> the balance is %d", skynet.call(account, "lua", "deposit", 25))
	say("call withdraw 50 -> the balance is %d", skynet.call(account, "lua", "withdraw", 50))
	return account
end

local function show_timers()
	chapter "Timers and sleep: nobody waits but the task that asks"
	local start = skynet.now()
	local function note(what)
		say("after %3d ms: %s", (skynet.now() - start) * 10, what)
	end
	skynet.timeout(20, function()
		note "the timer of 200 ms"
	end)
	skynet.timeout(10, function()
		note "the timer of 100 ms, which was set later"
	end)
	skynet.sleep(30)
	note "the task that slept for 300 ms"
end

local function show_tasks(account)
	chapter "Tasks: one service waits for many things at once"
	local start = skynet.now()
	local tasks = {}
	for index = 1, 3 do
		tasks[index] = function()
			skynet.sleep(20)
			local balance = skynet.call(account, "lua", "deposit", index)
			say("task %d slept for 200 ms and deposited %d: the balance is %d", index, index, balance)
		end
	end
	local waiting = #tasks
	local this = coroutine.running()
	for _, task in ipairs(tasks) do
		skynet.fork(function()
			task()
			waiting = waiting - 1
			if waiting == 0 then
				skynet.wakeup(this)
			end
		end)
	end
	skynet.wait()
	say("All three together took %d ms.", (skynet.now() - start) * 10)
end

local function show_errors(account)
	chapter "An error ends one task, not the service"
	say "call withdraw 1000: the account raises an error; it goes to the log, and to the caller."
	local ok = pcall(skynet.call, account, "lua", "withdraw", 1000)
	say("The caller goes on: pcall said %s.", ok)
	say("So does the account: the balance is %d", skynet.call(account, "lua", "balance"))
end

local function show_exit(account)
	chapter "The end of a service"
	skynet.send(account, "lua", "close")
	local ok = pcall(skynet.call, account, "lua", "balance")
	say("A call to a service that is gone fails at once instead of waiting: pcall said %s.", ok)
end

-- Runs pairs of caller and answerer side by side and returns their calls per second.
local function measure(pairs_count)
	local callers = {}
	for index = 1, pairs_count do
		callers[index] = skynet.newservice "demo_caller"
	end
	local requests = skynet.request()
	for _, caller in ipairs(callers) do
		requests:add { caller, "lua", MEASURED_SECONDS }
	end
	local rate = 0
	for _, answer in requests:select() do
		rate = rate + (answer and answer[1] or 0)
	end
	return rate
end

local function show_speed()
	chapter "Speed: each pair calls and answers as fast as it can, for one second"
	local threads = math.tointeger(skynet.getenv "thread") or 2
	local several = math.max(4, math.min(2 * threads, PAIRS_MAX))
	local one = measure(1)
	local many = measure(several)
	say("1 pair:   %s calls per second", grouped(one))
	say("%d pairs:  %s calls per second", several, grouped(many))
end

skynet.start(function()
	introduce()
	local account = show_calls()
	show_timers()
	show_tasks(account)
	show_errors(account)
	show_exit(account)
	show_speed()
	chapter "That was all: the demo asks the node to end, in order, with status 0"
	say "Next: `ironsky --help`, and the guide in docs/src/guide/first-service.md"
	skynet.abort()
end)
