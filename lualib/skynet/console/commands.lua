-- The commands of the debug console: a table of name -> { arguments, help, function }. A function
-- gets the connection, the line, and the words behind the command; what it returns is shown, and
-- what it raises is told. Used by skynet.console.session.

local skynet = require "skynet"
local core = require "skynet.core"
local internal = require "skynet.native.internal"
local memory = require "skynet.memory"
local render = require "skynet.console.render"
local snax = require "skynet.snax"
local socket = require "skynet.socket"

-- How long the commands that ask every service wait for answers, in centiseconds.
local PATIENCE = 300

local commands = {}

local function add(name, arguments, help, run)
	commands[name] = { arguments = arguments, help = help, run = run }
end

-- Returns the number of a service: `.name`, `:hex`, or hex digits with this node's id in front.
local function address_of(text)
	if text == nil then
		error("Need an address: :0000000a, a, or .name", 0)
	elseif text:sub(1, 1) == "." then
		return skynet.localname(text) or error "Not a valid name"
	end
	local full = text:match "^:(%x+)$"
	local digits = full or (text:match "^%x+$") or error "Need an address"
	local address = tonumber(digits, 16)
	return full and address or skynet.harbor(skynet.self()) << 24 | address & 0xffffff
end

local function patience_of(text)
	local ti = tonumber(text or PATIENCE) or error("a time in 1/100 s, not " .. text, 0)
	return ti > 0 and ti // 1 | 0 or nil
end

local function launcher(...)
	return skynet.call(".launcher", "lua", ...)
end

local function debug_call(address, ...)
	return skynet.call(address_of(address), "debug", ...)
end

-- What a service is called in `list`; the empty text for those that the launcher does not know.
local function lines_of_services()
	local lines = launcher "LIST"
	return function(address)
		return lines[skynet.address(address)] or ""
	end
end

add("help", "[command]", "this list, or more about one command", function(_, _, name)
	if name then
		local command = commands[name] or error("no command " .. name, 0)
		return string.format("%s %s\t%s", name, command.arguments, command.help)
	end
	local list = {}
	for word, command in pairs(commands) do
		list[word] = command.help
	end
	return list
end)

add("list", "", "the services that were started by the launcher", function()
	return launcher "LIST"
end)

for name, help in pairs {
	stat = "CPU seconds, messages, queue and tasks of every service",
	mem = "the Lua memory of every service",
	gc = "collects garbage in every service, then tells the memory",
} do
	add(name, "[ti]", help .. "; waits ti/100 s for answers (" .. PATIENCE .. ")", function(_, _, ti)
		return launcher(name:upper(), patience_of(ti))
	end)
end

add("service", "", "the unique services of the network", function()
	return skynet.call_timeout(PATIENCE, "SERVICE", "lua", "LIST")
end)

-- Starts a service through the launcher: `:address  name`, or why there is none.
local function start(command, name, ...)
	local ok, address = pcall(launcher, command, "snlua", name, ...)
	if not ok then
		return "Failed"
	end
	return address and { [skynet.address(address)] = name } or "Exit"
end

add("start", "name [args]", "starts a Lua service", function(_, _, ...)
	return start("LAUNCH", ...)
end)

add("log", "name [args]", "starts a Lua service whose messages are logged from the start",
	function(_, _, ...)
		return start("LOGLAUNCH", ...)
	end)

add("snax", "name [args]", "starts a snax service", function(_, _, name, ...)
	local ok, object = pcall(snax.newservice, name, ...)
	return ok and { [skynet.address(object.handle)] = name } or "Failed"
end)

add("kill", "address", "ends a service at once; its code is not asked", function(_, _, address)
	return launcher("KILL", address_of(address))
end)

add("exit", "address", "asks a service to end", function(_, _, address)
	skynet.send(address_of(address), "debug", "EXIT")
end)

add("info", "address [args]", "what the service tells by skynet.info_func", function(_, _, address, ...)
	return debug_call(address, "INFO", ...)
end)

add("task", "address [session]", "the coroutines that wait, with their tracebacks",
	function(_, _, address, session)
		return debug_call(address, "TASK", tonumber(session) or session)
	end)

add("uniqtask", "address", "the same, with equal tracebacks joined", function(_, _, address)
	return debug_call(address, "UNIQTASK")
end)

add("killtask", "address pattern", "ends the coroutine whose name (thread: 0x...) matches",
	function(_, _, address, pattern)
		return debug_call(address, "KILLTASK", pattern)
	end)

add("dbgcmd", "address COMMAND [args]", "any command of the debug protocol",
	function(_, _, address, command, ...)
		return debug_call(address, command, ...)
	end)

add("ping", "address", "the time of a round trip, in 1/100 s", function(_, _, address)
	local start_time = skynet.now()
	debug_call(address, "PING")
	return skynet.now() - start_time
end)

add("call", "address values", "calls a service with Lua values: call .x 'get', { id = 1 }",
	function(_, line, address)
		local target = address_of(address)
		local values = line:match "^%s*%S+%s+%S+%s+(.+)$" or error("need arguments", 0)
		local chunk = load("return " .. values, "=(arguments)", "t", {})
			or error("Invalid arguments", 0)
		local function show(...)
			local results = { n = select("#", ...) }
			for i = 1, results.n do
				local value = select(i, ...)
				results[i] = value == nil and "nil" or value
			end
			return results
		end
		return show(skynet.call(target, "lua", chunk()))
	end)

add("inject", "address file [args]", "runs a file inside a service; _P.lua.<name> are its tables",
	function(_, _, address, name, ...)
		local target = address_of(address)
		local file = name and io.open(name, "rb")
		if not file then
			return "Can't open " .. tostring(name)
		end
		local source = file:read "a"
		file:close()
		local ok, output = skynet.call(target, "debug", "RUN", source, name, ...)
		return ok and output or error(output or "failed", 0)
	end)

add("debug", "address", "an interactive debugger inside of a service; cont ends it",
	function(connection, _, address)
		return require "skynet.console.debugger"(connection, address_of(address))
	end)

add("trace", "address [protocol] [on|off]", "switches the trace log of a protocol (lua)",
	function(_, _, address, protocol, flag)
		if protocol == "on" or protocol == "off" then
			protocol, flag = "lua", protocol
		end
		if flag ~= nil then
			flag = flag == "on" or flag == "true"
		end
		debug_call(address, "TRACELOG", protocol, flag)
	end)

add("logon", "address", "logs the messages of a service into <logpath>", function(_, _, address)
	core.command("LOGON", skynet.address(address_of(address)))
end)

add("logoff", "address", "ends that", function(_, _, address)
	core.command("LOGOFF", skynet.address(address_of(address)))
end)

add("signal", "address [n]", "0 breaks a loop with an error, 1 logs the memory",
	function(_, _, address, number)
		local target = skynet.address(address_of(address))
		core.command("SIGNAL", target .. " " .. (number or "0"))
	end)

-- A size in bytes; nothing for 0.
local function size_text(bytes)
	if bytes == nil or bytes == 0 then
		return nil
	elseif bytes < 1024 then
		return tostring(bytes)
	elseif bytes < 1024 * 1024 then
		return string.format("%.1fK", bytes / 1024)
	end
	return string.format("%.1fM", bytes / 1024 / 1024)
end

-- The time since a moment in centiseconds of the clock; nothing when it never came.
local function time_text(moment)
	if moment == nil or moment == 0 then
		return nil
	end
	local seconds = (skynet.now() - moment) / 100
	if seconds < 60 then
		return string.format("%.2fs", seconds)
	elseif seconds < 3600 then
		return string.format("%d:%02ds", seconds // 60, seconds % 60 // 1)
	end
	return string.format("%d:%02d:%02ds", seconds // 3600, seconds % 3600 // 60, seconds % 60 // 1)
end

add("netstat", "", "the sockets of the node", function()
	local list = socket.netstat()
	for _, item in ipairs(list) do
		local listens = item.type == "LISTEN"
		item.address = skynet.address(item.address)
		item.accept = listens and item.accept or nil
		item.read = not listens and size_text(item.read) or nil
		item.write = size_text(item.write)
		item.wbuffer = size_text(item.wbuffer)
		item.rtime = time_text(item.rtime)
		item.wtime = time_text(item.wtime)
	end
	return list
end)

add("cmem", "", "the Lua memory of every service, and what the process has allocated", function()
	local result = {}
	for address, bytes in pairs(memory.info()) do
		result[skynet.address(address)] = bytes
	end
	result.total = memory.total()
	result.block = memory.block()
	return result
end)

add("jmem", "", "the figures of jemalloc", function()
	local result = {}
	for name, bytes in pairs(memory.jestat()) do
		result[name] = string.format("%11d  %8.2f Mb", bytes, bytes / 1048576)
	end
	return result
end)

add("profactive", "[on|off]", "whether the allocator takes heap profiles", function(_, _, flag)
	if flag then
		memory.profactive(flag == "on")
	end
	return "heap profiling is " .. (memory.profactive() and "active" or "deactive")
end)

add("dumpheap", "", "writes a heap profile", function()
	memory.dumpheap()
end)

add("clearcache", "", "forgets compiled Lua files: new services read them again", function()
	require "skynet.codecache".clear()
end)

add("getenv", "name", "a key of the config", function(_, _, name)
	return { [name or error("Need a name", 0)] = tostring(skynet.getenv(name)) }
end)

add("setenv", "name value", "sets a key that is not set yet", function(_, _, name, value)
	skynet.setenv(name, value)
end)

-- The address of a callee that may be a name.
local function callee_address(callee)
	if math.type(callee) then
		return callee
	end
	return callee:sub(1, 1) == "." and skynet.localname(callee)
		or tonumber(callee:match "^:(%x+)$" or "", 16)
end

add("calls", "[ti]", "the calls that wait for an answer, the oldest first: who calls whom since when",
	function(_, _, ti)
		local line_of = lines_of_services()
		local requests = skynet.request()
		for address in pairs(launcher "LIST") do
			requests:add { address_of(address), "debug", "CALLS" }
		end
		local rows = {}
		for request, answer in requests:select(patience_of(ti)) do
			for _, call in ipairs(answer and answer[1] or {}) do
				local callee = callee_address(call.callee)
				rows[#rows + 1] = {
					age = call.age,
					caller = skynet.address(request[1]),
					callee = skynet.address(call.callee),
					type = call.type,
					session = call.session,
					from = line_of(request[1]),
					to = callee and line_of(callee) or "",
				}
			end
		end
		table.sort(rows, function(a, b)
			return a.age > b.age
		end)
		return render.grid({
			{ "age", "%.2f" }, { "caller" }, { "callee" }, { "type" }, { "session", "%d" },
			{ "from" }, { "to" },
		}, rows)
	end)

-- The figures by which `top` sorts.
local SORTS = { cpu = "cpu", message = "message", mqlen = "mqlen", memory = "memory" }

add("top", "[seconds] [cpu|message|mqlen|memory] [count]",
	"what the services did in the next second (or so many), the busiest first",
	function(_, _, seconds, order, count)
		local window = tonumber(seconds or 1) or error("seconds, not " .. seconds, 0)
		local key = SORTS[order or "cpu"] or error("sorted by cpu, message, mqlen or memory", 0)
		local line_of = lines_of_services()
		local before, start_ns = internal.survey(), skynet.hpc()
		skynet.sleep(math.max(1, window * 100 // 1 | 0))
		local after, elapsed = internal.survey(), (skynet.hpc() - start_ns) / 1e9
		local rows = {}
		for address, now in pairs(after) do
			local was = before[address] or { cpu = 0, message = 0 }
			rows[#rows + 1] = {
				service = skynet.address(address),
				cpu = (now.cpu - was.cpu) / elapsed * 100,
				message = (now.message - was.message) / elapsed,
				mqlen = now.mqlen,
				memory = now.memory / 1024,
				line = line_of(address),
			}
		end
		table.sort(rows, function(a, b)
			if a[key] ~= b[key] then
				return a[key] > b[key]
			end
			return a.service < b.service
		end)
		rows = table.move(rows, 1, math.min(#rows, tonumber(count) or 20), 1, {})
		return render.grid({
			{ "service" }, { "cpu", "%.1f%%" }, { "message", "%.0f/s" }, { "mqlen", "%d" },
			{ "memory", "%.0fK" }, { "line" },
		}, rows)
	end)

add("locks", "[on|off|reset|json]", "what the locks count, in builds with lock-stats",
	function(_, line)
		return core.command("LOCKS", line:match "^%s*%S+%s*(.-)%s*$")
	end)

add("cluster", "", "the links to other nodes of the cluster: state, calls that wait, bytes, last error",
	function()
		local clusterd = skynet.localname ".clusterd" or error("no service has required skynet.cluster", 0)
		local status = skynet.call_timeout(PATIENCE, clusterd, "lua", "status")
		local rows = {}
		for _, link in ipairs(status.links) do
			rows[#rows + 1] = {
				node = link.node,
				address = link.address or "",
				state = link.state,
				calls = link.pending or 0,
				sent = (link.sent or 0) / 1024,
				received = (link.received or 0) / 1024,
				late = link.late or 0,
				connects = link.connects or 0,
				from = link.from,
				["last error"] = link.error or "",
			}
		end
		table.sort(rows, function(a, b)
			return a.node < b.node
		end)
		local discovery = status.discovery
		if discovery then
			rows[#rows + 1] = {
				node = "*",
				address = discovery.source,
				state = discovery.error and "in trouble" or "well",
				["last error"] = discovery.error or "",
			}
		end
		for _, own in ipairs(discovery and discovery.announced or {}) do
			rows[#rows + 1] = { node = own.node, address = own.address, state = own.state, from = "this node" }
		end
		return render.grid({
			{ "node" }, { "address" }, { "state" }, { "calls", "%d" }, { "sent", "%.1fK" },
			{ "received", "%.1fK" }, { "late", "%d" }, { "connects", "%d" }, { "from" }, { "last error" },
		}, rows)
	end)

add("json", "command", "any command, answered as one line of JSON", function()
	error("json needs a command: json list", 0)
end)

add("auth", "token", "shows the token that debug_console_token of the config asks for", function()
end)

local M = {}

-- Runs a line. Returns true and the result, or false and the error.
function M.run(connection, line)
	local words = {}
	for word in line:gmatch "%S+" do
		words[#words + 1] = word
	end
	local command = commands[words[1]]
	if not command then
		return false, "Invalid command, type help for command list\n"
	end
	return pcall(command.run, connection, line, table.unpack(words, 2))
end

return M
