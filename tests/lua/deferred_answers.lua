-- Answers kept in response closures and given all at once later.

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "keeper" then
	local kept = {}
	skynet.start(function()
		skynet.dispatch("lua", function(session, _, what)
			if what == "count" then
				return skynet.retpack(#kept)
			elseif session > 0 then
				kept[#kept + 1] = skynet.response()
				return
			end
			for i, respond in ipairs(kept) do
				if i % 2 == 1 then
					respond(true, i)
				else
					respond(false)
				end
			end
			kept = {}
		end)
	end)
	return
end

check.main(function()
	local keeper = check.helper "keeper"
	local calls = {}
	for i = 1, 6 do
		calls[i] = check.background(skynet.call, keeper, "lua", "keep")
	end
	check.equal(skynet.call(keeper, "lua", "count"), 6)
	for i = 1, 6 do
		check.ok(not calls[i].done)
	end
	skynet.send(keeper, "lua", "answer")
	for i = 1, 6 do
		local ok, value = check.outcome(calls[i])
		check.equal(ok, i % 2 == 1)
		if ok then
			check.equal(value, i)
		end
	end
end)
