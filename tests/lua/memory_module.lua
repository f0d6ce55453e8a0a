-- skynet.memory: the shape of its answers. (The figures depend on the allocator.)

local check = require "check"
local memory = require "skynet.memory"

check.main(function()
	check.equal(math.type(memory.total()), "integer")
	check.equal(math.type(memory.block()), "integer")
	check.equal(math.type(memory.current()), "integer")
	check.equal(type(memory.info()), "table")
	for address, bytes in pairs(memory.info()) do
		check.equal(math.type(address), "integer")
		check.equal(math.type(bytes), "integer")
	end
	for _, name in ipairs { "dumpinfo", "dump", "jestat", "mallctl", "dumpheap", "profactive" } do
		check.equal(type(memory[name]), "function", name)
	end
end)
