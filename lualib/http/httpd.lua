-- http.httpd: reads requests and writes answers; the connection is the caller's.

local skynet = require "skynet"
local native = require "http.native"
local internal = require "http.internal"

local httpd = {}

-- The longest body when the caller names no limit.
local BODY_BYTES_MAX = tonumber(skynet.getenv "http_body_limit") or 64 * 1024 * 1024

-- What clients are told beside the number of a status.
local REASONS = {}
for status, reason in string.gmatch([[
	100 Continue; 101 Switching Protocols; 200 OK; 201 Created; 202 Accepted;
	203 Non-Authoritative Information; 204 No Content; 205 Reset Content; 206 Partial Content;
	300 Multiple Choices; 301 Moved Permanently; 302 Found; 303 See Other; 304 Not Modified;
	305 Use Proxy; 307 Temporary Redirect; 400 Bad Request; 401 Unauthorized;
	402 Payment Required; 403 Forbidden; 404 Not Found; 405 Method Not Allowed;
	406 Not Acceptable; 407 Proxy Authentication Required; 408 Request Time-out; 409 Conflict;
	410 Gone; 411 Length Required; 412 Precondition Failed; 413 Request Entity Too Large;
	414 Request-URI Too Large; 415 Unsupported Media Type; 416 Requested range not satisfiable;
	417 Expectation Failed; 500 Internal Server Error; 501 Not Implemented; 502 Bad Gateway;
	503 Service Unavailable; 504 Gateway Time-out; 505 HTTP Version not supported;
]], "(%d+) ([^;]+);") do
	REASONS[tonumber(status)] = reason
end

-- Returns 200, url, method, header, body; or the status of a refusal.
local function read_request(read, limit)
	local text, body, header, first = internal.head(read, read())
	if not text then
		return 413
	end
	local method, url, version = native.request_line(assert(first, "no request line"))
	version = method and tonumber(version)
	assert(version, "invalid request line")
	if version < 1.0 or version > 1.1 then
		return 505
	elseif not header then
		return 400
	end
	local mode = internal.transfer_mode(header)
	if mode == false then
		return 501
	elseif mode then
		text, header = internal.recvchunkedbody(read, limit, header, text:sub(body))
		if not text then
			return 413
		end
		return 200, url, method, header, text
	end
	local length = internal.content_length(header)
	if not length then
		-- What has come with the head is all there is.
		return 200, url, method, header, body > #text and "" or text:sub(body)
	elseif length > limit then
		return 413
	end
	return 200, url, method, header, internal.recvbody(read, length, text:sub(body))
end

local function result(ok, code, ...)
	if ok then
		return code, ...
	end
	return nil, code
end

-- Reads a request. Returns 200, url, method, header, body; the status to refuse it with; or nil
-- and an error, which is sockethelper.socket_error when the connection has ended.
function httpd.read_request(read, limit)
	return result(pcall(read_request, read, limit or BODY_BYTES_MAX))
end

local status_lines = {}

local function status_line(code)
	local line = string.format("HTTP/1.1 %03d %s\r\n", code, REASONS[code] or "")
	status_lines[code] = line
	return line
end

local function write_chunks(write, head, next_chunk)
	write(head .. "transfer-encoding: chunked\r\n\r\n")
	for chunk in next_chunk do
		if chunk ~= "" then
			write(string.format("%x\r\n", #chunk) .. chunk .. "\r\n")
		end
	end
	write "0\r\n\r\n"
end

local function write_response(write, code, body, header)
	local head = status_lines[code] or status_line(code)
	if header then
		head = head .. internal.header_text(header, ": ")
	end
	if type(body) == "string" then
		write(head .. "content-length: " .. #body .. "\r\n\r\n" .. body)
	elseif body == nil then
		write(head .. "\r\n")
	elseif type(body) == "function" then
		write_chunks(write, head, body)
	else
		write(head)
		error "assertion failed!"
	end
end

-- Writes an answer: in one piece, or chunk by chunk when the body is a function that returns the
-- next one and nil at the end. Returns true; or false and an error.
function httpd.write_response(write, code, body, header)
	return pcall(write_response, write, code, body, header)
end

return httpd
