-- How two ends of a connection show each other that they know a shared secret, before any request.
-- Used by the guard of cluster links; docs/src/internals/cluster-handshake.md has the format.
--
-- The caller's messages go as queries of a name that nobody can have, so every node that does not
-- know the handshake answers them with an error; the callee's go as such errors.

local skynet = require "skynet"
local core = require "skynet.cluster.core"
local native = require "skynet.cluster.native"
local netpack = require "skynet.netpack"

local admission = {}

-- The last session: no request of a new connection has it.
local SESSION <const> = 0x7fffffff

local NO_SECRET <const> = "it does not ask for the shared secret that is set here (cluster_secret)"
local WRONG_SECRET <const> = "its shared secret is another one (cluster_secret)"
local SECRET_NEEDED <const> = "a shared secret is asked for here, set the same one there (cluster_secret)"

-- The packet that carries a message of the caller.
local function query(message)
	return (core.packrequest(0, SESSION, skynet.pack(message)))
end

-- The packet with which a callee refuses a connection.
function admission.refusal(text)
	return core.packresponse(SESSION, false, native.refusal(text))
end

-- Returns the reason if a response is a refusal of the whole connection.
function admission.refused(session, text)
	if session == SESSION then
		local kind, reason = native.read(text)
		return kind == "refusal" and reason or nil
	end
end

-- Tells whether the name in a query is the beginning of a handshake.
function admission.is_hello(name)
	return type(name) == "string" and native.read(name) == "hello"
end

-- The answer to a hello where no secret is set.
admission.NO_SECRET = "no shared secret is set here, but one is asked for there (cluster_secret)"

-- The message in a response, and what kind it is; nil and what is wrong with it.
local function response(packet, size)
	local session, ok, text = core.unpackresponse(netpack.tostring(packet, size))
	if session ~= SESSION or ok then
		return nil, "it answered the handshake with something else"
	end
	local kind, detail = native.read(text)
	if kind == "refusal" then
		return nil, "it refuses this node: " .. detail
	elseif kind == nil and text == "name not found" then
		return nil, NO_SECRET
	end
	return kind and text, kind or detail
end

-- Begins as the end that has connected. `names` are what it calls itself and the other node, `to`
-- has `send(packet)`, `done()` and `fail(text)`. Returns the function for the packets that come.
function admission.call(secrets, names, to)
	local hello = native.hello(names.from, names.to)
	local challenge
	to.send(query(hello))
	return function(packet, size)
		local message, kind = response(packet, size)
		if message == nil then
			to.fail(kind)
		elseif kind == "challenge" and challenge == nil then
			challenge = message
			to.send(query(native.prove(secrets, hello, challenge)))
		elseif kind ~= "accept" or challenge == nil then
			to.fail "it broke the order of the handshake"
		elseif native.accepted(secrets, hello, challenge, message) then
			to.done()
		else
			to.fail(WRONG_SECRET)
		end
	end
end

-- Asks for any answer, which says that the other end wants the connection: with TLS it looks at our
-- certificate only after we have looked at its. Returns the function for the packets that come.
function admission.ask(to)
	to.send(query "")
	return function(packet, size)
		local session, ok, text = core.unpackresponse(netpack.tostring(packet, size))
		local reason = not ok and admission.refused(session, text)
		if reason then
			to.fail("it refuses this node: " .. reason)
		elseif session == SESSION then
			to.done()
		else
			to.fail "it answered with something else"
		end
	end
end

-- The message in a request, and what kind it is. Otherwise nil, what is wrong with it, and the
-- session to answer, if it has one.
local function request(packet)
	local ok, address, session, body, length = pcall(core.unpackrequest, packet)
	if not ok then
		return nil, "it does not speak the protocol"
	end
	local message
	if type(body) == "userdata" then
		ok, message = pcall(skynet.unpack, body, length)
		skynet.trash(body, length)
	end
	local kind, detail
	if address == 0 and session == SESSION and ok and type(message) == "string" then
		kind, detail = native.read(message)
	end
	if kind then
		return message, kind, detail
	end
	return nil, "it has no shared secret (cluster_secret)", session ~= 0 and session
end

-- Waits as the end that was connected to. `to` has `send(packet)`, `done(name)` and `fail(text)`.
-- Returns the function for the packets that come, which are strings.
function admission.answer(secrets, to)
	local hello, challenge, name

	local function refuse(why, said, session)
		if session then
			-- For the log of a node that does not know the handshake.
			to.send(core.packresponse(session, false, said))
		end
		to.send(admission.refusal(said))
		to.fail(name and string.format("%s: %s", name, why) or why)
	end

	return function(packet)
		local message, kind, detail = request(packet)
		if message == nil then
			refuse(kind, SECRET_NEEDED, detail)
		elseif kind == "hello" and hello == nil then
			hello, challenge, name = message, native.challenge(), string.format("%q", detail)
			to.send(core.packresponse(SESSION, false, challenge))
		elseif kind ~= "proofs" or hello == nil then
			refuse("it broke the order of the handshake", "the order of the handshake is broken")
		else
			local answer = native.admit(secrets, hello, challenge, message)
			if not answer then
				return refuse(WRONG_SECRET, WRONG_SECRET)
			end
			-- First this node knows that the caller is welcome, then the caller.
			to.done(name)
			to.send(core.packresponse(SESSION, false, answer))
		end
	end
end

return admission
