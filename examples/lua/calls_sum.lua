-- The Lua half of examples/native_service.rs: calls a service that is written in Rust.
local skynet = require "skynet"
require "skynet.manager"

skynet.start(function()
	while not skynet.localname ".sum" do
		skynet.sleep(1)
	end
	skynet.error("Lua added 2; the answer is", skynet.call(".sum", "lua", 1, 1))
	skynet.abort()
end)
