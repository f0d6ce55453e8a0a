---@meta skynet.crypt

-- Hashes, codes and key exchange.

---@class skynet.crypt
---@field padding { iso7816_4: integer, pkcs7: integer }
local crypt = {}

---8 random bytes.
---@return string
function crypt.randomkey() end

---A hash of 8 bytes.
---@param text string
---@return string
function crypt.hashkey(text) end

---20 bytes.
---@param text string
---@return string
function crypt.sha1(text) end

---20 bytes.
---@param key string
---@param text string
---@return string
function crypt.hmac_sha1(key, text) end

---8 bytes of two times 8 bytes.
---@param a string
---@param b string
---@return string
function crypt.hmac64(a, b) end

---8 bytes, by way of MD5.
---@param a string
---@param b string
---@return string
function crypt.hmac64_md5(a, b) end

---8 bytes.
---@param key string
---@param text string
---@return string
function crypt.hmac_hash(key, text) end

---Bytes as hex digits.
---@param text string
---@return string
function crypt.hexencode(text) end

---And back.
---@param text string
---@return string
function crypt.hexdecode(text) end

---Bytes as base64.
---@param text string
---@return string
function crypt.base64encode(text) end

---And back.
---@param text string
---@return string
function crypt.base64decode(text) end

---Encrypts.
---@param key string
---@param text string
---@param padding? integer
---@return string
function crypt.desencode(key, text, padding) end

---Decrypts.
---@param key string
---@param text string
---@param padding? integer
---@return string
function crypt.desdecode(key, text, padding) end

---What one side of a key exchange sends.
---@param key string
---@return string
function crypt.dhexchange(key) end

---What both sides then know.
---@param mine string
---@param theirs string
---@return string
function crypt.dhsecret(mine, theirs) end

---Xors each byte with the key's.
---@param text string
---@param key string
---@return string
function crypt.xor_str(text, key) end

return crypt
