-- What closing methods may do while tasks are killed or the service exits: anything, and each
-- task still ends once.
--! differs: a chain of kills overflows the C stack there, and a closing method is not interrupted
--! log: chain end
--! log: *signal 0
--! log: the exit of a closing method: first
--! log: KILL self

local check = require "check"
local skynet = require "skynet"
local core = require "skynet.core"

local function closing(f)
	return setmetatable({}, { __close = f })
end

if ... == "exits" then
	check.serve {
		exit = function()
			for i = 1, 3 do
				skynet.fork(function()
					local _ <close> = closing(function()
						skynet.error("the exit of a closing method: " .. (i == 1 and "first" or i))
						skynet.exit()
					end)
					skynet.wait()
				end)
			end
			for _ = 1, 3 do
				skynet.fork(skynet.call, skynet.self(), "lua", "block")
			end
			skynet.sleep(1)
			skynet.exit()
		end,
		exit_on_error = function()
			local _ <close> = closing(skynet.exit)
			error "the error that exits"
		end,
		exit_below_c = function()
			local ok = pcall(table.sort, { 1, 2 }, skynet.exit)
			skynet.error("the exit came back " .. tostring(ok))
			skynet.exit()
		end,
		block = skynet.wait,
		loop = function(address)
			local _ <close> = closing(function()
				skynet.send(address, "lua", "looping")
				while true do end
			end)
			error "before the loop"
		end,
		loop_at_kill = function(address)
			local co = skynet.fork(function()
				local _ <close> = closing(function()
					skynet.send(address, "lua", "looping")
					while true do end
				end)
				skynet.wait()
			end)
			skynet.yield()
			skynet.killthread(co)
			return "killed"
		end,
	}
	return
end

local function waiting_task(f)
	local co = skynet.fork(function()
		local _ <close> = closing(f)
		skynet.wait()
	end)
	skynet.yield()
	return co
end

local function killing_itself()
	local co
	local count = 0
	co = waiting_task(function()
		count = count + 1
		check.equal(skynet.killthread(co), nil)
		check.equal(coroutine.status(co), "running")
		check.ok(not coroutine.resume(co))
	end)
	check.equal(skynet.killthread(co), co)
	check.equal(count, 1)
	check.equal(skynet.killthread(co), nil)
	local closer = waiting_task(function()
		-- Lua 5.5 lets a coroutine close itself.
		pcall(coroutine.close, coroutine.running())
	end)
	check.equal(skynet.killthread(closer), closer)
end

local function closing_themselves()
	local order = check.transcript()
	skynet.fork(function()
		local _ <close> = closing(function()
			order "closed"
		end)
		pcall(coroutine.close, coroutine.running())
		order "5.4"
	end)
	skynet.yield()
	check.equal(order[#order], "closed")
end

local function killing_each_other()
	local a, b
	local order = check.transcript()
	a = waiting_task(function()
		order "a"
		skynet.killthread(b)
	end)
	b = waiting_task(function()
		order "b"
		skynet.killthread(a)
	end)
	skynet.killthread(a)
	order:equal "a b"
end

-- Each closing method kills the next task: the C stack is limited, and Lua says so in time.
local function a_chain()
	local tasks = {}
	local ended = 0
	for i = 1, 2000 do
		tasks[i] = waiting_task(function()
			ended = ended + 1
			if tasks[i + 1] then
				skynet.killthread(tasks[i + 1])
			end
		end)
	end
	skynet.killthread(tasks[1])
	check.ok(ended > 10)
	skynet.error "chain end"
	for i = 1, 2000 do
		skynet.killthread(tasks[i])
	end
	-- The last one of each chain found no room to run its method.
	check.ok(ended > 1900 and ended <= 2000, ended)
end

local function forks_and_errors()
	local order = check.transcript()
	local co = waiting_task(function()
		skynet.fork(order, "fork")
		order "close"
		error "of the closing method"
	end)
	skynet.killthread(co)
	order "after"
	skynet.yield()
	order:equal "close after fork"
end

local function interrupted(service, what)
	local looping = false
	skynet.dispatch("lua", function()
		looping = true
	end)
	local call = check.background(skynet.call, service, "lua", what, skynet.self())
	check.eventually(function() return looping end, "the loop runs")
	core.command("SIGNAL", skynet.address(service))
	return check.outcome(call)
end

check.main(function()
	killing_itself()
	closing_themselves()
	killing_each_other()
	check.step "kills inside of kills"
	a_chain()
	check.step "a chain of kills"
	forks_and_errors()
	check.step "forks and errors"
	local service = check.helper "exits"
	check.results({ true, "killed" }, interrupted(service, "loop_at_kill"))
	local ok, err = interrupted(service, "loop")
	check.ok(not ok)
	check.match(err, "call failed$")
	check.step "signals reach closing methods"
	check.raises("call failed", skynet.call, service, "lua", "exit")
	for _, how in ipairs { "exit_on_error", "exit_below_c" } do
		service = check.helper "exits"
		check.raises("call failed", skynet.call, service, "lua", how)
		check.eventually(function()
			return not skynet.send(service, "lua", "block")
		end, "it ends")
	end
	check.step "exits inside of exits"
end)
