-- Who cannot listen is told why: the error is skynet's, the log has address and reason.
--! differs: there the log does not say why
--! log: error: cannot listen on 127.0.0.1:

local check = require "check"
local socket = require "skynet.socket"

check.main(function()
	local id, _, port = socket.listen("127.0.0.1", 0)
	check.raises("Listen error", socket.listen, "127.0.0.1", port)
	check.logs("cannot listen on 127%.0%.0%.1:" .. port .. ": Address already in use")
	socket.close(id)
end)
