-- Starts the chat server, lets two people talk, and ends the node.
local skynet = require "skynet"
require "skynet.manager"

local function say(client, text)
	skynet.call(client, "lua", "say", text)
end

local function hear(name, client)
	skynet.error(name .. " hears:", skynet.call(client, "lua", "hear"))
end

skynet.start(function()
	local watchdog = skynet.newservice "watchdog"
	local _, port = skynet.call(watchdog, "lua", "open", {
		address = "127.0.0.1",
		port = 0,
		maxclient = 64,
	})

	local alice = skynet.newservice("client", port, "alice")
	hear("alice", alice)
	local bob = skynet.newservice("client", port, "bob")
	hear("alice", alice)
	hear("bob", bob)
	say(alice, "hello, bob")
	hear("bob", bob)
	say(bob, "hello, alice")
	hear("alice", alice)
	skynet.call(bob, "lua", "leave")
	hear("alice", alice)
	skynet.abort()
end)
