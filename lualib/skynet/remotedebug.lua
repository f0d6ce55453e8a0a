-- A debugger inside of a service. The debug command REMOTEDEBUG starts it with the socket of the
-- user, to which it writes, and a channel, from which it reads what the user types. It runs in a
-- coroutine beside the service's work, and looks at the channel twenty times a second.
--
-- `watch` stops the next message of a protocol at its first line: the coroutine yields out of a
-- line hook, and the service goes on with other messages until the user says how that one goes on.

local skynet = require "skynet"
local debugchannel = require "skynet.debugchannel"
local driver = require "skynet.socketdriver"
local injectcode = require "skynet.injectcode"
local internal = require "skynet.native.internal"

local M = {}

local OWN_SOURCE = debug.getinfo(1, "S").source

-- How long the debugger sleeps when nobody has typed anything, in centiseconds.
local PERIOD = 5

local active = false

-- Steps do not stop in the code of the framework.
local function is_framework(source)
	return source == OWN_SOURCE or source:find("^@ironsky:") or source:find("/lualib/skynet", 1, true)
end

local Session = {}
Session.__index = Session

function Session:write(text)
	driver.send(self.fd, text)
end

function Session:prompt()
	local stopped = self.stopped
	if stopped then
		self:write(string.format("%s(%d)>", stopped.source, stopped.line))
	else
		self:write(skynet.address(skynet.self()) .. ">")
	end
end

-- The number of frames above the function that called this.
local function depth()
	local level = 3
	while debug.getinfo(level, "l") do
		level = level + 1
	end
	return level
end

-- The line hook of a coroutine that is watched, called at the tail of the hook function: the frame
-- below is the one that has come to the line.
function Session:on_line(line)
	local info = debug.getinfo(2, "S")
	if is_framework(info.source) or depth() > self.depth then
		return false
	end
	self.stopped = {
		co = coroutine.running(),
		source = info.short_src,
		line = line,
		depth = depth(),
	}
	self:prompt()
	return true
end

-- Stops the coroutine at the next line in a function of at most this depth.
function Session:step(co, depth_max)
	self.depth = depth_max
	debugchannel.sethook(co, function(_, line)
		return self:on_line(line)
	end, "l")
end

-- The handler of a watched message has ended.
function Session:finished(co, ...)
	debugchannel.sethook(co)
	if active == self then
		self:prompt()
	end
	return ...
end

function Session:watch(name, condition)
	local protocol = skynet._proto[name]
	if not protocol then
		return "No " .. tostring(name)
	end
	local dispatch = self.watched[name] or protocol.dispatch
	if not dispatch then
		return "No dispatch"
	end
	self.watched[name] = dispatch
	skynet.dispatch(name, function(...)
		if condition and not condition(...) then
			return dispatch(...)
		end
		self.watched[name] = nil
		skynet.dispatch(name, dispatch)
		local co = coroutine.running()
		self:step(co, math.huge)
		return self:finished(co, dispatch(...))
	end)
end

local function print_values(output, ...)
	for i = 1, select("#", ...) do
		output[#output + 1] = tostring((select(i, ...))) .. "\t"
	end
end

-- Runs a line as an expression or as statements, in the frame that stands still if one does.
function Session:run(line)
	local output = {}
	local extra = {
		print = function(...)
			print_values(output, ...)
		end,
		watch = function(...)
			return self:watch(...)
		end,
	}
	local results
	if self.stopped then
		extra._CO = self.stopped.co
		results = table.pack(injectcode(line, self.stopped.co, 0, extra))
	else
		local env = setmetatable(extra, { __index = _ENV })
		local chunk, err = load("return " .. line, "=(debug)", "t", env)
		if not chunk then
			chunk, err = load(line, "=(debug)", "t", env)
		end
		results = chunk and table.pack(pcall(chunk)) or { false, err, n = 2 }
	end
	if results[1] then
		print_values(output, table.unpack(results, 2, results.n))
	else
		output[#output + 1] = tostring(results[2])
	end
	self:write(table.concat(output) .. "\n")
end

-- Lets the coroutine that stands still go on.
function Session:go_on(depth_max)
	local stopped = self.stopped
	self.stopped = nil
	if depth_max then
		self:step(stopped.co, depth_max)
	else
		debugchannel.sethook(stopped.co)
	end
	internal.go_on(stopped.co)
end

function Session:command(line)
	if self.stopped and line == "s" then
		return self:go_on(math.huge)
	elseif self.stopped and line == "n" then
		return self:go_on(self.stopped.depth)
	elseif self.stopped and line == "c" then
		return self:go_on()
	end
	self:run(line)
	self:prompt()
end

-- Removes what the session has put into the service.
function Session:close()
	active = false
	for name, dispatch in pairs(self.watched) do
		skynet.dispatch(name, dispatch)
	end
	if self.stopped then
		self:go_on()
	end
end

function Session:serve(channel)
	self:prompt()
	while true do
		local line = channel:read()
		if line == "cont" then
			return
		elseif line then
			self:command(line)
		else
			skynet.sleep(PERIOD)
		end
	end
end

-- Runs a session to its end. `export` is kept for callers of the reference's function.
function M.start(_, fd, pointer)
	if active then
		error "Already in debug mode"
	end
	local channel = debugchannel.connect(pointer)
	local session = setmetatable({ fd = fd, watched = {} }, Session)
	active = session
	skynet.error "Enter debug mode"
	local ok, err = pcall(session.serve, session, channel)
	session:close()
	skynet.error "Leave debug mode"
	if not ok then
		error(err, 0)
	end
end

return M
