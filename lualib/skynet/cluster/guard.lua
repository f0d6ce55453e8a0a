-- Who may be at the other end of a connection between nodes: TLS with certificates of both ends, and
-- a shared secret inside it. Each is off until its config keys are set; without them the functions
-- here let everybody pass at once, and no packet comes through here.
--
-- clustersender (through `link`) has one connection at a time, and gives its packets to
-- `guard.receive` until it is told that the other end is welcome. What connects to this node is
-- clusterdoor's.

local skynet = require "skynet"
local admission = require "skynet.cluster.admission"
local core = require "skynet.cluster.core"
local driver = require "skynet.socketdriver"
local secret = require "skynet.cluster.secret"
local settings = require "skynet.cluster.settings"
local tls = require "skynet.cluster.tls"

local guard = {}

-- Whether anything is asked of the other ends.
guard.on = secret.on or tls.on

-- Where the packets of the connection go, and what is waited for.
local receive, waits_for

-- Reads all settings. Raises a text that names the key that is wrong; returns a list of warnings.
function guard.check()
	local warnings = {}
	secret.load()
	if tls.on then
		tls.context()
		warnings[#warnings + 1] = tls.warning()
	end
	warnings[#warnings + 1] = secret.warning()
	return warnings
end

-- Takes a packet of a connection whose other end is not welcome yet.
function guard.receive(packet, size)
	if receive then
		receive(packet, size)
	else
		skynet.trash(packet, size)
	end
end

-- What the connection lacks to be used; nil when nothing is under way.
function guard.waits_for()
	return waits_for
end

local send = tls.on and tls.send or driver.send

-- Begins with one connection: returns what to tell of it, which `to` learns once.
local function begin(id, to)
	local over = false
	local function settle(outcome, ...)
		if not over then
			over, receive, waits_for = true, nil, nil
			outcome(...)
		end
	end
	receive = nil
	return {
		send = function(packet)
			send(id, packet)
		end,
		done = function(...)
			settle(to.done, ...)
		end,
		fail = function(why)
			settle(to.fail, why)
		end,
	}
end

-- Runs a step that reads settings; what is wrong with them fails the connection.
local function try(outcome, f, ...)
	local ok, why = pcall(f, ...)
	if not ok then
		outcome.fail(why)
	end
end

local function ask_admission(node, outcome)
	local secrets = secret.load()
	waits_for = secrets and "answer to the shared secret (cluster_secret)" or "word of welcome"
	if secrets then
		receive = admission.call(secrets, { from = core.nodename(), to = node }, outcome)
	else
		receive = admission.ask(outcome)
	end
end

-- A connection to `address` has been made. `to` has `done()` and `fail(text)`.
function guard.call(id, node, address, to)
	if not guard.on then
		return to.done()
	end
	local outcome = begin(id, to)
	local function go_on()
		try(outcome, ask_admission, node, outcome)
	end
	if tls.on then
		waits_for = "TLS handshake (cluster_tls_cert)"
		try(outcome, tls.call, id, string.match(address, "^(.*):"), node, go_on)
	else
		go_on()
	end
end

-- The connection is about to be closed.
function guard.leave(id)
	receive, waits_for = nil, nil
	if tls.on then
		tls.leave(id)
	end
end

local LOOPBACK <const> = { "^127%.", "^::1$", "^::ffff:127%.", "^localhost$" }

local function is_loopback(host)
	for _, pattern in ipairs(LOOPBACK) do
		if string.find(host, pattern) then
			return true
		end
	end
	return false
end

-- A text about a listener that anybody may use; nil when there is nothing to say.
function guard.warning(host, port)
	if guard.on or is_loopback(host) then
		return nil
	end
	return string.format("warning: cluster: whoever can connect to %s port %d can call the services of this node. "
		.. "Set cluster_secret_file, or cluster_tls_cert with cluster_tls_key and cluster_tls_ca, "
		.. "or listen on an address that only the other nodes can reach", host, port)
end

return guard
