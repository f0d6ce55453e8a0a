---@meta client.socket

-- Sockets for programs that are clients; they do not block.

---@class client.socket
local socket = {}

---Connects, and waits for it.
---@param host string
---@param port integer
---@return integer
function socket.connect(host, port) end

---Returns what has come; nothing when there is nothing, an empty string at the end.
---@param fd integer
---@return string?
function socket.recv(fd) end

---Sends all of it.
---@param fd integer
---@param data string
function socket.send(fd, data) end

---Closes.
---@param fd integer
function socket.close(fd) end

---Closes one or both ways.
---@param fd integer
---@param how? string
function socket.shutdown(fd, how) end

---Sleeps; the whole thread does.
---@param microseconds integer
function socket.usleep(microseconds) end

---Returns a line of standard input, if there is one.
---@return string?
function socket.readstdin() end

return socket
