-- TLS on the connections of a cluster: between the sockets of a service and its packets. Each end
-- shows a certificate and checks the other's. Used by the guard, which begins the handshakes, and
-- by whoever moves bytes: `packets` and `writer`.
--
-- It is on when one of its config keys is set; all three must be then.

local skynet = require "skynet"
local driver = require "skynet.socketdriver"
local netpack = require "skynet.netpack"
local secret = require "skynet.cluster.secret"

local KEYS <const> = { "cluster_tls_cert", "cluster_tls_key", "cluster_tls_ca" }

local files, missing = {}, nil
for _, key in ipairs(KEYS) do
	files[key] = skynet.getenv(key)
	missing = missing or not files[key] and key
end

local tls = { on = next(files) ~= nil }
if not tls.on then
	return tls
end

local ltls = require "ltls.c"

-- The first byte of everything that begins a handshake of TLS.
local HANDSHAKE_RECORD <const> = 0x16

-- socket -> { session =, established =, plain = }: `established` is called when the handshake is
-- over and nil from then on; `plain` is what to say to a peer that does not speak TLS.
local connections = {}

-- An error of a context or session, without its place, the call of OpenSSL that would have failed,
-- and the config key that means nothing here.
local function reason(text)
	for _, pattern in ipairs { "^.-%.lua:%d+: ", "^SSL_[%a_]+ error:", " %(tls_verify = .*%)$" } do
		text = string.gsub(text, pattern, "")
	end
	return text
end

-- Makes a context. Raises a text that names the key and the file that is wrong.
function tls.context()
	if missing then
		error(string.format("%s is not set: TLS between nodes needs %s", missing,
			table.concat(KEYS, ", ")), 0)
	end
	local context = ltls.newctx()
	local ok, why = pcall(context.set_cert, context, files.cluster_tls_cert, files.cluster_tls_key)
	if not ok then
		error(string.format("cluster_tls_cert and cluster_tls_key: %s", reason(why)), 0)
	end
	ok, why = pcall(context.set_peers, context, files.cluster_tls_ca)
	if not ok then
		error(string.format("cluster_tls_ca: %s", reason(why)), 0)
	end
	context:set_verify(true)
	return context
end

-- A text about a key that is not well kept; nil when there is nothing to say.
function tls.warning()
	return secret.exposed("cluster_tls_key", files.cluster_tls_key)
end

local function put(id, bytes)
	if bytes and bytes ~= "" then
		driver.send(id, bytes)
	end
end

-- Begins a connection that was made to a node. Its certificate may be for its host or its name.
function tls.call(id, host, node, established)
	local context = tls.context()
	context:set_names(node)
	local session = ltls.newtls("client", context, host)
	connections[id] = { session = session, established = established }
	put(id, session:handshake())
end

-- Begins a connection that was accepted. `plain` is a packet for a peer that does not speak TLS.
function tls.answer(id, plain, established)
	connections[id] = { session = ltls.newtls("server", tls.context()), established = established, plain = plain }
end

-- Goes on with a handshake. Returns what is in the connection behind it, otherwise nil.
local function shake(id, connection, bytes)
	local session = connection.session
	put(id, session:handshake(bytes))
	if not session:finished() then
		return ""
	end
	local established = connection.established
	connection.established = nil
	established()
	return (session:read())
end

local function opened(id, connection, bytes)
	if not connection.established then
		return connection.session:read(bytes)
	elseif connection.plain and string.byte(bytes) ~= HANDSHAKE_RECORD then
		driver.send(id, connection.plain)
		error("it does not speak TLS (cluster_tls_cert)", 0)
	end
	connection.plain = nil
	return shake(id, connection, bytes)
end

-- Returns the plain text of bytes that came, and whether the peer has said goodbye; nil and an
-- error text when there can be nothing more. The peer is told.
local function open(id, bytes)
	local connection = connections[id]
	if not connection then
		return ""
	end
	local ok, text, ended = pcall(opened, id, connection, bytes)
	if ok then
		return text, ended
	end
	if not connection.plain then
		put(id, connection.session:write())
	end
	connections[id] = nil
	return nil, "TLS: " .. reason(text)
end

-- Sends a packet, or a list of packets as one piece. Packets keep their order: what is encrypted
-- cannot be overtaken.
function tls.send(id, data)
	local connection = connections[id]
	if connection then
		driver.send(id, connection.session:write(type(data) == "table" and table.concat(data) or data))
	end
end

tls.lsend = tls.send

-- The connection is about to be closed: says goodbye and forgets it.
function tls.leave(id)
	local connection = connections[id]
	if connection then
		connections[id] = nil
		put(id, connection.session:close())
	end
end

-- What arrives on the sockets: as `skynet.cluster.packets` has it.
local DATA <const>, CONNECT <const>, CLOSE <const>, ERROR <const>, WARNING <const> = 1, 2, 3, 5, 7

local EVENTS <const> = { [CONNECT] = "init", [CLOSE] = "close", [ERROR] = "error", [WARNING] = "warning" }

local function deliver(handlers, kind, ...)
	if handlers[kind] then
		handlers[kind](...)
	end
end

function tls.packets(handlers)
	local queue

	local function take(id, rest, kind, ...)
		queue = rest
		if kind == "more" then
			handlers.more(netpack.pop, rest)
		else
			deliver(handlers, kind, ...)
		end
	end

	local function data(id, block, size)
		local text, more = open(id, netpack.tostring(block, size))
		if text == nil then
			return deliver(handlers, "error", id, more)
		end
		take(id, netpack.feed(queue, id, text))
		if more then
			deliver(handlers, "close", id)
		end
	end

	skynet.register_protocol {
		name = "socket",
		id = skynet.PTYPE_SOCKET,
		unpack = driver.unpack,
		dispatch = function(_, _, what, id, size, block)
			if what == DATA then
				return data(id, block, size)
			elseif what == CLOSE or what == ERROR then
				connections[id] = nil
				queue = netpack.feed(queue, id)
			end
			if EVENTS[what] then
				deliver(handlers, EVENTS[what], id, what == WARNING and size or block)
			end
		end,
	}
end

return tls
