-- A handler that runs for seconds is reported, and skynet.endless says so once.
--! log: error: A message from [ :* ] to [ :* ] maybe in an endless loop (version = 

local check = require "check"
local skynet = require "skynet"

local mode = ...

if mode == "spinner" then
	check.serve {
		-- Spins until the monitor has noticed; two looks of 5 s are enough.
		spin = function()
			local stop = skynet.hpc() + 20000000000
			repeat
				for _ = 1, 1000000 do end
				if skynet.endless() then
					return true, skynet.endless()
				end
			until skynet.hpc() > stop
			return false
		end,
	}
	return
end

check.main(function()
	check.results({ true, false }, skynet.call(check.helper "spinner", "lua", "spin"))
end)
