---@meta http.httpc

-- The client's side of HTTP.

---@class http.httpc
local httpc = {}

---Has names asked of a DNS server.
---@param server? string
---@param port? integer
function httpc.dns(server, port) end

---Sends a request: status and body.
---@param method string
---@param host string
---@param url string
---@param received? table
---@param header? table
---@param content? string
---@return integer
---@return string
function httpc.request(method, host, url, received, header, content) end

---As `request`; the body is read bit by bit.
---@param method string
---@param host string
---@param url string
---@param received? table
---@param header? table
---@param content? string
---@return table
function httpc.request_stream(method, host, url, received, header, content) end

---A request with the method GET: host, url, received, header, content.
---@param ... any
---@return integer
---@return string
function httpc.get(...) end

---A request with the method HEAD.
---@param host string
---@param url string
---@param received? table
---@param header? table
---@param content? string
---@return integer
function httpc.head(host, url, received, header, content) end

---Sends a form.
---@param host string
---@param url string
---@param form table
---@param received? table
---@return integer
---@return string
function httpc.post(host, url, form, received) end

return httpc
