-- The reading side of datasheets: ordinary tables, which fill themselves at the first touch and
-- show each new version in place.

local skynet = require "skynet"
local service = require "skynet.service"
local native = require "skynet.shared.native"

local datasheet = {}

local address

-- name -> the table; kept for ever
local sheets = {}

-- name -> why it could not be had
local failures = {}

skynet.init(function()
	address = service.query "datasheet"
end)

local function watch(name, number)
	while true do
		local ok, newer = pcall(skynet.call, address, "lua", "monitor", name, number)
		if not ok then
			return
		end
		local tree = native.open(newer)
		if tree then
			native.switch(sheets[name], tree)
			native.close(tree)
		end
		number = newer
	end
end

local function first_query(name)
	local tree, number
	repeat
		local ok, answer = pcall(skynet.call, address, "lua", "query", name)
		if not ok then
			failures[name] = answer
			return
		end
		number = answer
		-- It has gone when a newer version came in between.
		tree = native.open(number)
	until tree
	if not sheets[name] then
		sheets[name] = native.sheet(tree)
		skynet.fork(watch, name, number)
	end
	native.close(tree)
end

function datasheet.query(name)
	if not sheets[name] and not failures[name] then
		first_query(name)
	end
	return sheets[name] or error(failures[name])
end

return datasheet
