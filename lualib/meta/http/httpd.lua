---@meta http.httpd

-- The server's side of HTTP.

---@class http.httpd
local httpd = {}

---Reads a request: status, url, method, header, body.
---@param read function
---@param limit? integer
---@return integer?
---@return string
---@return string
---@return table
---@return string
function httpd.read_request(read, limit) end

---Writes a response.
---@param write function
---@param code integer
---@param body? string|function
---@param header? table
---@return boolean
---@return string?
function httpd.write_response(write, code, body, header) end

return httpd
