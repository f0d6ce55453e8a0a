-- Counts words: "add" takes a word, "count" answers how often it came.
local skynet = require "skynet"

local counts = {}
local command = {}

function command.add(word)
	counts[word] = (counts[word] or 0) + 1
end

function command.count(word)
	return counts[word] or 0
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		skynet.retpack(command[name](...))
	end)
end)
