-- Random actions of many tasks in several services for a while: every call that can end does, and
-- the services still work afterwards. The seed is printed.
--! differs: calls that are lost there for good are answered here

local check = require "check"
local skynet = require "skynet"
local queue = require "skynet.queue"
local nested = require "skynet.coroutine"

local SERVICES = 4
local TASKS = 40
local ROUNDS = 40

local random = math.random

local function closing(f)
	return setmetatable({}, { __close = f })
end

local function service()
	local peers = {}
	local tasks = {}
	local owed = {}
	local sections = { queue(), queue() }
	local action = {}
	local names

	local function act(depth)
		return action[names[random(#names)]](depth or 0)
	end

	local function peer()
		return peers[random(#peers)] or skynet.self()
	end

	function action.answer()
		return random(100)
	end

	function action.sleep()
		skynet.sleep(random(0, 2))
	end

	function action.yield()
		skynet.yield()
	end

	function action.fork(depth)
		tasks[random(20)] = skynet.fork(function()
			if depth < 3 then
				act(depth + 1)
			end
		end)
	end

	function action.timeout(depth)
		tasks[random(20)] = skynet.timeout(random(0, 2), function()
			if depth < 3 then
				act(depth + 1)
			end
		end)
	end

	function action.kill()
		local co = tasks[random(20)]
		if co then
			skynet.killthread(co)
		end
	end

	function action.wakeup()
		local co = tasks[random(20)]
		skynet.wakeup(co or "token")
	end

	function action.wait()
		local token = "token" .. random(5)
		skynet.fork(function()
			skynet.sleep(random(0, 2))
			skynet.wakeup(token)
		end)
		-- Somebody may sleep on it already.
		pcall(skynet.sleep, 3, token)
	end

	function action.raise()
		error(random(2) == 1 and "chaos" or { "chaos" })
	end

	function action.catch(depth)
		if depth < 3 then
			pcall(act, depth + 1)
		end
	end

	function action.close(depth)
		local _ <close> = closing(function()
			if random(4) == 1 then
				error "chaos in closing"
			elseif depth < 3 and random(2) == 1 then
				pcall(act, depth + 1)
			end
		end)
		if depth < 3 then
			act(depth + 1)
		end
	end

	function action.section(depth)
		if depth < 2 then
			sections[random(2)](act, depth + 1)
		end
	end

	function action.nested(depth)
		if depth < 3 then
			nested.wrap(act)(depth + 1)
		end
	end

	function action.plain(depth)
		if depth < 3 then
			local co = coroutine.create(act)
			coroutine.resume(co, depth + 1)
			if random(2) == 1 then
				coroutine.resume(co)
			end
			if random(2) == 1 then
				coroutine.close(co)
			end
		end
	end

	function action.sort(depth)
		if depth < 3 then
			pcall(table.sort, { 1, 2, 3 }, function(a, b)
				act(depth + 1)
				return a < b
			end)
		end
	end

	function action.collect()
		setmetatable({}, { __gc = function()
			pcall(act, 3)
		end })
		if random(10) == 1 then
			collectgarbage()
		end
	end

	function action.send()
		skynet.send(peer(), "lua", "act")
	end

	function action.call(depth)
		if depth < 2 then
			skynet.call(peer(), "lua", "act", depth + 1)
		end
	end

	function action.select(depth)
		if depth < 2 then
			local requests = skynet.request()
			for _ = 1, random(3) do
				requests:add { peer(), "lua", "act", depth + 1 }
			end
			for _ in requests:select(random(0, 3)) do
				if random(3) == 1 then
					break
				end
			end
		end
	end

	function action.owe()
		owed[random(5)] = random(2) == 1 and coroutine.running() or nil
	end

	names = {}
	for name in pairs(action) do
		names[#names + 1] = name
	end
	table.sort(names)

	skynet.start(function()
		skynet.dispatch("lua", function(session, _, what, ...)
			if what == "peers" then
				peers = ...
				return skynet.ret()
			elseif what == "ping" then
				return skynet.retpack "pong"
			end
			local depth = ... or 0
			if session ~= 0 and random(5) == 1 then
				local respond = skynet.response()
				skynet.timeout(random(0, 2), function()
					respond(random(2) == 1, depth)
				end)
				return act(depth)
			end
			local ok, err = pcall(act, depth)
			if session ~= 0 then
				skynet.ret()
			end
			assert(ok, err)
		end)
	end)
end

local mode, seed = ...
if mode == "service" then
	math.randomseed(tonumber(seed))
	return service()
end

check.main(function()
	local first = tonumber(skynet.getenv "chaos_seed") or os.time()
	print("seed", first)
	local services = {}
	for i = 1, SERVICES do
		services[i] = check.helper("service", first + i)
	end
	for i = 1, SERVICES do
		skynet.call(services[i], "lua", "peers", services)
	end
	math.randomseed(first)
	local left = TASKS
	for _ = 1, TASKS do
		skynet.fork(function()
			for _ = 1, ROUNDS do
				-- A killed or stuck task answers late or never; nobody waits for long.
				local requests = skynet.request { services[random(SERVICES)], "lua", "act" }
				for _ in requests:select(20) do
				end
			end
			left = left - 1
		end)
	end
	check.eventually(function() return left == 0 end, "the end of the chaos")
	for i = 1, SERVICES do
		check.equal(skynet.call(services[i], "lua", "ping"), "pong")
	end
end)
