-- A log for lines that strangers cause: gates, login servers and cluster links write through it, so
-- that nobody outside can fill the disk. The function of this module returns a function like skynet.error with
-- one text, which passes on so many lines a second and counts the others.

local skynet = require "skynet"

local LINES_A_SECOND <const> = 10

return function()
	local second, written, dropped = 0, 0, 0
	return function(text)
		local now = skynet.now() // 100
		if now ~= second then
			if dropped > 0 then
				skynet.error(string.format("%d more such lines", dropped))
			end
			second, written, dropped = now, 0, 0
		end
		if written < LINES_A_SECOND then
			written = written + 1
			skynet.error(text)
		else
			dropped = dropped + 1
		end
	end
end
