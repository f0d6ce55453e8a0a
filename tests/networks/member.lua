-- A node that is found by discovery: the test tells it what to do, in lines on a port.
--
-- Config: `member` its name, `control_port` where it is told, `cluster_port` where it listens for
-- other nodes, `cluster_discovery`.

local skynet = require "skynet"
require "skynet.manager"
local cluster = require "skynet.cluster"
local socket = require "skynet.socket"
local console = require "skynet.console.commands"
local render = require "skynet.console.render"

local member = skynet.getenv "member"
local own_address = "127.0.0.1:" .. skynet.getenv "cluster_port"

local service = {}

function service.echo(...)
	return member, ...
end

-- Never answers.
function service.hang()
	skynet.error "HANGS"
	skynet.wait()
end

local order = {}

function order.call(node, name, ...)
	return cluster.call(node, "@main", name, ...)
end

function order.announce()
	cluster.announce(member, own_address)
	return "announced"
end

function order.withdraw()
	cluster.withdraw(member)
	return "withdrawn"
end

function order.reload(node, address)
	cluster.reload { [node] = address }
end

function order.console()
	local _, grid = console.run({}, "cluster")
	return table.concat(render.text(grid), " | ")
end

function order.abort()
	skynet.abort()
end

-- Serves one connection: a line is an order, and gets a line as its answer.
local function serve(id)
	socket.start(id)
	for line in function()
		return socket.readline(id) or nil
	end do
		local words = {}
		for word in string.gmatch(line, "%S+") do
			words[#words + 1] = word
		end
		local outcome = table.pack(pcall(order[words[1]], table.unpack(words, 2)))
		for at = 1, outcome.n do
			outcome[at] = string.gsub(tostring(outcome[at]), "\n", " ")
		end
		socket.write(id, table.concat(outcome, " ") .. "\n")
	end
	socket.close(id)
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		skynet.retpack(service[name](...))
	end)
	cluster.register "main"
	cluster.open(tonumber(skynet.getenv "cluster_port"))
	socket.start(socket.listen("127.0.0.1", tonumber(skynet.getenv "control_port")), serve)
	skynet.error "READY"
end)
