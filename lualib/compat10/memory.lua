-- The old name of skynet.memory.

return require "skynet.memory"
