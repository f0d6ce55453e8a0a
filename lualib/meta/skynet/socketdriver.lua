---@meta skynet.socketdriver

-- The raw functions below `skynet.socket`.

---@class skynet.socketdriver
local socketdriver = {}

---Listens.
---@param host string
---@param port integer
---@param backlog? integer
---@return integer
---@return string
---@return integer
function socketdriver.listen(host, port, backlog) end

---Connects.
---@param host string
---@param port? integer
---@return integer
function socketdriver.connect(host, port) end

---Takes over a file descriptor.
---@param os_fd integer
---@return integer
function socketdriver.bind(os_fd) end

---Begins to read, or to accept.
---@param id integer
function socketdriver.start(id) end

---Reads no more for now.
---@param id integer
function socketdriver.pause(id) end

---Closes when what was written is out.
---@param id integer
function socketdriver.close(id) end

---Closes at once.
---@param id integer
function socketdriver.shutdown(id) end

---Writes.
---@param id integer
---@param data string|table|lightuserdata
---@param size? integer
---@return boolean
function socketdriver.send(id, data, size) end

---Writes behind everything else.
---@param id integer
---@param data string|table|lightuserdata
---@param size? integer
---@return boolean
function socketdriver.lsend(id, data, size) end

---Sends small pieces at once.
---@param id integer
function socketdriver.nodelay(id) end

---Lets a connection fail whose other machine is silent for so many hundredths of a second.
---@param id integer
---@param limit integer
function socketdriver.silence(id, limit) end

---Makes a datagram socket.
---@param host? string
---@param port? integer
---@return integer
function socketdriver.udp(host, port) end

---Makes a bound one.
---@param host string
---@param port integer
---@return integer
function socketdriver.udp_listen(host, port) end

---Makes a connected one.
---@param host string
---@param port integer
---@return integer
function socketdriver.udp_dial(host, port) end

---Sets where datagrams go.
---@param id integer
---@param host string
---@param port integer
function socketdriver.udp_connect(id, host, port) end

---Sends a datagram.
---@param id integer
---@param to string
---@param data string|lightuserdata
---@param size? integer
---@return boolean
function socketdriver.udp_send(id, to, data, size) end

---Reads an address.
---@param from string
---@return string
---@return integer
function socketdriver.udp_address(from) end

---Looks an address up.
---@param host string
---@return string[]
function socketdriver.resolve(host) end

---Returns figures of all sockets.
---@return table[]
function socketdriver.info() end

---Makes a buffer.
---@return userdata
function socketdriver.buffer() end

---Adds a block to a buffer.
---@param buffer userdata
---@param pool table
---@param message lightuserdata
---@param size integer
---@return integer
function socketdriver.push(buffer, pool, message, size) end

---Takes bytes out.
---@param buffer userdata
---@param pool table
---@param size integer
---@return string?
---@return integer
function socketdriver.pop(buffer, pool, size) end

---Takes all out.
---@param buffer userdata
---@param pool table
---@return string
function socketdriver.readall(buffer, pool) end

---Takes a line out.
---@param buffer userdata
---@param pool? table
---@param separator? string
---@return string|boolean|nil
function socketdriver.readline(buffer, pool, separator) end

---Empties a buffer.
---@param buffer userdata
---@param pool table
function socketdriver.clear(buffer, pool) end

---Frees a block.
---@param message lightuserdata
---@param size integer
function socketdriver.drop(message, size) end

---Reads a length, high byte first.
---@param text string
---@return integer
function socketdriver.header(text) end

---Copies a string into a block.
---@param text string
---@return lightuserdata
---@return integer
function socketdriver.str2p(text) end

---Reads a message of the socket thread.
---@param message lightuserdata
---@param size integer
---@return integer
---@return integer
---@return integer
---@return lightuserdata|string
function socketdriver.unpack(message, size) end

return socketdriver
