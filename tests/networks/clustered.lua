-- A snax service that other nodes may call.

local snax = require "skynet.snax"

function response.twice(number)
	return 2 * number
end

function init()
	snax.enablecluster()
end
