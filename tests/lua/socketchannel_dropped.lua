-- skynet.socketchannel: a channel that nobody has any more closes its connection.
--! differs: there the task that reads the answers keeps the channel

local check = require "check"
local skynet = require "skynet"
local socket = require "skynet.socket"
local socketchannel = require "skynet.socketchannel"

-- An echo server; returns its port and a function that says whether its connection has ended.
local function server()
	local ended = false
	local listener, _, port = socket.listen("127.0.0.1", 0)
	socket.start(listener, function(id)
		socket.start(id)
		local line = socket.readline(id)
		while line do
			socket.write(id, line .. "\n")
			line = socket.readline(id)
		end
		socket.close(id)
		ended = true
	end)
	return port, function() return ended end
end

local function dropped(response, request, how)
	local port, has_ended = server()
	local channel = socketchannel.channel { host = "127.0.0.1", port = port, response = response }
	check.equal(channel:request(request, how), "text")
	collectgarbage()
	skynet.yield()
	check.equal(has_ended(), false)
	check.equal(channel:request(request, how), "text")
	channel = nil
	check.eventually(function()
		collectgarbage()
		return has_ended()
	end, "the connection ends")
end

check.main(function()
	dropped(nil, "text\n", function(sock)
		return true, sock:readline()
	end)
	dropped(function(sock)
		return 1, true, sock:readline()
	end, "text\n", 1)
end)
