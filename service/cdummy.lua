-- The `.cslave` of a node without a network: keeps the global names for the native `harbor`
-- service and for the functions of `skynet.harbor`.

local skynet = require "skynet"
require "skynet.manager"

local harbor_service

-- name -> address
local names = {}

-- name -> response closures of queries for it
local queries = {}

local command = {}

-- The harbor service sends what waits for the name; the source of the message is the address.
local function tell_harbor(name, address)
	skynet.redirect(harbor_service, address, "harbor", 0, "N " .. name)
end

function command.REGISTER(name, address)
	assert(names[name] == nil)
	names[name] = address
	local waiting = queries[name] or {}
	queries[name] = nil
	for _, respond in ipairs(waiting) do
		respond(true, address)
	end
	tell_harbor(name, address)
end

function command.QUERYNAME(name)
	if string.sub(name, 1, 1) == "." then
		return skynet.retpack(skynet.localname(name))
	elseif names[name] then
		return skynet.retpack(names[name])
	end
	queries[name] = queries[name] or {}
	table.insert(queries[name], skynet.response())
end

-- As QUERYNAME, and does not wait.
function command.KNOWN(name)
	skynet.retpack(names[name])
end

function command.LINK()
	skynet.ret()
end

-- Never answered: there is no other node that could come up.
function command.CONNECT()
	skynet.ignoreret()
	skynet.error "Can't connect to other harbor in single node mode"
end

skynet.register_protocol { name = "harbor", id = skynet.PTYPE_HARBOR }

-- The harbor service asks for unknown names in plain text: they wait until they are registered.
skynet.register_protocol {
	name = "text",
	id = skynet.PTYPE_TEXT,
	unpack = skynet.tostring,
	dispatch = function() end,
}

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		local f = assert(command[name], name)
		f(...)
	end)
	harbor_service = assert(skynet.launch("harbor", 0, skynet.self()))
end)
