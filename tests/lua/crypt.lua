-- skynet.crypt: all rows of the spec, and every error.

local check = require "check"
local crypt = require "skynet.crypt"

local function bytes(hex)
	return (hex:gsub("%x%x", function(digits)
		return string.char(tonumber(digits, 16))
	end))
end

local function hex(text)
	return (text:gsub(".", function(c)
		return string.format("%02x", c:byte())
	end))
end

local ALL = {}
for i = 0, 255 do
	ALL[i + 1] = string.char(i)
end
ALL = table.concat(ALL)

local function text_hash()
	local rows = {
		[""] = "05150000a7c6674e",
		["a"] = "06b602004d00f5ae",
		["abc"] = "8b5c880ba1179b1a",
		["hello world"] = "c1c8513506e36bbc",
		["The quick brown fox jumps over the lazy dog"] = "de38cc3438feefdf",
		[("\xff"):rep(16)] = "f5bf03b080ecc0bd",
		["\0"] = "a5b502002e00f5ae",
		[ALL] = "85945b9a7a0ea7b2",
		[("x"):rep(300)] = "25333baa0f783887",
	}
	for text, want in pairs(rows) do
		check.equal(hex(crypt.hashkey(text)), want, text)
	end
end

local function codes_of_values()
	local rows = {
		{ "0102030405060708", "1122334455667788", "0eade23217e631df", "4f3971eee43bf24d" },
		{ "1122334455667788", "0102030405060708", "3395244b52c3b2a5", "324967c8514e7370" },
		{ "0000000000000000", "0000000000000000", "a2a90fe5ec190ee5", "54ffbebd728133f0" },
		{ "ffffffffffffffff", "ffffffffffffffff", "249422d47b81a4b7", "6b23f80f49a53353" },
		{ "0000000000000000", "ffffffffffffffff", "d7be872098dacfba", "6db442a8ec5fe35c" },
		{ hex "12345678", hex "abcdefgh", "ac9ffda9547a027a", "c2a34748cf834af4" },
	}
	for _, row in ipairs(rows) do
		local x, y = bytes(row[1]), bytes(row[2])
		check.equal(hex(crypt.hmac64(x, y)), row[3])
		check.equal(hex(crypt.hmac64_md5(x, y)), row[4])
	end
	for _, name in ipairs { "hmac64", "hmac64_md5" } do
		check.raises("Invalid uint64 x", crypt[name], "1234567", "12345678")
		check.raises("Invalid uint64 y", crypt[name], "12345678", "123456789")
		check.raises_like("bad argument #2 .*string expected", crypt[name], "12345678")
	end
end

local function code_of_text()
	local rows = {
		{ bytes "0102030405060708", "", "5557eef0a339145d" },
		{ bytes "0102030405060708", "abc", "2c7731dc2c416f05" },
		{ "12345678", "hello world", "dc289049eee8f566" },
		{ bytes "1122334455667788", "aGVsbG8=@c2FtcGxl#MQ==:1", "e23fe7032c458b51" },
	}
	for _, row in ipairs(rows) do
		check.equal(hex(crypt.hmac_hash(row[1], row[2])), row[3])
	end
	check.raises("Invalid uint64 key", crypt.hmac_hash, "1", "text")
end

local function key_exchange()
	local rows = {
		["0100000000000000"] = "0500000000000000",
		["0200000000000000"] = "1900000000000000",
		["0102030405060708"] = "984e1418283235ed",
		["1122334455667788"] = "212931c0f9a45318",
		[hex "12345678"] = "a18e89af97222f0e",
		["0000000000000080"] = "963c2ce6be8c4d83",
		["c4ffffffffffffff"] = "0100000000000000",
		["ffffffffffffffff"] = "4e2ea6baf651b377",
	}
	for key, want in pairs(rows) do
		check.equal(hex(crypt.dhexchange(bytes(key))), want, key)
	end
	local function secret(base, key)
		return hex(crypt.dhsecret(bytes(base), bytes(key)))
	end
	local a, b = "0102030405060708", "1122334455667788"
	check.equal(secret(rows[a], b), "6373fb943f60a5ee")
	check.equal(secret(rows[b], a), "6373fb943f60a5ee")
	check.equal(secret("ffffffffffffffff", "0100000000000000"), "3a00000000000000")
	check.equal(secret("ffffffffffffffff", "0200000000000000"), "240d000000000000")
	check.equal(secret("c5ffffffffffffff", "0200000000000000"), "0000000000000000")
	check.equal(secret("c5ffffffffffffff", "0100000000000000"), "c5ffffffffffffff")
	check.equal(secret("c4ffffffffffffff", "0300000000000000"), "c4ffffffffffffff")
	for _ = 1, 100 do
		local x, y = crypt.randomkey(), crypt.randomkey()
		local ours = crypt.dhsecret(crypt.dhexchange(x), y)
		check.equal(hex(ours), hex(crypt.dhsecret(crypt.dhexchange(y), x)))
	end

	local zero = ("\0"):rep(8)
	check.raises("Invalid dh uint64 key", crypt.dhexchange, "1")
	check.raises("Can't be 0", crypt.dhexchange, zero)
	check.raises("Can't be 0", crypt.dhsecret, zero, "12345678")
	check.raises("Can't be 0", crypt.dhsecret, "12345678", zero)
	check.raises("Invalid uint64 x", crypt.dhsecret, "1", "12345678")
	check.raises("Invalid uint64 y", crypt.dhsecret, "12345678", "1")
end

local function des()
	local key = "12345678"
	local rows = {
		{ "", "8d3d438a718b4510", "feb959b7d4642fcb" },
		{ "1", "6fdf9691d18e0e2a", "83a02d809ba5eaad" },
		{ "12", "a4380a31449e1e43", "35e7c5a46fa6d4ee" },
		{ "123", "8b9dc9c57a7ec927", "2c388551d7f489ec" },
		{ "1234", "241d382c065e5468", "4fdbbb77305d8bec" },
		{ "12345", "349fae09ed233399", "00680a771fd089cf" },
		{ "123456", "3d0585b300cbe5df", "103e702e0737327c" },
		{ "1234567", "8f0d7f23efa6d019", "998a3e058213e353" },
		{ "12345678", "96d0028878d58c898d3d438a718b4510", "96d0028878d58c89feb959b7d4642fcb" },
		{ "hello world", "28dba02eb5f6dd4706b5c56593dcbe2c", "28dba02eb5f6dd475d82e3681c83bb77" },
	}
	local iso, pkcs = crypt.padding.iso7816_4, crypt.padding.pkcs7
	check.equal(iso, 0)
	check.equal(pkcs, 1)
	for _, row in ipairs(rows) do
		check.equal(hex(crypt.desencode(key, row[1])), row[2])
		check.equal(hex(crypt.desencode(key, row[1], iso)), row[2])
		check.equal(hex(crypt.desencode(key, row[1], pkcs)), row[3])
		check.equal(crypt.desdecode(key, bytes(row[2])), row[1])
		check.equal(crypt.desdecode(key, bytes(row[3]), pkcs), row[1])
	end
	local one = crypt.desencode(bytes "133457799bbcdff1", bytes "0123456789abcdef")
	check.equal(hex(one), "85e813540f0ab40587ab78d11e188df6")
	local zero, weak = ("\0"):rep(8), ("\1"):rep(8)
	check.equal(hex(crypt.desencode(zero, zero)), "8ca64de9c1b123a795f8a5e5dd31d900")
	check.equal(crypt.desencode(weak, zero), crypt.desencode(zero, zero))
	local long = crypt.desencode(key, ("x"):rep(300))
	check.equal(#long, 304)
	check.equal(hex(crypt.sha1(long)), "1c677c62faf693554cbd3a74c76171788f0e789b")

	for _, f in ipairs { crypt.desencode, crypt.desdecode } do
		check.raises("Invalid key size 3, need 8 bytes", f, "123", zero)
		check.raises("Invalid padding mode 7", f, key, zero, 7)
		check.raises("Invalid padding mode -1", f, key, zero, -1)
	end
	check.raises("Invalid des crypt text length 0", crypt.desdecode, key, "")
	check.raises("Invalid des crypt text length 9", crypt.desdecode, key, "123456789")
	check.raises("Invalid des crypt text", crypt.desdecode, key, "12345678")
	check.raises("Invalid des crypt text", crypt.desdecode, key, crypt.desencode(key, "x"), pkcs)
	check.raises("Invalid des crypt text", crypt.desdecode, key, crypt.desencode(key, "x", pkcs))
end

local function hexadecimal()
	check.equal(crypt.hexencode(ALL), hex(ALL))
	check.equal(crypt.hexdecode(hex(ALL)), ALL)
	check.equal(crypt.hexencode "", "")
	check.equal(crypt.hexdecode "", "")
	check.raises("Invalid hex text size 3", crypt.hexdecode, "abc")
	for _, wrong in ipairs { "AB", "zz", " 1", "1\0" } do
		check.raises("Invalid hex text", crypt.hexdecode, wrong)
	end
end

local function base64()
	local rows = {
		[""] = "",
		f = "Zg==",
		fo = "Zm8=",
		foo = "Zm9v",
		foob = "Zm9vYg==",
		fooba = "Zm9vYmE=",
		foobar = "Zm9vYmFy",
		["\xff\xfe\xfd"] = "//79",
	}
	for text, want in pairs(rows) do
		check.equal(crypt.base64encode(text), want)
		check.equal(crypt.base64decode(want), text)
	end
	local all = crypt.base64encode(ALL)
	check.equal(#all, 344)
	check.equal(hex(crypt.sha1(all)), "d512a02578ec6b21491e55e9081bb0fc16ce4193")
	check.equal(crypt.base64decode(all), ALL)

	local lenient = {
		["Zg="] = "f",
		Zg = "f",
		["Zg*"] = "f",
		["Zg=*="] = "f",
		["\xff\xffZg=="] = "f",
		Zm8 = "fo",
		["*Zm9v"] = "foo",
		["\nZm9v"] = "foo",
		["Zm9\nv"] = "foo",
		["Z*m*9*v"] = "foo",
		["Zm9vZg==Zm8="] = "fooffo",
		["Zg==Zg=="] = "ff",
		["Zm8=Zg"] = "fof",
	}
	for text, want in pairs(lenient) do
		check.equal(crypt.base64decode(text), want, text)
	end
	local wrong = {
		"Zm9v\n", "Zg==\n", "Zg==*", "*", "\n", "Z", "*Z", "Z===", "====", "=", "Zm9vY", "Z=g=",
		"Zm=v", "-_-_", "Zh==", "Zm9=", "Zm9\n", "Zg=Z", "==Zg", "Zg=Zm9v", "Zm9v====", "Zm8=Z",
	}
	for _, text in ipairs(wrong) do
		check.raises("Invalid base64 text", crypt.base64decode, text)
	end
end

local function sha1()
	check.equal(hex(crypt.sha1 ""), "da39a3ee5e6b4b0d3255bfef95601890afd80709")
	check.equal(hex(crypt.sha1 "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d")
	local text = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
	check.equal(hex(crypt.sha1(text)), "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
	local rows = {
		[55] = "c1c8bbdc22796e28c0e15163d20899b65621d65a",
		[56] = "c2db330f6083854c99d4b5bfb6e8f29f201be699",
		[63] = "03f09f5b158a7a8cdad920bddc29b81c18a551f5",
		[64] = "0098ba824b5c16427bd7a1122a5a442a25ec644d",
		[65] = "11655326c708d70319be2610e8a57d9a5b959d3b",
		[10000] = "a080cbda64850abb7b7f67ee875ba068074ff6fe",
		[1000000] = "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
	}
	for count, want in pairs(rows) do
		check.equal(hex(crypt.sha1(("a"):rep(count))), want)
	end

	local fox = "The quick brown fox jumps over the lazy dog"
	check.equal(hex(crypt.hmac_sha1("key", fox)), "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9")
	check.equal(hex(crypt.hmac_sha1("", "")), "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d")
	local keys = {
		[1] = "2d795a5f313a0bb4e42011cbd2063b8a2610df75",
		[20] = "d9960cad6792f69f96dee0c6d97f85f8377aebdb",
		[64] = "0a0b7a314b101739c3557f6b5e1dd6ab55658970",
		[65] = "9e8b701143a82cdc059a72a86230df264354cdb0",
		[100] = "ffa8c379feae2f641360060a7fea60d79dbc9932",
	}
	for count, want in pairs(keys) do
		check.equal(hex(crypt.hmac_sha1(("k"):rep(count), "message")), want)
	end
end

local function xor()
	check.equal(hex(crypt.xor_str("hello", "k")), "030e070704")
	check.equal(hex(crypt.xor_str("hello", "key")), "030015070a")
	check.equal(hex(crypt.xor_str(bytes "00ff00ff00", bytes "0102")), "01fd01fd01")
	check.equal(crypt.xor_str("", "x"), "")
	check.raises("Can't xor empty string", crypt.xor_str, "abc", "")
	check.raises("Can't xor empty string", crypt.xor_str, "", "")
end

check.main(function()
	text_hash()
	codes_of_values()
	code_of_text()
	key_exchange()
	des()
	hexadecimal()
	base64()
	sha1()
	xor()
	local client = require "client.crypt"
	for name in pairs(crypt) do
		check.equal(type(client[name]), type(crypt[name]), name)
	end
	check.equal(client.hashkey "abc", crypt.hashkey "abc")
end)
