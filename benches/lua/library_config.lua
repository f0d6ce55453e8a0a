-- Measures parts of the library on ironsky or on skynet, with the same script.
--
--   BENCH=$PWD/benches/lua ironsky benches/lua/library_config.lua
--   cd <checkout of skynet> && BENCH=<this folder> ./skynet <this folder>/library_config.lua
harbor = 0
thread = 2
start = "library"
bootstrap = "snlua bootstrap"
luaservice = "$BENCH/?.lua;./service/?.lua"
snax = "$BENCH/?.lua"
lualoader = "./lualib/loader.lua"
lua_path = "./lualib/?.lua;./lualib/?/init.lua"
lua_cpath = "./luaclib/?.so"
cpath = "./cservice/?.so"
