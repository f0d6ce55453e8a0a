---@meta skynet.socket

-- Connections, listeners and datagrams, with functions that block the coroutine only.

---@class skynet.socket
local socket = {}

---Connects.
---@param addr string
---@param port? integer
---@return integer?
---@return string?
function socket.open(addr, port) end

---Connects, within so many hundredths of a second.
---@param time integer
---@param addr string
---@param port? integer
---@return integer?
---@return string?
function socket.open_timeout(time, addr, port) end

---Listens; `start` says who takes connections.
---@param host string
---@param port? integer
---@param backlog? integer
---@return integer
---@return string
---@return integer
function socket.listen(host, port, backlog) end

---Begins to read, or to accept.
---@param id integer
---@param func? fun(id: integer, addr: string)
---@return integer?
---@return string?
function socket.start(id, func) end

---Takes over a file descriptor.
---@param descriptor integer
---@return integer
function socket.bind(descriptor) end

---Returns standard input as a socket.
---@return integer
function socket.stdin() end

---Reads so many bytes, or what there is.
---@param id integer
---@param size? integer
---@return string|false
---@return string?
function socket.read(id, size) end

---Reads up to the end.
---@param id integer
---@return string
function socket.readall(id) end

---Reads a line.
---@param id integer
---@param separator? string
---@return string|false
---@return string?
function socket.readline(id, separator) end

---Waits until there is something.
---@param id integer
---@return boolean
function socket.block(id) end

---Writes.
---@param id integer
---@param data string|table|lightuserdata
---@param size? integer
---@return boolean
function socket.write(id, data, size) end

---Writes behind everything else.
---@param id integer
---@param data string|table|lightuserdata
---@param size? integer
---@return boolean
function socket.lwrite(id, data, size) end

---Closes when what was written is out.
---@param id integer
function socket.close(id) end

---Closes without waiting.
---@param id integer
function socket.close_fd(id) end

---Closes at once.
---@param id integer
function socket.shutdown(id) end

---Gives a socket to another service.
---@param id integer
function socket.abandon(id) end

---Limits what is kept unread.
---@param id integer
---@param bytes integer
function socket.limit(id, bytes) end

---Reads no more for now.
---@param id integer
function socket.pause(id) end

---Tells whether the other side has closed.
---@param id integer
---@return boolean?
function socket.disconnected(id) end

---Tells whether there is no such socket.
---@param id integer
---@return boolean
function socket.invalid(id) end

---Sets who hears of the end.
---@param id integer
---@param callback fun(id: integer)
function socket.onclose(id, callback) end

---Sets who hears that much waits to be sent.
---@param id integer
---@param callback fun(id: integer, kibibytes: integer)
function socket.warning(id, callback) end

---Reads a length of 1 to 4 bytes, high byte first.
---@param text string
---@return integer
function socket.header(text) end

---Returns figures of all sockets.
---@return table[]
function socket.netstat() end

---Looks an address up.
---@param host string
---@return string[]
function socket.resolve(host) end

---Makes a datagram socket.
---@param callback fun(data: string, from: string)
---@param host? string
---@param port? integer
---@return integer
function socket.udp(callback, host, port) end

---Makes a bound one.
---@param addr string
---@param port integer
---@param callback fun(data: string, from: string)
---@return integer
function socket.udp_listen(addr, port, callback) end

---Makes a connected one.
---@param addr string
---@param port integer
---@param callback fun(data: string, from: string)
---@return integer
function socket.udp_dial(addr, port, callback) end

---Sets the address that `write` sends to.
---@param id integer
---@param addr string
---@param port integer
---@param callback? fun(data: string, from: string)
function socket.udp_connect(id, addr, port, callback) end

---Reads an address.
---@param from string
---@return string
---@return integer
function socket.udp_address(from) end

---Sends a datagram.
---@param id integer
---@param to string
---@param data string|lightuserdata
---@param size? integer
function socket.sendto(id, to, data, size) end

return socket
