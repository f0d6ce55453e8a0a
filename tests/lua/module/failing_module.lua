-- Waits in its main function, then fails.

local skynet = require "skynet"

skynet.wait "failing_module"
error "the module failed"
