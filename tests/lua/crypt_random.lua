-- skynet.crypt where the reference does not keep its word: a random key is eight bytes that are
-- different each time and never of xor 0, and hex digits are digits.
--! differs: there one key in 512 has the xor 0, and 'g' and '`' are hex digits

local check = require "check"
local crypt = require "skynet.crypt"

check.main(function()
	check.raises("Invalid hex text", crypt.hexdecode, "0g")
	check.raises("Invalid hex text", crypt.hexdecode, "`0")
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
