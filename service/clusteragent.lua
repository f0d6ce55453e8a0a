-- Serves the requests that another node sends on one connection.
--
-- Started by clusterd for a socket that clusterdoor has admitted: `clusteragent CLUSTERD DOOR SOCKET
-- ADDRESS`. Owns the socket: frames reach the service to call without passing another one. Ends with
-- the connection.

local skynet = require "skynet"
local admission = require "skynet.cluster.admission"
local core = require "skynet.cluster.core"
local driver = require "skynet.socketdriver"
local inflight = require "skynet.cluster.inflight"
local large = require "skynet.cluster.large"
local packets = require "skynet.cluster.packets"
local settings = require "skynet.cluster.settings"
local tls = require "skynet.cluster.tls"
local writer = require "skynet.cluster.writer"
local log = require "skynet.limited_log"()

local clusterd, door, socket, peer = ...
clusterd, door, socket = tonumber(clusterd), tonumber(door), tonumber(socket)

-- name -> address, for names registered with clusterd
local addresses = {}

-- name -> { coroutines that wait for clusterd's answer, address =, done = }
local lookups = {}

-- The trace tag for the next request.
local next_tag

local has_harbors = skynet.harbor(skynet.self()) ~= 0

local function lookup(name)
	local address = addresses[name]
	if address then
		return address
	end
	local asked = lookups[name]
	if asked then
		table.insert(asked, (coroutine.running()))
		repeat
			skynet.wait()
		until asked.done
		return asked.address
	end
	asked = {}
	lookups[name] = asked
	local ok, found = pcall(skynet.call, clusterd, "lua", "queryname", string.sub(name, 2))
	asked.address, asked.done = ok and found or nil, true
	-- Names may have changed while clusterd answered: then the answer is for those who asked only.
	if lookups[name] == asked then
		lookups[name] = nil
		addresses[name] = asked.address
	end
	for _, co in ipairs(asked) do
		skynet.wakeup(co)
	end
	return asked.address
end

-- Global names are looked up here on a node without harbors: a message to a name that nobody has
-- would wait for its owner for ever.
local function is_global(address)
	return type(address) == "string" and not has_harbors and not string.find(address, "^[.:]")
end

local function global(name)
	local ok, address = pcall(skynet.call, ".cslave", "lua", "KNOWN", name)
	return ok and address or nil
end

local function respond(session, ok, body, size)
	local packet = core.packresponse(session, ok, body, size)
	if type(packet) == "string" then
		writer.write(packet)
	else
		writer.write_parts(packet)
	end
end

local function refuse(session, text)
	respond(session, false, text)
end

-- Calls the service, and sends its answer or what went wrong.
local function call(address, session, tag, msg, size)
	local ok, result, result_size
	if tag then
		ok, result, result_size = pcall(skynet.tracecall, tag, address, "lua", msg, size)
	else
		ok, result, result_size = pcall(skynet.rawcall, address, "lua", msg, size)
	end
	if not ok then
		refuse(session, tostring(result))
	elseif core.haspointer(result, result_size) then
		refuse(session, "a response with a light userdata cannot leave its process")
	else
		respond(session, true, result, result_size)
	end
end

-- A registered name is asked for by a request to address 0.
local function answer_name(session, msg, size)
	local ok, name = pcall(skynet.unpack, msg, size)
	skynet.trash(msg, size)
	if not ok then
		return log(string.format("cluster: a bad name from %s: %s", peer, name))
	end
	local address = lookup("@" .. tostring(name))
	if address then
		respond(session, true, skynet.packstring(address))
	elseif admission.is_hello(name) then
		skynet.send(clusterd, "lua", "refused", peer, admission.NO_SECRET)
		writer.write(admission.refusal(admission.NO_SECRET))
	else
		refuse(session, "name not found")
	end
end

-- Serves a complete request: { address =, session =, push =, tag = }.
local function attend(request, msg, size)
	local address, session = request.address, request.session
	if address == 0 then
		return answer_name(session, msg, size)
	elseif core.haspointer(msg, size) then
		skynet.trash(msg, size)
		return refuse(session, "a request with a light userdata is refused")
	elseif core.isname(address) then
		address = lookup(address)
	elseif is_global(address) then
		address = global(address)
	end
	if not address then
		skynet.trash(msg, size)
		return refuse(session, "Invalid name")
	end
	if request.push then
		local ok, text = pcall(skynet.rawsend, address, "lua", msg, size)
		if not ok then
			log(string.format("cluster: a push from %s: %s", peer, text))
		end
	else
		call(address, session, request.tag, msg, size)
	end
end

local function attend_and_leave(request, msg, size)
	attend(request, msg, size)
	inflight.leave(size)
end

-- Serves what may have to wait, in a coroutine of its own when more packets are there.
local function serve(request, msg, size, alone)
	inflight.enter(size)
	if alone then
		attend_and_leave(request, msg, size)
	else
		skynet.fork(attend_and_leave, request, msg, size)
	end
end

local function begin(address, session, size, push)
	local tag = next_tag
	next_tag = nil
	local note = { address = address, session = session, push = push, tag = tag }
	local refused = large.begin(session, size, note)
	if refused then
		refuse(session, refused)
	end
end

local function add_part(session, part, size, more, alone)
	if more then
		return large.add(session, part, size)
	end
	if not large.has(session) then
		skynet.trash(part, size)
		return refuse(session, "Invalid large req")
	end
	large.add(session, part, size)
	local request, msg, total = large.finish(session)
	if msg then
		serve(request, msg, total, alone)
	elseif request then
		refuse(session, "Invalid large req")
	end
end

-- Frees a packet that has been decoded; returns its parts behind a true, unless it is malformed.
local function decoded(packet, size, ok, ...)
	skynet.trash(packet, size)
	if not ok then
		log(string.format("cluster: a bad packet from %s: %s", peer, (...)))
		return false
	end
	return true, ...
end

-- Handles one packet. A malformed one is logged, and the connection stays. `alone`: the coroutine
-- has nothing else to do.
local function handle(packet, size, alone)
	local ok, address, session, msg, length, more, push =
		decoded(packet, size, pcall(core.unpackrequest, packet, size))
	if not ok then
		return
	elseif session == nil then
		next_tag = address
	elseif address == false then
		add_part(session, msg, length, more, alone)
	elseif more then
		begin(address, session, length, push)
	else
		local tag = next_tag
		next_tag = nil
		serve({ address = address, session = session, push = push, tag = tag }, msg, length, alone)
	end
end

local function leave()
	if tls.on then
		tls.leave(socket)
	end
	driver.shutdown(socket)
	large.clear()
	inflight.clear()
	skynet.send(clusterd, "lua", "agent_gone", skynet.self())
	skynet.exit()
end

local event = {}

event.data = function(_, packet, size)
	if not inflight.keep(packet, size) then
		handle(packet, size, true)
	end
end

-- Several packets at once.
function event.more(next_packet, queue)
	for _, packet, size in next_packet, queue do
		if not inflight.keep(packet, size) then
			handle(packet, size)
		end
	end
end

event.close = leave

function event.error(_, text)
	skynet.error(string.format("cluster: the connection with %s: %s", peer, text))
	leave()
end

-- So many KiB of responses wait in the buffer of the socket.
function event.warning(_, kib)
	if kib * 1024 >= settings.unsent_link then
		skynet.error(string.format(
			"cluster: %s is left, it does not read its responses: %d MiB wait (cluster_unsent_link)",
			peer, kib // 1024))
		leave()
	end
end

local feed = packets(event)

local command = {}

-- clusterd knows of this agent now, so it will also learn of its end.
function command.start()
	local bytes, session, ended = skynet.call(door, "lua", "take", socket)
	if not bytes then
		return leave()
	elseif session then
		tls.adopt(socket, session)
	end
	writer.open(socket)
	if settings.silence > 0 then
		driver.silence(socket, settings.silence)
	end
	if ended then
		-- After what was read before the end.
		skynet.timeout(0, leave)
	else
		driver.start(socket)
	end
	feed(socket, bytes)
end

-- Names have changed: what was looked up may be wrong.
function command.namechange()
	addresses, lookups = {}, {}
end

command.shed = large.shed

skynet.start(function()
	inflight.start(socket, peer, log, handle)
	skynet.call_limit(settings.call_limit)
	large.start(clusterd, function(_, request, text)
		refuse(request.session, text)
	end)
	skynet.dispatch("lua", function(_, _, name, ...)
		local f = assert(command[name], name)
		f(...)
	end)
end)
