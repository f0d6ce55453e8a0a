-- Errors in tasks: who is told, when, and what the log says.
--! no log: Maybe forgot response

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "victim" then
	local order = check.transcript()
	local pending = {}
	local function token(name)
		skynet.fork(function()
			skynet.wait(name)
			order(name)
			error("error of " .. name)
		end)
	end
	check.serve {
		plain = function()
			error "plain text"
		end,
		object = function()
			error(setmetatable({}, { __tostring = function() return "an object" end }))
		end,
		after_ret = function()
			skynet.ret(skynet.pack "kept")
			error "error after ret"
		end,
		after_ignore = function(reply_to)
			skynet.ignoreret()
			skynet.fork(skynet.send, reply_to, "lua", "ignored")
			error "error after ignoreret"
		end,
		after_response = function()
			table.insert(pending, skynet.response())
			error "error after response"
		end,
		answer = function()
			return table.remove(pending)(true, "late")
		end,
		forked = function()
			skynet.fork(error, "error of a fork")
		end,
		timer = function()
			skynet.timeout(0, function()
				error "error of a timer"
			end)
		end,
		joined = function()
			for _, name in ipairs { "e1", "e2", "e3" } do
				token(name)
			end
			skynet.yield()
			skynet.fork(order, "F")
			for _, name in ipairs { "e1", "e2", "e3" } do
				skynet.wakeup(name)
			end
		end,
		order = function()
			return order:text()
		end,
		closed = function()
			local _ <close> = setmetatable({}, { __close = function(_, err)
				order("closed with " .. tostring(err):gsub("^.*: ", ""))
			end })
			error "closing error"
		end,
	}
	return
end

local victim

local function call(...)
	return skynet.call(victim, "lua", ...)
end

check.main(function()
	victim = check.helper "victim"

	check.raises("call failed", call, "plain")
	check.raises("call failed", call, "object")
	check.logs "lua call %[8 to :%x+ : %d+ msgsz = 6%] error : \27%[31m[^\n]*plain text\n"
	check.logs "an object"
	check.logs "stack traceback:.-\27%[0m\n"
	check.step "the caller gets call failed, the log gets the text"

	check.equal(call "after_ret", "kept")
	check.logs "error after ret"
	check.step "an answer given before the error stands"

	local got
	skynet.dispatch("lua", function(_, _, what)
		got = what
	end)
	local ignored = check.background(call, "after_ignore", skynet.self())
	check.eventually(function() return got == "ignored" end, "message of the fork")
	check.logs "error after ignoreret"
	check.ok(not ignored.done)
	check.step "after ignoreret nobody is told"

	local late = check.background(call, "after_response")
	check.logs "error after response"
	check.ok(not late.done)
	check.equal(call "answer", true)
	check.results({ true, "late" }, check.outcome(late))
	check.step "a response closure survives the error"

	call "forked"
	call "timer"
	call "order"
	call "order"
	check.logs "error of a fork"
	check.logs "lua call %[0 to :%x+ : %d+ msgsz = 0%] error : \27%[31m[^\n]*error of a timer"
	check.step "errors of forks and timers are only logged"

	call "joined"
	check.equal(call "order", "e1 F e2 e3")
	local _, count = check.logs "error of e3":gsub("\27%[31m[^\27]*error of e1[^\27]*error of e2[^\27]*error of e3", "")
	check.equal(count, 1)
	check.step "queued wake-ups outlive an error; one log entry holds all errors of a message"

	local handled = 0
	local old
	old = skynet.dispatch("error", function(session, source, ...)
		handled = handled + 1
		check.results({ session, source }, skynet.context())
		old(session, source, ...)
	end)
	check.raises("call failed", call, "plain")
	check.equal(handled, 1)
	skynet.dispatch("error", old)
	check.step "a handler of errors owes no answer"

	check.raises("call failed", call, "closed")
	check.match(call "order", "closed with closing error$")
	check.step "to-be-closed variables see the error"
end)
