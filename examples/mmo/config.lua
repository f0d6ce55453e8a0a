-- Run it from the top of the tree: ironsky examples/mmo/config.lua
harbor = 0
start = "main"
luaservice = "./examples/mmo/?.lua"
lua_path = "./examples/lualib/?.lua"
login_port = 18201
bots = 20
steps = 100
