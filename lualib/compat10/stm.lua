-- The old name of skynet.stm.

return require "skynet.stm"
