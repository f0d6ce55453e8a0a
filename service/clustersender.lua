-- Sends the requests of this node to one other node, and gets the responses.
--
-- Started by clusterd: `clustersender NODE OWN_NAME ADDRESS`.

local skynet = require "skynet"
local admission = require "skynet.cluster.admission"
local core = require "skynet.cluster.core"
local large = require "skynet.cluster.large"
local link = require "skynet.cluster.link"
local pending = require "skynet.cluster.pending"
local unsent = require "skynet.cluster.unsent"
local netpack = require "skynet.netpack"
local log = require "skynet.limited_log"()

local node, own_name, first_address = ...

local session = 1

local function on_down(text)
	large.clear()
	unsent.buffer(0)
	pending.fail_all(text)
end

-- Ends a request whose response cannot come any more.
local function give_up(id, text)
	large.drop(id)
	pending.finish(id, false, string.format("node %s: %s", node, text))
end

local function on_large(id, data, more)
	if not more then
		large.add(id, data)
		local _, block, size = large.finish(id)
		if block then
			pending.finish(id, true, block, size)
		else
			pending.finish(id, false, string.format("node %s: a large response is not as long as announced", node))
		end
	elseif type(data) == "number" then
		local refused = large.has(id) and "a large response began twice" or large.begin(id, data)
		if refused then
			give_up(id, refused)
		end
	else
		large.add(id, data)
	end
end

local function on_packet(packet, size)
	local id, ok, data, more = core.unpackresponse(netpack.tostring(packet, size))
	if id == nil then
		log(string.format("cluster: node %s sent %d bytes that are no response", node, size))
		return link.drop "sent something that is no response"
	elseif not pending.has(id) then
		local refused = not ok and admission.refused(id, data)
		if refused then
			link.drop("it refuses this node: " .. refused, true)
		elseif not more and not pending.is_late(id, session) then
			-- Parts of a response that was given up come too; its end is counted.
			log("socket: unknown session : " .. id)
		end
	elseif ok and (more or large.has(id)) then
		on_large(id, data, more)
	else
		large.drop(id)
		pending.finish(id, ok, data)
	end
end

-- The peer answers that it does not know this name: a sign of life that every node understands.
local function beat()
	local packet, following = core.packrequest(0, session, skynet.pack "")
	pending.beat(session)
	session = following
	return packet
end

-- Writes the trace tag of the running task, if it has one, for the request before session `following`.
local function send_trace(following)
	local tag = skynet.tracetag()
	if not tag then
		return
	end
	if string.sub(tag, 1, 1) ~= "(" then
		local extended = string.format("(%s-%s-%d)%s", own_name, node, following, tag)
		skynet.tracelog(tag, "session " .. extended)
		tag = extended
	end
	skynet.tracelog(tag, "cluster " .. node)
	link.write(core.packtrace(tag))
end

-- As `link.need`, of somebody who wants to send so many bytes.
local function need(size)
	unsent.wait(size)
	local up, why = pcall(link.need)
	unsent.wait(-size)
	return up, why
end

-- Returns true and the body (a string, or a block and its size), or false and a text.
local function request(deadline, address, msg, size)
	deadline = pending.deadline(deadline)
	local id = pending.free(session)
	local ok, packet, following, parts = pcall(core.packrequest, address, id, msg, size)
	if not ok then
		return false, packet
	end
	session = following
	local excess = unsent.excess()
	if excess then
		return false, link.describe(excess)
	end
	local up, why = need(size)
	if not up then
		return false, why
	elseif deadline and skynet.now() >= deadline then
		return false, link.describe "there was no time left to send the request"
	end
	send_trace(following)
	link.write(packet, parts)
	return pending.wait(id, deadline)
end

local command = {}

-- The body as it came; an error becomes the caller's.
function command.req(address, msg, length)
	local ok, data, size = request(nil, address, msg, length)
	if not ok then
		error(data, 0)
	end
	skynet.ret(data, size)
end

local YES <const> = skynet.packstring(true)

-- true and the results, or false and what went wrong. A body is a list of values, so one that is
-- put in front makes a longer list. `deadline` (by skynet.now) may be nil.
function command.call(address, msg, length, deadline)
	local ok, data, size = request(deadline, address, msg, length)
	if not ok then
		return skynet.retpack(false, data)
	end
	if size then
		local text = skynet.tostring(data, size)
		skynet.trash(data, size)
		data = text
	end
	skynet.ret(YES .. data)
end

function command.push(address, msg, size)
	local packet, following, parts = core.packpush(address, session, msg, size)
	if parts then
		-- The parts carry a session of their own.
		session = following
	end
	local excess = unsent.excess()
	if excess then
		log("cluster: a push is dropped: " .. link.describe(excess))
	elseif need(size) then
		link.write(packet, parts)
	end
end

-- Another address for the node; false: the node is down, for the reason `why` if there is one. What
-- waits for answers fails.
function command.move(address, why)
	if address then
		link.move(address)
		skynet.fork(pcall, link.need)
	else
		skynet.error(string.format("Close cluster sender %s", link.status().address))
		link.move(false, why)
	end
end

-- As `move`, and waits for the connection. Returns true, or false and why there is none.
function command.changenode(host, port)
	command.move(port and string.format("%s:%d", host, port) or host)
	if host then
		return skynet.retpack(pcall(link.need))
	end
	skynet.retpack(true)
end

function command.status()
	local status = link.status()
	pending.add_to(status)
	skynet.retpack(status)
end

command.shed = large.shed

skynet.start(function()
	pending.start(give_up)
	large.start(skynet.localname ".clusterd", function(id, _, text)
		give_up(id, text)
	end)
	link.start(node, { packet = on_packet, down = on_down, beat = beat })
	link.move(first_address)
	skynet.dispatch("lua", function(_, _, name, ...)
		local f = assert(command[name], name)
		f(...)
	end)
end)
