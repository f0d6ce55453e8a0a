---@meta http.url

-- URLs.

---@class http.url
local url = {}

---Returns path and query.
---@param text string
---@return string
---@return string?
function url.parse(text) end

---Returns the fields of a query.
---@param text string
---@return table<string, string>
function url.parse_query(text) end

return url
