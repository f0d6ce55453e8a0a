---@meta skynet.manager

-- `skynet` with the functions that manage services: `launch`, `kill`, `abort`, `register`, `name`,
-- `monitor`.

return require "skynet"
