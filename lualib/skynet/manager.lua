-- Functions for starting, naming and ending services; adds them to the table `skynet`.

local skynet = require "skynet"
local core = require "skynet.core"

-- The longest global name; the contract of the harbor protocol.
local NAME_BYTES_MAX = 15

function skynet.launch(...)
	return core.addresscommand("LAUNCH", table.concat({ ... }, " "))
end

function skynet.kill(address)
	local text = address
	if type(address) == "string" then
		local hex = string.match(address, "^:(%x+)$")
		address = hex and tonumber(hex, 16)
	end
	if address then
		skynet.send(".launcher", "lua", "REMOVE", address, true)
		text = skynet.address(address)
	end
	core.command("KILL", text)
end

function skynet.abort()
	core.command "ABORT"
end

-- Returns whether `name` is a global one, which `.cslave` keeps.
local function is_global(name)
	local first = string.sub(name, 1, 1)
	assert(first ~= ":")
	if first == "." then
		return false
	end
	assert(#name <= NAME_BYTES_MAX)
	assert(tonumber(name) == nil)
	return true
end

function skynet.register(name)
	if is_global(name) then
		require "skynet.harbor".globalname(name)
	else
		core.command("REG", name)
	end
end

function skynet.name(name, address)
	if is_global(name) then
		require "skynet.harbor".globalname(name, address)
	else
		core.command("NAME", name .. " " .. skynet.address(address))
	end
end

-- Makes a service of the whole network the one that hears of every exit on this node.
function skynet.monitor(service, query)
	local find = query and skynet.queryservice or skynet.uniqueservice
	local address = assert(find(true, service), "Monitor launch failed")
	core.command("MONITOR", skynet.address(address))
	return address
end

return skynet
