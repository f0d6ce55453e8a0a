-- The end of a service in unusual places: in forks and timers, by its own hand, with answers owed.
--! log: *killed itself and goes on
--! no log: after the exit

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

local mode = ...

if mode == "subject" then
	local owed
	local function exit()
		skynet.exit()
		skynet.error "after the exit"
	end
	local command = {}

	function command.owe()
		owed = skynet.response()
	end

	command.wait = skynet.wait

	function command.exit_in_fork()
		skynet.fork(exit)
		skynet.wait()
	end

	function command.exit_in_timer()
		skynet.timeout(1, exit)
		skynet.wait()
	end

	function command.exit_in_coroutine()
		require("skynet.coroutine").wrap(function()
			pcall(exit)
			skynet.error "after the exit"
		end)()
	end

	function command.exit_in_plain_coroutine()
		coroutine.wrap(skynet.exit)()
	end

	function command.exit_in_pcall()
		pcall(exit)
		skynet.error "after the exit"
	end

	function command.exit_twice()
		skynet.fork(skynet.exit)
		skynet.exit()
	end

	function command.exit_and_use_closure(address)
		skynet.fork(function()
			local _ <close> = setmetatable({}, {
				__close = function()
					-- Owed until the exit fails it.
					skynet.send(address, "lua", "closing", owed "TEST")
					skynet.fork(function()
						local ok, delivered = pcall(owed, true)
						skynet.send(address, "lua", "later", owed "TEST", ok and delivered)
					end)
				end,
			})
			skynet.wait()
		end)
		skynet.yield()
		skynet.exit()
	end

	function command.exit_and_send_at_the_end(address)
		KEPT = setmetatable({}, {
			__gc = function()
				skynet.send(address, "lua", "collected")
				pcall(skynet.call, address, "lua", "no call")
				pcall(skynet.sleep, 1)
				pcall(skynet.fork, print)
				pcall(skynet.timeout, 1, print)
				pcall(skynet.exit)
				pcall(require "skynet.queue"(), print)
			end,
		})
		skynet.exit()
	end

	function command.kill_itself()
		skynet.kill(skynet.self())
		skynet.error "killed itself and goes on"
		skynet.retpack "answered"
		skynet.sleep(1)
		skynet.error "after the exit"
	end

	function command.abandon_a_section(address)
		local section = require "skynet.queue"()
		KEPT = setmetatable({}, {
			__gc = function()
				-- Its own finalizer has run, or has not.
				skynet.send(address, "lua", "collected", pcall(section, tostring, 1))
			end,
		})
		for _ = 1, 5 do
			skynet.fork(section, skynet.wait)
		end
		skynet.yield()
		skynet.exit()
	end

	skynet.start(function()
		skynet.dispatch("lua", function(_, _, name, ...)
			command[name](...)
		end)
	end)
	return
end

check.main(function()
	local events = {}
	skynet.dispatch("lua", function(_, _, name, ...)
		events[name] = table.pack(...)
	end)
	for _, how in ipairs {
		"exit_in_fork", "exit_in_timer", "exit_in_coroutine", "exit_in_plain_coroutine",
		"exit_in_pcall", "exit_twice", "exit_and_use_closure", "exit_and_send_at_the_end",
		"abandon_a_section",
	} do
		local subject = check.helper "subject"
		local owed = check.background(skynet.call, subject, "lua", "owe")
		local waiting = check.background(skynet.call, subject, "lua", "wait")
		check.raises("call failed", skynet.call, subject, "lua", how, skynet.self())
		check.equal(check.outcome(owed), false)
		check.equal(check.outcome(waiting), false)
		check.eventually(function()
			return not skynet.send(subject, "lua", "wait")
		end, how)
		check.step(how)
	end
	check.eventually(function() return events.collected end, "a last message")
	check.same(events.closing, { n = 1, true })
	check.same(events.later, { n = 2, false, false })
	check.step "closures"

	local subject = check.helper "subject"
	check.equal(skynet.call(subject, "lua", "kill_itself"), "answered")
	check.eventually(function()
		return not skynet.send(subject, "lua", "wait")
	end, "the kill")
	check.step "a kill by its own hand"
end)
