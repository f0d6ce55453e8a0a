-- The debug console over telnet: the commands, their forms and their errors.

local check = require "check"
local skynet = require "skynet"
local socket = require "skynet.socket"
require "skynet.manager"

local mode = ...

if mode == "subject" then
	skynet.info_func(function(...)
		return { count = select("#", ...), list = { b = 2, a = 1 } }
	end)
	local value = { level = 1 }
	check.serve {
		echo = function(...)
			return ...
		end,
		level = function()
			return value.level
		end,
		block = function()
			skynet.wait "never"
		end,
	}
	return
end

-- The reference drops the connection for a number or a boolean, and wants an allocator of its own.
local ours = pcall(require, "skynet.native.internal")

local fd

local function read_to(ending)
	local text = ""
	repeat
		local line = socket.readline(fd)
		if not line then
			check.fail("the console closed after " .. text)
		end
		text = text .. line .. "\n"
	until line == ending or line == "<CMD OK>" or line == "<CMD Error>"
	return text
end

local function run(line)
	socket.write(fd, line .. "\n")
	return read_to()
end

local function ok(want, line)
	check.equal(run(line), want .. "<CMD OK>\n", line)
end

local function like(pattern, line)
	check.match(run(line), pattern)
end

local function connect(port)
	fd = check.ok(socket.open("127.0.0.1", port))
	check.equal(read_to "Welcome to skynet console", "Welcome to skynet console\n")
end

local function services(subject, digits)
	like(":" .. digits .. "\tsnlua debug_console_commands subject\n", "list")
	like(":" .. digits .. "\tcpu:%S+\tmessage:%d+\tmqlen:0\ttask:0\n", "stat")
	like(":" .. digits .. "\t%d+%.%d+ Kb %(snlua debug_console_commands subject%)\n", "mem 100")
	like(":" .. digits .. "\t%d+%.%d+ Kb %(snlua debug_console_commands subject%)\n", "gc")
	like("<CMD Error>\n$", "stat soon")
	like("^%d+\n<CMD OK>\n$", "ping " .. digits)
	ok("count\t2\nlist\ta:1\tb:2\n", "info .subject x y")
	ok("count\t0\nlist\ta:1\tb:2\n", "info " .. digits:gsub("^0+", ""))
	ok("", "task .subject")
	if ours then
		like("^%d+%.%d+\n<CMD OK>\n$", "dbgcmd .subject MEM")
	end
	local call = check.background(skynet.call, subject, "lua", "block")
	like("^1\tsessions:%[%d+%]\n\tstack traceback:\n.*<CMD OK>\n$", "uniqtask .subject")
	like("^thread: 0x%x+ session: %d+\tstack traceback:\n.*<CMD OK>\n$", "task .subject")
	ok("Not found\n", "killtask .subject nothing")
	ok("", "killtask .subject thread")
	check.equal((check.outcome(call)), false)
end

local function calls()
	ok("1\t1\n2\t2\n3\ta:1\nn\t3\n", "call .subject 'echo',1,2,{a=1}")
	ok("n\t0\n", "call .subject 'echo'")
	like("need arguments\n<CMD Error>\n$", "call .subject")
	like("Invalid arguments\n<CMD Error>\n$", "call .subject 1 2")
	like("call failed\n<CMD Error>\n$", "call .subject 'nosuch'")
	like("call to invalid address :0000ffff\n<CMD Error>\n$", "ping :0000ffff")
	like("Not a valid name\n<CMD Error>\n$", "ping .nosuch")
	like("Need an address", "ping xyz")
	like("<CMD Error>\n$", "ping")
	check.equal(run "nosuch", "Invalid command, type help for command list\n\n<CMD Error>\n")
	check.equal(run "\r", "Invalid command, type help for command list\n\n<CMD Error>\n")
	socket.write(fd, "\n")
	like("^help\t", "getenv help")
end

local function inject(digits)
	local name = skynet.getenv "logger" .. ".inject.lua"
	local function write(text)
		local file <close> = assert(io.open(name, "w"))
		file:write(text)
	end
	write "print('level', ...) print(_P.lua ~= nil)"
	ok("level\tx\ty\ntrue\n", "inject " .. digits .. " " .. name .. " x y")
	write "print 'before' error 'thrown'"
	like("before\n.*thrown.*<CMD Error>\n$", "inject " .. digits .. " " .. name)
	write "this is no Lua"
	like("<CMD Error>\n$", "inject " .. digits .. " " .. name)
	os.remove(name)
	ok("Can't open " .. name .. "\n", "inject " .. digits .. " " .. name)
	ok("1\t1\nn\t1\n", "call .subject 'level'")
end

local function life()
	local started = run "start debug_console_commands subject"
	check.match(started, "^:%x+\tdebug_console_commands\n<CMD OK>\n$")
	local address = started:match "^:(%x+)"
	ok(":" .. address .. "\tsnlua debug_console_commands subject\n", "kill " .. address)
	check.ok(not run "list":find(address))
	ok("Exit\n", "start exits_at_start")
	ok("Failed\n", "start no_such_service")
	ok("Failed\n", "snax no_such_service")
	address = run "start debug_console_commands subject":match "^:(%x+)"
	ok("", "exit " .. address)
	check.eventually(function() return not run "list":find(address) end, "it exits")
end

local function settings()
	ok("no_such_key\tnil\n", "getenv no_such_key")
	ok("", "setenv console_key value")
	ok("console_key\tvalue\n", "getenv console_key")
	like("<CMD Error>\n$", "setenv console_key other")
	ok("", "clearcache")
	ok("", "signal .subject 1")
	ok("", "trace .subject on")
	ok("", "trace .subject lua off")
	like("call failed\n<CMD Error>\n$", "trace .subject nosuch on")
	check.logs "Turn trace log true for lua\n"
	like("address::%x+\tid:%d+\t", "netstat")
	like("type:LISTEN\n", "netstat")
	like("total\t%d+\n", "cmem")
	if ours then
		like("^stats.active\t *%d+ +%d+%.%d%d Mb\n", "jmem")
	end
	like("heap profil+ing is ", "profactive")
end

check.main(function()
	local subject = check.helper "subject"
	skynet.name(".subject", subject)
	local digits = skynet.address(subject):sub(2)
	local console, port
	for candidate = 21000 + skynet.now() % 20000, 65000 do
		local ok_start, address = pcall(skynet.newservice, "debug_console", candidate)
		if ok_start and address then
			console, port = address, candidate
			break
		end
	end
	check.logs("Start debug console at 127.0.0.1:" .. port .. "\n")
	connect(port)
	check.logs "127.0.0.1:%d+ connected\n"
	services(subject, digits)
	check.step "services"
	calls()
	check.step "calls"
	inject(digits)
	check.step "inject"
	life()
	check.step "life"
	settings()
	socket.close(fd)
	check.logs "disconnect\n"
	-- Help has a line for each command.
	connect(port)
	local help = run "help"
	for _, name in ipairs {
		"call", "clearcache", "cmem", "dbgcmd", "debug", "dumpheap", "exit", "gc", "getenv", "help",
		"info", "inject", "jmem", "kill", "killtask", "list", "log", "logoff", "logon", "mem",
		"netstat", "ping", "profactive", "service", "setenv", "signal", "snax", "start", "stat",
		"task", "trace", "uniqtask",
	} do
		check.match(help, "%f[^\n\0]" .. name .. "[^\n]*\t[^\n]+\n")
	end
	skynet.kill(console)
end)
