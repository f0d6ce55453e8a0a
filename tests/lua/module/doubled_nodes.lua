-- A file of nodes for cluster_names.lua.

once = "127.0.0.1:3"
once = "127.0.0.1:3"
twice = "127.0.0.1:1"
twice = "127.0.0.1:2"
