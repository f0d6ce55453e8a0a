-- A guest of the room: a WebSocket client that says what it is told to and logs what it hears.
local skynet = require "skynet"
local websocket = require "http.websocket"

local url = ...
local name = url:match "(%w+)$"

local id
local heard = {}
local command = {}

function command.say(text)
	websocket.write(id, text)
end

-- Returns when a text has been heard.
function command.wait_for(text)
	while not heard[text] do
		skynet.wait(text)
	end
end

function command.leave()
	websocket.close(id, 1000, "bye")
end

local function listen()
	while not websocket.is_close(id) do
		local ok, text = pcall(websocket.read, id)
		if not ok or not text then
			return
		end
		skynet.error(name, "hears:", text)
		heard[text] = true
		skynet.wakeup(text)
	end
end

skynet.start(function()
	id = websocket.connect(url)
	skynet.fork(listen)
	skynet.dispatch("lua", function(_, _, what, ...)
		skynet.retpack(command[what](...))
	end)
end)
