-- Starts services by name, as lines of standard input say.

local skynet = require "skynet"
local stdin = require "skynet.stdin"

local function run(line)
	local snax_arguments = string.match(line, "^%s*snax%s+(.+)")
	if snax_arguments then
		local words = {}
		for word in string.gmatch(snax_arguments, "%S+") do
			words[#words + 1] = word
		end
		require "skynet.snax".newservice(table.unpack(words))
	else
		skynet.newservice(line)
	end
end

local function loop()
	for line in stdin.readline do
		if string.find(line, "%S") then
			-- One after another; the log has said what went wrong.
			pcall(run, line)
		end
	end
	skynet.error "console: end of input"
end

skynet.start(function()
	skynet.fork(loop)
end)
