-- Errors with a text: the call that fails raises it. The harbor service says so why a node is away.
--! differs: there an error has no text
--! log: Drop message to harbor

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "refuses" then
	skynet.start(function()
		skynet.dispatch("lua", function(session, source, why)
			skynet.ignoreret()
			skynet.redirect(source, skynet.self(), "error", session, why)
		end)
	end)
	return
end

local ALONE <const> = "call failed: harbor 5: this node has no harbors: the config key harbor is 0"

local function other_nodes()
	local service = 0x05000008
	check.raises(ALONE, skynet.call, service, "lua")
	check.raises(ALONE, skynet.call, skynet.address(service), "lua")
	check.raises(ALONE, skynet.call_timeout, 100, service, "lua")
	check.raises(ALONE, skynet.rawcall, service, "lua", skynet.pack())
	for _, answer in skynet.request({ service, "lua" }):select() do
		check.ok(not answer)
	end
end

local function services()
	local service = check.helper "refuses"
	check.raises("call failed: no, \0 never", skynet.call, service, "lua", "no, \0 never")
	check.raises("call failed", skynet.call, service, "lua", "")
	local long = string.rep("x", 100000)
	check.raises("call failed: " .. long, skynet.call, service, "lua", long)
end

check.main(function()
	other_nodes()
	services()
end)
