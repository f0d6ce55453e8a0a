-- skynet.task, uniqtask and trace_timeout.

local check = require "check"
local skynet = require "skynet"

local function count_and_table()
	local before = skynet.task()
	local co = skynet.fork(function() skynet.wait "one" end)
	skynet.fork(function() skynet.sleep(100000, "two") end)
	skynet.yield()
	check.equal(skynet.task(), before + 2)
	local tasks = {}
	check.results({}, skynet.task(tasks))
	local session = skynet.task(co)
	local trace = tasks[tostring(co) .. " session: " .. session]
	check.match(trace, "^stack traceback:\n")
	check.match(trace, "task_info%.lua:%d+")
	check.equal(skynet.task(session), trace)
	skynet.wakeup "one"
	skynet.wakeup "two"
	skynet.yield()
	check.equal(skynet.task(), before)
	check.equal(skynet.task(co), nil)
end

local function odd_arguments()
	check.equal(skynet.task(987654), "No session")
	check.results({}, skynet.task "something else")
	check.results({}, skynet.task(true))
	check.results({}, skynet.task(coroutine.create(print)))
	check.match(skynet.task "init", "^stack traceback:\n")
end

local function abandoned_sleeps_show_break()
	local before = skynet.task()
	local co = skynet.fork(function() skynet.sleep(100000, "broken") end)
	skynet.yield()
	local session = skynet.task(co)
	skynet.wakeup "broken"
	skynet.yield()
	check.equal(skynet.task(), before)
	check.equal(skynet.task(session), "BREAK")
	local tasks = {}
	skynet.task(tasks)
	check.equal(tasks["BREAK session: " .. session], "BREAK")
end

local function same_stacks_are_merged()
	for _ = 1, 20 do
		skynet.fork(function() skynet.wait {} end)
	end
	skynet.yield()
	local most = 0
	for key, trace in pairs(skynet.uniqtask()) do
		local count, sessions, more = key:match "^(%d+)\tsessions:%[([%d,]+)(%.*)%]\n$"
		local listed = select(2, sessions:gsub("%d+", ""))
		count = tonumber(count)
		check.equal(listed, math.min(count, 9))
		check.equal(more, count > 10 and "..." or "")
		if count > most then
			most = count
			check.match(trace, count > 2 and "^stack traceback:\n" or "")
		end
	end
	-- One task may run on a coroutine that was used before, with another stack.
	check.ok(most >= 12, most)
end

local function timers_show_where_they_were_armed()
	skynet.trace_timeout(true)
	local co = skynet.timeout(100000, function() end)
	local session = skynet.task(co)
	check.match(skynet.task(session), "^TIMER %d+%+100000 : \nstack traceback:\n.*task_info%.lua")
	skynet.trace_timeout(false)
	co = skynet.timeout(100000, function() end)
	local trace = skynet.task(skynet.task(co))
	check.ok(trace == nil or not trace:find "TIMER")
end

check.main(function()
	count_and_table()
	odd_arguments()
	abandoned_sleeps_show_break()
	same_stacks_are_merged()
	timers_show_where_they_were_armed()
end)
