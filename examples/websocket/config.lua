-- A chat room and two guests, who talk and leave:
--     ironsky examples/websocket/config.lua
-- With `start = "room"` the room stays open, for any client.
harbor = 0
start = "main"
luaservice = "./examples/websocket/?.lua"
room_port = 8081
