-- http.internal: what clients and servers of HTTP have in common.
--
-- An *interface* is a table with `read(size or nil)`, `write(text)` and `readall()`; a read raises
-- an error when the connection has ended. Heads and chunk sizes are parsed by `http.native`.

local skynet = require "skynet"
local native = require "http.native"
local sockethelper = require "http.sockethelper"

local internal = {}

-- A head that has not ended after so many bytes is too long.
local HEAD_BYTES_MAX = 8192

-- Seconds that a head may take to arrive.
local HEAD_SECONDS = tonumber(skynet.getenv "http_head_timeout") or 60

-- Goes on reading until `parse(text, extra)` has a result; returns the text and the results.
local function read_until(read, text, parse, extra)
	local limit <close> = sockethelper.deadline(read, HEAD_SECONDS, "its head took too long")
	while #text <= HEAD_BYTES_MAX do
		text = text .. read()
		local body, fields, first = parse(text, extra)
		if body then
			return text, body, fields, first
		end
	end
end

-- Reads a whole head that begins with `text`. Returns the text that has been read, the position
-- of the body, the fields (false when a line is invalid) and the first line; nil if it is too
-- long.
function internal.head(read, text)
	local body, fields, first = native.head(text)
	if body then
		return text, body, fields, first
	end
	return read_until(read, text, native.head)
end

-- Appends the lines of a head to a list. Returns what was read behind it; nil if it is too long.
function internal.recvheader(read, lines, text)
	text = text or ""
	local body = native.lines(text, lines)
	if not body then
		text, body = read_until(read, text, native.lines, lines)
	end
	return text and text:sub(body)
end

-- Adds the header lines from an index on to a table; nil when one of them is invalid.
function internal.parseheader(lines, from, header)
	if native.fields(table.concat(lines, "\r\n", from), header) then
		return header
	end
end

-- Returns the length that a header says, nil if it says none. A number that no machine can hold
-- is infinite.
function internal.content_length(header)
	local value = header["content-length"]
	local digits = type(value) == "string" and value:match "^(%d+)%s*$"
	if digits then
		return math.tointeger(tonumber(digits)) or math.huge
	end
end

-- Returns "chunked", or nil for a body that is sent as it is; false for anything else.
function internal.transfer_mode(header)
	local mode = header["transfer-encoding"]
	if mode == nil or mode == "identity" then
		return nil
	end
	return mode == "chunked" and mode
end

-- Reads one chunk that begins at a position. Returns it, and where the next one begins in what
-- text; "" behind the last chunk; nil when it is invalid or longer than `limit`.
local function read_chunk(read, text, at, limit)
	local size, data = native.chunk(text, at)
	while size == nil do
		text, at = text:sub(at) .. read(), 1
		size, data = native.chunk(text, at)
	end
	if not size or limit and size > limit then
		return nil
	elseif size == 0 then
		return "", text, data
	end
	local missing = data + size + 1 - #text
	if missing > 0 then
		text, data = text:sub(data) .. read(missing), 1
	end
	local after = data + size
	if text:sub(after, after + 1) == "\r\n" then
		return text:sub(data, after - 1), text, after + 2
	end
end

-- Reads the lines behind the last chunk into the header; returns it, nil when they are invalid.
local function read_trailers(read, text, header)
	local lines = {}
	if internal.recvheader(read, lines, text) then
		return internal.parseheader(lines, 1, header)
	end
end

-- So many chunks are joined into one text at a time: many small ones cost little more than what
-- they hold.
local CHUNKS_AT_ONCE = 1024

-- Reads a chunked body that begins with `text`. Returns body and header; nil when it is invalid
-- or longer than `limit`.
function internal.recvchunkedbody(read, limit, header, text)
	local joined, parts, left = {}, {}, limit
	local chunk, at = nil, 1
	repeat
		chunk, text, at = read_chunk(read, text, at, left)
		if not chunk then
			return nil
		end
		parts[#parts + 1] = chunk
		left = left and left - #chunk
		if chunk == "" or #parts == CHUNKS_AT_ONCE then
			joined[#joined + 1] = table.concat(parts)
			parts = {}
		end
	until chunk == ""
	header = read_trailers(read, text:sub(at), header)
	return header and table.concat(joined), header
end

-- Reads a body of known length that begins with `text`.
function internal.recvbody(read, length, text)
	local missing = length - #text
	if missing > 0 then
		return text .. read(missing)
	end
	return missing == 0 and text or text:sub(1, length)
end

local function add_lines(parts, name, value, separator)
	if type(value) == "table" then
		for _, item in ipairs(value) do
			parts[#parts + 1] = name .. separator .. tostring(item) .. "\r\n"
		end
	else
		parts[#parts + 1] = name .. separator .. tostring(value) .. "\r\n"
	end
end

-- Returns header lines as one text.
function internal.header_text(header, separator)
	local parts = {}
	for name, value in pairs(header) do
		add_lines(parts, name, value, separator)
	end
	return table.concat(parts)
end

local function request_text(method, host, url, header, content)
	local fields
	if header then
		header.Host = header.Host or host
		fields = internal.header_text(header, ":")
	else
		fields = "host:" .. host .. "\r\n"
	end
	local length = ""
	if not (content and header and header["transfer-encoding"] == "chunked") then
		length = "Content-length:" .. (content and #content or 0) .. "\r\n"
	end
	return table.concat { method, " ", url, " HTTP/1.1\r\n", fields, length, "\r\n", content or "" }
end

-- Sends a request and reads the head of its answer into `received`. Returns the status, what was
-- read of the body, and the header.
function internal.request(interface, method, host, url, received, header, content)
	local read = interface.read
	interface.write(request_text(method, host, url, header, content))
	local text, body, fields, first = internal.head(read, read())
	if not text then
		error "Recv header failed"
	end
	local status = first and native.status_line(first)
	assert(status, "Invalid HTTP response status line")
	if not fields then
		error "Invalid HTTP response header"
	end
	if received then
		for name, value in pairs(fields) do
			received[name] = value
		end
		fields = received
	end
	return status, text:sub(body), fields
end

-- Tells whether a status has no body.
local function is_bodyless(status)
	return status == 204 or status == 304 or status < 200
end

local function transfer_mode_or_raise(header)
	local mode = internal.transfer_mode(header)
	if mode == false then
		error "Unsupport transfer-encoding"
	end
	return mode
end

-- Reads the body of an answer that begins with `text`.
function internal.response(interface, status, text, header)
	if transfer_mode_or_raise(header) then
		return internal.recvchunkedbody(interface.read, nil, header, text) or error "Invalid response body"
	end
	local length = internal.content_length(header)
	if length then
		return internal.recvbody(interface.read, length, text)
	elseif is_bodyless(status) then
		return ""
	end
	return text .. (interface.readall() or "")
end

local stream = {}
stream.__index = stream

-- Returns the next piece of the body and the stream; nil at its end.
function stream:padding()
	return self.next(self), self
end

stream.__call = stream.padding

function stream:close()
	local onclose = self.onclose
	if onclose then
		self.onclose = nil
		onclose(self)
	end
end

stream.__close = stream.close

-- The end of a body: nothing more comes.
local function finish(self, last)
	self.connected = last and self.connected
	self.next = function()
		self.connected = nil
	end
	return last
end

-- A protocol error: nothing more comes, and `connected` says why.
local function spoil(self)
	self.connected = false
	self.next = function() end
end

local function next_chunk(read, text)
	local at = 1
	return function(self)
		local chunk
		chunk, text, at = read_chunk(read, text, at)
		if not chunk then
			return spoil(self)
		elseif chunk ~= "" then
			return chunk
		elseif not read_trailers(read, text:sub(at), self.header) then
			return spoil(self)
		end
		return finish(self, "")
	end
end

local function next_of_length(read, left, text)
	return function(self)
		if text == "" and left > 0 then
			text = read()
		end
		local piece = #text > left and text:sub(1, left) or text
		text, left = "", left - #piece
		return left > 0 and piece or finish(self, piece)
	end
end

local function next_until_close(read, text)
	return function(self)
		if text ~= "" then
			local piece = text
			text = ""
			return piece
		end
		local ok, piece = pcall(read)
		if ok then
			return piece
		elseif piece ~= sockethelper.socket_error then
			error(piece, 0)
		end
		return finish(self)
	end
end

-- Returns a stream of the body of an answer that begins with `text`.
function internal.response_stream(interface, status, text, header)
	local self = setmetatable({ status = status, header = header, connected = true }, stream)
	local length = internal.content_length(header)
	if transfer_mode_or_raise(header) then
		self.next = next_chunk(interface.read, text)
	elseif length then
		self.next = next_of_length(interface.read, length, text)
	elseif is_bodyless(status) then
		self.next = function()
			return finish(self, "")
		end
	else
		self.next = next_until_close(interface.read, text)
	end
	return self
end

return internal
