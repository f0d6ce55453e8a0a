-- md5: all rows of the spec, and every error.

local check = require "check"
local md5 = require "md5"

local function hex(text)
	return (text:gsub(".", function(c)
		return string.format("%02x", c:byte())
	end))
end

local function sums()
	check.equal(md5.sumhexa "", "d41d8cd98f00b204e9800998ecf8427e")
	check.equal(md5.sumhexa "abc", "900150983cd24fb0d6963f7d28e17f72")
	check.equal(md5.sumhexa(("a"):rep(1000)), "cabe45dcc9ae5b66ba86600cca6b8ba8")
	check.equal(hex(md5.sum "abc"), md5.sumhexa "abc")
	check.equal(md5.hmacmd5("what do ya want for nothing?", "Jefe"), "750c783e6ab0b503eaa86e310a5db738")
	check.equal(md5.hmacmd5("x", ("k"):rep(64)), "f38420ee2e6c7cd5d9977bffba49d984")
	check.equal(md5.hmacmd5("x", ("k"):rep(65)), "35d6a3481580c58aab0efcc7f04c5e59")
	check.equal(md5.hmacmd5("data", "key"), "9d5c73ef85594d34ec4438b7c97e51d8")
	check.raises_like("bad argument #1 .*string expected", md5.sum)
end

local function exor()
	check.equal(hex(md5.exor("abc", "xyz")), "191b19")
	check.equal(md5.exor("", ""), "")
	check.raises_like("lengths must be equal", md5.exor, "a", "bc")
end

local function cipher()
	local rows = {
		{
			"hello world, this is a test",
			"key",
			"seed",
			"0473656564c78025b74eeaf25687f4eaabf911327da70e275df474f7f20c85b4",
		},
		{ "abc", "key", "", "0035438b" },
		{
			"hello world",
			"secret",
			"0123456789abcdef",
			"1030313233343536373839616263646566790a809422f86b18cb05be",
		},
		{ "a", "k", "s", "0173ad" },
		{ "", "k", "s", "0173" },
	}
	for _, row in ipairs(rows) do
		local text = md5.crypt(row[1], row[2], row[3])
		check.equal(hex(text), row[4])
		check.equal(md5.decrypt(text, row[2]), row[1])
	end
	for length = 0, 70 do
		local long = ("m"):rep(length)
		local text = md5.crypt(long, ("k"):rep(256))
		check.equal(#text, 1 + 8 + length, "the default seed has 8 bytes")
		check.equal(md5.decrypt(text, ("k"):rep(256)), long)
	end
	check.equal(md5.decrypt("\0", "k"), "")

	check.raises("key too long (> 256)", md5.crypt, "abc", ("x"):rep(257), "s")
	check.raises("key too long (> 256)", md5.decrypt, "\0abc", ("x"):rep(257))
	check.raises("seed too long (> 16)", md5.crypt, "abc", "x", ("x"):rep(17))
	for _, wrong in ipairs { "", "\4ab", "\x11abc", ("\x12"):rep(30) } do
		check.raises_like("invalid cyphered string", md5.decrypt, wrong, "k")
	end
end

check.main(function()
	sums()
	exor()
	cipher()
	check.equal(md5._VERSION, "MD5 1.2")
	check.equal(md5._DESCRIPTION, "Basic cryptographic facilities")
	check.equal(type(md5._COPYRIGHT), "string")
	check.equal(require("md5.core").sum "abc", md5.sum "abc")
end)
