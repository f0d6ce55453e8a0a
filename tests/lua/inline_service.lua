-- skynet.service: services whose code is a function.

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"
local service = require "skynet.service"

local function counter_code(first)
	local skynet = require "skynet"
	local value = first
	skynet.start(function()
		skynet.yield()
		value = value + 1
		skynet.dispatch("lua", function(_, _, n)
			value = value + n
			skynet.retpack(value, SERVICE_NAME)
		end)
	end)
end

local function one_instance_a_name()
	local address = service.new("counter", counter_code, 10)
	check.equal(service.new("counter", counter_code, 99), address)
	check.equal(service.query "counter", address)
	check.results({ 12, "service_cell" }, skynet.call(address, "lua", 1))
	local other = service.new("other", counter_code, 0)
	check.ok(other ~= address)
end

local function arguments_of_any_kind()
	local address = service.new("arguments", function(...)
		local skynet = require "skynet"
		local arguments = table.pack(...)
		skynet.dispatch("lua", function()
			skynet.retpack(arguments)
		end)
	end, { 1, x = "y" }, nil, true)
	check.results({ { n = 3, { 1, x = "y" }, nil, true } }, skynet.call(address, "lua"))
end

local function only_env_as_upvalue()
	local outside = 5
	check.raises("assertion failed!", service.new, "bad", function() return outside, skynet end)
	check.raises("assertion failed!", service.new, "bad", function() end)
end

local function concurrent_boots_share_one()
	local query = check.background(service.query, "slow")
	local boots = {}
	for i = 1, 3 do
		boots[i] = check.background(service.new, "slow", function()
			local skynet = require "skynet"
			skynet.sleep(5)
			skynet.dispatch("lua", function() skynet.retpack "slow" end)
		end)
	end
	local _, first = check.outcome(boots[1])
	for i = 2, 3 do
		check.results({ true, first }, check.outcome(boots[i]))
	end
	check.results({ true, first }, check.outcome(query))
	check.equal(skynet.call(first, "lua"), "slow")
end

local function failures_are_remembered_until_closed()
	local function bad()
		error "the code raised"
	end
	check.raises("call failed", service.new, "failing", bad)
	check.raises("call failed", service.new, "failing", counter_code)
	check.raises("call failed", service.query, "failing")
	check.equal(service.close "failing", false)
	check.ok(service.new("failing", counter_code, 0))
	check.logs "the code raised"
end

local function closing()
	local address = service.query "other"
	check.equal(service.close "other", true)
	check.results({}, skynet.send(address, "lua", 1))
	check.equal(service.close "other", false)
	check.equal(service.close "never seen", false)
	check.ok(service.new("other", counter_code, 0) ~= address)
end

local function without_dispatch()
	local address = service.new("deaf", function() local _ = _ENV end)
	check.raises("call failed", skynet.call, address, "lua")
	check.logs "No dispatch function"
end

check.main(function()
	one_instance_a_name()
	arguments_of_any_kind()
	only_env_as_upvalue()
	concurrent_boots_share_one()
	failures_are_remembered_until_closed()
	closing()
	without_dispatch()
end)
