-- `skynet.request`: many requests at once, answers in the order of their arrival.
-- Loaded by skynet.lazy.api.

local skynet = require "skynet"
local core = require "skynet.core"
local internal = require "skynet.native.internal"

local request = {}
request.__index = request

function request:add(req)
	assert(type(req) == "table" and not self.selected)
	self[#self + 1] = req
	return self
end

request.__call = request.add

-- Tells the answer to the iterator; it is kept when the loop body blocks at present.
local function arrive(self, session, req, answer)
	self.pending[session] = nil
	self.arrived[#self.arrived + 1] = { req, answer }
	skynet.wakeup(self)
end

local function announce_trace(address)
	local tag = skynet.tracetag()
	if tag then
		skynet.tracelog(tag, "call", 5)
		core.send(address, skynet.PTYPE_TRACE, 0, tag)
	end
end

-- Returns the session, or nothing when the destination does not exist.
local function send(self, req)
	local protocol = skynet._proto[req[2]]
	local unpack = assert(protocol.unpack)
	announce_trace(req[1])
	local address = req[1]
	local session =
		core.send(address, protocol.id, nil, protocol.pack(table.unpack(req, 3, req.n)))
	if not session then
		return
	end
	-- Only a number tells whose end would fail the request.
	local callee = math.type(address) and address or nil
	internal.expect(session, function(ok, msg, sz)
		if not ok then
			return arrive(self, session, req, false)
		end
		local answer = table.pack(pcall(unpack, msg, sz))
		if not answer[1] then
			arrive(self, session, req, false)
			error(answer[2], 0)
		end
		arrive(self, session, req, table.pack(table.unpack(answer, 2, answer.n)))
	end, callee)
	return session
end

local function send_all(self)
	local invalid = {}
	for i = 1, #self do
		local req = self[i]
		local session = send(self, req)
		if session then
			self.pending[session] = true
		else
			table.insert(invalid, 1, { req, nil })
		end
	end
	self.arrived = table.move(self.arrived, 1, #self.arrived, #invalid + 1, invalid)
end

-- Returns the next request and its answer; nothing at the end.
local function next_answer(self)
	while not self.closed do
		local head = self.head
		local item = self.arrived[head]
		if item then
			self.arrived[head] = false
			self.head = head + 1
			return item[1], item[2]
		elseif not next(self.pending) then
			return
		elseif self.expired then
			self.timeout = true
			return
		end
		skynet.wait(self)
	end
end

function request:select(timeout)
	assert(not self.selected)
	self.selected = true
	self.pending = {}
	self.arrived = {}
	self.head = 1
	send_all(self)
	if timeout then
		skynet.timeout(timeout, function()
			self.expired = true
			skynet.wakeup(self)
		end)
	end
	return function()
		return next_answer(self)
	end, nil, nil, self
end

-- Gives up what is outstanding: late answers and errors are dropped.
function request:close()
	if self.closed or not self.selected then
		return
	end
	self.closed = true
	for session in pairs(self.pending) do
		internal.forget(session)
	end
	self.pending = {}
	skynet.wakeup(self)
end

request.__close = request.close

return function(req)
	local self = setmetatable({}, request)
	if req then
		self:add(req)
	end
	return self
end
