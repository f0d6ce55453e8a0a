-- skynet.queue: critical sections.

local check = require "check"
local skynet = require "skynet"
local queue = require "skynet.queue"

local function first_come_first_served()
	local cs = queue()
	local events = check.transcript()
	for i = 1, 5 do
		skynet.fork(cs, function(a, b)
			check.equal(b, "b")
			events("in" .. a)
			skynet.sleep(5 - i)
			events("out" .. a)
		end, i, "b")
	end
	events:wait(10)
	events:equal "in1 out1 in2 out2 in3 out3 in4 out4 in5 out5"
end

local function results_come_back()
	local cs = queue()
	check.results({ n = 3, nil, 1, nil }, cs(function(...) return ... end, nil, 1, nil))
	check.results({ n = 0 }, cs(function() end))
	check.results({ "slept" }, cs(function() skynet.sleep(0) return "slept" end))
end

local function it_is_reentrant()
	local cs = queue()
	local events = check.transcript()
	skynet.fork(cs, function()
		cs(function()
			cs(skynet.yield)
			events "nested"
		end)
		skynet.yield()
		events "outer"
	end)
	skynet.fork(cs, events, "next")
	events:wait(3)
	events:equal "nested outer next"
end

local function forks_of_the_holder_wait()
	local cs = queue()
	local events = check.transcript()
	cs(function()
		skynet.fork(cs, events, "fork")
		skynet.yield()
		events "holder"
	end)
	events:wait(2)
	events:equal "holder fork"
end

local function errors_release()
	local cs = queue()
	local ok, err = pcall(cs, function() error "inside" end)
	check.ok(not ok)
	check.match(err, "queue%.lua:%d+: inside\nstack traceback:\n")
	local object = {}
	ok, err = pcall(cs, error, object)
	check.equal(err, object)
	ok, err = pcall(cs, function() cs(error, "nested", 0) end)
	check.match(err, "nested\nstack traceback:\n")
	check.equal(cs(function() return "free" end), "free")
	local waiting = check.background(cs, error, "queued", 0)
	local _, text = check.outcome(waiting)
	check.match(text, "queued\n")
	check.equal(cs(function() return "free" end), "free")
end

local function nobody_overtakes()
	local cs = queue()
	local events = check.transcript()
	local function enter(name, after)
		skynet.fork(function()
			cs(function()
				events(name)
				if after then
					after()
				end
			end)
			if name == "first" then
				-- The section was handed to "second", which has not run yet.
				cs(events, "first again")
			end
		end)
	end
	enter("first", skynet.yield)
	enter "second"
	enter "third"
	events:wait(4)
	events:equal "first second third first again"
end

check.main(function()
	first_come_first_served()
	results_come_back()
	it_is_reentrant()
	forks_of_the_holder_wait()
	errors_release()
	nobody_overtakes()
end)
