-- The name of skynet.sharemap in applications of skynet 1.0.

return require "skynet.sharemap"
