-- The Lua half of examples/native_module.rs: uses a module that is written in Rust.
local skynet = require "skynet"
require "skynet.manager"
local words = require "words"

skynet.start(function()
	local list = words.split "two words"
	skynet.error("the second word is", list[2], "of", words.seen())
	skynet.abort()
end)
