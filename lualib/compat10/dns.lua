-- The name of skynet.dns in applications of skynet 1.0.

return require "skynet.dns"
