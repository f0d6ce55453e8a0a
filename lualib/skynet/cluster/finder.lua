-- clusterd's view of the service clusterdiscovery: the addresses that were found, and requests.
-- What the configuration says wins over what is found; that is clusterd's part.

local skynet = require "skynet"
local queue = require "skynet.queue"

local finder = {}

-- node -> address
local found = {}

-- The service, and what it was opened with.
local service, opened

-- One opens at a time: who comes second gets the outcome of the first.
local in_turn = queue()

-- Sends a request; returns ok and the results, or false and a text.
local function request(...)
	if not service then
		return false, "there is no discovery of nodes (config key cluster_discovery, or cluster.discover)"
	end
	local called, ok, result, why = pcall(skynet.call_timeout, 0, service, "lua", ...)
	if not called then
		return false, "the service clusterdiscovery has failed"
	end
	return ok, result, why
end

finder.request = request

-- Tells whether nodes are looked for.
function finder.is_open()
	return service ~= nil
end

local function open(source)
	if service then
		return opened == source, "nodes are discovered from another source already"
	end
	local started = skynet.newservice("clusterdiscovery", skynet.self())
	local _, ok, why = pcall(skynet.call, started, "lua", "open", source)
	if ok then
		service, opened = started, source
		return true
	end
	skynet.kill(started)
	return false, why
end

-- Starts to look for nodes as a source says. There is one source; returns ok, or false and a text.
function finder.open(source)
	return in_turn(open, source)
end

-- Returns the address of a node, after it was looked for; nil and why there is none.
function finder.find(node)
	if not found[node] then
		local ok, address, why = request("resolve", node)
		if not address or not ok then
			return nil, ok and why or address
		end
		found[node] = address
	end
	return found[node]
end

-- Returns the address of a node as far as it is known.
function finder.known(node)
	return found[node]
end

-- The address of a node that was found before is another one now, or it has gone (nil).
function finder.note(node, address)
	found[node] = address
end

-- The state of the discovery; nil when there is none.
function finder.status()
	if service then
		local ok, status = request "status"
		return ok and status or { source = "clusterdiscovery", error = status, announced = {} }
	end
end

return finder
