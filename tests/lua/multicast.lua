-- skynet.multicast: channels, subscribers, and the payload that they share.
--! differs: there a channel object that was dropped stays subscribed

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"
local multicast = require "skynet.multicast"

local mode = ...

-- A subscriber that keeps what it gets.
local function subscriber()
	local got, object = {}, nil
	local command = {}
	function command.sub(id)
		object = multicast.new {
			channel = id,
			dispatch = function(c, source, ...)
				got[#got + 1] = { tostring(c), source, ... }
			end,
		}
		object:subscribe()
		object:subscribe()
	end
	function command.unsub()
		object:unsubscribe()
	end
	function command.drop()
		object = nil
		collectgarbage()
		collectgarbage()
	end
	function command.publish(...)
		object:publish(...)
	end
	function command.got()
		return got
	end
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, name, ...)
			skynet.retpack(command[name](...))
		end)
	end)
end

local function got_by(service, count)
	return check.eventually(function()
		local got = skynet.call(service, "lua", "got")
		return #got >= count and got
	end, "the messages arrive")
end

local function channels_and_subscribers()
	local channel = multicast.new()
	check.equal(channel.channel, 0)
	check.equal(tostring(channel), "[Multicast:0]")
	check.equal(multicast.new().channel, 256)
	check.results({}, channel:publish "nobody hears this")
	local services = {}
	for i = 1, 5 do
		services[i] = check.helper "subscriber"
		skynet.call(services[i], "lua", "sub", channel.channel)
	end
	for i = 1, 20 do
		check.results({}, channel:publish("message", i, { x = i }))
	end
	for _, service in ipairs(services) do
		local got = got_by(service, 20)
		for i = 1, 20 do
			check.same(got[i], { "[Multicast:0]", skynet.self(), "message", i, { x = i } })
		end
	end
	return channel, services
end

local function the_publisher_hears_itself(_, services)
	local before = #skynet.call(services[1], "lua", "got")
	skynet.call(services[1], "lua", "publish", "own")
	local got = got_by(services[1], before + 1)
	check.same(got[#got], { "[Multicast:0]", services[1], "own" })
end

-- Large payloads are shared by all, and outlive the publisher's call and the other subscribers.
local function large_payloads(channel, services)
	local text = string.rep("x", 100000) .. "end"
	local before = #skynet.call(services[1], "lua", "got")
	channel:publish(text)
	for _, service in ipairs(services) do
		local got = got_by(service, before)
		check.eventually(function()
			got = skynet.call(service, "lua", "got")
			return got[#got][3] == text
		end, "the text arrives whole")
	end
end

local function leaving(channel, services)
	skynet.call(services[1], "lua", "unsub")
	skynet.call(services[2], "lua", "drop")
	skynet.kill(services[3])
	local counts = { #skynet.call(services[1], "lua", "got"), #skynet.call(services[2], "lua", "got") }
	channel:publish "to those that are left"
	local got = check.eventually(function()
		local list = skynet.call(services[4], "lua", "got")
		return list[#list][3] == "to those that are left" and list
	end, "it arrives at a subscriber that is left")
	check.equal(got[#got][2], skynet.self())
	check.equal(#skynet.call(services[1], "lua", "got"), counts[1])
	check.equal(#skynet.call(services[2], "lua", "got"), counts[2])
end

local function one_receiver_a_channel()
	local got = {}
	local channel = multicast.new()
	local first = multicast.new { channel = channel.channel, dispatch = function() got[1] = true end }
	local second = multicast.new {
		channel = channel.channel,
		dispatch = function(_, _, value) got[2] = value end,
		unpack = function(...) return skynet.unpack(...) end,
	}
	first:subscribe()
	second:subscribe()
	channel:publish(7)
	check.eventually(function() return got[2] end, "the second object gets it")
	check.equal(got[2], 7)
	check.equal(got[1], nil)
end

local function own_packing()
	local got
	local channel = multicast.new {
		pack = function(text) return skynet.pack(text .. "!") end,
		dispatch = function(_, _, text) got = text end,
	}
	channel:subscribe()
	channel:publish "packed"
	check.eventually(function() return got end, "it arrives")
	check.equal(got, "packed!")
end

local function errors_are_logged_only()
	local channel = multicast.new { dispatch = function() error "in the dispatch function" end }
	channel:subscribe()
	channel:publish()
	check.logs "in the dispatch function"
	local without = multicast.new()
	without:subscribe()
	without:publish()
	check.logs "dispatch"
end

local function deleted()
	local channel = multicast.new()
	local other = multicast.new { channel = channel.channel, dispatch = print }
	channel:delete()
	check.raises("assertion failed!", channel.publish, channel)
	check.raises("assertion failed!", channel.subscribe, channel)
	check.raises("assertion failed!", channel.unsubscribe, channel)
	check.raises("assertion failed!", channel.delete, channel)
	check.results({}, other:publish "dropped")
	check.results({}, other:subscribe())
	check.raises("call failed", function() multicast.new { channel = 77 }:subscribe() end)
end

if mode == "subscriber" then
	subscriber()
else
	check.main(function()
		local channel, services = channels_and_subscribers()
		the_publisher_hears_itself(channel, services)
		large_payloads(channel, services)
		leaving(channel, services)
		one_receiver_a_channel()
		own_packing()
		errors_are_logged_only()
		deleted()
	end)
end
