-- Run it from the top of the tree: ironsky examples/lua/config.lua
harbor = 0 -- a node on its own
start = "main" -- the first service of the application
luaservice = "./examples/lua/?.lua"
