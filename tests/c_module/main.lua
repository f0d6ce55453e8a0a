-- Uses the C module of probe.c in a service; c_module.rs runs this.

local check = require "check"
local skynet = require "skynet"
local probe = require "probe"

local function buffers()
	check.equal(probe.repeat_text("ab", 2), "ababend ab")
	local text = string.rep("x", 1000)
	check.equal(probe.repeat_text(text, 300), string.rep(text, 300) .. "end " .. text)
end

local function userdata()
	local counter = probe.counter(5)
	check.equal(counter:next(), 5)
	check.equal(counter:next(), 6)
	check.raises_like("probe.counter expected", counter.next, io.stdout)
	counter = nil
	collectgarbage()
	check.equal(probe.collected(), 1)
end

local function blocking(peer)
	check.results({ "answer", 1, 7 }, probe.call(skynet.call, peer, "lua", "answer", 1))
	check.results({ 7 }, probe.call(skynet.sleep, 1))
	check.results({ true, "answer", 2 }, probe.guard(skynet.call, peer, "lua", "answer", 2))
	local ok, err = probe.guard(function()
		skynet.sleep(1)
		error "after the sleep"
	end)
	check.equal(ok, false)
	check.match(err, "after the sleep$")
	check.raises("raised in C: why", probe.raise, "why")
end

local function payloads(peer)
	check.equal(probe.release(skynet.pack(true, "a")), 0x09 + 0x0c + string.byte "a")
	check.results({ "from C" }, skynet.unpack(skynet.packstring "from C"))
	local block, size = probe.allocate(skynet.packstring("sent from C", 3))
	check.results({ "sent from C", 3 }, skynet.unpack(skynet.rawcall(peer, "lua", block, size)))
end

local function states()
	check.equal(probe.elsewhere "return string.rep('x', 3) .. tostring(skynet)", "xxxnil")
	check.match(probe.elsewhere "error 'there'", "there$")
end

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, ...)
			skynet.retpack(...)
		end)
	end)
	return
end

check.main(function()
	local peer = check.helper "peer"
	buffers()
	check.step "buffers"
	userdata()
	check.step "userdata and metatables"
	blocking(peer)
	check.step "calls that yield and raise"
	payloads(peer)
	check.step "payloads change hands"
	states()
	check.step "another Lua state"
end)
