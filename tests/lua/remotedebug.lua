-- The debugger inside of a service: console, watch, steps, locals; and injectcode.

local check = require "check"
local skynet = require "skynet"
local socket = require "skynet.socket"
require "skynet.manager"

local mode = ...

local factor = 10

local function times(a, ...)
	local b = a * factor
	local sum = b + select("#", ...)
	return sum
end

if mode == "subject" then
	skynet.start(function()
		skynet.dispatch("lua", function(session, _, name, ...)
			local first = times(...)
			local second = first + 1
			if session ~= 0 then
				skynet.retpack(name, first, second)
			end
		end)
	end)
	return
end

local fd

local function type_in(line)
	socket.write(fd, line .. "\n")
end

-- Reads up to a text and returns what stands before it.
local function read_to(text)
	return check.ok(socket.readline(fd, text), "before " .. text)
end

local function says(want, line, prompt)
	type_in(line)
	check.equal(read_to(prompt), want, line)
end

local function console(digits)
	local port
	for candidate = 21000 + skynet.now() % 20000, 65000 do
		local ok, address = pcall(skynet.newservice, "debug_console", candidate)
		if ok and address then
			port = candidate
			break
		end
	end
	fd = check.ok(socket.open("127.0.0.1", port))
	read_to "\n"
	type_in("debug " .. digits)
	return port
end

local function session(subject)
	local idle = skynet.address(subject) .. ">"
	local digits = idle:match "%x+"
	console(digits)
	check.equal(read_to(idle), "")
	check.logs("Attach to :" .. digits)
	check.logs "Enter debug mode"
	says("2\t\n", "1+1", idle)
	says("\n", "x_in_debugger = 1", idle)
	says("\n", "for i = 1, 2 do print() end", idle)
	type_in "error 'thrown'"
	check.match(read_to(idle), "thrown\n$")
	type_in "this is no Lua"
	check.match(read_to(idle), "syntax error")
	says("No nosuch\t\n", "watch('nosuch')", idle)
	says("\n", "watch('lua', function(_, _, name) return name == 'b' end)", idle)

	-- Not watched: goes on as ever.
	check.results({ "a", 20, 21 }, skynet.call(subject, "lua", "a", 2))
	-- Watched: stops at the first line of the handler; other messages are served meanwhile.
	local call = check.background(skynet.call, subject, "lua", "b", 2, "x", "y")
	local function stopped_at()
		local place = read_to ")>"
		check.match(place, "remotedebug.lua%(%d+$")
		return tonumber(place:match "%d+$")
	end
	local line = stopped_at()
	check.results({ "c", 30, 31 }, skynet.call(subject, "lua", "c", 3))
	local prompt = "(" .. line .. ")>"
	type_in "name, select('#', ...)"
	check.match(read_to(prompt), "^b\t3\t\n")
	-- `s` enters the call, `n` does not leave the function before its end.
	type_in "s"
	local inner = stopped_at()
	check.ok(inner < line, "stepped into the function above")
	type_in "factor"
	check.match(read_to("(" .. inner .. ")>"), "^10\t\n")
	type_in "n"
	check.equal(stopped_at(), inner + 1)
	type_in "b"
	check.match(read_to("(" .. inner + 1 .. ")>"), "^20\t\n")
	type_in "b = 100"
	check.match(read_to("(" .. inner + 1 .. ")>"), "^\n")
	type_in "coroutine.status(_CO)"
	check.match(read_to("(" .. inner + 1 .. ")>"), "^suspended\t\n")
	type_in "n"
	check.equal(stopped_at(), inner + 2)
	type_in "c"
	check.equal(read_to(idle), "")
	check.results({ true, "b", 102, 103 }, check.outcome(call))

	-- A second debugger is refused; `cont` ends the first one.
	local other = skynet.newservice "debug_agent"
	check.equal(skynet.call(other, "lua", "start", subject, fd), "Debugger attach failed")
	type_in "cont"
	check.equal(read_to "\n", "<CMD OK>")
	check.logs "Leave debug mode"

	-- Leaving lets a stopped message go on.
	type_in("debug " .. digits)
	read_to(idle)
	says("\n", "watch 'lua'", idle)
	call = check.background(skynet.call, subject, "lua", "d", 4)
	stopped_at()
	type_in "cont"
	read_to "<CMD OK>\n"
	check.results({ true, "d", 40, 41 }, check.outcome(call))
	check.results({ "e", 50, 51 }, skynet.call(subject, "lua", "e", 5))
end

check.main(function()
	session(check.helper "subject")
end)
