-- pack and unpack as a service sees them. (The format has tests of its own beside the codec.)

local check = require "check"
local skynet = require "skynet"

local packstring, unpack = skynet.packstring, skynet.unpack

local function hex(...)
	return (packstring(...):gsub(".", function(c)
		return string.format("%02x", c:byte())
	end))
end

local function formats()
	check.equal(hex(), "")
	check.equal(hex(nil), "00")
	check.equal(hex(true, false), "0901")
	check.equal(hex(0), "02")
	check.equal(hex(255), "0aff")
	check.equal(hex(256), "120001")
	check.equal(hex(65536), "2200000100")
	check.equal(hex(2^31 // 1 | 0), "320000008000000000")
	check.equal(hex(-1), "22ffffffff")
	check.equal(hex(1.0), "42000000000000f03f")
	check.equal(hex "", "04")
	check.equal(hex "s", "0c73")
	check.equal(hex {}, "0600")
	check.equal(hex { 1, 2 }, "160a010a0200")
	check.equal(hex { a = 1 }, "060c610a0100")
end

local function round_trips()
	local list = {}
	for i = 1, 100 do
		list[i] = i
	end
	local value = { list = list, [1] = "x", [2] = { deep = { deeper = {} } }, [2.5] = false }
	check.results({ value }, unpack(packstring(value)))
	check.results({ n = 3, nil, "a", nil }, unpack(packstring(nil, "a", nil)))
	for _, size in ipairs { 0, 31, 32, 65535, 65536, 300000 } do
		check.results({ string.rep("y", size) }, unpack(packstring(string.rep("y", size))))
	end
	local msg, sz = skynet.pack(1, "two")
	check.equal(type(msg), "userdata")
	check.equal(math.type(sz), "integer")
	check.results({ 1, "two" }, unpack(msg, sz))
	check.equal(skynet.tostring(msg, sz), packstring(1, "two"))
	skynet.trash(msg, sz)
	check.results({ n = 0 }, unpack(nil))
	check.results({ n = 0 }, unpack "")
	check.results({ msg }, unpack(packstring(msg)))
end

local function proxies_are_packed_by_pairs()
	local proxy = setmetatable({ hidden = true }, {
		__pairs = function()
			return next, { seen = 1, "one" }
		end,
	})
	check.results({ { seen = 1, "one" } }, unpack(packstring(proxy)))
	local bad = setmetatable({}, { __pairs = function() error "in pairs" end })
	check.raises_like("in pairs", packstring, bad)
	local plain = setmetatable({ 1 }, { __index = { x = 1 }, __len = function() return 5 end })
	check.results({ { 1 } }, unpack(packstring(plain)))
end

local function nested(depth)
	local t = "bottom"
	for _ = 1, depth do
		t = { t }
	end
	return t
end

local function errors()
	check.raises("Unsupport type function to serialize", packstring, print)
	check.raises("Unsupport type userdata to serialize", packstring, io.stdout)
	check.raises("Unsupport type thread to serialize", packstring, { { coroutine.running() } })
	packstring(nested(32))
	check.raises("serialize can't pack too depth table", packstring, nested(33))
	local cycle = {}
	cycle[1] = cycle
	check.raises("serialize can't pack too depth table", skynet.pack, cycle)
	check.raises_like("Invalid serialize stream", unpack, "\7")
	check.raises_like("Invalid serialize stream", unpack, "\x0a")
	check.raises_like("Invalid serialize stream", unpack, "\x0c")
	check.raises_like("Invalid serialize stream", unpack, "\x16\x0a\x01")
end

check.main(function()
	formats()
	round_trips()
	proxies_are_packed_by_pairs()
	errors()
end)
