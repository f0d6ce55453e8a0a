-- Stands for a library directory that brings a `skynet` of its own: see other_skynet.lua.

return { name = "another skynet" }
