-- Who may come in on the ports of clusterd: counts the connections of each listener and gives them
-- their agents, one after the other. When a listener is full, the oldest connection that has said
-- nothing yet gives way to a new one; those that have sent a packet stay. So connections that nobody
-- uses do not keep other nodes out, and many at once cost no more than a full listener.

local skynet = require "skynet"
local driver = require "skynet.socketdriver"
local log = require "skynet.limited_log"()

local guests = {}

-- A guest is { listener =, number =, socket =, from =, agent =, left = }: the number while it has
-- said nothing, the agent once it has one.

-- agent -> guest
local known = {}

-- Those that have no agent yet, from `first` to `last`.
local queue, first, last = {}, 1, 0

function guests.listener(max)
	-- `silent`: number -> guest of those that have said nothing, from `oldest` to `youngest`.
	return { count = 0, max = max, silent = {}, oldest = 1, youngest = 0 }
end

local function spoke(guest)
	if guest.number then
		guest.listener.silent[guest.number] = nil
		guest.number = nil
	end
end

local function gone(guest)
	if not guest.left then
		guest.left = true
		spoke(guest)
		guest.listener.count = guest.listener.count - 1
	end
end

local function send_away(guest)
	gone(guest)
	if guest.agent then
		known[guest.agent] = nil
		skynet.send(guest.agent, "lua", "leave")
	else
		driver.shutdown(guest.socket)
	end
end

local function oldest_silent(listener)
	while listener.oldest <= listener.youngest do
		local guest = listener.silent[listener.oldest]
		if guest then
			return guest
		end
		listener.oldest = listener.oldest + 1
	end
end

local function enter(listener, socket, from)
	local number = listener.youngest + 1
	local guest = { listener = listener, number = number, socket = socket, from = from }
	listener.youngest, listener.silent[number] = number, guest
	listener.count = listener.count + 1
	return guest
end

local function launch(guest)
	local ok, agent = pcall(skynet.newservice, "clusteragent", skynet.self(), guest.socket, guest.from)
	if not ok or not agent then
		return send_away(guest)
	end
	guest.agent = agent
	if guest.left then
		return skynet.send(agent, "lua", "leave")
	end
	known[agent] = guest
	skynet.send(agent, "lua", "start")
end

-- Launches agents as long as somebody waits for one.
local function serve_queue()
	while first <= last do
		local guest = queue[first]
		if not guest.left then
			launch(guest)
		end
		-- The guest stays in its place until then, so nobody else serves the queue.
		queue[first] = nil
		first = first + 1
	end
	first, last = 1, 0
end

-- A node has connected.
function guests.arrive(listener, socket, from)
	if listener.count >= listener.max then
		local oldest = oldest_silent(listener)
		if not oldest then
			log(string.format("cluster: refused %s, %d connections are open", from, listener.count))
			return driver.shutdown(socket)
		end
		log(string.format("cluster: %s has said nothing and gives way to %s", oldest.from, from))
		send_away(oldest)
	end
	log("socket accept from " .. from)
	last = last + 1
	queue[last] = enter(listener, socket, from)
	if first == last then
		serve_queue()
	end
end

-- The first packet has come.
function guests.spoke(agent)
	if known[agent] then
		spoke(known[agent])
	end
end

-- The connection of the agent has ended.
function guests.gone(agent)
	if known[agent] then
		gone(known[agent])
		known[agent] = nil
	end
end

-- Iterates over the agents.
function guests.agents()
	return next, known
end

return guests
