-- A snax service of the tests: a room that keeps what was said in it.

local skynet = require "skynet"
local snax = require "skynet.snax"

local said = {}
local limit

function init(first, ...)
	if first == "fail" then
		error "init raised"
	end
	limit = first
	said[1] = select("#", ...)
end

function accept.say(text)
	skynet.sleep(0)
	said[#said + 1] = text
end

function response.said(index)
	return said[index], #said
end

function response.limit()
	return limit
end

function response.where()
	return SERVICE_NAME, SERVICE_PATH, tostring(snax.self())
end

function response.fail()
	error "response raised"
end

function accept.leave(...)
	snax.exit(...)
end

function exit(...)
	skynet.send(".watcher", "lua", "left", skynet.self(), ...)
end
