-- skynet.request and select: many requests at once.

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "peer" then
	local command = {}

	function command.echo(...)
		skynet.retpack(...)
	end

	function command.sleep(ti, ...)
		skynet.sleep(ti)
		skynet.retpack(ti, ...)
	end

	function command.hold(token, ...)
		skynet.wait(token or "held")
		skynet.retpack("released", ...)
	end

	function command.release(token)
		skynet.retpack(skynet.wakeup(token or "held"))
	end

	function command.fail()
		error "asked to fail"
	end

	skynet.start(function()
		skynet.dispatch("lua", function(_, _, name, ...)
			command[name](...)
		end)
	end)
	return
end

local DEAD = 0x00fffff0

local peer

local function answers_in_order_of_arrival()
	local reqs = skynet.request()
	for i = 4, 1, -1 do
		check.equal(reqs:add { peer, "lua", "hold", "answer" .. i, i, token = "t" .. i }, reqs)
	end
	skynet.fork(function()
		for i = 1, 4 do
			check.eventually(function()
				return skynet.call(peer, "lua", "release", "answer" .. i)
			end, "the request has come")
		end
	end)
	local events = check.transcript()
	for req, resp in reqs:select() do
		check.same(resp, { n = 2, "released", req[5] })
		events(req.token)
	end
	events:equal "t1 t2 t3 t4"
	check.equal(reqs.timeout, nil)
end

local function chained_literals()
	local count = 0
	local loop = skynet.request { peer, "lua", "echo", 1 } { peer, "lua", "echo", nil, 2, nil, n = 6 }
	for req, resp in loop:select(100000) do
		count = count + 1
		if req[4] then
			check.same(resp, { n = 1, 1 })
		else
			check.same(resp, { n = 3, nil, 2 })
		end
	end
	check.equal(count, 2)
end

local function invalid_destinations_come_first()
	local reqs = skynet.request { DEAD, "lua", id = "a" }
	reqs { peer, "lua", "echo", id = "b" }
	reqs { ".nobody", "lua", id = "c" }
	local events = check.transcript()
	for req, resp in reqs:select() do
		events(req.id .. ":" .. type(resp))
	end
	events:equal "c:nil a:nil b:table"
end

local function failures_are_false()
	local reqs = skynet.request { peer, "lua", "fail", id = "handler" }
	reqs { peer, "nothing handles this", "x" }
	check.raises_like("index", reqs.select, reqs)
	reqs = skynet.request { peer, "lua", "fail" } { peer, "lua", "echo", 1 }
	local failed, answered = 0, 0
	for req, resp in reqs:select() do
		if req[3] == "fail" then
			check.equal(resp, false)
			failed = failed + 1
		else
			answered = answered + 1
		end
	end
	check.equal(failed, 1)
	check.equal(answered, 1)
end

local function death_fails_requests()
	local mortal = check.helper "peer"
	local reqs = skynet.request { mortal, "lua", "hold" } { mortal, "lua", "sleep", 100000 }
	local iterator, a, b, closing = reqs:select()
	check.equal(a, nil)
	check.equal(b, nil)
	check.equal(closing, reqs)
	skynet.term(mortal)
	for _ = 1, 2 do
		local req, resp = iterator()
		check.ok(req)
		check.equal(resp, false)
	end
	check.equal(iterator(), nil)
end

local function timeouts_end_the_loop()
	local reqs = skynet.request { peer, "lua", "echo", "fast" } { peer, "lua", "hold" }
	local start = skynet.now()
	local events = check.transcript()
	for _, resp in reqs:select(100) do
		events(resp[1])
	end
	check.ok(skynet.now() - start >= 100)
	events:equal "fast"
	check.equal(reqs.timeout, true)
	skynet.call(peer, "lua", "release")
	skynet.call(peer, "lua", "echo")
	check.not_logged "Unknown session"
end

local function answers_are_kept_while_the_body_blocks()
	local reqs = skynet.request { peer, "lua", "sleep", 1 } { peer, "lua", "sleep", 2 }
	reqs { peer, "lua", "sleep", 3 } { peer, "lua", "hold" }
	local count = 0
	for _, resp in reqs:select(100) do
		check.ok(resp)
		count = count + 1
		if count == 1 then
			skynet.sleep(120)
		end
	end
	check.equal(count, 3)
	check.equal(reqs.timeout, true)
	skynet.call(peer, "lua", "release")
end

local function leaving_the_loop_closes()
	local reqs = skynet.request { peer, "lua", "hold" } { peer, "lua", "echo", "x" }
	for _, resp in reqs:select() do
		check.same(resp, { n = 1, "x" })
		break
	end
	skynet.call(peer, "lua", "release")
	skynet.call(peer, "lua", "echo")
	check.not_logged "Unknown session"
end

local function close_ends_the_iterator()
	local reqs = skynet.request { peer, "lua", "hold" }
	local iterator = reqs:select()
	reqs:close()
	check.equal(iterator(), nil)
	skynet.call(peer, "lua", "release")
	do
		local other <close> = skynet.request { peer, "lua", "echo" }
		other:select()
	end
end

local function the_object_is_the_wakeup_token()
	local reqs = skynet.request { peer, "lua", "hold" }
	local done = check.background(function()
		for _, resp in reqs:select() do
			return resp[1]
		end
	end)
	check.raises("token duplicative", skynet.wait, reqs)
	skynet.call(peer, "lua", "release")
	check.results({ true, "released" }, check.outcome(done))
end

local function misuse()
	check.raises("assertion failed!", skynet.request, "text")
	local reqs = skynet.request { peer, "lua", "echo" }
	check.raises("assertion failed!", reqs.add, reqs, 5)
	for _ in reqs:select() do end
	check.raises("assertion failed!", reqs.select, reqs)
	check.raises("assertion failed!", reqs.add, reqs, { peer, "lua", "echo" })
	skynet.register_protocol { name = "no unpack", id = 90, pack = tostring }
	skynet.register_protocol { name = "no pack", id = 91, unpack = skynet.tostring }
	reqs = skynet.request { peer, "no unpack", "x" }
	check.raises("assertion failed!", reqs.select, reqs)
	reqs = skynet.request { peer, "no pack", "x" }
	check.raises_like("attempt to call a nil value", reqs.select, reqs)
	for _ in skynet.request():select() do
		check.fail "an empty request has no answers"
	end
end

check.main(function()
	peer = check.helper "peer"
	answers_in_order_of_arrival()
	chained_literals()
	invalid_destinations_come_first()
	failures_are_false()
	death_fails_requests()
	check.step "answers and failures"
	timeouts_end_the_loop()
	answers_are_kept_while_the_body_blocks()
	leaving_the_loop_closes()
	close_ends_the_iterator()
	the_object_is_the_wakeup_token()
	check.step "timeouts and closing"
	misuse()
end)
