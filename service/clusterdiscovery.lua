-- Finds the addresses of nodes that are not configured, with the resolver of the config key
-- `cluster_discovery`, and announces this node. Started by clusterd: `clusterdiscovery CLUSTERD`.
--
-- What a resolver raises is the engine's trouble: what is known stays valid, one line is logged, and
-- the next attempt comes later and later. What it denies is an answer.

local skynet = require "skynet"
local queue = require "skynet.queue"
local source = require "skynet.cluster.discovery.source"
-- For lines that other nodes cause.
local write = require "skynet.limited_log"()

-- Centiseconds: how long a denial holds, how soon a name that was there is looked for again, and
-- the shortest and longest time between two attempts after a failure.
local DENIAL <const> = 100
local GONE <const> = 500
local BACKOFF_MIN <const> = 10
local BACKOFF_MAX <const> = 500
-- A failure that goes on is logged again after this time.
local SILENCE <const> = 6000
-- Seconds for which an address holds when the resolver does not say, and the shortest and the
-- longest time.
local HOLDS <const> = 30
local HOLDS_MIN <const> = 1
local HOLDS_MAX <const> = 86400
-- More denials than this are forgotten all together.
local DENIALS_MAX <const> = 4096
-- How often an announcement is tried again while another one may be a dead node's.
local RETRY <const> = 20
-- The most seconds that an engine may need to notice that a time is over.
local LATE <const> = 20

local clusterd = tonumber((...))

-- The source as people may see it, the resolver, and how long an announcement holds.
local shown, resolver, ttl

-- node -> { address = or nil when it has gone, failures = }, for nodes that were there once
local names = {}
-- node -> { why =, till = }
local denials, denial_count = {}, 0
-- node -> { address =, state = }
local announced = {}

-- The engine is told of announcements and withdrawals one after the other: otherwise an announcement
-- that is on its way could outlive its withdrawal.
local in_turn = queue()

-- What is wrong with the engine, if anything is, and when that was logged.
local trouble, trouble_logged

local function line(text)
	return string.format("cluster discovery %s: %s", shown, text)
end

local function log(text)
	skynet.error(line(text))
end

local function in_trouble(why)
	why = tostring(why)
	local now = skynet.now()
	if not trouble or now - trouble_logged >= SILENCE then
		trouble_logged = now
		log(why)
	end
	trouble = why
end

local function well()
	if trouble then
		trouble = nil
		log "answers again"
	end
end

local function backoff(failures)
	return math.min(BACKOFF_MIN << math.min(failures, 10), BACKOFF_MAX)
end

-- Asks the resolver. Returns ok, and the address and the seconds, or nil and a reason.
local function ask(node)
	local ok, address, more = pcall(resolver.resolve, resolver, node)
	if not ok then
		in_trouble(address)
		return false, nil, tostring(address)
	end
	well()
	if address ~= nil and type(address) ~= "string" then
		return true, nil, string.format("the resolver returns a %s and no address", type(address))
	end
	return true, address, more
end

local function deny(node, why)
	if denial_count >= DENIALS_MAX then
		denials, denial_count = {}, 0
	end
	denial_count = denial_count + (denials[node] and 0 or 1)
	denials[node] = { why = why, till = skynet.now() + DENIAL }
end

-- The address of a node that was there once has changed, or it has gone.
local function changed(node, address, why)
	denials[node] = nil
	local entry = names[node]
	if entry and entry.address ~= address then
		entry.address = address
		write(line(string.format("node %s is at %s", node, address or "no address any more: " .. tostring(why))))
		skynet.send(clusterd, "lua", "found", node, address, why)
	end
end

-- The centiseconds for which an address holds, by the seconds that the resolver says, if it does.
local function holds(seconds)
	seconds = tonumber(seconds) or HOLDS
	return math.floor(math.max(HOLDS_MIN, math.min(seconds, HOLDS_MAX)) * 100)
end

-- Looks for a node again and again, when the resolver does not watch.
local function look_again(node, time)
	skynet.timeout(time, function()
		local entry = names[node]
		local ok, address, more = ask(node)
		if not ok then
			entry.failures = entry.failures + 1
			return look_again(node, math.max(100, backoff(entry.failures)))
		end
		entry.failures = 0
		changed(node, address, more)
		look_again(node, address and holds(more) or GONE)
	end)
end

local command = {}

-- Returns the address of a node; nil and the reason when there is none.
function command.resolve(node)
	local entry = names[node]
	if entry and entry.address then
		return entry.address
	end
	local denial = denials[node]
	if denial and denial.till > skynet.now() then
		return nil, denial.why
	end
	local ok, address, more = ask(node)
	if not address then
		local why = string.format("%s (from %s)", more or "not found", shown)
		deny(node, why)
		return nil, why
	end
	-- Somebody else may have asked meanwhile.
	if names[node] then
		changed(node, address)
	else
		names[node] = { address = address, failures = 0 }
		if not resolver.watch then
			look_again(node, holds(more))
		end
	end
	return address
end

-- Lets the resolver watch for ever.
local function watch()
	local failures = 0
	while true do
		local ok, why = pcall(resolver.watch, resolver, changed, function()
			failures = 0
			well()
		end)
		if not ok then
			in_trouble(why)
			failures = failures + 1
		end
		skynet.sleep(backoff(failures))
	end
end

local function tell(node, mine)
	if announced[node] ~= mine then
		error(string.format("node %s was withdrawn meanwhile", node), 0)
	end
	return resolver:announce(node, mine.address)
end

-- Keeps an announcement alive until it is withdrawn.
local function keep(node, mine)
	skynet.timeout(math.max(10, ttl * 100 // 3 | 0), function()
		if announced[node] ~= mine then
			return
		end
		local ok, held, why = pcall(in_turn, tell, node, mine)
		if announced[node] ~= mine then
			return
		elseif not ok then
			in_trouble(held)
			mine.state = "not kept alive"
		elseif not held then
			local text = string.format("refused to announce node %s at %s: %s", node, mine.address, why)
			if mine.state ~= text then
				log(text)
			end
			mine.state = text
		else
			well()
			mine.state = "announced"
		end
		keep(node, mine)
	end)
end

-- Announces a name. While another node has it whose time runs out, and which may be dead, waits for
-- that; raises when the other one is alive.
local function announce(node, mine)
	local least, give_up
	while true do
		local held, why, seconds = in_turn(tell, node, mine)
		if held then
			return
		end
		local text = string.format("refused to announce node %s at %s: %s", node, mine.address, why)
		if not give_up then
			log(text)
			least, give_up = seconds, skynet.now() + ((seconds or 0) + LATE) * 100
		end
		-- Somebody has kept it alive, or nobody has to.
		if not seconds or seconds > least or skynet.now() > give_up then
			error(text, 0)
		end
		least = seconds
		skynet.sleep(RETRY)
	end
end

function command.announce(node, address)
	if not resolver.announce then
		error(string.format("cluster discovery %s cannot announce nodes", shown), 0)
	elseif announced[node] then
		error(string.format("node %s is announced already, at %s", node, announced[node].address), 0)
	end
	local mine = { address = address, state = "announcing" }
	announced[node] = mine
	local ok, why = pcall(announce, node, mine)
	if announced[node] ~= mine then
		error(string.format("node %s was withdrawn meanwhile", node), 0)
	elseif not ok then
		announced[node] = nil
		error(tostring(why), 0)
	end
	mine.state = "announced"
	log(string.format("announced node %s at %s", node, address))
	keep(node, mine)
end

function command.withdraw(node)
	if announced[node] then
		announced[node] = nil
		if resolver.withdraw then
			in_turn(resolver.withdraw, resolver, node)
		end
		log(string.format("withdrew node %s", node))
	end
end

-- Opens the source. Raises what is wrong with it.
function command.open(text)
	local opened
	opened, ttl = source.open(text)
	resolver, shown = opened, source.shown(text)
	if resolver.watch then
		skynet.fork(watch)
	end
end

function command.status()
	local list = {}
	for node, mine in pairs(announced) do
		table.insert(list, { node = node, address = mine.address, state = mine.state })
	end
	return { source = shown, error = trouble, announced = list }
end

-- At the end of the node, what it has announced goes.
setmetatable(command, {
	__gc = function()
		if resolver and resolver.leave and next(announced) then
			resolver:leave()
		end
	end,
})

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		skynet.retpack(pcall(command[name], ...))
	end)
end)
