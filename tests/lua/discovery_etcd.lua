-- Discovery with an etcd that is written here and lies: answers that are no JSON, other JSON, errors
-- of all kinds, watches that end or were compacted. Spec: the gateway of etcd 3, JSON over HTTP.
--! differs: there is no discovery
--! log: answers again

local check = require "check"
local skynet = require "skynet"
local cluster = require "skynet.cluster"
local crypt = require "skynet.crypt"
local socket = require "skynet.socket"
local peer = require "module.cluster_peer"

local PREFIX <const> = "/nodes/"

-- What is in the engine: name -> address, at a revision.
local zone, revision = {}, 1
-- The answer to the requests of a path instead of the right one.
local lies = {}
local reads, logins = 0, 0
-- Connections with a watch.
local watchers = {}

local function kv(name)
	return string.format('{"key":"%s","value":"%s","lease":"7","mod_revision":"%d"}',
		crypt.base64encode(PREFIX .. name), crypt.base64encode(zone[name]), revision)
end

local function header()
	return string.format('"header":{"revision":"%d"}', revision)
end

local path = {}

path["/v3/kv/range"] = function(body)
	local key = crypt.base64decode(string.match(body, '"key":"([^"]*)"'))
	local entries = {}
	for name in pairs(zone) do
		if string.sub(PREFIX .. name, 1, #key) == key then
			table.insert(entries, kv(name))
		end
	end
	reads = reads + (key == PREFIX and not string.find(body, "count_only") and 1 or 0)
	return string.format('{%s,"kvs":[%s]}', header(), table.concat(entries, ","))
end

path["/v3/auth/authenticate"] = function()
	logins = logins + 1
	return string.format('{"token":"token%d"}', logins)
end

local function answer(id, text, status)
	socket.write(id, string.format("HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s", status or "200 OK", #text, text))
	socket.close(id)
end

-- A chunk of a watch.
local function chunk(id, text)
	socket.write(id, string.format("%x\r\n%s\r\n", #text, text))
end

local function tell(text)
	for _, id in ipairs(watchers) do
		chunk(id, text)
	end
end

local function end_watches(text)
	local ended = watchers
	watchers = {}
	for _, id in ipairs(ended) do
		chunk(id, text or "")
		socket.close(id)
	end
end

local function serve(id)
	socket.start(id)
	local head = ""
	repeat
		local line = socket.readline(id, "\r\n")
		if not line then
			return socket.close(id)
		end
		head = head .. line .. "\n"
	until line == ""
	local length = tonumber(string.match(string.lower(head), "content%-length: *(%d+)"))
	local body = length > 0 and socket.read(id, length) or ""
	local wanted = string.match(head, "^POST (%S+)")
	local token = string.match(head, "uthorization: *(%S+)")
	if lies[wanted] then
		answer(id, table.unpack(lies[wanted]))
	elseif wanted ~= "/v3/auth/authenticate" and token ~= "token" .. logins then
		answer(id, '{"error":"etcdserver: invalid auth token","code":16}', "401 Unauthorized")
	elseif wanted == "/v3/watch" then
		socket.write(id, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
		chunk(id, '{"result":{' .. header() .. ',"created":true}}\n')
		table.insert(watchers, id)
	else
		answer(id, path[wanted](body))
	end
end

local function call(node, ...)
	return cluster.call(node, "@main", ...)
end

local function until_watched()
	check.eventually(function()
		return watchers[1]
	end, "it watches")
end

-- Something else than an answer.
local function wrong_answers()
	for at, lie in ipairs {
		{ "no JSON" }, { '{"kvs":' }, { "[]" }, { "null" }, { "5" }, { string.rep("[", 1000) }, { "" },
		{ '{"kvs":5}' }, { '{"kvs":[5]}' }, { '{"kvs":[{}]}' }, { '{"kvs":[{"key":"!"}]}' },
		{ '{"error":"etcdserver: leader changed"}', "503 Unavailable" }, { "{}", "500 Oops" },
		{ '{"error":{"message":"of the gateway"}}', "400 Bad" }, { "", "204 None" },
	} do
		lies["/v3/kv/range"] = lie
		check.raises_like("cluster call to node odd%d+ failed: ", call, "odd" .. at)
	end
	lies["/v3/kv/range"] = nil
end

local function tokens_are_renewed()
	check.ok(logins >= 1, "it logs in")
	logins = logins + 1
	zone.late = zone.red
	check.equal(call("late", 1), 1)
end

-- A change, as a watch tells it.
local function event(name, address)
	revision = revision + 1
	zone[name] = address
	local text = address and string.format('{"kv":%s}', kv(name))
		or string.format('{"type":"DELETE","kv":{"key":"%s"}}', crypt.base64encode(PREFIX .. name))
	return string.format('{"result":{%s,"events":[%s]}}\n', header(), text)
end

-- A message may come in pieces, and several in one piece.
local function watches(first, second)
	check.equal(call("red", 1), 1)
	local text = event("red", second)
	tell(string.sub(text, 1, 20))
	tell(string.sub(text, 21) .. "\n" .. event("other", first) .. event("red", first) .. event("red", second))
	check.eventually(function()
		return peer.link("red").address == second
	end, "the change is seen")
	tell(event("red", nil))
	check.eventually(function()
		return peer.link("red").address == "down"
	end, "the end is seen")
	-- An address that is none is as none.
	tell(event("red", "nonsense") .. event("red", first) .. event("red", "more nonsense"))
	check.raises_like("node red .*: there is no key /nodes/red in etcd", call, "red")
	tell(event("red", first))
	check.eventually(function()
		return pcall(call, "red", 2)
	end, "it is back")
end

-- What happened while nobody watched is read.
local function watches_end(first, second)
	local addresses = { [0] = first, second }
	for round, last in ipairs {
		"", '{"result":{"canceled":true,"compact_revision":"5"}}\n', "no JSON\n", "{}\n5\n", '{"error":{"message":"x"}}\n',
		'{"result":{"events":5}}\n', '{"result":{"events":[{}]}}\n', '{"result":{"events":[{"kv":{"key":5}}]}}\n',
	} do
		until_watched()
		local before = reads
		event("red", addresses[round % 2])
		end_watches(last)
		check.eventually(function()
			return reads > before and peer.link("red").address == addresses[round % 2]
		end, "the prefix is read again")
	end
	until_watched()
end

check.main(function()
	skynet.dispatch("lua", function(_, _, ...)
		skynet.retpack(...)
	end)
	cluster.register "main"
	local _, one = cluster.open(0)
	local _, two = cluster.open(0)
	local first, second = "127.0.0.1:" .. one, "127.0.0.1:" .. two
	zone.red = first
	local listener, _, port = socket.listen("127.0.0.1", 0)
	socket.start(listener, function(id)
		skynet.fork(serve, id)
	end)
	cluster.discover(string.format("etcd:http://user:pass%%2fword@127.0.0.1:%d/nodes?ttl=30", port))
	until_watched()
	wrong_answers()
	watches(first, second)
	tokens_are_renewed()
	watches_end(first, second)
	check.not_logged "word"
end)
