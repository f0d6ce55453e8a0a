-- http.httpc: a client of HTTP and HTTPS, one connection for each request.

local skynet = require "skynet"
local internal = require "http.internal"
local host_text = require "http.host"
local sockethelper = require "http.sockethelper"

-- httpc.timeout: hundredths of a second for connecting, and again for the answer; nil for none.
local httpc = {}

local PORTS = { http = 80, https = 443 }

local dns

-- Names are resolved by `skynet.dns` from now on, not by the system.
function httpc.dns(server, port)
	dns = require "skynet.dns"
	dns.server(server, port)
end

local tls_context

local function tls_interface(id, hostname)
	local tlshelper = require "http.tlshelper"
	tls_context = tls_context or tlshelper.newctx()
	local tls = tlshelper.newtls("client", tls_context, hostname)
	return {
		init = tlshelper.init_requestfunc(id, tls),
		close = tlshelper.closefunc(tls),
		read = tlshelper.readfunc(id, tls),
		write = tlshelper.writefunc(id, tls),
		readall = tlshelper.readallfunc(id, tls),
	}
end

local function plain_interface(id)
	return {
		read = sockethelper.readfunc(id),
		write = sockethelper.writefunc(id),
		readall = function()
			return sockethelper.readall(id)
		end,
	}
end

local function close(connection)
	connection.finished = true
	local interface = connection.interface
	if interface and interface.close then
		interface.close()
	end
	sockethelper.close(connection.id)
end

-- Ends what takes longer than `timeout` after the connection has been made.
local function limit(connection, timeout)
	skynet.timeout(timeout, function()
		if not connection.finished then
			sockethelper.shutdown(connection.id)
		end
	end)
end

-- Connects to "[scheme://]name[:port]" and returns a connection; `host` is what the header says.
local function connect(text, timeout)
	local scheme, host = host_text.scheme(text, "http")
	local port = PORTS[scheme] or error("Invalid protocol: " .. scheme)
	local name, explicit_port, is_address = host_text.parse(host)
	local address = name
	if dns and not is_address then
		address = dns.resolve(name)
	end
	local id = sockethelper.connect(address, explicit_port or port, timeout)
	local connection = { id = id, host = host }
	if timeout then
		limit(connection, timeout)
	end
	local ok, err = pcall(function()
		connection.interface = scheme == "https" and tls_interface(id, name) or plain_interface(id)
		if connection.interface.init then
			connection.interface.init()
		end
	end)
	if not ok then
		close(connection)
		error(err, 0)
	end
	return connection
end

-- Returns what f makes of the answer; the connection is closed then, also after an error.
local function with_answer(text, f, method, url, received, header, content)
	local connection = connect(text, httpc.timeout)
	local function exchange()
		local interface = connection.interface
		return f(interface, internal.request(interface, method, connection.host, url, received or {}, header, content))
	end
	local ok, status, body = pcall(exchange)
	close(connection)
	if ok then
		return status, body
	end
	error(status, 0)
end

local function status_and_body(interface, status, text, header)
	return status, internal.response(interface, status, text, header)
end

local function status_only(_, status)
	return status
end

-- Returns status and body; `received` takes the header.
function httpc.request(method, host, url, received, header, content)
	return with_answer(host, status_and_body, method, url, received, header, content)
end

-- Returns the status.
function httpc.head(host, url, received, header, content)
	return (with_answer(host, status_only, "HEAD", url, received, header, content))
end

-- Returns a stream of the body, to be called or iterated, and to be closed.
function httpc.request_stream(method, host, url, received, header, content)
	local connection = connect(host, httpc.timeout)
	local ok, stream = pcall(function()
		local interface = connection.interface
		return internal.response_stream(
			interface,
			internal.request(interface, method, connection.host, url, received or {}, header, content)
		)
	end)
	if not ok then
		close(connection)
		error(stream, 0)
	end
	-- Reading it takes as long as the reader wants.
	connection.finished = true
	stream.onclose = function()
		close(connection)
	end
	return stream, nil, nil, stream
end

function httpc.get(...)
	return httpc.request("GET", ...)
end

local function escape(text)
	return (tostring(text):gsub("[^%w_]", function(byte)
		return string.format("%%%02X", byte:byte())
	end))
end

-- Posts the fields of a table as a form.
function httpc.post(host, url, form, received)
	local header = { ["content-type"] = "application/x-www-form-urlencoded" }
	local fields = {}
	for name, value in pairs(form) do
		fields[#fields + 1] = escape(name) .. "=" .. escape(value)
	end
	return httpc.request("POST", host, url, received, header, table.concat(fields, "&"))
end

return httpc
