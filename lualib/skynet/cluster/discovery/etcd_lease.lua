-- What this node announces in etcd: keys under one lease, which lives while it is kept alive. Used
-- by skynet.cluster.discovery.etcd.
--
-- A key is written only where there is none, so of two nodes with one name the second is refused.
-- When the node ends, it gives the lease back: without waiting, on a connection that is there.

local crypt = require "skynet.crypt"
local host_text = require "http.host"
local socket = require "skynet.socket"
local sockethelper = require "http.sockethelper"

local CONNECT_PATIENCE <const> = 100

-- etcd drops a request whose connection ends before it is done, and notices the end when there is
-- nothing more to read. So a second request follows that is longer than what etcd reads at once
-- (4 KiB).
local FOLLOWER <const> = string.format(
	"GET /version HTTP/1.1\r\nhost: etcd\r\nx-fill: %s\r\n\r\n", string.rep("x", 16 << 10))

local lease = {}
lease.__index = lease

-- `api`: see skynet.cluster.discovery.etcd_api; `ttl` in seconds.
function lease.new(api, ttl)
	return setmetatable({ api = api, ttl = math.max(1, math.ceil(ttl)) }, lease)
end

-- Makes the lease live for another ttl; a new one when it has ended.
local function keep_alive(self)
	local answer = self.id and self.api:request("/v3/lease/keepalive", { ID = self.id })
	local left = answer and type(answer.result) == "table" and tonumber(answer.result.TTL)
	if not left or left <= 0 then
		self.id = self.api:request("/v3/lease/grant", { TTL = tostring(self.ttl) }).ID
	end
end

-- Writes a key, or nothing when `value` is nil, if all conditions hold. Returns whether they do,
-- and what the key holds when they do not.
local function transact(self, key, conditions, value)
	for _, condition in ipairs(conditions) do
		condition.key, condition.result = key, "EQUAL"
	end
	local answer = self.api:request("/v3/kv/txn", {
		compare = conditions,
		success = value and { { request_put = { key = key, value = value, lease = self.id } } },
		failure = { { request_range = { key = key } } },
	})
	local first = answer.responses and answer.responses[1]
	local kvs = first and first.response_range and first.response_range.kvs
	return answer.succeeded == true, kvs and kvs[1]
end

-- Seconds after which an entry has gone, unless somebody keeps it alive; nil: it stays.
local function seconds_left(self, entry)
	if entry.lease then
		-- A number that is 0 is left out by the gateway.
		return tonumber(self.api:request("/v3/lease/timetolive", { ID = entry.lease }).TTL or 0)
	end
end

-- Holds a connection for the end of the node. Over https there is none; the lease expires then.
local function prepare(self)
	local scheme, host = host_text.scheme(self.api:endpoint(), "http")
	if scheme ~= "http" or self.socket and self.host == host and socket.disconnected(self.socket) == false then
		return
	elseif self.socket then
		socket.close(self.socket)
		self.socket = nil
	end
	local name, port = host_text.parse(host)
	self.socket, self.host = sockethelper.connect(name, port or 80, CONNECT_PATIENCE), host
end

-- Makes a key hold a text, or goes on doing so. Returns true; or nil, what is there instead, and
-- the seconds after which that has gone if nobody keeps it alive.
function lease:hold(key, text)
	keep_alive(self)
	key = crypt.base64encode(key)
	local value = crypt.base64encode(text)
	local held, entry = transact(self, key, {
		{ target = "VALUE", value = value },
		{ target = "LEASE", lease = self.id },
	})
	if not held and not entry then
		held, entry = transact(self, key, { { target = "CREATE", create_revision = "0" } }, value)
	elseif not held and entry.value == value then
		-- This node was started again, or its lease is another one now.
		held, entry = transact(self, key, { { target = "MOD", mod_revision = entry.mod_revision } }, value)
	end
	if held then
		pcall(prepare, self)
		return true
	elseif not entry then
		return nil, "", 0
	end
	return nil, crypt.base64decode(entry.value or ""), seconds_left(self, entry)
end

-- Deletes a key if it is still under this lease.
function lease:drop(key)
	key = crypt.base64encode(key)
	if self.id then
		self.api:request("/v3/kv/txn", {
			compare = { { key = key, result = "EQUAL", target = "LEASE", lease = self.id } },
			success = { { request_delete_range = { key = key } } },
		})
	end
end

-- Gives the lease back, without waiting for an answer.
function lease:leave()
	if not (self.socket and self.id) then
		return
	end
	local lines = {
		"POST /v3/lease/revoke HTTP/1.1",
		"host: " .. self.host,
		"content-length: " .. #self.id + #'{"ID":""}',
	}
	if self.api.token then
		table.insert(lines, "authorization: " .. self.api.token)
	end
	local head = table.concat(lines, "\r\n")
	socket.write(self.socket, string.format('%s\r\n\r\n{"ID":"%s"}%s', head, self.id, FOLLOWER))
end

return lease
