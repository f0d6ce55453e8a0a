-- Serves the connections that it is sent, each with as many requests as the client has.
local skynet = require "skynet"
local socket = require "skynet.socket"
local httpd = require "http.httpd"
local sockethelper = require "http.sockethelper"
local url = require "http.url"

local protocol = ...

local BODY_BYTES_MAX = 1024 * 1024

local context

-- Returns a connection's functions: read, write and, with TLS, close.
local function transport(id)
	if protocol ~= "https" then
		return sockethelper.readfunc(id), sockethelper.writefunc(id)
	end
	local tlshelper = require "http.tlshelper"
	if not context then
		context = tlshelper.newctx()
		context:set_cert(skynet.getenv "certfile", skynet.getenv "keyfile")
	end
	local tls = tlshelper.newtls("server", context)
	tlshelper.init_responsefunc(id, tls)()
	return tlshelper.readfunc(id, tls), tlshelper.writefunc(id, tls), tlshelper.closefunc(tls)
end

local pages = {}

pages["/"] = function()
	return 200, "Hello, World!\n", { ["content-type"] = "text/plain" }
end

-- Sends back what was posted.
pages["/echo"] = function(_, body, header)
	return 200, body, { ["content-type"] = header["content-type"] }
end

-- Counts to the number in the query, a chunk for each.
pages["/count"] = function(query)
	local last, at = tonumber(query.to) or 10, 0
	return 200, function()
		if at < last then
			at = at + 1
			return at .. "\n"
		end
	end
end

local function answer(target, header, body)
	local path, query = url.parse(target)
	local page = pages[path]
	if page then
		return page(url.parse_query(query), body, header)
	end
	return 404, "no such page\n"
end

local function serve(id)
	local read, write, close = transport(id)
	repeat
		local code, target, _, header, body = httpd.read_request(read, BODY_BYTES_MAX)
		if code == 200 then
			httpd.write_response(write, answer(target, header, body))
		elseif code then
			httpd.write_response(write, code)
		end
	until code ~= 200 or header.connection == "close"
	if close then
		close()
	end
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, id)
		if not socket.start(id) then
			return
		end
		local ok, err = pcall(serve, id)
		if not ok then
			skynet.error("connection", id, "failed:", err)
		end
		socket.close(id)
	end)
end)
