-- The old names of modules: each is the same module as the new one.
--! config: lua_path = "@TESTS@/../../lualib/compat10/?.lua;" .. lua_path

local check = require "check"

local names = {
	clientsocket = "client.socket",
	mongo = "skynet.db.mongo",
	mysql = "skynet.db.mysql", redis = "skynet.db.redis",
}
for name in ([[cluster crypt datacenter dns memory mqueue multicast netpack profile sharedata sharemap
	snax socket socketchannel socketdriver stm]]):gmatch "%S+" do
	names[name] = "skynet." .. name
end

check.main(function()
	for old, new in pairs(names) do
		local found, module = pcall(require, new)
		local old_found, old_module = pcall(require, old)
		check.equal(old_found, found, old)
		if found then
			check.ok(rawequal(old_module, module), old)
		else
			-- It is not there: the text says which one is missing.
			check.match(tostring(old_module), "module '" .. new:gsub("%.", "%%.") .. "' not found")
		end
	end
end)
