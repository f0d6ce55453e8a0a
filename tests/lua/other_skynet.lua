-- A library directory with a `skynet` written in Lua brings the parts that go with it.
--! differs: all of it is Lua files there, and the first one found is taken

local check = require "check"
local skynet = require "skynet"

local tests = debug.getinfo(1, "S").source:match "^@(.*/)"

local function require_with(folder)
	local path = package.path
	package.path = tests .. folder .. "/?.lua;" .. path
	package.loaded["skynet.coroutine"] = nil
	local module = require "skynet.coroutine"
	package.path = path
	return module
end

check.main(function()
	local native = require "skynet.coroutine"
	check.equal(type(native.status), "function")
	check.equal(require_with("module").name, nil)
	check.step "a file that is not beside skynet is passed over"

	check.equal(require_with("library").name, "its coroutines")
	check.equal(require "skynet", skynet)
	check.step "a file beside another skynet is taken"
end)
