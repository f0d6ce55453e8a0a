-- Checks for the conformance tests. A test file calls check.main with its body; the first check
-- that fails, in whatever service and coroutine, prints its place and ends the process.

local skynet = require "skynet"

local check = {}

-- Centiseconds that a condition may take on a loaded machine before it counts as a failure.
local PATIENCE = 2000

local function place(level)
	local info = debug.getinfo(level + 1, "Sl")
	return info.short_src .. ":" .. info.currentline
end

local function fail(level, text)
	print("FAILED " .. place(level + 1) .. ": " .. text)
	print(debug.traceback())
	io.stdout:flush()
	os.exit(1)
end

local function show(value, depth)
	if type(value) == "string" then
		return string.format("%q", value)
	elseif type(value) ~= "table" or depth == 0 then
		return tostring(value)
	end
	local parts = {}
	for k, v in pairs(value) do
		parts[#parts + 1] = "[" .. show(k, 0) .. "] = " .. show(v, (depth or 4) - 1)
	end
	table.sort(parts)
	return "{" .. table.concat(parts, ", ") .. "}"
end

local function same(a, b)
	if type(a) ~= "table" or type(b) ~= "table" then
		return a == b and math.type(a) == math.type(b)
	end
	for k, v in pairs(a) do
		if not same(v, b[k]) then
			return false
		end
	end
	for k in pairs(b) do
		if a[k] == nil then
			return false
		end
	end
	return true
end

local function note(text)
	return text and " (" .. text .. ")" or ""
end

function check.fail(text)
	fail(2, text)
end

function check.ok(value, text)
	if not value then
		fail(2, "expected a true value, got " .. tostring(value) .. note(text))
	end
	return value
end

function check.equal(got, want, text)
	if not (got == want and math.type(got) == math.type(want)) then
		fail(2, "expected " .. show(want) .. ", got " .. show(got) .. note(text))
	end
end

-- Compares tables by content.
function check.same(got, want, text)
	if not same(got, want) then
		fail(2, "expected " .. show(want) .. ", got " .. show(got) .. note(text))
	end
end

-- Compares a whole list of results: check.results({ n = 2, 1, nil }, f()).
function check.results(want, ...)
	local got = table.pack(...)
	want.n = want.n or #want
	if not same(got, want) then
		fail(2, "expected " .. show(want) .. ", got " .. show(got))
	end
end

function check.match(text, pattern)
	if type(text) ~= "string" or not text:find(pattern) then
		fail(2, "expected a match of " .. show(pattern) .. ", got " .. show(text))
	end
end

-- The error text must end with `suffix` (positions in front of it are nobody's business).
function check.raises(suffix, f, ...)
	local ok, err = pcall(f, ...)
	if ok then
		fail(2, "expected the error " .. show(suffix) .. ", got none")
	end
	if type(err) ~= "string" or err:sub(-#suffix) ~= suffix then
		fail(2, "expected an error that ends with " .. show(suffix) .. ", got " .. show(err))
	end
end

-- The error text must match `pattern`.
function check.raises_like(pattern, f, ...)
	local ok, err = pcall(f, ...)
	if ok then
		fail(2, "expected an error like " .. show(pattern) .. ", got none")
	end
	if type(err) ~= "string" or not err:find(pattern) then
		fail(2, "expected an error like " .. show(pattern) .. ", got " .. show(err))
	end
end

function check.step(name)
	print("ok " .. name)
end

-- Waits until f returns a true value and returns it; false after a long time is a failure.
function check.eventually(f, what)
	local last = skynet.now() + PATIENCE
	repeat
		local value = f()
		if value then
			return value
		end
		skynet.sleep(1)
	until skynet.now() > last
	fail(2, "never happened: " .. what)
end

-- Calls f again until it begins and ends in one tick, so that the timers that it set count from one
-- time; returns what that call returned. What f started before goes on.
function check.in_one_tick(f)
	local last = skynet.now() + PATIENCE
	while true do
		local begun = skynet.now()
		local result = table.pack(f())
		if skynet.now() == begun then
			return table.unpack(result, 1, result.n)
		elseif begun > last then
			fail(2, "it never began and ended in one tick")
		end
	end
end

-- A list of events with a check of all of them: t("a"); t:equal "a b c".
local transcript = {}
transcript.__index = transcript

function transcript:__call(event)
	self[#self + 1] = tostring(event)
end

function transcript:text()
	return table.concat(self, " ")
end

function transcript:equal(want)
	if self:text() ~= want then
		fail(2, "expected the events\n  " .. want .. "\ngot\n  " .. self:text())
	end
end

function transcript:wait(count)
	local last = skynet.now() + PATIENCE
	while #self < count do
		if skynet.now() > last then
			fail(2, "expected " .. count .. " events, got " .. self:text())
		end
		skynet.sleep(1)
	end
end

function check.transcript()
	return setmetatable({}, transcript)
end

local function read_log()
	local file = assert(io.open(skynet.getenv "logger"))
	local text = file:read "a"
	file:close()
	return text
end

local marks = 0

-- Returns the log up to now: everything that happened before this call is in it.
function check.log()
	marks = marks + 1
	local mark = "mark " .. marks .. " of " .. skynet.address(skynet.self())
	skynet.error(mark)
	local text
	check.eventually(function()
		text = read_log()
		return text:find(mark .. "\n", 1, true)
	end, "log line " .. mark)
	return text
end

-- Returns the log as soon as it matches a pattern. A service tells the caller of its error before
-- it logs it, so who was told waits for the line.
function check.logs(pattern)
	local last = skynet.now() + PATIENCE
	repeat
		local text = check.log()
		if text:find(pattern) then
			return text
		end
		skynet.sleep(1)
	until skynet.now() > last
	fail(2, "no match of " .. show(pattern) .. " in the log")
end

-- Returns the position of a plain text in the log, which must be there once.
function check.logged(plain)
	local text = check.logs((plain:gsub("%p", "%%%0")))
	local from, to = text:find(plain, 1, true)
	if text:find(plain, to + 1, true) then
		fail(2, "more than once in the log: " .. plain)
	end
	return from
end

function check.not_logged(plain)
	if check.log():find(plain, 1, true) then
		fail(2, "in the log: " .. plain)
	end
end

-- A port that nothing listens on. It is not among those that the system gives to connections that
-- go out and to who listens on port 0, so nobody takes it by chance.
function check.free_port(host)
	local socket = require "skynet.socket"
	local first = skynet.hpc() // 1000
	for offset = 0, 19999 do
		local port = 12000 + (first + offset) % 20000
		local ok, id = pcall(socket.listen, host or "127.0.0.1", port)
		if ok and id then
			socket.close(id)
			return port
		end
	end
	fail(2, "there is no free port")
end

-- Starts a second instance of the running test file with `mode` as its first argument.
function check.helper(mode, ...)
	return skynet.newservice(SERVICE_NAME, mode, ...)
end

-- Runs f in a coroutine of its own up to where it blocks; the result table gets `done`, `ok` and
-- the values when it ends.
function check.background(f, ...)
	local result = {}
	skynet.fork(function(...)
		local r = table.pack(pcall(f, ...))
		result.ok = r[1]
		result.values = table.pack(table.unpack(r, 2, r.n))
		result.done = true
	end, ...)
	skynet.yield()
	return result
end

-- The result of check.background, waited for.
function check.outcome(result)
	local last = skynet.now() + PATIENCE
	while not result.done do
		if skynet.now() > last then
			fail(2, "a call never returned")
		end
		skynet.sleep(1)
	end
	return result.ok, table.unpack(result.values, 1, result.values.n)
end

local function body(f)
	local ok, err = xpcall(f, debug.traceback)
	if not ok then
		print("FAILED with an error: " .. tostring(err))
		io.stdout:flush()
		os.exit(1)
	end
	check.log()
	print "PASS"
	io.stdout:flush()
	require("skynet.core").command "ABORT"
end

function check.main(f)
	skynet.start(function()
		body(f)
	end)
end

-- Does what commands say that are sent to this service: { name = function(...) ... end }.
function check.dispatch(commands)
	skynet.dispatch("lua", function(session, _, name, ...)
		local command = assert(commands[name], name)
		if session == 0 then
			command(...)
		else
			skynet.retpack(command(...))
		end
	end)
end

-- A service that does nothing else.
function check.serve(commands)
	skynet.start(function()
		check.dispatch(commands)
	end)
end

return check
