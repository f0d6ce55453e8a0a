-- The old name of skynet.socketdriver.

return require "skynet.socketdriver"
