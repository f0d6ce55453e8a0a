-- The config key start may carry arguments.
--! config: start = "boot_arguments one two"

local check = require "check"

local arguments = table.pack(...)

check.main(function()
	check.same(arguments, { n = 2, "one", "two" })
end)
