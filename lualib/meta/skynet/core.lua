---@meta skynet.core

-- The raw functions below the library.

---@class skynet.core
local core = {}

---Sends a message.
---@param dest integer|string
---@param kind integer
---@param session? integer
---@param message? string|lightuserdata
---@param size? integer
---@return integer?
function core.send(dest, kind, session, message, size) end

---Sends in another name.
---@param dest integer|string
---@param source integer
---@param kind integer
---@param session? integer
---@param message? string|lightuserdata
---@param size? integer
---@return integer?
function core.redirect(dest, source, kind, session, message, size) end

---Returns a new session.
---@return integer
function core.genid() end

---Runs a command of the node.
---@param name string
---@param argument? string
---@return string?
function core.command(name, argument) end

---As `command`, with numbers.
---@param name string
---@param argument? integer|string
---@return number?
function core.intcommand(name, argument) end

---As `command`; returns an address.
---@param name string
---@param argument? string
---@return integer?
function core.addresscommand(name, argument) end

---Sets who handles messages.
---@param f function
---@param forward? boolean
function core.callback(f, forward) end

---Writes to the log.
---@param text string
function core.error(text) end

---Returns the node of an address.
---@param address integer
---@return integer
---@return boolean
function core.harbor(address) end

---Writes a line of a trace.
---@param tag string
---@param text string
---@param thread? thread
---@param level? integer
function core.trace(tag, text, thread, level) end

---Packs values.
---@param ... any
---@return lightuserdata
---@return integer
function core.pack(...) end

---Packs values into a string.
---@param ... any
---@return string
function core.packstring(...) end

---Unpacks values.
---@param message string|lightuserdata
---@param size? integer
---@return any ...
function core.unpack(message, size) end

---Copies a block into a string.
---@param message lightuserdata
---@param size integer
---@return string
function core.tostring(message, size) end

---Frees a block.
---@param message string|lightuserdata
---@param size? integer
function core.trash(message, size) end

---Centiseconds since the start.
---@return integer
function core.now() end

---Nanoseconds.
---@return integer
function core.hpc() end

return core
