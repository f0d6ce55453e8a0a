-- skynet.sharemap: what a reader sees, and when.

local check = require "check"
local skynet = require "skynet"
local sharemap = require "skynet.sharemap"

local mode = ...

local function reader_service()
	local reader
	check.serve {
		init = function(copy)
			reader = sharemap.reader("thing", copy)
		end,
		update = function()
			return reader:update()
		end,
		look = function()
			return reader.x, reader.s, reader.list and #reader.list, reader.unknown
		end,
		assign = function()
			return (pcall(function()
				reader.x = 5
			end))
		end,
	}
end

local function schema_file()
	local path = os.tmpname()
	local file <close> = assert(io.open(path, "w"))
	file:write ".thing { x 0 : integer s 1 : string list 2 : *integer }"
	return path
end

if mode == "reader" then
	reader_service()
else
	check.main(function()
		check.raises_like("nil sproto at index 0", sharemap.writer, "thing", {})
		local path = schema_file()
		sharemap.register(path)
		os.remove(path)
		local writer = sharemap.writer("thing", { x = 1, s = "first", list = { 1 }, lost = 5 })
		check.equal(writer.x, 1)

		local readers = {}
		for i = 1, 3 do
			readers[i] = check.helper "reader"
			skynet.call(readers[i], "lua", "init", writer:copy())
			skynet.call(readers[i], "lua", "update")
		end
		local function all_see(...)
			local want = table.pack(...)
			for _, reader in ipairs(readers) do
				check.results(want, skynet.call(reader, "lua", "look"))
			end
		end
		local function all_update(changed)
			for _, reader in ipairs(readers) do
				check.equal((skynet.call(reader, "lua", "update")), changed)
			end
		end

		all_see(1, "first", 1, nil)
		all_update(false)
		writer.x, writer.list = 2, { 1, 2, 3 }
		all_update(false)
		all_see(1, "first", 1, nil)
		writer:commit()
		all_see(1, "first", 1, nil)
		all_update(true)
		all_see(2, "first", 3, nil)
		writer.s = nil
		writer:commit()
		writer.s = "third"
		writer:commit()
		all_update(true)
		all_see(2, "third", 3, nil)
		for _, reader in ipairs(readers) do
			check.equal(skynet.call(reader, "lua", "assign"), false, "a reader does not write")
		end
		all_see(2, "third", 3, nil)

		writer.x = "no number"
		check.raises("thing.x[0] is not an integer (Is a string)", writer.commit, writer)
		all_update(false)
		check.raises_like("type not found", sharemap.writer, "other", {})
	end)
end
