---@meta ltls.init.c

-- Begins and ends the use of TLS; nothing is left to do.

---@class ltls.init.c
local init = {}

---Begins.
function init.constructor() end

---Ends.
function init.destructor() end

return init
