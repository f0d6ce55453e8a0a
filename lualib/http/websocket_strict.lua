-- What RFC 6455 demands of a peer and applications have come to ignore. Used by http.websocket
-- for connections that were accepted with `options.strict`: the peer is told why and loses the
-- connection.

local native = require "http.native"

local strict = {}

local PROTOCOL_ERROR, NOT_UTF8 = 1002, 1007

local function refuse(connection, code, why)
	connection.write(native.frame(8, string.pack(">I2", code) .. why))
	error(why)
end

-- Checks a frame by its key.
function strict.frame(connection, key)
	if connection.role == "server" and not key then
		refuse(connection, PROTOCOL_ERROR, "a frame of the client is not masked")
	end
end

-- Checks a whole message.
function strict.message(connection, kind, text)
	if kind == "frame" then
		refuse(connection, PROTOCOL_ERROR, "a continuation came first")
	elseif kind == "text" and not utf8.len(text) then
		refuse(connection, NOT_UTF8, "a text is not UTF-8")
	end
end

return strict
