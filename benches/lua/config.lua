-- Measures calls, sends and starts of services on ironsky or on skynet, with the same script.
--
--   BENCH=$PWD/benches/lua ironsky benches/lua/config.lua
--   cd <checkout of skynet> && BENCH=<this folder> ./skynet <this folder>/config.lua
harbor = 0
thread = 2
start = "rates"
bootstrap = "snlua bootstrap"
luaservice = "$BENCH/?.lua;./service/?.lua"
lualoader = "./lualib/loader.lua"
lua_path = "./lualib/?.lua;./lualib/?/init.lua"
lua_cpath = "./luaclib/?.so"
cpath = "./cservice/?.so"
