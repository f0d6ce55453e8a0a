-- Addresses are given in ascending order and not used again soon.

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

local mode = ...

if mode == "child" then
	check.serve {}
	return
end

check.main(function()
	local last = skynet.self()
	local living = {}
	for _ = 1, 6 do
		local address = check.helper "child"
		check.equal(address, last + 1)
		last = address
		living[#living + 1] = address
	end
	local seen = {}
	for _ = 1, 100 do
		local address = check.helper "child"
		check.ok(address > last)
		check.ok(not seen[address])
		seen[address] = true
		last = address
		skynet.kill(address)
		check.results({}, skynet.send(address, "lua"))
	end
	for _, address in ipairs(living) do
		skynet.call(address, "debug", "PING")
	end
end)
