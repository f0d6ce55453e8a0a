-- Run it from the top of the tree: ironsky examples/login/config.lua
harbor = 0
start = "main"
luaservice = "./examples/login/?.lua"
lua_path = "./examples/lualib/?.lua"
login_port = 18101
