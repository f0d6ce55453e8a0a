-- http.websocket: both ends of WebSocket connections (RFC 6455, no extensions).
--
-- The coroutine that calls `accept` reads a server's connection to its end and calls the
-- handlers; a client reads with `websocket.read`. What is read ahead waits in `text` from
-- position `at` on. Frames are taken apart and made by `http.native`.

local skynet = require "skynet"
local socket = require "skynet.socket"
local crypt = require "skynet.crypt"
local native = require "http.native"
local internal = require "http.internal"
local httpd = require "http.httpd"
local host_text = require "http.host"
local sockethelper = require "http.sockethelper"
local strict_checks = require "http.websocket_strict"

local socket_error = sockethelper.socket_error

local websocket = {}

local GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

-- The longest frame and message that a server takes.
local SERVER_BYTES_MAX = 256 * 1024

-- The longest payload of close, ping and pong.
local CONTROL_BYTES_MAX = 125

-- Seconds that the request for an upgrade may take.
local HANDSHAKE_SECONDS = tonumber(skynet.getenv "http_head_timeout") or 60

local OPCODE_OF = { frame = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 }

local NAME_OF = {}
for name, opcode in pairs(OPCODE_OF) do
	NAME_OF[opcode] = name
end

-- id -> connection
local connections = {}

local function known(id)
	return assert(connections[id])
end

-- The read and write functions of a connection, and what to do before and after.
local function plain_transport(id)
	return {
		read = sockethelper.readfunc(id),
		write = sockethelper.writefunc(id),
	}
end

local contexts = {}

local function server_context(tlshelper)
	local context = tlshelper.newctx()
	context:set_cert(
		skynet.getenv "certfile" or "./server-cert.pem",
		skynet.getenv "keyfile" or "./server-key.pem"
	)
	return context
end

local function tls_transport(id, role, hostname)
	local tlshelper = require "http.tlshelper"
	if not contexts[role] then
		contexts[role] = role == "server" and server_context(tlshelper) or tlshelper.newctx()
	end
	local tls = tlshelper.newtls(role, contexts[role], hostname)
	local init = role == "server" and tlshelper.init_responsefunc or tlshelper.init_requestfunc
	return {
		init = init(id, tls),
		farewell = tlshelper.closefunc(tls),
		read = tlshelper.readfunc(id, tls),
		write = tlshelper.writefunc(id, tls),
	}
end

local function new_connection(id, role, protocol, hostname)
	local connection
	if protocol == "ws" then
		connection = plain_transport(id)
	elseif protocol == "wss" then
		connection = tls_transport(id, role, hostname)
	else
		error("invalid protocol: " .. tostring(protocol))
	end
	connection.id = id
	connection.role = role
	connection.text, connection.at = "", 1
	return connection
end

local function send(connection, name, data, key)
	if connection.role == "client" and not key then
		key = math.random(0, 0xffffffff)
	end
	connection.write(native.frame(OPCODE_OF[name], data, key))
end

-- Closes the socket; the connection is known no more.
local function close_socket(connection)
	local id = connection.id
	if connections[id] == connection then
		connections[id] = nil
	end
	if not connection.closed then
		connection.closed = true
		if connection.farewell then
			connection.farewell()
		end
		socket.close(id)
	end
end

-- Reads frames ---------------------------------------------------------------------------------

local function check_frame(connection, name, length, fin)
	if not name then
		error "unknown opcode of a frame"
	elseif name == "close" or name == "ping" or name == "pong" then
		if length > CONTROL_BYTES_MAX or not fin then
			error "a control frame is too long or fragmented"
		end
	elseif connection.role == "server" and length > SERVER_BYTES_MAX then
		error "payload_len is too large"
	end
end

-- Returns the position of the payload, its length, and what the frame is.
local function read_frame_head(connection)
	local text, at = connection.text, connection.at
	local length, data, opcode, fin, key = native.frame_head(text, at)
	while not length do
		text, at = text:sub(at) .. connection.read(), 1
		length, data, opcode, fin, key = native.frame_head(text, at)
	end
	connection.text = text
	return data, length, NAME_OF[opcode], fin, key
end

-- Returns what a frame is, its payload, and whether it ends its message.
local function read_frame(connection)
	local data, length, name, fin, key = read_frame_head(connection)
	check_frame(connection, name, length, fin)
	if connection.strict then
		strict_checks.frame(connection, key)
	end
	local text = connection.text
	local last = data + length - 1
	local payload
	if last < #text then
		payload = text:sub(data, last)
		connection.at = last + 1
	else
		payload = text:sub(data)
		connection.text, connection.at = "", 1
		local missing = last - #text
		if missing > 0 then
			payload = payload .. connection.read(missing)
		end
	end
	if key then
		payload = native.mask(payload, key)
	end
	return name, payload, fin
end

-- Collects the fragments of one message.
local function new_message(connection)
	local parts, size, kind = {}, 0, nil
	return function(name, payload, fin)
		kind = kind or name
		size = size + #payload
		if connection.role == "server" and size > SERVER_BYTES_MAX then
			error "payload_len is too large"
		end
		-- Any number of empty fragments costs nothing.
		if payload ~= "" then
			parts[#parts + 1] = payload
		end
		if fin then
			local text = #parts == 1 and parts[1] or table.concat(parts)
			if connection.strict then
				strict_checks.message(connection, kind, text)
			end
			return text, kind
		end
	end
end

-- Handshakes -----------------------------------------------------------------------------------

local function accept_key(key)
	return crypt.base64encode(crypt.sha1(key .. GUID))
end

local function contains_item(value, item)
	if type(value) == "table" then
		value = table.concat(value, ",")
	end
	for found in (value or ""):gmatch "[^%s,]+" do
		if found:lower() == item then
			return true
		end
	end
	return false
end

local function is_key(key)
	local ok, bytes = pcall(crypt.base64decode, key)
	return ok and bytes and #bytes == 16
end

-- Returns the status and the text of a refusal; nil if the header asks for an upgrade.
local function refusal(header)
	local key = header["sec-websocket-key"]
	local protocols = header["sec-websocket-protocol"]
	local upgrade, connection = header["upgrade"], header["connection"]
	if type(upgrade) ~= "string" or upgrade:lower() ~= "websocket" then
		return 426, "Upgrade Required"
	elseif not header["host"] then
		return 400, "host Required"
	elseif not contains_item(connection, "upgrade") then
		return 400, "Connection must Upgrade"
	elseif not key then
		return 400, "Sec-WebSocket-Key Required"
	elseif not is_key(key) then
		return 400, "Sec-WebSocket-Key invalid"
	elseif header["sec-websocket-version"] ~= "13" then
		return 400, "Sec-WebSocket-Version must 13"
	elseif protocols and not contains_item(protocols, "chat") then
		return 400, "Sec-WebSocket-Protocol need include chat"
	end
end

-- Reads the request. Returns header and url; nil, a status and a text for a refusal.
local function read_upgrade(connection)
	local read = connection.read
	local limit <close> = sockethelper.deadline(read, HANDSHAKE_SECONDS, "its WebSocket handshake took too long")
	local text, body, header, first = internal.head(read, read())
	if not text then
		return nil, 413
	end
	local method, url, version = native.request_line(assert(first, "no request line"))
	version = method and tonumber(version)
	assert(version, "invalid request line")
	if method ~= "GET" then
		return nil, 400, "need GET method"
	elseif version < 1.1 then
		return nil, 505
	elseif not header then
		return nil, 400
	end
	connection.text, connection.at = text, body
	return header, url
end

local SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"

-- Answers the request for an upgrade. Returns header and url; nil after a refusal.
local function server_handshake(connection, request)
	local header, url, text
	if request then
		header, url = request.header, request.url
	else
		header, url, text = read_upgrade(connection)
	end
	local status = url
	if header then
		status, text = refusal(header)
	end
	if status then
		httpd.write_response(connection.write, status, text)
		return nil
	end
	local protocol = header["sec-websocket-protocol"] and "Sec-WebSocket-Protocol: chat\r\n" or ""
	local key = accept_key(header["sec-websocket-key"])
	connection.write(SWITCHING .. "Sec-WebSocket-Accept: " .. key .. "\r\n" .. protocol .. "\r\n")
	connection.header = header
	return header, url
end

local function check_answer(status, text, header, key)
	if status ~= 101 then
		error(string.format("websocket handshake error: code[%s] info:%s", status, text))
	end
	local upgrade, connection = header["upgrade"], header["connection"]
	local accept = header["sec-websocket-accept"]
	if type(upgrade) ~= "string" or upgrade:lower() ~= "websocket" then
		error "websocket handshake upgrade must websocket"
	elseif type(connection) ~= "string" or connection:lower() ~= "upgrade" then
		error "websocket handshake connection must upgrade"
	elseif not accept then
		error "websocket handshake need Sec-WebSocket-Accept"
	elseif accept ~= accept_key(key) then
		error "websocket handshake invalid Sec-WebSocket-Accept"
	end
end

local function client_handshake(connection, host, url, header)
	local key = crypt.base64encode(crypt.randomkey() .. crypt.randomkey())
	local fields = {
		Upgrade = "websocket",
		Connection = "Upgrade",
		["Sec-WebSocket-Version"] = "13",
		["Sec-WebSocket-Key"] = key,
	}
	for name, value in pairs(header or {}) do
		assert(fields[name] == nil, name)
		fields[name] = value
	end
	local status, text, answer = internal.request(connection, "GET", host, url, nil, fields)
	check_answer(status, text, answer, key)
	connection.text = text
end

-- A server's connection ------------------------------------------------------------------------

local function call(connection, name, ...)
	local handler = connection.handle[name]
	if handler then
		handler(connection.id, ...)
	end
end

-- Answers a close frame and says why the peer closed.
local function closed_by_peer(connection, payload)
	local code, reason
	if #payload > 2 then
		code, reason = string.unpack(">I2", payload), payload:sub(3)
	end
	send(connection, "close", "")
	call(connection, "close", code, reason)
end

-- Handles frames until one of the ends closes.
local function serve(connection)
	local message = new_message(connection)
	while not connection.closed do
		local name, payload, fin = read_frame(connection)
		if name == "close" then
			return closed_by_peer(connection, payload)
		elseif name == "ping" then
			send(connection, "pong", payload)
			call(connection, "ping")
		elseif name == "pong" then
			call(connection, "pong")
		else
			local text, kind = message(name, payload, fin)
			if text then
				message = new_message(connection)
				call(connection, "message", text, kind)
			end
		end
	end
	call(connection, "close")
end

local function run(connection, request)
	call(connection, "connect")
	if connection.init then
		connection.init()
	end
	local header, url = server_handshake(connection, request)
	if not header then
		call(connection, "close")
		return
	end
	call(connection, "handshake", header, url)
	serve(connection)
end

local function with_traceback(err)
	return err == socket_error and err or debug.traceback(err, 2)
end

-- Runs a handler at the end of a connection that broke.
local function end_broken(connection, err)
	if connection.closed then
		call(connection, "close")
	else
		call(connection, "error", err)
	end
end

local function watch_writes(connection)
	local warning = connection.handle.warning
	if warning then
		local ok = pcall(socket.warning, connection.id, function(_, size)
			warning(connection, size)
		end)
		return ok
	end
	return true
end

-- Serves a connection to its end. Returns true; or false and a text when the peer broke the
-- protocol or a handler failed.
function websocket.accept(id, handle, protocol, addr, options)
	local request = options and options.upgrade
	if not request then
		local started, err = socket.start(id)
		if not started then
			return false, err
		end
	end
	local made, connection = pcall(new_connection, id, "server", protocol or "ws")
	if not made then
		socket.close(id)
		return false, connection
	end
	connection.handle, connection.addr = handle, addr
	connection.strict = options and options.strict
	if not watch_writes(connection) then
		socket.close(id)
		return false, "connect is closed " .. id
	end
	connections[id] = connection
	local ok, err = xpcall(run, with_traceback, connection, request)
	if not ok and err == socket_error then
		ok, err = xpcall(end_broken, with_traceback, connection, err)
	end
	close_socket(connection)
	if ok then
		return true
	end
	return false, err
end

-- A client's connection ------------------------------------------------------------------------

local PORTS = { ws = 80, wss = 443 }

-- Connects to "ws://host[:port][/path]" or "wss://..."; returns the id.
function websocket.connect(url, header, timeout)
	local protocol, rest = host_text.scheme(url)
	local port = PORTS[protocol] or error("invalid protocol: " .. tostring(protocol))
	local addr, path = rest:match "^([^/?]*)(.*)$"
	local name, explicit_port = host_text.parse(addr)
	local id = sockethelper.connect(name, explicit_port or port, timeout)
	local ok, err = pcall(function()
		local connection = new_connection(id, "client", protocol, name)
		connection.addr = addr
		if connection.init then
			connection.init()
		end
		client_handshake(connection, name, path:match "^/" and path or "/" .. path, header)
		connections[id] = connection
	end)
	if ok then
		return id
	end
	socket.close(id)
	error(err, 0)
end

-- Returns the next message; false and the payload when the peer has closed.
function websocket.read(id)
	local connection = known(id)
	local message = new_message(connection)
	while true do
		local name, payload, fin = read_frame(connection)
		if name == "close" then
			close_socket(connection)
			return false, payload
		elseif name == "ping" then
			send(connection, "pong", payload)
		elseif name ~= "pong" then
			local text, kind = message(name, payload, fin)
			if text then
				return text, kind
			end
		end
	end
end

-- Both ends ------------------------------------------------------------------------------------

-- Sends a message; a client masks it, with a key of its own if there is no other.
function websocket.write(id, data, format, key)
	local connection = known(id)
	format = format or "text"
	assert(format == "text" or format == "binary")
	send(connection, format, data, key)
end

function websocket.ping(id)
	send(known(id), "ping", "")
end

function websocket.addrinfo(id)
	return known(id).addr
end

-- Returns what a proxy said of the peer's address.
function websocket.real_ip(id)
	local header = known(id).header
	return header and header["x-real-ip"]
end

function websocket.is_close(id)
	local connection = connections[id]
	return not connection or connection.closed or false
end

-- Tells the peer why, and closes the connection.
function websocket.close(id, code, reason)
	local connection = connections[id]
	if not connection or connection.closed then
		return
	end
	local payload = code and string.pack(">I2", code) .. (reason or "") or ""
	local ok, err = pcall(send, connection, "close", payload)
	if not ok then
		skynet.error("websocket: the close frame was not sent:", err)
	end
	close_socket(connection)
end

return websocket
