-- Blocking functions where no yield can pass: a Lua error, and nothing is resumed by mistake.
--! differs: the late answer goes to whatever the task waits for by then
--! no log: Unknown session

local check = require "check"
local skynet = require "skynet"
local queue = require "skynet.queue"

if ... == "peer" then
	check.serve {
		echo = function(...)
			return ...
		end,
		later = function(...)
			skynet.sleep(5)
			return ...
		end,
	}
	return
end

local peer
local ACROSS = "attempt to yield across a C-call boundary"

-- Runs f where Lua does not let it yield.
local function in_sort(f)
	table.sort({ 1, 2 }, function()
		f()
		return false
	end)
end

local function in_gsub(f)
	string.gsub("x", "x", function()
		f()
	end)
end

local function answers_go_nowhere(place)
	check.raises(ACROSS, place, function()
		skynet.call(peer, "lua", "echo", "lost")
	end)
	-- What comes next must get its own answer and not the lost one.
	check.equal(skynet.call(peer, "lua", "later", "first"), "first")
	check.equal(skynet.call(peer, "lua", "echo", "second"), "second")
end

local function timers_go_nowhere(place)
	check.raises(ACROSS, place, function()
		skynet.sleep(1)
	end)
	check.results({}, skynet.sleep(3))
	check.raises(ACROSS, place, function()
		skynet.sleep(1, "token")
	end)
	-- Nobody sleeps on it.
	check.results({}, skynet.wakeup "token")
	check.results({}, skynet.sleep(3, "token"))
	check.raises(ACROSS, place, skynet.wait)
	check.results({}, skynet.wakeup(coroutine.running()))
	check.results({}, skynet.sleep(1))
end

local function sections_stay_open(place)
	local section = queue()
	local inside = check.background(section, function()
		skynet.sleep(2)
	end)
	check.raises(ACROSS, place, function()
		section(error, "never runs")
	end)
	check.results({ true }, check.outcome(inside))
	check.equal(section(function()
		return "free"
	end), "free")
end

local function a_finished_task_is_left_alone()
	skynet.fork(function()
		pcall(in_sort, function()
			skynet.call(peer, "lua", "later", "lost")
		end)
	end)
	skynet.fork(function()
		pcall(in_sort, function()
			skynet.sleep(2)
		end)
	end)
	skynet.sleep(10)
end

local function finalizers()
	local failure
	do
		setmetatable({}, {
			__gc = function()
				failure = table.pack(pcall(skynet.call, peer, "lua", "echo", "lost"))
			end,
		})
	end
	collectgarbage()
	check.equal(failure[1], false)
	check.equal(skynet.call(peer, "lua", "echo", "own"), "own")
end

check.main(function()
	peer = check.helper "peer"
	for _, place in ipairs { in_sort, in_gsub } do
		answers_go_nowhere(place)
		timers_go_nowhere(place)
		sections_stay_open(place)
	end
	check.step "below C functions"
	a_finished_task_is_left_alone()
	check.step "answers for a task that has finished"
	finalizers()
	check.step "in finalizers"
end)
