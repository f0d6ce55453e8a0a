-- Blocking functions in metamethods and iterators: where Lua can yield they work, elsewhere they
-- raise; packing calls `__pairs`, which may do what it likes but block.
--! differs: a late answer goes to whatever the task waits for by then

local check = require "check"
local skynet = require "skynet"

if ... == "peer" then
	check.serve {
		echo = function(...)
			skynet.sleep(1)
			return ...
		end,
	}
	return
end

local peer

local function ask(value)
	return skynet.call(peer, "lua", "echo", value)
end

local remote = setmetatable({}, {
	__index = function(_, key)
		return ask(key)
	end,
	__newindex = function(t, key, value)
		rawset(t, key, ask(value))
	end,
	__call = function(_, value)
		return ask(value)
	end,
	__add = function(_, b)
		return ask(b)
	end,
	__concat = function(_, b)
		return ask(b)
	end,
	__eq = function()
		return ask(true)
	end,
	__lt = function()
		return ask(true)
	end,
	__len = function()
		return ask(7)
	end,
	__pairs = function()
		return ipairs { ask "a", "b" }
	end,
	__tostring = function()
		return ask "text"
	end,
	__close = function()
		ask "closed"
	end,
})

local function that_yield()
	check.equal(remote.field, "field")
	remote.set = "value"
	check.equal(rawget(remote, "set"), "value")
	check.equal(remote "called", "called")
	check.equal(remote + 1, 1)
	check.equal(remote .. "x", "x")
	check.equal(remote == setmetatable({}, getmetatable(remote)), true)
	check.equal(remote < remote, true)
	check.equal(#remote, 7)
	local seen = {}
	for _, v in pairs(remote) do
		seen[#seen + 1] = ask(v)
	end
	check.same(seen, { "a", "b" })
	do
		local _ <close> = remote
	end
	for i in function(_, i) return ask((i or 0) + 1) end do
		if i == 3 then
			break
		end
	end
end

local function that_cannot()
	local boundary = "attempt to yield across a C-call boundary"
	check.raises(boundary, tostring, remote)
	check.raises(boundary, string.format, "%s", remote)
	check.raises(boundary, table.concat, setmetatable({}, {
		__len = function() return 1 end,
		__index = function() return ask "x" end,
	}))
	check.raises_like("C%-call boundary", skynet.pack, remote)
	check.raises_like("C%-call boundary", skynet.call, peer, "lua", remote)
	check.equal(ask "still fine", "still fine")
end

local function packing_in_pack()
	local inner = setmetatable({}, {
		__pairs = function()
			local packed = skynet.packstring({ 1, 2, { "deep" } }, string.rep("x", 5000))
			skynet.send(peer, "lua", "echo", packed)
			return pairs { packed = packed, copy = skynet.unpack(packed) }
		end,
	})
	local got = ask { inner, inner, before = "before", string.rep("y", 5000) }
	check.same(got[2].copy, { 1, 2, { "deep" } })
	check.equal(got.before, "before")
	check.equal(got[3], string.rep("y", 5000))
	local raising = setmetatable({}, { __pairs = function() error "of pairs" end })
	check.raises_like("of pairs", skynet.pack, { 1, raising })
	check.raises_like("of pairs", ask, { 1, raising })
	check.equal(ask(1), 1)
	local killer
	killer = setmetatable({}, {
		__pairs = function()
			killer = nil
			collectgarbage()
			return pairs { string.rep("z", 5000) }
		end,
	})
	check.same(ask { killer, string.rep("z", 5000) }[1], { string.rep("z", 5000) })
end

check.main(function()
	peer = check.helper "peer"
	that_yield()
	check.step "metamethods that yield"
	that_cannot()
	check.step "metamethods below C functions"
	packing_in_pack()
	check.step "what __pairs may do"
end)
