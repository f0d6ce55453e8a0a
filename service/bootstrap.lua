-- The first Lua service of a node: starts the system services and the start service, then exits.

local skynet = require "skynet"
require "skynet.manager"
local core = require "skynet.core"

-- Without this service the node cannot work: says so and ends the process.
local function need(name)
	local ok, result = pcall(skynet.newservice, name)
	if ok and result then
		return result
	end
	skynet.error("bootstrap: the service", name, "did not start:", ok and "it exited" or result)
	core.command("ABORT", "1")
	skynet.wait()
end

local function start_harbor(standalone)
	if skynet.getenv "harbor" == "0" then
		assert(not standalone, "standalone must not be set when harbor is 0")
		skynet.setenv("standalone", "true")
		skynet.name(".cslave", need "cdummy")
		return true
	end
	if standalone then
		need "cmaster"
	end
	skynet.name(".cslave", need "cslave")
	return standalone
end

local function start_tls()
	require "skynet.service".new("ltls_holder", function()
		require "ltls.init.c".constructor()
	end)
end

-- Returns how many services the launcher has started, without those that serve the links to other
-- nodes.
local function count_services()
	local count = 0
	for _, what in pairs(skynet.call(".launcher", "lua", "LIST")) do
		if not string.find(what, "^snlua cluster") then
			count = count + 1
		end
	end
	return count
end

skynet.start(function()
	local launcher = assert(skynet.launch("snlua", "launcher"))
	skynet.name(".launcher", launcher)
	if start_harbor(skynet.getenv "standalone") then
		skynet.name("DATACENTER", skynet.newservice "datacenterd")
	end
	skynet.newservice "service_mgr"
	if skynet.getenv "enablessl" == "true" then
		start_tls()
	end
	local own = count_services()
	local started = pcall(skynet.newservice, skynet.getenv "start" or "main")
	if not started and count_services() == own then
		-- Why it failed has been logged. Without any application a node is of no use.
		skynet.error "error: the start service could not start and nothing else runs; the node ends"
		core.command("ABORT", "1")
	end
	skynet.exit()
end)
