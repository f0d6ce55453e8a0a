-- getenv, setenv, clocks and statistics.
--! config: text = "some text"
--! config: number = 12
--! config: float = 1.5
--! config: yes = true
--! config: profile = true

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "reader" then
	check.serve { get = skynet.getenv }
	return
end

local function config_values_are_text()
	check.equal(skynet.getenv "text", "some text")
	check.equal(skynet.getenv "number", "12")
	check.equal(skynet.getenv "float", "1.5")
	check.equal(skynet.getenv "yes", "true")
	check.equal(skynet.getenv "no such key", nil)
	check.equal(skynet.getenv "harbor", "0")
	check.equal(skynet.getenv "thread", "4")
	check.equal(skynet.getenv "standalone", "true")
	check.equal(skynet.getenv "logservice", "logger")
end

local function keys_are_set_once()
	skynet.setenv("new", "value")
	skynet.setenv("new_number", 5)
	skynet.setenv("spaces", "a b  c")
	skynet.setenv("empty", "")
	check.equal(skynet.getenv "new", "value")
	check.equal(skynet.getenv "new_number", "5")
	check.equal(skynet.getenv "spaces", "a b  c")
	check.equal(skynet.getenv "empty", "")
	check.raises("Can't setenv exist key : new", skynet.setenv, "new", "other")
	check.raises("Can't setenv exist key : text", skynet.setenv, "text", "other")
	check.equal(skynet.getenv "new", "value")
	check.equal(skynet.call(check.helper "reader", "lua", "get", "new"), "value")
end

local function clocks()
	local before = os.time()
	local now, wall = skynet.now(), skynet.starttime()
	local time = skynet.time()
	local after = os.time()
	check.equal(math.type(now), "integer")
	check.equal(math.type(wall), "integer")
	check.equal(skynet.starttime(), wall)
	local function is_between(seconds)
		return before - 2 <= seconds and seconds <= after + 2
	end
	check.ok(is_between(wall + now // 100))
	check.equal(math.type(time), "float")
	check.ok(is_between(time))
	local a = skynet.hpc()
	local b = skynet.hpc()
	check.equal(math.type(a), "integer")
	check.ok(b >= a)
	skynet.sleep(3)
	check.ok(skynet.now() - now >= 3)
end

local function statistics()
	check.equal(skynet.mqlen(), 0)
	check.equal(skynet.stat "mqlen", 0)
	skynet.timeout(0, function() end)
	local before = skynet.stat "message"
	check.equal(math.type(before), "integer")
	skynet.yield()
	check.equal(skynet.stat "message", before + 2)
	check.equal(skynet.endless(), false)
	check.equal(skynet.stat "endless", 0)
	check.equal(skynet.stat "no such", 0)
	local stop = skynet.hpc() + 20000000
	repeat until skynet.hpc() > stop
	local time = skynet.stat "time"
	check.equal(math.type(time), "float")
	check.ok(time > 0)
	skynet.yield()
	local cpu = skynet.stat "cpu"
	check.equal(math.type(cpu), "float")
	check.ok(cpu > 0 and cpu < 60)
end

check.main(function()
	config_values_are_text()
	keys_are_set_once()
	clocks()
	statistics()
end)
