-- One node of the network: the environment says which one, and where names come from; see run.sh.
node = "$NODE"
here = "$ADDRESS"
cluster_discovery = "$SOURCE"
harbor = 0
thread = 2
start = "main"
luaservice = "./examples/discovery/?.lua"
lua_path = "./examples/discovery/?.lua"
