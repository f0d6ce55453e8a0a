-- The name of skynet.crypt in applications of skynet 1.0.

return require "skynet.crypt"
