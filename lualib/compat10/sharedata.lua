-- The old name of skynet.sharedata.

return require "skynet.sharedata"
