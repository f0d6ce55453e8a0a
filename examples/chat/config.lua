-- Run it from the top of the tree: ironsky examples/chat/config.lua
harbor = 0
start = "main"
luaservice = "./examples/chat/?.lua"
lua_path = "./examples/lualib/?.lua"
