-- skynet.snax: services whose functions are called by name.
--! config: snax = "@TESTS@/snax/?.lua"

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"
local snax = require "skynet.snax"

local function the_interface_numbers_functions_in_order()
	local interface = snax.interface "room"
	check.equal(snax.interface "room", interface)
	check.results({ {
		name = "room",
		accept = { say = 5, leave = 10 },
		response = { said = 6, limit = 7, where = 8, fail = 9 },
		system = { init = 1, exit = 2, hotfix = 3, profile = 4 },
	} }, interface)
end

local function objects()
	local room = snax.newservice("room", 3, "a", "b")
	check.equal(room.type, "room")
	check.equal(tostring(room), string.format("[room:%x]", room.handle))
	check.equal(snax.bind(room.handle, "room"), room)
	check.raises("assertion failed!", snax.bind, room.handle, "bad_name")
	check.results({}, room.post.say "hello")
	check.equal((room.req.said(1)), 2)
	check.eventually(function()
		return room.req.said(2) == "hello"
	end, "what was posted is handled")
	check.results({ "hello", 2 }, room.req.said(2))
	check.equal(room.req.limit(), 3)
	check.raises("post room:said no exist", function() return room.post.said end)
	check.raises("request room:say no exist", function() return room.req.say end)
	check.raises("call failed", room.req.fail)
	check.logs "response raised"
	local name, path, text = room.req.where()
	check.equal(name, "room")
	check.match(path, "/snax/room/$")
	check.equal(text, tostring(room))
	return room
end

-- Both travel by the protocol snax: its number and the packed function number with arguments.
local function the_wire(room)
	check.equal(skynet.PTYPE_SNAX, 11)
	check.equal(skynet.unpack(skynet.rawcall(room.handle, "snax", skynet.pack(7))), 3)
	check.raises("call failed", skynet.call, room.handle, "snax", 99)
end

local function before_and_after_init()
	local raw = skynet.newservice("snaxd", "room")
	check.raises("call failed", skynet.call, raw, "snax", 7)
	check.logs "Init first"
	check.raises("call failed", skynet.call, raw, "snax", 2)
	check.logs "Never init"
	check.results({}, skynet.call(raw, "snax", 1))
	check.raises("call failed", skynet.call, raw, "snax", 1)
	check.logs "Already init"
	local handle = snax.rawnewservice("room", 9)
	check.equal(snax.bind(handle, "room").req.limit(), 9)
	check.raises("call failed", snax.newservice, "room", "fail")
	check.logs "init raised"
end

local function ends(room)
	local left = {}
	skynet.register ".watcher"
	skynet.dispatch("lua", function(_, _, _, handle, ...)
		left[handle] = table.pack(...)
	end)
	check.results({}, snax.kill(room, "why", 1))
	check.equal(left[room.handle][1], "why")
	check.equal(pcall(room.req.limit), false)
	local other = snax.newservice "room"
	other.post.leave "by itself"
	check.eventually(function() return left[other.handle] end, "the service exits")
	check.equal(left[other.handle][1], "by itself")
end

local function one_of_a_name()
	local query = check.background(snax.queryservice, "room")
	local room = snax.uniqueservice("room", 5)
	check.equal(snax.uniqueservice("room", 6), room)
	check.equal(room.req.limit(), 5)
	check.results({ true, room }, check.outcome(query))
	local global = snax.globalservice("room", 7)
	check.ok(global ~= room)
	check.equal(snax.queryglobal "room", global)
	check.equal(global.req.limit(), 7)
end

local function profile()
	local room = snax.newservice "room"
	room.post.say "x"
	room.req.said(1)
	room.req.said(1)
	pcall(room.req.fail)
	local times = snax.profile_info(room)
	check.equal(times.said.count, 2)
	check.equal(times.fail.count, 1)
	check.equal(times.say.count, 1)
	check.equal(math.type(times.said.time), "float")
	check.equal(skynet.call(room.handle, "debug", "INFO").said.count, 2)
end

local function bad_files()
	check.raises("response.value must be function", snax.interface, "bad_method")
	check.raises("accept method only support string", snax.interface, "bad_name")
	check.raises("accept.same duplicate definition", snax.interface, "bad_twice")
	check.raises("init must be a function", snax.newservice, "bad_init")
	check.raises_like("cannot open", snax.newservice, "no_such_file")
end

check.main(function()
	the_interface_numbers_functions_in_order()
	local room = objects()
	the_wire(room)
	before_and_after_init()
	ends(room)
	one_of_a_name()
	profile()
	bad_files()
end)
