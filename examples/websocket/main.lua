-- Opens the room, lets two guests talk, and ends the node.
local skynet = require "skynet"
require "skynet.manager"

skynet.start(function()
	local room = skynet.newservice "room"
	local url = "ws://127.0.0.1:" .. skynet.call(room, "lua", "port") .. "/"
	local alice = skynet.newservice("guest", url .. "alice")
	local bob = skynet.newservice("guest", url .. "bob")
	skynet.call(alice, "lua", "wait_for", "bob has come")
	skynet.call(alice, "lua", "say", "hello bob")
	skynet.call(bob, "lua", "wait_for", "alice: hello bob")
	skynet.call(bob, "lua", "say", "hello alice")
	skynet.call(alice, "lua", "wait_for", "bob: hello alice")
	skynet.call(bob, "lua", "leave")
	skynet.call(alice, "lua", "wait_for", "bob has left")
	skynet.call(alice, "lua", "leave")
	skynet.abort()
end)
