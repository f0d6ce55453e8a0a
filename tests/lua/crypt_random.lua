-- skynet.crypt.randomkey: eight bytes that are different each time, and never of xor 0.
--! differs: there one key in 512 has the xor 0

local check = require "check"
local crypt = require "skynet.crypt"

check.main(function()
	local seen = {}
	for _ = 1, 5000 do
		local key = crypt.randomkey()
		check.equal(#key, 8)
		local xor = 0
		for i = 1, 8 do
			xor = xor ~ key:byte(i)
		end
		check.ok(xor ~= 0, "the xor of a key")
		check.ok(not seen[key], "a key comes once")
		seen[key] = true
	end
end)
