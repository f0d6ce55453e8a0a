-- Run it from the top of the tree: ironsky examples/echo/config.lua
harbor = 0
start = "main"
luaservice = "./examples/echo/?.lua"
