-- Prints the memory of each service and of the process, and ends.

local skynet = require "skynet"
local memory = require "skynet.memory"

local addresses, bytes_of = {}, memory.info()
for address in pairs(bytes_of) do
	addresses[#addresses + 1] = address
end
table.sort(addresses)
for _, address in ipairs(addresses) do
	print(string.format("%s %gK", skynet.address(address), bytes_of[address] / 1024))
end
print("Total memory:", memory.total())
print("Total block:", memory.block())

skynet.start(skynet.exit)
