-- skynet.netpack: packets out of socket messages, the queue, and blocks to send.

local check = require "check"
local skynet = require "skynet"
local driver = require "skynet.socketdriver"
local netpack = require "skynet.netpack"

local DATA <const>, CONNECT <const>, CLOSE <const>, ACCEPT <const> = 1, 2, 3, 4
local ERROR <const>, UDP <const>, WARNING <const> = 5, 6, 7

local queue
local answer

skynet.register_protocol {
	name = "made",
	id = skynet.PTYPE_SOCKET,
	unpack = function(message, size)
		answer = table.pack(netpack.filter(queue, message, size))
		queue = answer[1]
	end,
	dispatch = function()
		answer.done = true
	end,
}

-- Has a message of the socket server filtered; returns what comes behind the queue.
local function filter(kind, id, ud, bytes, text)
	local block = 0
	if bytes then
		local pointer, size = driver.str2p(bytes)
		block = tonumber(string.format("%p", pointer):sub(3), 16)
		ud = ud or size
	end
	answer = nil
	local message = string.pack("<i4i4i4xxxxi8", kind, id, ud or 0, block) .. (text or "")
	skynet.redirect(skynet.self(), skynet.self(), "made", 0, message)
	check.eventually(function() return answer and answer.done end, "the message is dispatched")
	return table.unpack(answer, 2, answer.n)
end

local function data(id, bytes)
	return filter(DATA, id, nil, bytes)
end

-- The results of a "data" with the packet as a string.
local function text_of(what, id, pointer, size)
	check.equal(what, "data")
	check.equal(type(pointer), "userdata")
	local text = netpack.tostring(pointer, size)
	check.equal(#text, size)
	return id, text
end

-- All packets of the queue: { id, text, id, text, ... }
local function popped()
	local list = {}
	for id, pointer, size in netpack.pop, queue do
		list[#list + 1] = id
		list[#list + 1] = netpack.tostring(pointer, size)
	end
	return list
end

local function one_packet_a_message()
	check.results({ 7, "abc" }, text_of(data(7, "\0\3abc")))
	check.results({ 7, "" }, text_of(data(7, "\0\0")))
	local long = string.rep("x", 0xffff)
	check.results({ 8, long }, text_of(data(8, "\xff\xff" .. long)))
	check.results({}, netpack.pop(queue))
end

local function split_packets()
	for cut = 1, 4 do
		local bytes = "\0\3abc"
		check.results({}, data(7, bytes:sub(1, cut)))
		check.results({ 7, "abc" }, text_of(data(7, bytes:sub(cut + 1))))
	end
	for i = 1, 4 do
		check.results({}, data(9, ("\0\3abc"):sub(i, i)))
	end
	check.results({ 9, "abc" }, text_of(data(9, "c")))
end

local function many_packets()
	check.results({ "more" }, data(3, "\0\1a\0\2bc\0\0"))
	check.same(popped(), { 3, "a", 3, "bc", 3, "" })
	check.results({ "more" }, data(3, "\0\1a\0"))
	check.results({ "more" }, data(4, "\0\1b\0\5"))
	check.same(popped(), { 3, "a", 4, "b" })
	check.results({ "more" }, data(4, "12345\0\1"))
	check.results({ 3, "z" }, text_of(data(3, "\1z")))
	check.same(popped(), { 4, "12345" })
	check.results({ "more" }, data(4, "y\0\1x"))
	check.same(popped(), { 4, "y", 4, "x" })
	local parts, want = {}, {}
	for i = 1, 5000 do
		parts[i] = string.pack(">s2", tostring(i))
		want[#want + 1] = 5
		want[#want + 1] = tostring(i)
	end
	check.results({ "more" }, data(5, table.concat(parts)))
	check.same(popped(), want)
end

local function other_events()
	check.results({ "init", 2, "127.0.0.1", 8888 }, filter(CONNECT, 2, 8888, nil, "127.0.0.1"))
	check.results({ "open", 11, "127.0.0.1:99" }, filter(ACCEPT, 2, 11, nil, "127.0.0.1:99"))
	check.results({ "warning", 11, 1024 }, filter(WARNING, 11, 1024))
	check.results({}, filter(UDP, 11, 3, "abc\1\0\1\1\2\3\4"))
end

-- What has arrived of a packet goes with its connection.
local function an_end_drops_the_unfinished_packet()
	check.results({}, data(20, "\0\5ab"))
	check.results({ "close", 20 }, filter(CLOSE, 20))
	check.results({ 20, "c" }, text_of(data(20, "\0\1c")))
	check.results({}, data(20, "\0\5ab"))
	check.results({ "error", 20, "reset" }, filter(ERROR, 20, 0, nil, "reset"))
	check.results({ 20, "c" }, text_of(data(20, "\0\1c")))
end

local function pack()
	local function packed(...)
		local pointer, size = netpack.pack(...)
		local text = netpack.tostring(pointer, size)
		check.equal(#text, size)
		return text
	end
	check.equal(packed "hello", "\0\5hello")
	check.equal(packed "", "\0\0")
	check.equal(packed(12), "\0\00212")
	check.equal(#packed(string.rep("x", 0xffff)), 0x10001)
	check.raises(
		"Invalid size (too long) of data : 65536",
		netpack.pack,
		string.rep("x", 0x10000)
	)
	-- A block is copied and stays the caller's.
	local pointer, size = driver.str2p "block"
	check.equal(packed(pointer, size), "\0\5block")
	check.equal(netpack.tostring(pointer, size), "block")
	check.equal(netpack.tostring(nil, 0), "")
end

local function clear()
	check.results({ "more" }, data(3, "\0\1a\0\1b\0\1"))
	check.results({}, netpack.clear(queue))
	check.results({}, netpack.pop(queue))
	check.results({ 3, "c" }, text_of(data(3, "\0\1c")))
	check.results({}, netpack.clear(nil))
	check.results({}, netpack.pop(nil))
	check.results({ "more" }, data(3, "\0\1a\0\1b\0\1"))
	queue = nil
	collectgarbage()
	collectgarbage()
end

check.main(function()
	check.results({}, data(1, "\0"))
	check.equal(type(queue), "userdata")
	check.results({ 1, "" }, text_of(data(1, "\0")))
	one_packet_a_message()
	split_packets()
	many_packets()
	other_events()
	an_end_drops_the_unfinished_packet()
	pack()
	clear()
end)
