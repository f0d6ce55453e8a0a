-- TLS on the connections of a cluster: between the sockets of a service and its packets. Each end
-- shows a certificate and checks the other's. Used by the guard and clusterdoor, which begin the
-- handshakes, and by whoever moves bytes: `streams` and `writer`.
--
-- It is on when one of its config keys is set; all three must be then.

local skynet = require "skynet"
local driver = require "skynet.socketdriver"
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

-- socket -> { session =, established =, plain = }: the session as soon as the peer has begun;
-- `established` is called when the handshake is over and nil from then on; `plain` is what to say to
-- a peer that does not speak TLS, nil when it does.
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
	connections[id] = { established = established, plain = plain }
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
	connection.session = connection.session or ltls.newtls("server", tls.context())
	connection.plain = nil
	return shake(id, connection, bytes)
end

-- Returns the plain text of bytes that came, and whether the peer has said goodbye; nil and an
-- error text when there can be nothing more. The peer is told.
function tls.open(id, bytes)
	local connection = connections[id]
	if not connection then
		return ""
	end
	local ok, text, ended = pcall(opened, id, connection, bytes)
	if ok then
		return text, ended
	end
	if not connection.plain and connections[id] == connection then
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
	connections[id] = nil
	if connection and connection.session then
		put(id, connection.session:close())
	end
end

-- The connection has gone.
function tls.forget(id)
	connections[id] = nil
end

-- Gives an established connection away, to a service that adopts it.
function tls.release(id)
	local connection = connections[id]
	connections[id] = nil
	return connection and connection.session:release()
end

function tls.adopt(id, released)
	connections[id] = { session = ltls.adopt(released) }
end

return tls
