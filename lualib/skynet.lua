-- The module `skynet`. Its functions are native, or live in `skynet.lazy.api`; either way the
-- table takes them in at their first use, so that a small service does not pay memory for them.

return require "skynet.native"
