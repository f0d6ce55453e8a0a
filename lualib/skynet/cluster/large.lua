-- Messages that arrive in parts: collects them, within what a link may hold and for as long as its
-- parts keep coming. Used by clusteragent (requests) and clustersender (responses).
--
-- A message is a list as `skynet.cluster.core` has it, the size and the parts, with more fields:
-- what its user noted in `note`, `held` bytes so far and `touched`, when the last part came.
-- It counts as what it announces, and `COST` for the rest of it. So that parts do not cost more
-- than they hold, those of a message have `PART_MEAN` bytes on average, but for a few.

local skynet = require "skynet"
local core = require "skynet.cluster.core"
local settings = require "skynet.cluster.settings"

local large = {}

local COST <const> = 512
local PART_MEAN <const> = 256
local PARTS_FREE <const> = 64

local messages = {}
local announced = 0

-- A sweep is on its way.
local sweeping = false

-- Called with (session, note, text) for a message that is given up.
local give_up

-- clusterd knows what all links hold together, and asks for a message back when it is too much.
local ledger

local function forget(session)
	local message = messages[session]
	messages[session] = nil
	local size = message[1] + COST
	announced = announced - size
	skynet.send(ledger, "lua", "large", -size)
	return message
end

local function abandon(session, text)
	give_up(session, forget(session).note, text)
end

local function sweep()
	local oldest = skynet.now() - settings.large_timeout
	for session, message in pairs(messages) do
		if message.touched <= oldest then
			abandon(session, "the rest of a large message did not arrive in time")
		end
	end
	sweeping = next(messages) ~= nil
	if sweeping then
		skynet.timeout(settings.large_timeout, sweep)
	end
end

-- Starts to collect for a service that ends with the link.
function large.start(clusterd, on_give_up)
	ledger, give_up = clusterd, on_give_up
end

-- Begins a message of `size` bytes; returns an error text when it would be too much.
function large.begin(session, size, note)
	if messages[session] then
		abandon(session, "Invalid large req")
	end
	if announced + size > settings.large_link then
		return string.format("large messages of %d bytes on one link, the limit is %d (cluster_large_link)",
			announced + size, settings.large_link)
	end
	if not sweeping then
		sweeping = true
		skynet.timeout(settings.large_timeout, sweep)
	end
	announced = announced + size + COST
	skynet.send(ledger, "lua", "large", size + COST, skynet.self(), session)
	messages[session] = { size, note = note, held = 0, touched = skynet.now() }
end

-- Adds a part, which is a block and its size, or a string; nothing happens without a begin.
-- A message that gets more than it announced, or in crumbs, is given up.
function large.add(session, part, size)
	local message = messages[session]
	if message == nil then
		if size then
			skynet.trash(part, size)
		end
		return
	end
	message.held = message.held + (size or #part)
	message.touched = skynet.now()
	if size then
		core.append(message, part, size)
	else
		table.insert(message, part)
	end
	if message.held > message[1] or #message > PARTS_FREE + message.held // PART_MEAN then
		abandon(session, "Invalid large req")
	end
end

-- Ends a message: returns the note, and block and size unless parts are missing.
function large.finish(session)
	if messages[session] == nil then
		return nil
	end
	local message = forget(session)
	return message.note, core.concat(message)
end

-- Tells whether parts of a message are expected.
function large.has(session)
	return messages[session] ~= nil
end

-- Nobody waits for this message any more.
function large.drop(session)
	if messages[session] then
		forget(session)
	end
end

-- clusterd wants the memory of this message back.
function large.shed(session)
	if messages[session] then
		abandon(session, "too many large messages on all links (cluster_large_total)")
	end
end

-- The link has gone: what was begun is dropped.
function large.clear()
	for session in pairs(messages) do
		forget(session)
	end
end

return large
