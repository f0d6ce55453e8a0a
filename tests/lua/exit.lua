-- skynet.exit: the order of its steps, and what never runs.
--! log: a waiting task closed with nil
--! log: a calling task closed with nil
--! log: KILL self
--! log: the exiting task closed with nil
--! log: a fork of a closing handler ran
--! no log: a fork that had not started

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

local mode = ...

local function closing(name, extra)
	return setmetatable({}, {
		__close = function(_, err)
			skynet.error(name .. " closed with " .. tostring(err))
			if extra then
				extra()
			end
		end,
	})
end

if mode == "exiting" then
	local caller
	local command = {}

	function command.block()
		skynet.wait()
	end

	function command.owe()
		skynet.response()
	end

	function command.exit(peer)
		skynet.fork(function()
			local _ <close> = closing("a waiting task", function()
				skynet.send(caller, "lua", "closing")
				skynet.fork(skynet.error, "a fork of a closing handler ran")
			end)
			skynet.wait()
		end)
		skynet.yield()
		skynet.fork(function()
			local _ <close> = closing "a calling task"
			skynet.call(peer, "lua", "block")
		end)
		skynet.yield()
		skynet.fork(skynet.error, "a fork that had not started")
		local _ <close> = closing "the exiting task"
		skynet.exit()
		skynet.error "a fork that had not started: nor this line"
	end

	skynet.start(function()
		skynet.dispatch("lua", function(_, source, name, ...)
			caller = source
			command[name](...)
		end)
	end)
	return
end

if mode == "peer" then
	local lost = 0
	skynet.start(function()
		local old
		old = skynet.dispatch("error", function(session, source, ...)
			lost = lost + (session == 0 and 1 or 0)
			return old(session, source, ...)
		end)
		skynet.dispatch("lua", function(_, _, name)
			if name == "block" then
				skynet.wait()
			end
			skynet.retpack(lost)
		end)
	end)
	return
end

check.main(function()
	local events = check.transcript()
	skynet.dispatch("lua", function(_, _, what)
		events(what)
	end)
	local service = check.helper "exiting"
	local peer = check.helper "peer"
	skynet.name(".exiting", service)
	local blocked = check.background(skynet.call, service, "lua", "block")
	local owed = check.background(skynet.call, service, "lua", "owe")
	check.raises("call failed", skynet.call, service, "lua", "exit", peer)
	check.ok(not check.outcome(blocked))
	check.ok(not check.outcome(owed))
	events:wait(1)
	events:equal "closing"
	check.step "requesters are told, closing handlers may send"

	check.eventually(function()
		return not skynet.localname ".exiting"
	end, "the name vanishes")
	check.equal(skynet.send(service, "lua", "x"), nil)
	check.eventually(function()
		return skynet.call(peer, "lua", "lost") == 1
	end, "the callee is told")
	check.step "names and callees"

	check.eventually(function()
		return not skynet.call(".launcher", "lua", "LIST")[skynet.address(service)]
	end, "the launcher forgets it")
	check.eventually(function()
		return check.log():find("a fork of a closing handler ran", 1, true)
	end, "the last line")
end)
