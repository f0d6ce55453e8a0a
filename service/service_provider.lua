-- Keeps the in-line services of `skynet.service`: boots a cell for each name and knows its address.

local skynet = require "skynet"

-- name -> { address, failure, booting, status, arguments, time, waiting coroutines... }
local entries = {}

local command = {}

local function entry_of(name)
	local entry = entries[name]
	if not entry then
		entry = {}
		entries[name] = entry
	end
	return entry
end

local function wake_all(entry)
	for i = 1, #entry do
		skynet.wakeup(entry[i])
		entry[i] = nil
	end
end

-- Waits until the boot of an entry succeeded or failed.
local function wait(entry)
	local co = coroutine.running()
	while not entry.address and not entry.failure do
		entry[#entry + 1] = co
		skynet.wait(co)
	end
	if entry.failure then
		error(entry.failure, 0)
	end
	return entry.address
end

local function arguments_text(...)
	local words = table.pack(...)
	for i = 1, words.n do
		words[i] = tostring(words[i])
	end
	return table.concat(words, ",")
end

local function boot(name, code, ...)
	local cell = skynet.newservice("service_cell", name)
	local ok, err = pcall(skynet.call, cell, "lua", "init", code, ...)
	if not ok then
		skynet.send(cell, "debug", "EXIT")
		error(err, 0)
	end
	return cell
end

function command.test(name)
	local entry = entries[name]
	if not entry then
		return nil
	elseif entry.failure then
		error(entry.failure, 0)
	elseif entry.address then
		return entry.address
	end
	return nil, entry.booting
end

function command.query(name)
	return wait(entry_of(name))
end

function command.launch(name, code, ...)
	local entry = entry_of(name)
	if entry.address or entry.failure or entry.booting then
		return wait(entry)
	end
	entry.booting = true
	entry.arguments = arguments_text(...)
	local ok, result = pcall(boot, name, code, ...)
	entry.booting = nil
	entry.time = os.date "%Y %b %d %T %z"
	if ok then
		entry.address = result
	else
		entry.failure = result
	end
	wake_all(entry)
	return wait(entry)
end

function command.close(name)
	local entry = entries[name]
	if entry and not entry.booting and (entry.address or entry.failure) then
		entries[name] = nil
		return entry.address
	end
end

local function status(entry)
	if entry.booting then
		return "booting"
	elseif entry.failure then
		return "failed: " .. tostring(entry.failure)
	elseif not entry.address then
		return string.format("waiting(%d)", #entry)
	end
end

skynet.info_func(function()
	local info = {}
	for name, entry in pairs(entries) do
		local key = entry.address and skynet.address(entry.address) or name
		info[key] = {
			init = entry.arguments,
			name = name,
			time = entry.time,
			status = status(entry),
		}
	end
	return info
end)

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		skynet.retpack(command[name](...))
	end)
end)
