-- The file of the config key `cluster`: clusterd does not start with one that is missing or wrong, and
-- it sees nothing of Lua. Spec: cluster section C.5.
--! config: cluster = "@DIR@/nodes.lua"

local check = require "check"
local skynet = require "skynet"

local function write(text)
	local file = assert(io.open(skynet.getenv "cluster", "w"))
	file:write(text)
	file:close()
end

local function does_not_start()
	check.equal(pcall(skynet.newservice, "clusterd"), false)
end

local function the_file_is_read(cluster)
	local port = check.free_port()
	write(string.format("me = '127.0.0.1:%d'", port))
	cluster.reload()
	check.equal(cluster.open "me", "me")
	cluster.register "main"
	check.results({ 1 }, cluster.call("me", "@main", 1))
	-- What the file says no more stays.
	write(string.format("also_me = '127.0.0.1:%d'", port))
	cluster.reload()
	check.results({ 2 }, cluster.call("me", "@main", 2))
	check.results({ 3 }, cluster.call("also_me", "@main", 3))
end

if ... == "user" then
	local cluster = require "skynet.cluster"
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, ...)
			skynet.retpack(...)
		end)
		the_file_is_read(cluster)
	end)
else
	check.main(function()
		does_not_start()
		for _, text in ipairs { "me = ", "me = 12", "me = os.tmpname()", "me = string.rep('x', 3)" } do
			write(text)
			does_not_start()
		end
		write "me = false"
		check.ok(check.helper "user")
	end)
end
