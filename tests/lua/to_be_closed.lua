-- To-be-closed variables of tasks: on errors, when killed, at exit.
--! log: fork closed with *fork error
--! log: *error :*fork error
--! log: handler closed with *handler error
--! log: waiting fork closed with nil
--! log: KILL self
--! log: exiting fork closed with nil
--! no log: never started

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

local mode = ...

local function closing(name)
	return setmetatable({}, {
		__close = function(_, err)
			skynet.error(name .. " closed with " .. tostring(err))
		end,
	})
end

if mode == "subject" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, what)
			if what == "error" then
				local _ <close> = closing "handler"
				error "handler error"
			elseif what == "exit" then
				skynet.fork(function()
					local _ <close> = closing "waiting fork"
					skynet.wait()
				end)
				skynet.yield()
				skynet.ret()
				skynet.fork(function()
					local _ <close> = closing "exiting fork"
					skynet.fork(function()
						local _ <close> = closing "never started"
					end)
					skynet.exit()
				end)
			end
		end)
		skynet.fork(function()
			local _ <close> = closing "fork"
			error "fork error"
		end)
	end)
	return
end

local function killed_tasks_close_at_once()
	local seen
	local co = skynet.fork(function()
		local _ <close> = setmetatable({}, {
			__close = function(_, err)
				seen = { err }
			end,
		})
		skynet.wait()
	end)
	skynet.yield()
	check.equal(skynet.killthread(co), co)
	check.same(seen, {})
	check.equal(coroutine.status(co), "dead")
end

local function a_select_loop_closes_its_requests()
	local peer = skynet.newservice(SERVICE_NAME, "subject")
	local reqs = skynet.request { skynet.self(), "lua" }
	skynet.dispatch("lua", function()
		skynet.sleep(10)
		skynet.retpack "late"
	end)
	reqs { skynet.self(), "lua" }
	pcall(function()
		for _ in reqs:select() do
			error "leave the loop"
		end
	end)
	check.equal((reqs:close()), nil)
	return peer
end

check.main(function()
	killed_tasks_close_at_once()
	local peer = a_select_loop_closes_its_requests()
	check.raises("call failed", skynet.call, peer, "lua", "error")
	skynet.call(peer, "lua", "exit")
	check.eventually(function()
		return check.log():find("exiting fork closed", 1, true)
	end, "the last close")
end)
