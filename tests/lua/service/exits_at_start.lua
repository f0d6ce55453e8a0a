-- Exits in its start function.

local skynet = require "skynet"

skynet.start(skynet.exit)
