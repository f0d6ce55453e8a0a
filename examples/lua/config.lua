-- Run it from the top of the tree: ironsky examples/lua/config.lua

start = "counter" -- the first service of the application
harbor = 0 -- a node of its own
thread = 4 -- workers; without this line one for each core
luaservice = "./examples/lua/?.lua;./service/?.lua"
