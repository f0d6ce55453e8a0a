-- skynet.injectcode: code in the middle of a function that runs or stands still.

local check = require "check"
local skynet = require "skynet"
local injectcode = require "skynet.injectcode"

local upvalue = 1

local function own(a, ...)
	local b = a + 1
	local results = table.pack(injectcode("return a, b, upvalue, select('#', ...)", nil, 1))
	check.results({ true, 1, 2, upvalue, 2 }, table.unpack(results, 1, results.n))
	check.results({ true }, injectcode("b = 10", nil, 1))
	check.equal(b, 10)
	check.results({ true }, injectcode("upvalue = 2", nil, 1))
	check.equal(upvalue, 2)
	local ok, err = injectcode("error 'thrown'", nil, 1)
	check.equal(ok, false)
	check.match(err, "thrown")
	ok, err = injectcode("this is no Lua", nil, 1)
	check.equal(ok, false)
	check.match(err, "syntax error")
	check.results({ false, "Invalid level" }, injectcode("return 1", nil, 100))
	-- Keeps the locals alive, and this frame on the stack.
	return upvalue, b, ...
end

check.main(function()
	own(1, "x", "y")
	local co = coroutine.create(function(a)
		local shadow = 1
		do
			local shadow = 2
			coroutine.yield()
			check.equal(shadow, 3)
		end
		return shadow + a
	end)
	check.ok(coroutine.resume(co, 5))
	check.results({ true, 5, 2 }, injectcode("return a, shadow", co, 1))
	check.results({ true, "extra" }, injectcode("return name", co, 1, { name = "extra" }))
	check.results({ true }, injectcode("shadow = 3; a = 7", co, 1))
	check.results({ true, 8 }, coroutine.resume(co))
end)
