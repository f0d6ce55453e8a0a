-- A handler that returns without an answer is named in the log.

local check = require "check"
local skynet = require "skynet"

local mode = ...

local dispatch_line

if mode == "service" then
	local kept = {}
	skynet.start(function()
		dispatch_line = debug.getinfo(1, "l").currentline + 1
		skynet.dispatch("lua", function(session, _, what)
			if what == "ignore" then
				skynet.ignoreret()
			elseif what == "response" then
				kept[1] = skynet.response()
			elseif what == "ret" then
				skynet.ret()
			elseif what == "line" then
				skynet.retpack(dispatch_line, session)
			end
		end)
	end)
	return
end

check.main(function()
	local service = check.helper "service"
	local line, session = skynet.call(service, "lua", "line")
	check.background(skynet.call, service, "lua", "ignore")
	check.background(skynet.call, service, "lua", "response")
	skynet.send(service, "lua", "nothing")
	skynet.call(service, "lua", "ret")
	check.not_logged "Maybe forgot"

	check.background(skynet.call, service, "lua", "nothing")
	skynet.call(service, "lua", "ret")
	local log = check.logs "Maybe forgot response session"
	local number, source, file, at =
		log:match "Maybe forgot response session (%d+) from :(%x+) : @(%S+):(%d+)\n"
	check.equal(tonumber(source, 16), skynet.self())
	check.equal(#source, 8)
	check.match(file, "forgot_response%.lua$")
	check.equal(tonumber(at), line)
	check.ok(tonumber(number) > session)
end)
