-- What waits for a node that is not configured is bounded, for each service and node.
--! differs: what waits there has no bound
--! config: cluster_unsent_link = 1
--! log: Waiting for cluster node [nowhere]
--! log: cluster: a push is dropped: node nowhere: 1 MiB wait * (cluster_unsent_link)

local check = require "check"
local skynet = require "skynet"
local cluster = require "skynet.cluster"

local PATTERN <const> = "node nowhere: 1 MiB wait .* the limit is 1 %(cluster_unsent_link%)$"

local text <const> = string.rep("x", 10000)

local noted = {}

local serve = {}

function serve.note(number)
	table.insert(noted, number)
end

function serve.echo(...)
	return ...
end

-- Calls that wait no more hold nothing.
local function late_calls()
	for _ = 1, 150 do
		local ok, err = pcall(cluster.call_timeout, 1, "nowhere", "@main", "echo", text)
		check.equal(ok, false)
		check.match(err, "timed out: no answer for 0.01 s$")
	end
end

local function too_many_pushes()
	for number = 1, 500 do
		cluster.send("nowhere", "@main", "note", number, text)
	end
	check.raises_like(PATTERN, cluster.call, "nowhere", "@main", "echo", 1)
	check.raises_like(PATTERN, cluster.query, "nowhere", "main")
	-- Another node has a place of its own.
	local ok, err = pcall(cluster.call_timeout, 1, "elsewhere", "@main", "echo", text)
	check.equal(ok, false)
	check.match(err, "timed out")
end

-- The node comes: what has waited arrives in its order, and nothing is in the way of others.
local function the_node_comes(port)
	cluster.reload { nowhere = "127.0.0.1:" .. port }
	check.eventually(function()
		return pcall(cluster.call, "nowhere", "@main", "echo", 1)
	end, "calls go through")
	local waited = #noted
	check.ok(waited > 80 and waited < 110, waited .. " pushes have waited")
	for index, number in ipairs(noted) do
		check.equal(number, index)
	end
	cluster.send("nowhere", "@main", "note", "last", text)
	check.eventually(function()
		return noted[waited + 1] == "last"
	end, "a push goes through")
end

check.main(function()
	check.dispatch(serve)
	cluster.register "main"
	local _, port = cluster.open(0)
	late_calls()
	too_many_pushes()
	the_node_comes(port)
end)
