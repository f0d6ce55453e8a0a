-- Calls of other nodes with a time limit: against peers that do not answer, in each phase of a call.
--! differs: the reference has no time limits of calls
--! config: cluster_connect_timeout = 60

local check = require "check"
local skynet = require "skynet"
local cluster = require "skynet.cluster"
local socket = require "skynet.socket"
local driver = require "skynet.socketdriver"
local peer = require "module.cluster_peer"

local ROUNDS <const> = 5
local CALLS_A_ROUND <const> = 8000
local AT_ONCE <const> = 1000

local function times_out(node, service, ...)
	local ok, err = pcall(...)
	check.equal(ok, false)
	-- When the time is over before the link has sent the request, the link may say so first.
	if not err:find(node .. " .* there was no time left to send the request$") then
		check.match(err, "cluster call to node " .. node .. " failed: service " .. service
			.. " timed out: no answer for %d+%.%d%d s$")
	end
end

-- Answers when told to.
local function tardy()
	local held, answer_now = {}, true
	local function answer(fd, packet)
		peer.write(fd, peer.split(packet) .. "\1" .. skynet.packstring "answer")
	end
	peer.listen("tardy", function(fd)
		for packet in peer.read, fd do
			if answer_now then
				answer(fd, packet)
			else
				table.insert(held, { fd, packet })
			end
		end
	end)
	local function hold()
		answer_now = false
	end
	local function release()
		answer_now = true
		for _, entry in ipairs(held) do
			answer(table.unpack(entry))
		end
		held = {}
	end
	return hold, release, held
end

local function answers_in_time_and_late_ones()
	local hold, release, held = tardy()
	check.equal(cluster.call_timeout(100000, "tardy", "@any", 1), "answer")
	check.equal(cluster.call_timeout(0, "tardy", "@any", 1), "answer")
	check.equal(cluster.call_timeout(-5, "tardy", "@any", 1), "answer")
	check.equal(cluster.call_timeout(math.maxinteger, "tardy", "@any", 1), "answer")
	hold()
	-- A request that has no time left when its turn comes is not sent.
	repeat
		times_out("tardy", "@any", cluster.call_timeout, 3, "tardy", "@any", 1)
	until #held > 0
	times_out("tardy", ":0000000a", cluster.call_timeout, 3, "tardy", 10, 1)

	-- The limit of all calls of this service; one of the call goes before it.
	check.equal(skynet.call_limit(3), 0)
	times_out("tardy", "@any", cluster.call, "tardy", "@any", 1)
	times_out("tardy", ":00000000", cluster.query, "tardy", "any")
	local patient = check.background(cluster.call_timeout, 0, "tardy", "@any", "patient")
	check.equal(skynet.call_limit(0), 3)
	check.eventually(function()
		local _, what = peer.split(held[#held][2])
		return what == "patient" and peer.link("tardy").pending == 1
	end, "only the patient call waits")
	check.equal(patient.done, nil)
	local given_up = #held - 1
	release()
	check.results({ true, "answer" }, check.outcome(patient))
	check.eventually(function()
		return peer.link("tardy").late == given_up
	end, "late answers are counted")
	check.equal(peer.link("tardy").timeouts, given_up)
	check.equal(peer.link("tardy").connects, 1)
	check.raises_like("the time limit is an integer", cluster.call_timeout, "soon", "tardy", "@any")
end

-- A node that nobody has configured yet.
local function while_the_node_is_not_known()
	local seen = {}
	local late = {}
	for index = 1, 100 do
		late[index] = check.background(cluster.call_timeout, 3, "unknown", "@any", "late", index)
	end
	local patient = check.background(cluster.call_timeout, 100000, "unknown", "@any", "patient")
	for index = 1, 100 do
		times_out("unknown", "@any", error, select(2, check.outcome(late[index])), 0)
	end
	peer.listen("unknown", function(fd)
		for packet in peer.read, fd do
			local session, what = peer.split(packet)
			table.insert(seen, what)
			peer.write(fd, session .. "\1")
		end
	end)
	check.equal(check.outcome(patient), true)
	check.same(seen, { "patient" })
end

-- A peer whose queue of connections is full: attempts to connect hang.
local function while_connecting()
	local id, _, port = socket.listen("127.0.0.1", 0, 0)
	local fillers = {}
	for index = 1, 4 do
		fillers[index] = driver.connect("127.0.0.1", port)
	end
	cluster.reload { stuck = "127.0.0.1:" .. port }
	-- The first call looks the node up, the others find a sender that is connecting.
	times_out("stuck", "@any", cluster.call_timeout, 5, "stuck", "@any", "late")
	check.eventually(function()
		local link = peer.link "stuck"
		return link and link.state == "connecting" and link.pending == 0
	end, "nobody waits for the link that connects")
	local patient = check.background(cluster.call_timeout, 100000, "stuck", "@any", "patient")
	local seen = {}
	socket.start(id, function(fd)
		socket.start(fd)
		local packet = peer.read(fd)
		if packet then
			local session, what = peer.split(packet)
			table.insert(seen, what)
			peer.write(fd, session .. "\1")
		end
	end)
	for _, filler in ipairs(fillers) do
		driver.close(filler)
	end
	check.equal(check.outcome(patient), true)
	check.same(seen, { "patient" })
end

-- A response that begins, and ends after the deadline.
local function while_a_large_response_arrives()
	local rest
	peer.listen("slow", function(fd)
		for packet in peer.read, fd do
			local session, what = peer.split(packet)
			if what == "again" then
				peer.write(fd, session .. "\1" .. skynet.packstring "still here")
			elseif not rest then
				peer.write(fd, session .. "\2" .. string.pack("<I4", 40000))
				peer.write(fd, session .. "\3" .. string.rep("x", 32768))
				rest = function()
					peer.write(fd, session .. "\4" .. string.rep("x", 40000 - 32768))
				end
			end
		end
	end)
	repeat
		times_out("slow", "@any", cluster.call_timeout, 3, "slow", "@any")
	until rest
	check.eventually(function()
		return peer.status "large" == 0 and peer.link("slow").pending == 0
	end, "what has come is dropped")
	rest()
	check.equal(cluster.call("slow", "@any", "again"), "still here")
	check.ok(peer.link("slow").late >= 1)
end

-- Neither this service nor the one that sends keeps anything of calls that have timed out.
local function many_calls_to_a_silent_peer()
	peer.listen("silent", function(fd)
		for _ in peer.read, fd do
		end
	end)
	local sender = check.ok(cluster.get_sender "silent")
	local left, running = 0, 0
	local function caller()
		while left > 0 do
			left = left - 1
			pcall(cluster.call_timeout, 1, "silent", "@any", "x")
		end
		running = running - 1
	end
	-- Returns what the two services hold after a round.
	local function round()
		left, running = CALLS_A_ROUND, AT_ONCE
		for _ = 1, AT_ONCE do
			skynet.fork(caller)
		end
		repeat
			skynet.sleep(1)
		until running == 0 and peer.link("silent").pending == 0
		collectgarbage()
		return collectgarbage "count" + peer.memory(sender)
	end
	local kib = 0
	for _ = 1, ROUNDS do
		kib = round()
	end
	-- A coroutine alone holds more than 1 KiB.
	check.ok(kib < ROUNDS * CALLS_A_ROUND / 2, string.format("%.0f KiB are held", kib))
	check.equal(peer.link("silent").connects, 1)
end

check.main(function()
	answers_in_time_and_late_ones()
	while_the_node_is_not_known()
	while_connecting()
	while_a_large_response_arrives()
	many_calls_to_a_silent_peer()
end)
