-- Who may come in on the ports of clusterd: counts the agents of each listener. When a listener is
-- full, the oldest connection that has said nothing yet gives way to a new one; connections that
-- have sent a packet stay. So connections that nobody uses do not keep other nodes out.

local guests = {}

-- agent -> { listener =, number = }, the number while it has said nothing
local known = {}

function guests.listener(max)
	-- `silent`: number -> agent of those that have said nothing, from `oldest` to `last`.
	return { count = 0, max = max, silent = {}, oldest = 1, last = 0 }
end

-- Returns the agent that has been silent for longest, nil when all have spoken.
local function oldest_silent(listener)
	while listener.oldest <= listener.last do
		local agent = listener.silent[listener.oldest]
		if agent then
			return agent
		end
		listener.oldest = listener.oldest + 1
	end
end

-- Makes room for one more. Returns true, and the agent that has to leave for it if one has to;
-- false when there is no room.
function guests.admit(listener)
	local leaves
	if listener.count >= listener.max then
		leaves = oldest_silent(listener)
		if not leaves then
			return false
		end
		guests.gone(leaves)
	end
	listener.count = listener.count + 1
	return true, leaves
end

-- The admitted connection has an agent now; nil: it has failed.
function guests.enter(listener, agent)
	if agent == nil then
		listener.count = listener.count - 1
		return
	end
	listener.last = listener.last + 1
	listener.silent[listener.last] = agent
	known[agent] = { listener = listener, number = listener.last }
end

-- The first packet has come.
function guests.spoke(agent)
	local guest = known[agent]
	if guest and guest.number then
		guest.listener.silent[guest.number] = nil
		guest.number = nil
	end
end

-- The connection of the agent has ended, or will.
function guests.gone(agent)
	local guest = known[agent]
	if guest then
		guests.spoke(agent)
		known[agent] = nil
		guest.listener.count = guest.listener.count - 1
	end
end

-- Iterates over the agents.
function guests.agents()
	return next, known
end

return guests
