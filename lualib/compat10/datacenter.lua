-- The old name of skynet.datacenter.

return require "skynet.datacenter"
