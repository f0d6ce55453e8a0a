-- A message for a service that has its address but has not begun: it waits for the first one, which
-- says what the service is. So it is with a node that is started again, whose peers still call the
-- services that it had.
--! differs: an assertion of the reference ends the process

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

local ROUNDS <const> = 20
local SENDS <const> = 20000

local mode = ...

if mode == "hammer" then
	-- Sends to an address that is about to be used.
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, address)
			skynet.ret()
			for _ = 1, SENDS do
				skynet.send(address, "lua", "early")
			end
		end)
	end)
elseif mode == "victim" then
	check.serve {
		early = function() end,
		ping = function()
			return "pong"
		end,
	}
else
	check.main(function()
		local hammer = check.helper "hammer"
		local last = hammer
		for _ = 1, ROUNDS do
			skynet.call(hammer, "lua", last + 1)
			last = check.ok(skynet.launch("snlua", "early_message", "victim"), "the victim starts")
			check.eventually(function()
				local ok, answer = pcall(skynet.call, last, "lua", "ping")
				return ok and answer == "pong"
			end, "the victim comes up")
		end
	end)
end
