-- The side of a fault run that calls: at a steady rate (config key `rate`, calls a second) until
-- the file of the key `stop` is there. Writes down when each call begins and ends (key `history`);
-- the lines are described in tests/faults/history.rs.

local skynet = require "skynet"
require "skynet.manager"

local RATE <const> = tonumber(skynet.getenv "rate")
local STOP <const> = skynet.getenv "stop"

-- Every so many calls are pushes, and every so many have an argument that travels in parts.
local PUSH <const> = 10
local LARGE <const> = 25
local ballast = string.rep("B", 40000)

local history = assert(io.open(skynet.getenv "history", "a"))
history:setvbuf "no"

local function note(number, ...)
	local now = math.floor(skynet.time() * 1000)
	history:write(table.concat({ now, number, ... }, " ") .. "\n")
end

local call, push
if skynet.getenv "harbor" == "0" then
	local cluster = require "skynet.cluster"
	skynet.init(function()
		cluster.reload { callee = skynet.getenv "callee" }
	end)
	function call(...)
		return cluster.call("callee", "@main", ...)
	end
	function push(...)
		cluster.send("callee", "@main", ...)
	end
else
	function call(...)
		return skynet.call("CALLEE", "lua", ...)
	end
	function push(...)
		skynet.send("CALLEE", "lua", ...)
	end
end

local pending = 0

local function make_call(number)
	note(number, "call")
	pending = pending + 1
	local ok, result = pcall(call, number, number % LARGE == 0 and ballast or nil)
	pending = pending - 1
	if ok and result == number then
		note(number, "ok")
	elseif ok then
		note(number, "wrong")
	else
		note(number, "failed", (string.gsub(tostring(result), "\n", " ")))
	end
end

local function make(number)
	if number % PUSH == 0 then
		note(number, "push")
		push(number)
	else
		skynet.fork(make_call, number)
	end
end

local function stopped()
	local file = io.open(STOP)
	if file then
		file:close()
	end
	return file ~= nil
end

skynet.start(function()
	-- No life of this node uses the numbers of another one.
	local begin, made = skynet.now(), 0
	local base = math.floor(skynet.time() * 100) * 10000
	skynet.error "CALLS"
	repeat
		local due = (skynet.now() - begin) * RATE // 100
		while made < due do
			made = made + 1
			make(base + made)
		end
		skynet.sleep(1)
	until stopped()
	while pending > 0 do
		skynet.sleep(1)
	end
	skynet.abort()
end)
