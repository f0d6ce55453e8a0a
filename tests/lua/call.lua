-- skynet.call: values of every kind, calls to oneself, failures, calls given up.

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "peer" then
	local waiting = {}
	check.serve {
		echo = function(...)
			return ...
		end,
		hold = function()
			local token = {}
			table.insert(waiting, token)
			skynet.wait(token)
			return "held"
		end,
		release = function()
			for _, token in ipairs(waiting) do
				skynet.wakeup(token)
			end
		end,
		unreadable = function()
			skynet.ret "\7not a packed value"
		end,
	}
	return
end

local function values_come_back(peer)
	check.results({ n = 0 }, skynet.call(peer, "lua", "echo"))
	check.results({ n = 3, nil, false, nil }, skynet.call(peer, "lua", "echo", nil, false, nil))
	local deep = {}
	local table_value = { 1, 2, { "x", y = { deep } }, name = "n", [1.5] = -1, [true] = 2^53 }
	check.results({ table_value }, skynet.call(peer, "lua", "echo", table_value))
	check.results({ 1, 1.0, -1, math.maxinteger, math.mininteger, 0x80000000, "" },
		skynet.call(peer, "lua", "echo", 1, 1.0, -1, math.maxinteger, math.mininteger, 0x80000000, ""))
	local long = string.rep("long \0 text", 100000)
	check.results({ long }, skynet.call(peer, "lua", "echo", long))
	local many = {}
	for i = 1, 200 do
		many[i] = i
	end
	check.results(many, skynet.call(peer, "lua", "echo", table.unpack(many)))
end

local function calls_interleave(peer)
	local held = {}
	for i = 1, 5 do
		held[i] = check.background(skynet.call, peer, "lua", "hold")
	end
	check.equal(skynet.call(peer, "lua", "echo", "not blocked"), "not blocked")
	skynet.call(peer, "lua", "release")
	for i = 1, 5 do
		check.results({ true, "held" }, check.outcome(held[i]))
	end
end

local function calls_to_oneself()
	skynet.dispatch("lua", function(_, source, a)
		check.equal(source, skynet.self())
		skynet.sleep(0)
		skynet.retpack(a + 1)
	end)
	check.equal(skynet.call(skynet.self(), "lua", 1), 2)
end

local function an_unreadable_answer_raises(peer)
	check.raises_like("Invalid serialize stream", skynet.call, peer, "lua", "unreadable")
end

local function a_killed_caller_drops_the_answer(peer)
	local events = check.transcript()
	local co = skynet.fork(function()
		skynet.call(peer, "lua", "hold")
		events "never"
	end)
	skynet.yield()
	check.equal(skynet.task(co) ~= nil, true)
	check.equal(skynet.killthread(co), co)
	skynet.call(peer, "lua", "release")
	skynet.call(peer, "lua", "echo")
	events:equal ""
	check.not_logged "Unknown session"
end

check.main(function()
	local peer = check.helper "peer"
	values_come_back(peer)
	calls_interleave(peer)
	calls_to_oneself()
	an_unreadable_answer_raises(peer)
	a_killed_caller_drops_the_answer(peer)
end)
