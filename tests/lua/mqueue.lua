-- skynet.mqueue: one message after the other, also when the handler blocks.
--! config: lua_path = lua_path .. ";./lualib/compat10/?.lua"

local check = require "check"
local skynet = require "skynet"
local mqueue = require "skynet.mqueue"

local function receiver()
	local skynet = require "skynet"
	local mqueue = require "skynet.mqueue"
	local log = {}
	skynet.start(function()
		mqueue.register(function(what, ...)
			log[#log + 1] = "begin " .. what
			if what == "fail" then
				error "the handler raised"
			end
			skynet.sleep(1)
			log[#log + 1] = "end " .. what
			if what == "log" then
				return table.concat(log, ",")
			elseif what ~= "quiet" then
				return what, ...
			end
		end)
		assert(not pcall(mqueue.register, print))
		skynet.dispatch("lua", function()
			skynet.retpack(mqueue.size())
		end)
	end)
end

local function calls_and_results(address)
	check.results({ n = 3, "a", nil, 2 }, mqueue.call(address, "a", nil, 2))
	check.raises_like("the handler raised", mqueue.call, address, "fail")
end

local function one_after_the_other(address)
	local calls = {}
	for i = 1, 3 do
		calls[i] = check.background(mqueue.call, address, "c" .. i)
	end
	check.results({}, mqueue.send(address, "quiet"))
	check.ok(skynet.call(address, "lua") >= 1)
	for i = 1, 3 do
		check.results({ true, "c" .. i }, check.outcome(calls[i]))
	end
	check.match(mqueue.call(address, "log"),
		"begin c1,end c1,begin c2,end c2,begin c3,end c3,begin quiet,end quiet,begin log,end log$")
	check.equal(skynet.call(address, "lua"), 0)
end

local function what_nobody_waits_for(address)
	mqueue.send(address, "fail")
	mqueue.send(address, "a result")
	mqueue.call(address, "quiet")
	check.logs "the handler raised"
	check.logs "mqueue.send has a result"
end

check.main(function()
	local address = require "skynet.service".new("mqueue", receiver)
	calls_and_results(address)
	one_after_the_other(address)
	what_nobody_waits_for(address)
end)
