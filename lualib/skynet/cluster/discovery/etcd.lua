-- Names of nodes in etcd: "etcd:http://HOST:PORT/PREFIX". The key PREFIX/NAME holds the address of
-- the node NAME as "host:port", under a lease that its node keeps alive.
--
-- `known` is what the prefix held at the revision `seen`: a read of the prefix, and every change
-- since, in order. An answer that is older than `seen` is not looked at.

local skynet = require "skynet"
local crypt = require "skynet.crypt"
local etcd_api = require "skynet.cluster.discovery.etcd_api"
local etcd_lease = require "skynet.cluster.discovery.etcd_lease"

local resolver = {}
resolver.__index = resolver

local function revision_of(answer)
	return math.tointeger(tonumber(answer.header and answer.header.revision)) or 0
end

-- The name and the address of an entry; the address is nil for what is no "host:port".
local function entry_of(self, kv)
	local name = string.sub(crypt.base64decode(kv.key), #self.prefix + 1)
	return name, string.match(crypt.base64decode(kv.value or ""), "^%s*(%S+:%d+)%s*$")
end

local function absent(self, name)
	return nil, string.format("there is no key %s%s in etcd", self.prefix, name)
end

-- Asks etcd for a name that is not known: it may have come a moment ago.
function resolver:resolve(name)
	if not self.known[name] then
		local answer = self.api:request("/v3/kv/range", { key = crypt.base64encode(self.prefix .. name) })
		if revision_of(answer) >= self.seen then
			local kv = answer.kvs and answer.kvs[1]
			local _, address
			if kv then
				_, address = entry_of(self, kv)
			end
			self.known[name] = address
		end
	end
	if self.known[name] then
		return self.known[name]
	end
	return absent(self, name)
end

-- Reads the whole prefix, and tells what is different.
local function read_all(self, changed)
	local answer = self.api:request("/v3/kv/range", { key = self.first, range_end = self.last })
	local before, now = self.known, {}
	for _, kv in ipairs(answer.kvs or {}) do
		local name, address = entry_of(self, kv)
		now[name] = address
	end
	self.known, self.seen = now, revision_of(answer)
	for name in pairs(before) do
		if not now[name] then
			changed(name, absent(self, name))
		end
	end
	for name, address in pairs(now) do
		changed(name, address)
	end
end

local function follow(self, event, changed)
	local name, address = entry_of(self, event.kv)
	self.known[name] = event.type ~= "DELETE" and address or nil
	if self.known[name] then
		changed(name, address)
	else
		changed(name, absent(self, name))
	end
end

-- Looks now and then, on another connection, whether etcd lives: a silent stream may be a dead one.
-- Ends the stream when it does not, until `guard.over`.
local function look_after(self, guard, close)
	skynet.timeout(self.interval, function()
		if guard.over then
			return
		end
		local alive = pcall(self.api.request, self.api, "/v3/kv/range", { key = self.first, count_only = true })
		if guard.over then
			return
		elseif alive then
			look_after(self, guard, close)
		else
			close()
		end
	end)
end

-- Handles a message of the watch; true when the prefix has to be read again, because changes were
-- compacted away.
local function handle(self, message, changed)
	local result = type(message.result) == "table" and message.result or {}
	for _, event in ipairs(result.events or {}) do
		follow(self, event, changed)
	end
	if not result.created then
		self.seen = math.max(self.seen, revision_of(result))
	end
	return result.canceled or message.error ~= nil
end

-- Reads the prefix and follows it from there on. Returns when it has to be read again.
function resolver:watch(changed, ready)
	read_all(self, changed)
	ready()
	local guard <close> = setmetatable({}, {
		__close = function(guard)
			guard.over = true
		end,
	})
	local start = tostring(self.seen + 1)
	local request = { create_request = { key = self.first, range_end = self.last, start_revision = start } }
	self.api:watch(request, function(close)
		look_after(self, guard, close)
	end, function(message)
		return handle(self, message, changed)
	end)
end

function resolver:announce(name, address)
	local held, other, seconds = self.lease:hold(self.prefix .. name, address)
	if held then
		return true
	end
	return nil, string.format("key %s%s holds %s already", self.prefix, name, other), seconds
end

function resolver:withdraw(name)
	self.lease:drop(self.prefix .. name)
end

function resolver:leave()
	self.lease:leave()
end

-- `argument`: "http[s]://[USER:PASSWORD@]HOST:PORT[,HOST:PORT...]/PREFIX"; `ttl`: seconds.
return function(argument, _, ttl)
	local server, path = string.match(argument, "^(https?://.-)(/.-)/*$")
	if not server then
		error("etcd:http://HOST:PORT/PREFIX is wanted", 0)
	elseif string.find(path, "@", 1, true) then
		error("a / in a password is written as %2F", 0)
	end
	local api, prefix = etcd_api.new(server), path .. "/"
	return setmetatable({
		api = api,
		prefix = prefix,
		-- From the prefix up to the first key behind all that begin with it: "0" comes after "/".
		first = crypt.base64encode(prefix),
		last = crypt.base64encode(path .. "0"),
		known = {},
		seen = 0,
		interval = math.max(50, math.floor(ttl * 100 / 3)),
		lease = etcd_lease.new(api, ttl),
	}, resolver)
end
