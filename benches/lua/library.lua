-- Measures reads of shared tables, what 1000 services that share one cost, channels with many
-- subscribers, and calls through datacenter, queue and snax. It uses only skynet's API, so that it
-- runs on both.

local skynet = require "skynet"
require "skynet.manager"

local SECONDS = 2
local SUBSCRIBERS = 1000
local READERS = 1000
local RECORDS = 70000

local mode, argument = ...

if mode == "subscriber" then
	local multicast = require "skynet.multicast"
	local got = 0
	local object
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, command, channel)
			if command == "subscribe" then
				object = multicast.new { channel = channel, dispatch = function() got = got + 1 end }
				object:subscribe()
			end
			skynet.retpack(got)
		end)
	end)
	return
end

-- Shares the large table, or reads some of it.
if mode == "reader" then
	local module = require("skynet." .. argument)
	local view
	local command = {}
	function command.query(name)
		view = module.query(name)
		local sum = 0
		for i = 1, 100 do
			sum = sum + view[i * 7].hp
		end
		return sum
	end
	function command.hp()
		return view[7].hp
	end
	function command.update()
		module.update "large"
	end
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, name, ...)
			skynet.retpack(command[name](...))
		end)
	end)
	return
end

local function report(name, value, unit)
	print(string.format("RESULT %s %.2f %s", name, value, unit))
end

-- Repeats `step`, which does `count` things, for some seconds; returns how many it did a second.
local function rate(count, step)
	local start = skynet.hpc()
	local now, done = start, 0
	while now - start < SECONDS * 1000000000 do
		step()
		done = done + count
		now = skynet.hpc()
	end
	return done * 1e9 / (now - start)
end

local function cpu_of_process()
	local file = assert(io.open "/proc/self/stat")
	local fields = file:read("a"):match "%) (.*)"
	file:close()
	local list = {}
	for field in fields:gmatch "%S+" do
		list[#list + 1] = field
	end
	return (list[12] + list[13]) / 100
end

local function memory()
	local file = assert(io.open "/proc/self/status")
	local kibibytes = file:read("a"):match "VmRSS:%s+(%d+)"
	file:close()
	return kibibytes / 1024
end

local function large_table(hp)
	local large = {}
	for i = 1, RECORDS do
		large[i] = { id = i, hp = hp, name = "record number " .. i, level = i % 100 }
	end
	return large
end

local function reads()
	local N = 2000000
	local function time(t)
		local record, list = t.record, t.list
		local best = math.huge
		for _ = 1, 5 do
			local sum, start = 0, skynet.hpc()
			for _ = 1, N do
				sum = sum + record.hp
			end
			best = math.min(best, skynet.hpc() - start)
		end
		local best_item = math.huge
		for _ = 1, 5 do
			local sum, start = 0, skynet.hpc()
			for i = 1, N do
				sum = sum + list[i % 100 + 1]
			end
			best_item = math.min(best_item, skynet.hpc() - start)
		end
		return best / N, best_item / N
	end
	local data = { record = { id = 1, name = "x", hp = 7, speed = 3 }, list = {} }
	for i = 1, 100 do
		data.list[i] = i
	end
	local sharedata = require "skynet.sharedata"
	local sharetable = require "skynet.sharetable"
	sharedata.new("data", data)
	sharetable.loadtable("data", data)
	local tables = { plain = data, sharedata = sharedata.query "data", sharetable = sharetable.query "data" }
	for _, name in ipairs { "plain", "sharedata", "sharetable" } do
		local field, item = time(tables[name])
		report("read.field." .. name, field, "ns")
		report("read.item." .. name, item, "ns")
	end
end

local function sharing(module)
	local shared = require("skynet." .. module)
	local services = {}
	for i = 1, READERS do
		services[i] = skynet.newservice("library", "reader", module)
	end
	collectgarbage()
	local before = memory()
	local large = large_table(1)
	local plain = memory()
	report("share." .. module .. ".plain_table", plain - before, "MiB")
	local start = skynet.hpc()
	local publish = module == "sharedata" and shared.update or shared.loadtable
	publish("large", large)
	report("share." .. module .. ".publish", (skynet.hpc() - start) / 1e6, "ms")
	large = nil
	collectgarbage()
	local published = memory()
	start = skynet.hpc()
	for _, service in ipairs(services) do
		skynet.call(service, "lua", "query", "large")
	end
	report("share." .. module .. ".query", (skynet.hpc() - start) / 1e3 / READERS, "us/service")
	report("share." .. module .. ".memory", (memory() - published) * 1024 / READERS, "KiB/service")
	large = large_table(2)
	start = skynet.hpc()
	publish("large", large)
	if module == "sharetable" then
		for _, service in ipairs(services) do
			skynet.call(service, "lua", "update")
		end
	end
	for _, service in ipairs(services) do
		while skynet.call(service, "lua", "hp") ~= 2 do
			skynet.yield()
		end
	end
	report("share." .. module .. ".switch", (skynet.hpc() - start) / 1e6, "ms")
	for _, service in ipairs(services) do
		skynet.kill(service)
	end
end

local function channels()
	local multicast = require "skynet.multicast"
	local channel = multicast.new()
	local services = {}
	for i = 1, SUBSCRIBERS do
		services[i] = skynet.newservice("library", "subscriber")
		skynet.call(services[i], "lua", "subscribe", channel.channel)
	end
	local last = services[SUBSCRIBERS]
	local published = 0
	local cpu = cpu_of_process()
	local per_second = rate(20 * SUBSCRIBERS, function()
		for _ = 1, 20 do
			channel:publish("message", published)
			published = published + 1
		end
		for _, service in ipairs { services[1], last } do
			while skynet.call(service, "lua", "count") < published do
				skynet.yield()
			end
		end
	end)
	cpu = cpu_of_process() - cpu
	report("multicast", per_second / 1000, "k messages/s")
	report("multicast.cpu", cpu * 1e9 / (published * SUBSCRIBERS), "ns/message")
	for _, service in ipairs(services) do
		skynet.kill(service)
	end
end

local function measure(name, step)
	local cpu, count = cpu_of_process(), 0
	local per_second = rate(100, function()
		for _ = 1, 100 do
			step()
		end
		count = count + 100
	end)
	report(name, per_second / 1000, "k/s")
	report(name .. ".cpu", (cpu_of_process() - cpu) * 1e6 / count, "us")
end

skynet.start(function()
	reads()
	local datacenter = require "skynet.datacenter"
	datacenter.set("a", "b", 1)
	measure("datacenter.get", function() datacenter.get("a", "b") end)
	measure("datacenter.set", function() datacenter.set("a", "b", 2) end)
	local lock = require "skynet.queue"()
	local function nothing() end
	measure("queue", function() lock(nothing) end)
	local snax = require "skynet.snax"
	local object = snax.newservice "snax_echo"
	measure("snax.req", function() object.req.echo(1) end)
	channels()
	sharing "sharedata"
	sharing "sharetable"
	skynet.abort()
end)
