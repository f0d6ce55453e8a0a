-- http.tlshelper: TLS between a socket and whoever reads and writes plain text. The bytes pass
-- through a session of `ltls.c`, which never sees the socket.

local skynet = require "skynet"
local socket = require "skynet.socket"
local sockethelper = require "http.sockethelper"
local ltls = require "ltls.c"

local tlshelper = {
	newctx = ltls.newctx,
	newtls = ltls.newtls,
}

-- Seconds that a handshake may take.
local HANDSHAKE_SECONDS = tonumber(skynet.getenv "tls_handshake_timeout") or 10

-- session -> the id of its socket
local id_of = setmetatable({}, { __mode = "k" })

local function send(write, text)
	if text and text ~= "" then
		write(text)
	end
end

-- Goes on with a handshake; tells the peer why when it fails.
local function step(tls, write, text)
	local ok, answer = pcall(tls.handshake, tls, text)
	if ok then
		send(write, answer)
		return
	end
	pcall(send, write, tls:write())
	error(answer, 0)
end

local function finish_handshake(id, tls)
	id_of[tls] = id
	local read, write = sockethelper.readfunc(id), sockethelper.writefunc(id)
	local limit <close> = sockethelper.deadline(read, HANDSHAKE_SECONDS, "its TLS handshake took too long")
	step(tls, write)
	while not tls:finished() do
		step(tls, write, read())
	end
	send(write, tls:write())
end

-- Returns a function that does the handshake of a client.
function tlshelper.init_requestfunc(id, tls)
	return function(hostname)
		if hostname then
			tls:set_ext_host_name(hostname)
		end
		finish_handshake(id, tls)
	end
end

-- Returns a function that does the handshake of a server.
function tlshelper.init_responsefunc(id, tls)
	return function()
		finish_handshake(id, tls)
	end
end

-- Says goodbye, so that the peer can tell the end from a lost connection.
function tlshelper.closefunc(tls)
	return function()
		local ok, farewell = pcall(tls.close, tls)
		local id = id_of[tls]
		if ok and farewell and id and not socket.invalid(id) then
			socket.write(id, farewell)
		end
	end
end

-- Returns a function(size or nil) that reads plain text.
function tlshelper.readfunc(id, tls)
	local read = sockethelper.readfunc(id)
	local rest = ""
	local function more()
		local text, ended
		repeat
			text, ended = tls:read(read())
			if ended and text == "" then
				error(sockethelper.socket_error("read failed fd = " .. id))
			end
		until text ~= ""
		return text
	end
	-- What came together with the handshake waits in the session.
	local function begin()
		begin = nil
		rest = tls:read()
	end
	return sockethelper.belongs(function(size)
		if begin then
			begin()
		end
		if not size then
			local text = rest ~= "" and rest or more()
			rest = ""
			return text
		end
		local parts, length = { rest }, #rest
		while length < size do
			parts[#parts + 1] = more()
			length = length + #parts[#parts]
		end
		local text = #parts == 1 and rest or table.concat(parts)
		rest = text:sub(size + 1)
		return text:sub(1, size)
	end, id)
end

-- Returns a function that writes plain text.
function tlshelper.writefunc(id, tls)
	local write = sockethelper.writefunc(id)
	return function(text)
		write(tls:write(text))
	end
end

-- Returns a function that reads plain text until the peer has closed, or has said that it will:
-- some wait for an answer to that.
function tlshelper.readallfunc(id, tls)
	return function()
		local parts = {}
		local text, ended = tls:read()
		repeat
			parts[#parts + 1] = text
			local bytes = not ended and socket.read(id)
			if bytes then
				text, ended = tls:read(bytes)
			end
		until not bytes
		return table.concat(parts)
	end
end

return tlshelper
