-- Who is in the room, and what they say. It knows agents, not connections.
local skynet = require "skynet"

-- agent -> name
local members = {}

-- Sends a line to all but one.
local function tell(text, except)
	for agent in pairs(members) do
		if agent ~= except then
			skynet.send(agent, "lua", "hear", text)
		end
	end
end

local command = {}

function command.join(agent, name)
	members[agent] = name
	tell("* " .. name .. " comes in")
end

function command.say(agent, text)
	if members[agent] then
		tell(members[agent] .. ": " .. text, agent)
	end
end

function command.leave(agent)
	local name = members[agent]
	members[agent] = nil
	if name then
		tell("* " .. name .. " goes")
	end
end

skynet.start(function()
	skynet.dispatch("lua", function(session, _, name, ...)
		command[name](...)
		if session ~= 0 then
			skynet.retpack()
		end
	end)
end)
