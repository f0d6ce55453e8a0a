-- The debug console over HTTP, its limits, the token, and the commands that the reference lacks.
--! config: debug_console_token = "s3cret"
--! differs: the reference has no token, no limits, no JSON and fewer commands

local check = require "check"
local skynet = require "skynet"
local socket = require "skynet.socket"
require "skynet.manager"

local mode = ...

if mode == "subject" then
	check.serve {
		block = function()
			skynet.wait()
		end,
		work = function(n)
			for i = 1, n do
				skynet.call(skynet.self(), "debug", "PING")
			end
		end,
	}
	return
end

local port

-- Sends a text and returns all that comes until the console closes.
local function request(text)
	local fd = check.ok(socket.open("127.0.0.1", port))
	socket.write(fd, text)
	local answer = socket.readall(fd)
	socket.close(fd)
	return answer
end

local AUTH = "Authorization: Bearer s3cret\r\n"

local function get(target, head)
	return request("GET " .. target .. " HTTP/1.1\r\n" .. (head or AUTH) .. "\r\n")
end

local function refused(status, answer)
	check.match(answer, "^HTTP/1.1 " .. status)
	check.match(answer, "\r\nContent%-Length: %d+\r\n.*\r\n\r\n.+\n$")
end

local function plain_requests(subject)
	local digits = skynet.address(subject):sub(2)
	check.match(get "/list", "^Welcome to skynet console\n.*:" .. digits .. "\tsnlua [^\n]+\n.*<CMD OK>\n$")
	check.match(get("/ping/" .. digits), "^Welcome to skynet console\n%d+\n<CMD OK>\n$")
	check.match(get "/", "Invalid command, type help for command list\n\n<CMD Error>\n$")
	check.match(request("POST / HTTP/1.1\r\n" .. AUTH .. "Content-Length: 12\r\n\r\ngetenv start"),
		"^Welcome to skynet console\nstart\t[^\n]+\n<CMD OK>\n$")
	check.match(request("GET /list HTTP/1.0\n" .. AUTH .. "\r\n"), "<CMD OK>\n$")
end

local function refusals()
	refused("401", get("/list", ""))
	refused("401", get("/list", "Authorization: Bearer wrong\r\n"))
	refused("403", get("/list", AUTH .. "Host: evil.example\r\n"))
	refused("403", get("/list", AUTH .. "Host: 127.0.0.1:80\r\nOrigin: http://evil.example\r\n"))
	refused("403", get("/list", AUTH .. "Origin: null\r\n"))
	refused("403", get("/list", AUTH .. "Sec-Fetch-Site: cross-site\r\n"))
	check.match(get("/list", AUTH .. "Host: 127.0.0.1:80\r\nOrigin: http://127.0.0.1:80\r\n"),
		"<CMD OK>\n$")
	check.match(get("/list", AUTH .. "Host: localhost\r\nSec-Fetch-Site: none\r\n"), "<CMD OK>\n$")
	check.match(get("/list", AUTH .. "Host: [::1]:80\r\n"), "<CMD OK>\n$")
	refused("405", request "PUT /kill/8 HTTP/1.1\r\n\r\n")
	refused("413", request("POST / HTTP/1.1\r\n" .. AUTH .. "Content-Length: 99999999\r\n\r\n"))
	refused("413", request("POST / HTTP/1.1\r\n" .. AUTH .. "\r\nlist"))
	refused("431", request("GET / HTTP/1.1\r\n" .. ("X: " .. ("y"):rep(200) .. "\r\n"):rep(60)))
end

local function lines_and_token()
	local fd = check.ok(socket.open("127.0.0.1", port))
	local function run(line)
		socket.write(fd, line .. "\n")
		local text = ""
		repeat
			local got = check.ok(socket.readline(fd))
			text = text .. got .. "\n"
		until got == "<CMD OK>" or got == "<CMD Error>"
		return text
	end
	check.match(run "list", "This console needs a token: auth <token>\n<CMD Error>\n$")
	check.match(run "auth wrong", "<CMD Error>\n$")
	check.match(run "list", "<CMD Error>\n$")
	check.equal(run "auth s3cret", "<CMD OK>\n")
	check.match(run "list", "\n<CMD OK>\n$")
	check.match(run "json getenv start", '^{"command":"getenv start","ok":true,"result":{"start":"[^"]+"}}\n<CMD OK>\n$')
	check.match(run "json ping .nosuch", '^{"command":"ping .nosuch","error":"[^"]+","ok":false}\n<CMD Error>\n$')
	check.match(run "help calls", "^calls %[ti%]\t")
	check.match(run "locks", "\n<CMD OK>\n$")
	socket.close(fd)
end

-- A megabyte without a line end: told, and closed.
local function endless_line()
	local answer = request(("x"):rep(1024 * 1024))
	check.match(answer, "A line may have 65536 bytes\n<CMD Error>\n$")
	check.match(get "/list", "<CMD OK>\n$")
end

local function pending_calls(subject)
	local block = check.background(skynet.call, subject, "lua", "block")
	skynet.sleep(3)
	local by_name = check.background(skynet.call, ".subject", "lua", "block")
	local own, callee = skynet.address(skynet.self()), skynet.address(subject)
	local text = get "/calls"
	local first = text:match("\n *(%d+%.%d+)  " .. own .. "  " .. callee .. " +lua +%d+  snlua")
	local second = text:match("\n *(%d+%.%d+)  " .. own .. "  %.subject +lua +%d+  snlua")
	check.ok(tonumber(first) >= tonumber(second) and tonumber(first) >= 0.02, text)
	check.match(text, "\n *age  caller     callee     type  session  from +to\n")
	local answer = get "/json/calls"
	check.match(answer, "^HTTP/1.1 200 OK\r\n.*Content%-Type: application/json\r\n")
	check.match(answer, '{"age":[%d%.]+,"callee":"' .. callee .. '","caller":"' .. own .. '",')
	skynet.kill(subject)
	check.ok(not check.outcome(block) and not check.outcome(by_name))
end

local function top(subject)
	local work = check.background(skynet.call, subject, "lua", "work", 2000)
	local text = get "/top/0.05/message/3"
	check.match(text, "\nservice +cpu  message  mqlen  memory  line\n:%x+ +%d+%.%d%%  +%d+/s +%d+ +%d+K  ")
	local _, lines = text:gsub("\n:%x+", "")
	check.equal(lines, 3)
	check.match(get "/top/0.02/colour", "sorted by cpu, message, mqlen or memory\n<CMD Error>\n$")
	check.outcome(work)
end

check.main(function()
	local subject = check.helper "subject"
	skynet.name(".subject", subject)
	skynet.newservice("debug_console", 0)
	port = tonumber(check.logs "Start debug console":match "at 127.0.0.1:(%d+)\n")
	plain_requests(subject)
	check.step "plain"
	refusals()
	check.step "refusals"
	lines_and_token()
	check.step "lines"
	endless_line()
	check.step "endless line"
	top(subject)
	check.step "top"
	pending_calls(subject)
end)
