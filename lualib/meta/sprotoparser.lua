---@meta sprotoparser

-- Compiles schemas.

---@class sprotoparser
local parser = {}

---Returns the compiled schema.
---@param text string
---@param name? string
---@return string
function parser.parse(text, name) end

---Prints a compiled schema.
---@param bundle string
function parser.dump(bundle) end

return parser
