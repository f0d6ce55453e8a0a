-- require "lpeg" without the library says how to get it.
--! differs: there it is part of the checkout

local check = require "check"

check.main(function()
	local found = package.searchpath("lpeg", package.cpath)
	if found then
		check.equal(type(require("lpeg").P), "function")
		return
	end
	check.raises_like("lpeg.so where lua_cpath of the config finds it", require, "lpeg")
end)
