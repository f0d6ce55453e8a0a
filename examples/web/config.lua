-- Run it from the top of the tree: ironsky examples/web/config.lua
harbor = 0
start = "web"
luaservice = "./examples/web/?.lua"
web_port = 8080
web_protocol = "http" -- "https" needs certfile and keyfile, two PEM files
