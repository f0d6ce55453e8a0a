-- A message that runs for longer than it may is interrupted with an error; others are not.
--! config: message_limit = 2
--! log: interrupted: a message may run for 2 s (message_limit)
--! differs: the reference interrupts nothing

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "looper" then
	check.serve {
		loop = function()
			while true do end
		end,
		stubborn = function()
			local errors = {}
			repeat
				local _, err = pcall(function() while true do end end)
				errors[#errors + 1] = err
			until #errors == 3
			return errors
		end,
		nested = function()
			local ok, err = pcall(coroutine.wrap(function()
				while true do end
			end))
			return ok, err
		end,
		waits = function()
			skynet.sleep(230)
			return "done"
		end,
		short = function()
			return "short"
		end,
	}
	return
end

local TEXT = "interrupted: a message may run for 2 s %(message_limit%)$"

check.main(function()
	local looper, other = check.helper "looper", check.helper "looper"
	-- Waiting is no running.
	local waits = check.background(skynet.call, other, "lua", "waits")
	local loop = check.background(skynet.call, looper, "lua", "loop")
	check.results({ false, "call failed" }, check.outcome(loop))
	-- The service lives, and the next message has its own time.
	check.equal(skynet.call(looper, "lua", "short"), "short")
	check.results({ true, "done" }, check.outcome(waits))
	-- Code that catches the error is interrupted again.
	for _, err in ipairs(skynet.call(looper, "lua", "stubborn")) do
		check.match(err, TEXT)
	end
	local ok, err = skynet.call(looper, "lua", "nested")
	check.equal(ok, false)
	check.match(err, TEXT)
	-- One line for the one that nobody caught.
	local _, lines = check.log():gsub("lua call %[[^\n]*interrupted: ", "")
	check.equal(lines, 1)
end)
