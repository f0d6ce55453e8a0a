---@meta md5.core

-- The same module as `md5`.

return require "md5"
