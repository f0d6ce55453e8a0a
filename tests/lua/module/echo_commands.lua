-- The commands of a service that answers, fails on purpose, and notes what is pushed to it. Tests of
-- clusters and harbors serve them, with commands of their own.

local skynet = require "skynet"

local command = {}
local pushed = {}

function command.echo(...)
	return ...
end

function command.nothing() end

function command.fail()
	error "on purpose"
end

function command.size(text)
	return #text
end

function command.big(size)
	return string.rep("R", size)
end

-- Answers when `go` says the same word; `go` tells whether somebody waited.
function command.wait(word)
	skynet.wait(word)
	return word
end

function command.go(word)
	return skynet.wakeup(word)
end

function command.push(...)
	table.insert(pushed, { ... })
end

function command.pushed()
	return pushed
end

return command
