-- The cluster's part in this node: who the other nodes are, who sends to them, which names this
-- node publishes, and the ports on which other nodes come in.

local skynet = require "skynet"
require "skynet.manager"
local socket = require "skynet.socket"
local core = require "skynet.cluster.core"
local finder = require "skynet.cluster.finder"
local guard = require "skynet.cluster.guard"
local guests = require "skynet.cluster.guests"
local settings = require "skynet.cluster.settings"
local log = require "skynet.limited_log"()

local MAX_CLIENT <const> = 1024

-- node -> "host:port", or false when it is marked down
local nodes = {}
local options = {}

-- node -> the service that sends to it
local senders = {}
-- node -> { coroutines that wait for the lookup on its way, done =, sender =, error = }
local lookups = {}
-- node -> { coroutines that wait until the node is configured }
local absent = {}

-- node -> name -> proxy
local proxies = {}

-- The names that this node publishes, without the "@", and the other way round.
local addresses, names = {}, {}

-- What unfinished large messages hold on all links.
local large_total = 0

local command = {}

-- A text about a name that no node can have; nil for a good one.
local function wrong_name(node)
	if type(node) ~= "string" or string.find(node, "%s") then
		return string.format("cluster: the name of a node is a string without blanks, not %s", tostring(node))
	end
end

local function check(node, address)
	local wrong = wrong_name(node)
	if wrong then
		error(wrong, 0)
	elseif type(address) ~= "string" and address ~= false then
		error(string.format("cluster: the address of node %s must be \"host:port\" or false, not %s",
			node, tostring(address)), 0)
	end
end

local function wake_all(waiting)
	for _, co in ipairs(waiting or {}) do
		skynet.wakeup(co)
	end
end

-- The address has changed: its sender, if there is one, follows before anybody can use it again.
local function follow(node, address, why)
	if senders[node] then
		skynet.send(senders[node], "lua", "move", address, why)
	end
end

local function set_node(node, address)
	if nodes[node] == address then
		return
	end
	nodes[node] = address
	follow(node, address)
	if absent[node] then
		skynet.error(string.format("Cluster node [%s] resolved : %s", node, tostring(address)))
		wake_all(absent[node])
		absent[node] = nil
	end
end

-- Those who wait for nodes look again.
local function wake_absent()
	local waiting = absent
	absent = {}
	for _, list in pairs(waiting) do
		wake_all(list)
	end
end

local function set_option(name, value)
	options[name] = value
	skynet.error(string.format("Config %s = %s", name, tostring(value)))
	if options.nowaiting then
		wake_absent()
	end
end

-- The text of a file as it is now: `loadfile` knows each file as it was at the first time.
local function read(path)
	local file = assert(io.open(path))
	local text = file:read "a"
	file:close()
	return text
end

local function load_file()
	local path = skynet.getenv "cluster"
	if not path then
		return {}
	end
	local config = {}
	-- Sees every assignment, as nothing is stored in it.
	local seen = setmetatable({}, {
		__index = config,
		__newindex = function(_, node, address)
			if config[node] ~= nil and config[node] ~= address then
				skynet.error(string.format("cluster: %s has two addresses for node %s: %s, and %s, which counts",
					path, node, tostring(config[node]), tostring(address)))
			end
			config[node] = address
		end,
	})
	assert(load(read(path), "@" .. path, "t", seen))()
	return config
end

local function reload(config)
	for key, value in pairs(config) do
		if string.sub(key, 1, 2) ~= "__" then
			check(key, value)
		end
	end
	for key, value in pairs(config) do
		local option = string.match(key, "^__(.*)")
		if option then
			set_option(option, value)
		else
			set_node(key, value)
		end
	end
end

function command.reload(config)
	reload(config or load_file())
	return nil
end

-- The address of a node as it is known now: the configuration wins.
local function known(node)
	if nodes[node] == nil then
		return finder.known(node)
	end
	return nodes[node]
end

-- Returns the address of a node, after it has been configured or looked for; false or nil with an
-- error text.
local function address_of(node)
	if nodes[node] == nil and not finder.is_open() and not options.nowaiting then
		skynet.error(string.format("Waiting for cluster node [%s]", node))
		absent[node] = absent[node] or {}
		table.insert(absent[node], (coroutine.running()))
		skynet.wait()
	end
	if nodes[node] == nil and finder.is_open() then
		return finder.find(node)
	end
	local address = nodes[node]
	if address == nil then
		skynet.error(string.format("cluster node [%s] is absent.", node))
		return nil, string.format("cluster node [%s] is absent.", node)
	end
	return address, not address and string.format("cluster node [%s] is down.", node)
end

-- What discovery finds, when the node is not configured.
function command.found(node, address, why)
	finder.note(node, address)
	if nodes[node] == nil then
		follow(node, address or false, why)
	end
end

-- Looks for nodes that are not configured as this source says. Returns ok, or false and a text.
function command.discover(source)
	local ok, why = finder.open(source)
	if ok then
		wake_absent()
	end
	return ok, why
end

-- Tells other nodes through the discovery where a node is, or no longer. Returns ok, or false and a
-- text.
function command.announce(node, address)
	check(node, address)
	return finder.request("announce", node, address)
end

function command.withdraw(node)
	return finder.request("withdraw", node)
end

-- Launches the sender of a node at the first time, and lets it connect.
local function connect(node, address)
	local sender = senders[node]
	if not sender then
		sender = skynet.newservice("clustersender", node, core.nodename(), address)
		senders[node] = sender
		if known(node) ~= address then
			-- It is another one since: the caller looks again.
			return nil
		end
	end
	local up, why = skynet.call(sender, "lua", "changenode", address)
	if up then
		return sender
	end
	skynet.error(string.format("changenode [%s] (%s) failed: %s", node, address, why))
	return nil, why
end

local function look_up(node)
	local address, sender, text
	repeat
		address, text = address_of(node)
		if not address then
			return nil, text
		end
		sender, text = connect(node, address)
	until known(node) == address
	return sender, text
end

-- One lookup of a node at a time; those who ask meanwhile get its result.
function command.sender(node)
	local wrong = wrong_name(node)
	if wrong then
		return nil, wrong
	end
	local lookup = lookups[node]
	if lookup then
		table.insert(lookup, (coroutine.running()))
		repeat
			skynet.wait()
		until lookup.done
		return lookup.sender, lookup.error
	end
	lookup = {}
	lookups[node] = lookup
	local ok, sender, text = pcall(look_up, node)
	if not ok then
		sender, text = nil, sender
	end
	lookup.sender, lookup.error, lookup.done = sender, text, true
	lookups[node] = nil
	wake_all(lookup)
	return sender, text
end

function command.senders()
	return senders
end

function command.proxy(node, name)
	local wrong = wrong_name(node)
	if wrong then
		error(wrong, 0)
	elseif type(name) ~= "string" and math.type(name) ~= "integer" or string.find(name, "%s") then
		error(string.format("Invalid name %s", tostring(name)), 0)
	end
	local by_name = proxies[node] or {}
	proxies[node] = by_name
	if not by_name[name] then
		local proxy = skynet.newservice("clusterproxy", node, name)
		-- Two who ask at once get the proxy that was there first.
		if by_name[name] then
			skynet.kill(proxy)
		else
			by_name[name] = proxy
		end
	end
	return by_name[name]
end

local function forget_lookups()
	for agent in guests.agents() do
		skynet.send(agent, "lua", "namechange")
	end
end

function command.register(name, address)
	assert(addresses[name] == nil, string.format("the name %s is registered already", tostring(name)))
	local before = names[address]
	if before then
		addresses[before] = nil
		forget_lookups()
	end
	addresses[name], names[address] = address, name
	skynet.error(string.format("Register [%s] :%08x", name, address))
end

function command.unregister(name)
	local address = addresses[name]
	if address then
		addresses[name], names[address] = nil, nil
		skynet.error(string.format("Unregister [%s] :%08x", name, address))
		forget_lookups()
	end
end

function command.queryname(name)
	return addresses[name]
end

local warned

-- Logs a warning about open listeners, for the first of them.
local function warn(text)
	if text and not warned then
		warned = true
		skynet.error(text)
	end
end

-- `port` nil: the address is the name of a node of the configuration. Returns nil and a text when
-- nobody can listen there.
function command.listen(address, port, max)
	local host = address
	if port == nil then
		-- Nobody waits here for a node to be configured.
		local own = (nodes[address] ~= nil or finder.is_open()) and address_of(address)
		assert(own, address .. " is down")
		host, port = string.match(own, "^%[?(.-)%]?:(%d+)$")
		port = assert(math.tointeger(port), string.format("the address of node %s is %s", address, own))
	end
	local ok, id, real_host, real_port = pcall(socket.listen, host, port)
	if not ok then
		return nil, string.format("cluster: node %s cannot listen on %s:%d, the log says why; "
			.. "is there another node with its name or port?", address, host, port)
	end
	warn(guard.warning(real_host, real_port))
	local listener = guests.listener(max or MAX_CLIENT)
	socket.start(id, function(client, from)
		guests.arrive(listener, client, from)
	end)
	return real_host, real_port
end

command.admit = guests.admit
command.stranger_gone = guests.stranger_gone
command.agent_gone = guests.agent_gone

-- An agent does not serve the peer that connected.
function command.refused(peer, why)
	log(string.format("cluster: refused %s: %s", peer, why))
end

-- An unfinished large message begins (with its service and session) or ends (with a minus).
function command.large(size, service, session)
	large_total = large_total + size
	if service and large_total > settings.large_total then
		skynet.send(service, "lua", "shed", session)
	end
end

local function link_status(node, sender)
	local ok, status = pcall(skynet.call, sender, "lua", "status")
	status = ok and status or { node = node, state = "gone" }
	status.from = nodes[node] == nil and "discovery" or "config"
	return status
end

-- The state of the links, for the console.
function command.status()
	local links = {}
	-- Senders may be added while they are asked.
	for node, sender in pairs(senders) do
		links[#links + 1] = { node, sender }
	end
	for index, link in ipairs(links) do
		links[index] = link_status(table.unpack(link))
	end
	local agents, strangers = guests.count()
	return { links = links, agents = agents, strangers = strangers, large = large_total, discovery = finder.status() }
end

-- These come as sends.
local SILENT <const> = {
	admit = true, stranger_gone = true, agent_gone = true, large = true, found = true, refused = true,
}

skynet.start(function()
	skynet.register ".clusterd"
	for _, warning in ipairs(guard.check()) do
		skynet.error("warning: " .. warning)
	end
	reload(load_file())
	local source = skynet.getenv "cluster_discovery"
	if source then
		local ok, why = finder.open(source)
		assert(ok, why)
	end
	skynet.dispatch("lua", function(session, _, name, ...)
		local f = assert(command[name], name)
		if SILENT[name] then
			f(...)
		else
			skynet.retpack(f(...))
		end
	end)
end)
