-- The client's side of snax.loginserver.

local crypt = require "skynet.crypt"
local socket = require "skynet.socket"

local encode, decode = crypt.base64encode, crypt.base64decode

local function handshake(id, token)
	local function read()
		return assert(socket.readline(id), "the login server has closed the connection")
	end
	local function write(bytes)
		socket.write(id, encode(bytes) .. "\n")
	end

	local challenge = decode(read())
	local key = crypt.randomkey()
	write(crypt.dhexchange(key))
	local secret = crypt.dhsecret(decode(read()), key)
	-- Both sides have the secret now. Prove it, then use it.
	write(crypt.hmac64(challenge, secret))
	write(crypt.desencode(secret, token))
	local code, text = string.match(read(), "^(%d+) (.*)$")
	if code ~= "200" then
		return nil, code .. " " .. text
	end
	return secret, decode(text)
end

-- Logs in with a token. Returns the secret and what the server calls this login (the subid); or nil
-- and the server's words.
return function(host, port, token)
	local id = assert(socket.open(host, port))
	local result = table.pack(pcall(handshake, id, token))
	socket.close(id)
	assert(result[1], result[2])
	return table.unpack(result, 2, result.n)
end
