-- A resolver that leaves everything to the service .engine of the test, which also says what is to
-- be raised: "raise", text. The option `watch=1` lets it watch; with `keeps=1` it takes nothing back.

local skynet = require "skynet"

return function(argument, options)
	local resolver = { argument = argument }

	local function unless_raised(first, ...)
		if first == "raise" then
			error((...), 0)
		end
		return first, ...
	end

	local function ask(...)
		return unless_raised(skynet.call(".engine", "lua", ...))
	end

	function resolver:resolve(name)
		return ask("resolve", name)
	end

	function resolver:announce(name, address)
		return ask("announce", name, address)
	end

	if not options:text "keeps" then
		function resolver:withdraw(name)
			ask("withdraw", name)
		end
	end

	if options:text "watch" then
		function resolver:watch(changed, ready)
			ask "watch"
			ready()
			while true do
				changed(ask "change")
			end
		end
	end
	return resolver
end
