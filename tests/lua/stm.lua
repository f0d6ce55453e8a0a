-- skynet.stm: one writer, readers in other services, and what each of them sees.
--! differs: there a read whose function raises counts as a read

local check = require "check"
local skynet = require "skynet"
local stm = require "skynet.stm"

local mode = ...

-- A reader that answers what a read gives.
local function reader()
	local object
	local command = {}
	function command.take(copy)
		object = stm.newcopy(copy)
	end
	function command.read()
		return object(skynet.unpack)
	end
	check.serve(command)
end

local function across_services()
	local writer = stm.new(skynet.pack(1, "two", { 3 }))
	local services = {}
	for i = 1, 3 do
		services[i] = check.helper "reader"
		skynet.call(services[i], "lua", "take", stm.copy(writer))
	end
	for _, service in ipairs(services) do
		check.results({ true, 1, "two", { 3 } }, skynet.call(service, "lua", "read"))
		check.results({ false }, skynet.call(service, "lua", "read"))
	end
	for i = 1, 5 do
		writer(skynet.pack("version", i))
	end
	for _, service in ipairs(services) do
		check.results({ true, "version", 5 }, skynet.call(service, "lua", "read"))
		check.results({ false }, skynet.call(service, "lua", "read"))
	end
end

local function strings_and_user_values()
	local writer = stm.new "some bytes"
	local read = stm.newcopy(stm.copy(writer))
	local function f(pointer, size, extra)
		return skynet.tostring(pointer, size), size, extra
	end
	check.results({ true, "some bytes", 10, "extra" }, read(f, "extra"))
	check.results({ false }, read(f, "extra"))
	writer "other"
	check.results({ n = 4, true, "other", 5, nil }, read(f))
	writer ""
	check.results({ n = 2, true, 0 }, read(function(_, size) return size end))
	check.results({ false }, read(f))
end

-- A read that raises is none; the block stays while it is read, whatever happens meanwhile.
local function reads_that_fail()
	local writer = stm.new "first"
	local read = stm.newcopy(stm.copy(writer))
	check.raises("not this time", read, function() error("not this time", 0) end)
	check.results({ true, "inner", "first" }, read(function(pointer, size)
		writer "second"
		collectgarbage()
		return "inner", skynet.tostring(pointer, size)
	end))
	check.results({ true, "second" }, read(skynet.tostring))
end

local function readers_without_a_writer()
	local writer = stm.new "left behind"
	local read = stm.newcopy(stm.copy(writer))
	writer = nil
	collectgarbage()
	collectgarbage()
	check.results({ false }, read(skynet.tostring))
end

local function wrong_arguments()
	local writer = stm.new "x"
	local read = stm.newcopy(stm.copy(writer))
	check.raises_like("bad argument", stm.newcopy, "no pointer")
	check.raises_like("bad argument", stm.copy, read)
	check.raises_like("bad argument", read, "no function")
	check.results({ true, "x" }, read(skynet.tostring))
end

if mode == "reader" then
	reader()
else
	check.main(function()
		across_services()
		strings_and_user_values()
		reads_that_fail()
		readers_without_a_writer()
		wrong_arguments()
	end)
end
