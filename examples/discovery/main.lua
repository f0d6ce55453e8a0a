-- A node that knows its own address only: listens there, announces itself, and greets the next one in
-- the ring red, green, blue.

local skynet = require "skynet"
require "skynet.manager"
local cluster = require "skynet.cluster"

local node, address = skynet.getenv "node", skynet.getenv "here"
local NEXT <const> = { red = "green", green = "blue", blue = "red" }

local greeted

-- The other node may not be there yet: tries until it is.
local function greet(other)
	local ok, answer
	repeat
		ok, answer = pcall(cluster.call, other, "@greeter", "hello from " .. node)
		if not ok then
			skynet.sleep(20)
		end
	until ok
	print(string.format("%s: %s says %q", node, other, answer))
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, text)
		greeted = true
		skynet.retpack(string.format("I am %s, and got %q", node, text))
	end)
	cluster.register "greeter"
	cluster.reload { [node] = address }
	cluster.open(node)
	cluster.announce(node, address)
	skynet.fork(function()
		greet(NEXT[node])
		repeat
			skynet.sleep(20)
		until greeted
		-- The answer has to leave first.
		skynet.sleep(50)
		skynet.abort()
	end)
end)
