-- The old name of skynet.cluster.

return require "skynet.cluster"
