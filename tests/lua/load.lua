-- Many messages between many services: nothing lost, nothing twice, order kept for each pair.
--! config: thread = 8

local check = require "check"
local skynet = require "skynet"

local mode = ...

local SERVICES, MESSAGES = 8, 2000

if mode == "node" then
	local last, errors, received = {}, 0, 0
	local command = {}

	function command.number(source, n)
		if n ~= (last[source] or 0) + 1 then
			errors = errors + 1
		end
		last[source] = n
		received = received + 1
	end

	function command.flood(_, peers)
		for n = 1, MESSAGES do
			for _, peer in ipairs(peers) do
				skynet.send(peer, "lua", "number", n)
			end
			if n % 100 == 0 then
				skynet.yield()
			end
		end
		skynet.ret()
	end

	function command.chain(_, peers, depth)
		if depth == 0 then
			return skynet.retpack "bottom"
		end
		local peer = peers[depth % #peers + 1]
		skynet.retpack(skynet.call(peer, "lua", "chain", peers, depth - 1))
	end

	function command.result()
		skynet.retpack(received, errors)
	end

	skynet.start(function()
		skynet.dispatch("lua", function(_, source, name, ...)
			command[name](source, ...)
		end)
	end)
	return
end

check.main(function()
	local nodes = {}
	for i = 1, SERVICES do
		nodes[i] = check.helper "node"
	end
	local floods = {}
	for i, node in ipairs(nodes) do
		floods[i] = check.background(skynet.call, node, "lua", "flood", nodes)
	end
	for i = 1, SERVICES do
		check.ok(check.outcome(floods[i]))
	end
	for _, node in ipairs(nodes) do
		check.results({ SERVICES * MESSAGES, 0 }, skynet.call(node, "lua", "result"))
	end
	check.step "sends"
	local calls = {}
	for i = 1, 20 do
		calls[i] = check.background(skynet.call, nodes[i % SERVICES + 1], "lua", "chain", nodes, 50)
	end
	for i = 1, 20 do
		check.results({ true, "bottom" }, check.outcome(calls[i]))
	end
end)
