-- One connection to the debug console: reads lines (or one HTTP request), runs them, writes what
-- they give. Called by service/debug_console.lua in a coroutine of its own.
--
-- A browser can be made to send requests to a local port by any page it shows. So requests that
-- come from another site are refused, and so are names in `Host` that are no address of a machine.
-- With `debug_console_token` in the config every session begins with that word.

local skynet = require "skynet"
local socket = require "skynet.socket"
local commands = require "skynet.console.commands"
local new_reader = require "skynet.console.reader"
local render = require "skynet.console.render"

local GREETING = "Welcome to skynet console"

-- The longest line, and the longest body of a POST.
local LINE_BYTES_MAX = 64 * 1024

-- The longest head of a request.
local HEAD_BYTES_MAX = 8192

-- How long a peer that may speak HTTP has to speak first, in centiseconds: HTTP clients do at
-- once, people wait for the greeting.
local GREETING_DELAY = 5

local function same_text(a, b)
	if #a ~= #b then
		return false
	end
	local difference = 0
	for i = 1, #a do
		difference = difference | (a:byte(i) ~ b:byte(i))
	end
	return difference == 0
end

local function token_is(word)
	local token = skynet.getenv "debug_console_token"
	return token == nil or same_text(token, word or "")
end

-- The state of a connection: `print` writes a line, `greet` the greeting, once.
local function new_connection(fd)
	local self = { fd = fd, reader = new_reader(fd), authorised = token_is(nil) }

	function self.print(...)
		local values = table.pack(...)
		for i = 1, values.n do
			values[i] = tostring(values[i])
		end
		socket.write(fd, table.concat(values, "\t") .. "\n")
	end

	function self.greet()
		if not self.greeted then
			self.greeted = true
			self.print(GREETING)
		end
	end
	return self
end

local function print_result(connection, ok, result)
	for _, line in ipairs(render.text(result)) do
		connection.print(line)
	end
	connection.print(ok and "<CMD OK>" or "<CMD Error>")
end

-- Runs a line that begins with `json`; returns the answer.
local function run_json(connection, line)
	local ok, result = commands.run(connection, line)
	local answer = { ok = ok, command = line }
	answer[ok and "result" or "error"] = result
	return render.json(answer), ok
end

local function run_line(connection, line)
	local word = line:match "^%s*(%S+)"
	if not connection.authorised then
		connection.authorised = word == "auth" and token_is(line:match "^%s*auth%s+(%S+)%s*$")
		print_result(connection, connection.authorised,
			not connection.authorised and "This console needs a token: auth <token>" or nil)
	elseif word == "json" then
		local text, ok = run_json(connection, line:match "^%s*json%s*(.*)$")
		print_result(connection, ok, text)
	else
		print_result(connection, commands.run(connection, line))
	end
end

local function read_head(connection)
	-- The line end of the request line may belong to the empty line that ends the head.
	connection.reader.buffer = "\n" .. connection.reader.buffer
	local text = connection.reader:before("\n\r\n", HEAD_BYTES_MAX)
	if not text then
		return nil
	end
	local head = {}
	for name, value in text:gmatch "([^\r\n:]+):[ \t]*([^\r\n]*)" do
		head[name:lower()] = value
	end
	return head
end

-- Returns the host of `host:port`, of `[address]:port`, or of a bare one.
local function host_of(authority)
	return authority:match "^%[(.-)%]" or authority:match "^([^:]*)"
end

local function is_address(host)
	return host == "localhost" or host:find "^%d+%.%d+%.%d+%.%d+$" or host:find ":"
end

-- Returns why a request is refused, or nothing.
local function refusal(head)
	local host = head.host
	if host and not is_address(host_of(host)) and host ~= skynet.getenv "debug_console_host" then
		return "the Host " .. host .. " is no address (debug_console_host in the config allows one name)"
	elseif head.origin and head.origin ~= "http://" .. (host or "") then
		return "the Origin is another site"
	end
	local site = head["sec-fetch-site"]
	if site and site ~= "none" and site ~= "same-origin" then
		return "the request comes from another site"
	end
end

local function http_answer(connection, status, kind, text)
	socket.write(connection.fd, string.format(
		"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, kind, #text, text))
end

local function http_refuse(connection, status, why)
	connection.greeted = true
	http_answer(connection, status, "text/plain", why .. "\n")
end

local function http_command(connection, method, target, head)
	if method == "GET" then
		return (target:gsub("^/", ""):gsub("/", " "))
	end
	local length = math.tointeger(tonumber(head["content-length"]))
	if length and length >= 0 and length <= LINE_BYTES_MAX then
		return connection.reader:bytes(length)
	end
end

-- Serves one request. Plain commands answer with the console's bare text, as ever; `json` ones
-- with a proper head.
local function serve_http(connection, method, target)
	local head = read_head(connection)
	if not head then
		return http_refuse(connection, "431 Request Header Fields Too Large", "the head is too long")
	end
	local why = refusal(head)
	if why then
		return http_refuse(connection, "403 Forbidden", why)
	end
	if not connection.authorised then
		local word = (head.authorization or ""):match "^[Bb]earer%s+(%S+)$"
		if not token_is(word) then
			return http_refuse(connection, "401 Unauthorized", "this console needs a token: Authorization: Bearer <token>")
		end
		connection.authorised = true
	end
	local line = http_command(connection, method, target, head)
	if not line then
		return http_refuse(connection, "413 Content Too Large", "the body is the command line, of at most "
			.. LINE_BYTES_MAX .. " bytes, with its Content-Length")
	end
	if line:find "^%s*json%f[%s\0]" and not connection.greeted then
		connection.greeted = true
		local text = run_json(connection, line:match "^%s*json%s*(.*)$")
		return http_answer(connection, "200 OK", "application/json", text .. "\n")
	end
	connection.greet()
	run_line(connection, line)
end

-- Serves lines until the peer closes.
local function serve(connection)
	while true do
		local line, why = connection.reader:before("\n", LINE_BYTES_MAX)
		if why == "too long" then
			connection.greet()
			connection.print("A line may have " .. LINE_BYTES_MAX .. " bytes")
			return connection.print "<CMD Error>"
		elseif not line then
			return
		end
		local method, target = line:match "^(%u+) (%S+)"
		if method == "GET" or method == "POST" then
			return serve_http(connection, method, target)
		elseif line:find "^%u+ %S+ HTTP/%d" then
			return http_refuse(connection, "405 Method Not Allowed", "the console knows GET and POST")
		end
		connection.greet()
		if line ~= "" then
			run_line(connection, line)
		end
	end
end

return function(fd, peer)
	skynet.error(peer, "connected")
	if socket.start(fd) then
		local connection = new_connection(fd)
		skynet.timeout(GREETING_DELAY, connection.greet)
		local ok, err = xpcall(serve, debug.traceback, connection)
		if not ok then
			skynet.error(err)
		end
		connection.greeted = true
		socket.close(fd)
	end
	skynet.error(peer, "disconnect")
end
