-- sproto: what the API does beside the recorded rows, and what bad schemas and bytes get.

local check = require "check"
local skynet = require "skynet"
local sproto = require "sproto"
local core = require "sproto.core"
local parser = require "sprotoparser"
local loader = require "sprotoloader"

local SCHEMA = [[
.package { type 0 : integer session 1 : integer ud 2 : string }
.KV { k 0 : string v 1 : integer }
.A {
	a 0 : *A
	b 1 : A
	c 2 : *double
	d 3 : integer
	e 4 : *integer
	f 5 : boolean
	g 6 : *boolean
	h 7 : integer(2)
	map 8 : *KV()
	keyed 9 : *KV(k)
	s 10 : string
}
ask 1 { request { text 0 : string } response { done 0 : boolean } }
ack 3 { response nil }
drop 4 {}
]]

local function types_and_protocols(sp)
	check.equal(sp:exist_type "A", true)
	check.equal(sp:exist_type "B", false)
	check.equal(sp:exist_proto "ask", true)
	check.equal(sp:exist_proto(3), true)
	check.equal(sp:exist_proto "zz", false)
	check.equal(sp:exist_proto(99), false)
	local ask = sp:queryproto "ask"
	check.equal(ask.name, "ask")
	check.equal(ask.tag, 1)
	check.ok(ask.request and ask.response)
	check.equal(sp:queryproto(1).name, "ask")
	check.equal(sp:queryproto("drop").request, nil)
	check.equal(sp:queryproto("drop").response, nil)
	check.raises("zz not found", sp.queryproto, sp, "zz")
	check.raises("type not found", sp.encode, sp, "B", {})
	check.raises("type not found", sp.decode, sp, "B", "")
	check.raises_like("Need a sproto object", core.querytype, 5, "A")
	check.results({}, core.querytype(sp.__cobj, "B"))
	check.results({}, core.protocol(sp.__cobj, "zz"))
end

local function sides_of_protocols(sp)
	check.results({ "", 4 }, sp:request_encode("drop", {}))
	local bytes, tag = sp:request_encode("ask", { text = "hi" })
	check.equal(tag, 1)
	local value, name = sp:request_decode("ask", bytes)
	check.same(value, { text = "hi" })
	check.equal(name, "ask")
	check.results({ nil, "drop", n = 2 }, sp:request_decode("drop", ""))
	bytes = sp:response_encode("ask", { done = true })
	check.same(sp:response_decode("ask", bytes), { done = true })
	check.equal(sp:response_encode("drop", {}), "")
	check.equal(sp:response_encode("ack", nil), "")
	check.raises_like("bad argument #2 to '.*encode' %(nil expected, got table%)", function()
		return sp:response_encode("ack", {}) .. ""
	end)
	check.results({}, sp:response_decode("ack", ""))
end

local function defaults(sp)
	local want = {
		a = { __array = "A" },
		b = { __type = "A" },
		c = { __array = 0.0 },
		d = 0,
		e = { __array = 0 },
		f = false,
		g = { __array = false },
		h = 0.0,
		map = { __array = "KV" },
		keyed = { __array = "KV" },
		s = "",
	}
	check.same(sp:default "A", want)
	check.same(sp:default("ask", "REQUEST"), { text = "" })
	check.same(sp:default("ask", "RESPONSE"), { done = false })
	check.equal(sp:default("drop", "REQUEST"), nil)
	check.raises("Invalid type", sp.default, sp, "ask", "ANSWER")
end

local function where_bytes_come_from(sp)
	local bytes = sp:encode("KV", { k = "x", v = 5 })
	local block, size = skynet.pack(1)
	skynet.trash(block, size)
	check.results({ { k = "x", v = 5 }, #bytes }, sp:decode("KV", bytes .. "behind"))
	local own = { k = "old", w = 1 }
	local got = sp:decode("KV", sp:encode("KV", { v = 7 }), own)
	check.ok(got == own)
	check.same(own, { k = "old", v = 7, w = 1 })
	local log = {}
	local proxy = setmetatable({}, { __newindex = function(_, k, v)
		log[#log + 1] = k .. "=" .. v
	end })
	sp:decode("KV", bytes, proxy)
	check.equal(table.concat(log, " "), "k=x v=5")
	for _, wrong in ipairs { 5, {}, true } do
		check.raises_like("Need a string or userdata", sp.decode, sp, "KV", wrong)
	end
end

-- Tables may run Lua code while they are read: it encodes another message, or raises.
local function metamethods(sp)
	local inner = sp:encode("KV", { k = "inner", v = 1 << 40 })
	local nested = setmetatable({}, { __index = function(_, name)
		if name == "s" then
			check.equal(sp:encode("KV", { k = "inner", v = 1 << 40 }), inner)
			return "outer"
		end
	end })
	local want = sp:encode("A", { s = "outer" })
	for _ = 1, 3 do
		check.equal(sp:encode("A", nested), want)
		local bad = setmetatable({}, { __index = function()
			error("thrown", 0)
		end })
		check.raises("thrown", sp.encode, sp, "A", bad)
		check.raises("thrown", sp.encode, sp, "A", { d = 1, b = bad })
	end
	local ordered = setmetatable({}, { __pairs = function()
		return function(_, key)
			local nexts = { [""] = "b", b = "a" }
			local name = nexts[key or ""]
			return name, name and #name
		end
	end })
	local twice = sp:encode("A", { map = ordered })
	check.same(sp:decode("A", twice), { map = { a = 1, b = 1 } })
	check.ok(twice:find "b.*a", "the order is that of __pairs")
	local holes = setmetatable({}, { __index = function(_, i)
		return i <= 3 and i * 10 or nil
	end })
	check.same(sp:decode("A", sp:encode("A", { e = holes })), { e = { 10, 20, 30 } })
	local userdata_like = io.stdout
	check.raises_like("A.e%(1%) should be a table", sp.encode, sp, "A", { e = userdata_like })
	local endless = setmetatable({}, { __index = function()
		return 1
	end })
	check.raises("object is too large (>16777216)", sp.encode, sp, "A", { e = endless })
	check.equal(sp:encode("A", { s = "outer" }), want)
end

local function field(tag, data)
	return string.pack("<I2I2I2I4", 2, tag * 2 - 1, 0, #data) .. data
end

local function inline(tag, value)
	return string.pack("<I2I2I2", 2, tag * 2 - 1, (value + 1) * 2)
end

local function hostile_bytes(sp)
	local function decode(bytes)
		return (sp:decode("A", bytes))
	end
	local wrong = {
		"", "\0", "\1\0", "\1\0\2", "\1\0\0\0", "\1\0\0\0\1\0\0\0",
		field(2, "\8" .. ("x"):rep(9)), field(2, "\3xxx"), field(4, "\5xxxxx"), field(4, "\4xxxxx"),
		field(3, "xx"), field(3, ""), field(5, "\1"), inline(5, 1):sub(1, -2), inline(1, 1),
		inline(4, 1), inline(10, 1), field(1, "\0\0x"), field(8, "\2\0\0\0"), field(9, "\1\0\0\0x"),
	}
	for index, bytes in ipairs(wrong) do
		check.raises("decode error", decode, bytes)
		check.raises("decode error", decode, field(1, bytes .. ""))
		check.equal(index, index)
	end
	check.same(decode "\0\0behind", {})
	check.same(decode "\1\0\1\0", {})
	check.same(decode(field(4, "\5")), { e = {} })
	check.same(decode(field(4, "\4xxxx")), { e = { 2021161080 } })
	check.same(decode(field(3, "xxxx")), { d = 2021161080 })
	check.same(decode(field(200, "unknown")), {})
	check.same(decode(inline(5, 2)), { f = true })
	local element = sp:encode("KV", { v = 1 })
	local elements = string.pack("<s4", element)
	check.raises("Can't find main index (tag=0) in [keyed]", decode, field(9, elements))
	check.raises("Can't find key field in [map]", decode, field(8, elements))
	elements = string.pack("<s4", sp:encode("KV", { k = "x" }))
	check.raises("Can't find value field in [map]", decode, field(8, elements))

	local deep = "\0\0"
	for _ = 1, 64 do
		deep = string.pack("<I2I2I2I4", 2, 1, 0, #deep) .. deep
	end
	check.ok(decode(deep).b)
	deep = string.pack("<I2I2I2I4", 2, 1, 0, #deep) .. deep
	check.raises("The table is too deep", decode, deep)
	for _, cut in ipairs { "\1", "\xff", "\xff\0", "\xff\0001234567" } do
		check.raises("Invalid unpack stream", core.unpack, cut)
		check.raises("Invalid unpack stream", sp.pdecode, sp, "A", cut)
	end
end

local function hosts(sp)
	local server, client = sp:host(), sp:host "package"
	local request = client:attach(sp)
	check.raises("type package not found", sp.host, sp, "pack")
	local kind, name, value, response, ud = server:dispatch(request("ask", { text = "q" }, 7, "u"))
	check.same({ kind, name, value, ud }, { "REQUEST", "ask", { text = "q" }, "u" })
	local answer = response({ done = true }, "v")
	check.results({ "RESPONSE", 7, { done = true }, "v" }, client:dispatch(answer))
	check.raises("Unknown session", client.dispatch, client, answer)
	kind, name, value, response = server:dispatch(request "drop")
	check.same({ kind, name, value, response }, { "REQUEST", "drop" })
	local _, _, _, late = server:dispatch(request("drop", nil, 8))
	check.results({ "RESPONSE", 8, n = 4 }, client:dispatch(late()))
	local _, _, _, confirm = server:dispatch(request("ack", nil, 9))
	check.results({ "RESPONSE", 9, n = 4 }, client:dispatch(confirm()))
	check.raises("zz not found", request, "zz")
	check.raises("77 not found", server.dispatch, server, sp:pencode("package", { type = 77 }))
	check.raises("session not found", server.dispatch, server, sp:pencode("package", {}))
end

local function slots_for_all()
	check.raises("Invalid global slot index 16", core.loadproto, 16)
	check.raises("Invalid global slot index -1", core.loadproto, -1)
	check.raises("nil sproto at index 3", core.loadproto, 3)
	loader.save(parser.parse ".A { x 0 : integer }", 3)
	local helper = check.helper "slots"
	check.same(skynet.call(helper, "lua"), { x = 5 })
	local mine = loader.load(3)
	loader.save(parser.parse ".A { y 0 : integer }", 3)
	collectgarbage()
	check.same(mine:decode("A", mine:encode("A", { x = 1 })), { x = 1 })
	check.raises("Can't open sproto file", loader.register, "/nowhere/at/all.sproto", 4)
	local path = os.tmpname()
	local file <close> = assert(io.open(path, "w"))
	file:write ".F { z 0 : string }"
	file:close()
	loader.register(path, 4)
	os.remove(path)
	check.same(loader.load(4):default "F", { z = "" })
end

local function bad_schemas()
	check.raises("syntax error at [mine] line (2)", parser.parse, ".A {\n@", "mine")
	check.raises_like("string", parser.parse, {})
	check.results({}, core.newproto "xx")
	check.results({}, core.newproto "\0\0")
	check.raises_like(".", sproto.new, "garbage")
	check.raises_like(".", sproto.parse, "")
end

if ... == "slots" then
	skynet.start(function()
		skynet.dispatch("lua", function()
			local shared = loader.load(3)
			skynet.retpack((shared:decode("A", shared:encode("A", { x = 5 }))))
		end)
	end)
else
	check.main(function()
		local sp = sproto.parse(SCHEMA)
		types_and_protocols(sp)
		sides_of_protocols(sp)
		defaults(sp)
		where_bytes_come_from(sp)
		metamethods(sp)
		hostile_bytes(sp)
		hosts(sp)
		slots_for_all()
		bad_schemas()
	end)
end
