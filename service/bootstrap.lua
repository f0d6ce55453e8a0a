-- The first Lua service of a node: starts the system services and the start service, then exits.

local skynet = require "skynet"
require "skynet.manager"

-- Without this service the node cannot work: says so and ends the process.
local function need(name)
	local ok, result = pcall(skynet.newservice, name)
	if ok and result then
		return result
	end
	skynet.error("bootstrap: the service", name, "did not start:", ok and "it exited" or result)
	skynet.abort()
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
	-- A start service that fails has been logged; the system services stay up.
	pcall(skynet.newservice, skynet.getenv "start" or "main")
	skynet.exit()
end)
