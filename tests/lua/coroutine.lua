-- skynet.coroutine: coroutines inside a task that may block.

local check = require "check"
local skynet = require "skynet"
local co = require "skynet.coroutine"
local profile = require "skynet.profile"

local mode = ...

if mode == "echo" then
	check.serve {
		echo = function(...)
			skynet.sleep(1)
			return ...
		end,
	}
	return
end

local function generators()
	local function count(n)
		for i = 1, n do
			co.yield(i)
		end
		return "end"
	end
	local c = co.create(count)
	check.equal(co.status(c), "suspended")
	check.results({ true, 1 }, co.resume(c, 2))
	check.results({ true, 2 }, co.resume(c))
	check.results({ true, "end" }, co.resume(c))
	check.equal(co.status(c), "dead")
	check.results({ false, "cannot resume dead coroutine" }, co.resume(c))
	local f = co.wrap(count)
	check.equal(f(1), 1)
	check.equal(f(), "end")
	local got = {}
	local g = co.wrap(function(a, b)
		got[1] = { a, b }
		got[2] = table.pack(co.yield(a + b))
		return "x", nil
	end)
	check.equal(g(1, 2), 3)
	check.results({ n = 2, "x" }, g(nil, 5))
	check.same(got, { { 1, 2 }, { n = 2, nil, 5 } })
end

local function errors()
	local c = co.create(function() error("inside", 0) end)
	check.results({ false, "inside" }, co.resume(c))
	check.equal(co.status(c), "dead")
	check.raises_like("wrapped", co.wrap(function() error "wrapped" end))
	check.results({ false, "cannot resume none skynet coroutine" },
		co.resume(coroutine.create(print)))
	check.results({ false, "cannot resume none skynet coroutine" },
		co.resume((coroutine.running())))
end

local function blocking_inside(echo)
	local c = co.create(function(...)
		local a = skynet.call(echo, "lua", "echo", ...)
		local b = co.yield(a)
		skynet.sleep(1)
		return b, skynet.call(echo, "lua", "echo", "last")
	end)
	check.results({ true, "first" }, co.resume(c, "first"))
	check.equal(co.status(c), "suspended")
	check.results({ true, "second", "last" }, co.resume(c, "second"))
end

local function blocked_coroutines_are_not_resumed()
	local c = co.create(function()
		skynet.wait "inner"
		return "done"
	end)
	local outer = check.background(co.resume, c)
	check.equal(co.status(c), "blocked")
	check.results({ false, "cannot resume a skynet coroutine suspend by skynet framework" },
		co.resume(c))
	skynet.wakeup "inner"
	check.results({ true, true, "done" }, check.outcome(outer))
	check.equal(co.status(c), "dead")
end

local function nested_chains(echo)
	local function level(n)
		if n == 0 then
			return skynet.call(echo, "lua", "echo", "deep")
		end
		local inner = co.wrap(level)
		return inner(n - 1)
	end
	check.equal(co.wrap(level)(5), "deep")
end

local function threads()
	local root = coroutine.running()
	local thread, is_root = co.thread()
	check.equal(thread, root)
	check.equal(is_root, true)
	co.wrap(function()
		local t, flag = co.thread()
		check.equal(t, root)
		check.equal(flag, false)
		check.equal(co.running() ~= root, true)
		check.equal(co.isyieldable(), true)
	end)()
	local plain = coroutine.create(print)
	check.results({ plain, true }, co.thread(plain))
end

local function requests_inside()
	skynet.dispatch("lua", function(session, source)
		local c = co.wrap(function()
			local s, a = skynet.context()
			check.equal(s, session)
			check.equal(a, source)
			skynet.sleep(0)
			skynet.retpack "from inside"
		end)
		c()
	end)
	check.equal(skynet.call(skynet.self(), "lua"), "from inside")
end

local function yield_outside_raises()
	local done = check.background(function()
		co.yield()
	end)
	check.ok(not done.done)
	check.logs "Call skynet%.coroutine%.yield out of skynet%.coroutine%.resume"
end

local function the_inner_coroutine_is_the_token()
	local inner
	local c = co.create(function()
		inner = coroutine.running()
		return skynet.sleep(100000)
	end)
	local outer = check.background(co.resume, c)
	check.equal(skynet.wakeup(inner), true)
	check.results({ true, true, "BREAK" }, check.outcome(outer))
end

local function closing()
	local c = co.create(function() co.yield() end)
	co.resume(c)
	check.results({ true }, co.close(c))
	check.equal(co.status(c), "dead")
end

local function profiling()
	local function burn()
		for _ = 1, 1000000 do end
	end
	profile.start()
	check.raises_like("start profile more than once", profile.start)
	skynet.sleep(2)
	co.wrap(burn)()
	local time = profile.stop()
	check.equal(math.type(time), "float")
	check.ok(time > 0 and time < 10, time)
	check.raises_like("Call profile.start%(%) before profile.stop%(%)", profile.stop)
	local c = coroutine.create(burn)
	profile.start(c)
	check.equal(coroutine.resume(c), true)
	check.ok(profile.stop(c) > 0)
end

check.main(function()
	local echo = check.helper "echo"
	generators()
	errors()
	blocking_inside(echo)
	blocked_coroutines_are_not_resumed()
	nested_chains(echo)
	threads()
	requests_inside()
	yield_outside_raises()
	the_inner_coroutine_is_the_token()
	closing()
	profiling()
end)
