-- The stage of tests of hostile HTTP peers: servers that note what became of each connection.

local check = require "check"
local httpd = require "http.httpd"
local socket = require "skynet.socket"
local sockethelper = require "http.sockethelper"

local site = {}

-- Listens; `serve(id)` runs for each connection, and its results are put into the returned table.
function site.listen(serve)
	local server = {}
	local _
	server.id, _, server.port = socket.listen("127.0.0.1", 0)
	socket.start(server.id, function(id)
		server.result = table.pack(serve(id))
	end)
	return server
end

function site.connect(server)
	server.result = nil
	return assert(socket.open("127.0.0.1", server.port))
end

-- Waits for the end of the connection; returns what `serve` returned.
function site.result(server)
	check.eventually(function() return server.result end, "the server is done with it")
	return table.unpack(server.result, 1, server.result.n)
end

-- Reads one request; for `listen`.
function site.read_and_close(id)
	socket.start(id)
	local r = table.pack(httpd.read_request(sockethelper.readfunc(id)))
	socket.close(id)
	return table.unpack(r, 1, r.n)
end

return site
