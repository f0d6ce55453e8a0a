-- Bytes that nobody packed, as requests, answers, and messages of the runtime's own types: each
-- requester learns how it went, and the service goes on.
--! differs: a request that does not unpack leaves its caller waiting

local check = require "check"
local skynet = require "skynet"
local core = require "skynet.core"

if ... == "victim" then
	skynet.start(function()
		skynet.dispatch("lua", function(session, _, ...)
			if session ~= 0 then
				if ... == "raw" then
					skynet.ret((select(2, ...)))
				else
					skynet.retpack(...)
				end
			end
		end)
	end)
	return
end

local victim

local VALID = skynet.packstring({ 1, 2, nested = { "text", [3] = 1.5 } }, -1, string.rep("s", 40),
	1 << 40, true, nil, false)

local function samples(f)
	for length = 0, #VALID do
		f(VALID:sub(1, length))
	end
	local seed = os.time()
	print("seed", seed)
	math.randomseed(seed)
	for _ = 1, 2000 do
		local bytes = {}
		for i = 1, math.random(20) do
			-- No light userdata (type 3): those are pointers by design.
			repeat
				bytes[i] = math.random(0, 255)
			until bytes[i] & 7 ~= 3
		end
		f(string.char(table.unpack(bytes)))
	end
	f(string.rep("\xfe", 1000))
	f("\xfe\x32\xff\xff\xff\xff\xff\xff\xff\x7f")
	f("\xfe\x22\xff\xff\xff\x7f")
	f("\x25\xff\xff\xff\xff")
	f(string.rep("\x0e", 100000))
end

local function is_decoder_text(err)
	return err:find "Invalid serialize stream" or err:find "index is nil" or err:find "index is NaN"
		or err:find "call failed"
end

local function requests()
	local failed, answered = 0, 0
	samples(function(bytes)
		local ok, err = pcall(skynet.rawcall, victim, "lua", bytes)
		if ok then
			answered = answered + 1
		else
			check.match(err, "call failed$")
			failed = failed + 1
		end
		core.send(victim, skynet.PTYPE_LUA, 0, bytes)
	end)
	check.ok(failed > 100 and answered > 10, failed .. " " .. answered)
end

local function answers()
	samples(function(bytes)
		local ok, err = pcall(skynet.call, victim, "lua", "raw", bytes)
		if not ok then
			check.ok(is_decoder_text(err), err)
		end
	end)
end

local function other_types()
	for _, kind in ipairs {
		"TEXT", "MULTICAST", "CLIENT", "SYSTEM", "HARBOR", "SOCKET", "QUEUE", "DEBUG", "SNAX",
		"TRACE", "ERROR", "RESPONSE",
	} do
		for _, session in ipairs { 0, 1, 100000, -1, 0x7fffffff, -0x80000000 } do
			for _, bytes in ipairs { "", "x", VALID, "\xff\xff\xff\xff" } do
				core.send(victim, skynet["PTYPE_" .. kind], session, bytes)
				core.redirect(victim, 0x00ffffff, skynet["PTYPE_" .. kind], session, bytes)
			end
		end
		check.equal(skynet.call(victim, "lua", kind), kind)
	end
end

check.main(function()
	victim = check.helper "victim"
	-- What the victim bounces comes back as errors of sends that nobody made.
	requests()
	check.equal(skynet.call(victim, "lua", "alive"), "alive")
	check.step "requests"
	answers()
	check.equal(skynet.call(victim, "lua", "alive"), "alive")
	check.step "answers"
	other_types()
	check.step "other types"
end)
