---@meta md5

-- MD5 digests.

---@class md5
---@field _VERSION string
---@field _DESCRIPTION string
---@field _COPYRIGHT string
local md5 = {}

---16 bytes.
---@param text string
---@return string
function md5.sum(text) end

---32 hex digits.
---@param text string
---@return string
function md5.sumhexa(text) end

---32 hex digits.
---@param text string
---@param key string
---@return string
function md5.hmacmd5(text, key) end

---Xors two strings of one length.
---@param a string
---@param b string
---@return string
function md5.exor(a, b) end

---Encrypts.
---@param message string
---@param key string
---@param seed? string
---@return string
function md5.crypt(message, key, seed) end

---Decrypts.
---@param text string
---@param key string
---@return string
function md5.decrypt(text, key) end

return md5
