-- One node of the cluster: the environment says which one, see run.sh.
node = "$NODE"
port = $PORT
harbor = 0
thread = 2
start = "main"
luaservice = "./examples/cluster/?.lua"
