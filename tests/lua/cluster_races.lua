-- What happens in clusterd while senders are launched: nodes change, and somebody asks for the links.
--! differs: the reference knows no states of links

local check = require "check"
local skynet = require "skynet"
local cluster = require "skynet.cluster"
local peer = require "module.cluster_peer"

local NODES <const> = 100

local function a_node_goes_down_while_its_sender_is_launched()
	peer.listen("early", function() end)
	local call = check.background(cluster.call, "early", "@any")
	cluster.reload { early = false }
	local ok, text = check.outcome(call)
	check.equal(ok, false)
	check.match(text, "node %[early%] is down")
	check.eventually(function()
		return peer.link("early").state == "down"
	end, "the link of a node that is down goes down")
end

local function links_are_shown_while_new_ones_are_made()
	local nodes, calls = {}, {}
	for index = 1, NODES do
		nodes["node" .. index] = "127.0.0.1:1"
	end
	cluster.reload(nodes)
	for node in pairs(nodes) do
		table.insert(calls, check.background(cluster.call, node, "@any"))
	end
	local before = {}
	repeat
		local seen, count = {}, 0
		for _, link in ipairs(peer.status "links") do
			check.ok(not seen[link.node], link.node .. " is shown twice")
			seen[link.node] = true
			count = count + 1
		end
		for node in pairs(before) do
			check.ok(seen[node], node .. " is shown no more")
		end
		before = seen
	until count > NODES
	for _, call in ipairs(calls) do
		check.equal(check.outcome(call), false)
	end
end

check.main(function()
	a_node_goes_down_while_its_sender_is_launched()
	links_are_shown_while_new_ones_are_made()
end)
