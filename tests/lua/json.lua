-- skynet.json: what discovery engines answer.
--! differs: the module is ironsky's
local check = require "check"
local json = require "skynet.json"

local function deep(levels)
	return string.rep("[", levels) .. string.rep("]", levels)
end

check.main(function()
	check.same(json.decode '{"a": [1, 2.5, "x"], "b": {"c": true, "d": false}, "e": null}',
		{ a = { 1, 2.5, "x" }, b = { c = true, d = false } })
	check.equal(math.type(json.decode "9007199254740993"), "integer")
	check.equal(math.type(json.decode "18446744073709551615"), "float")
	check.equal(json.decode '"\\u00e9\\ud83d\\ude00\\n"', "\u{e9}\u{1f600}\n")
	check.equal(json.decode "null", nil)
	check.equal(type(json.decode(deep(100))), "table")
	for _, text in ipairs { "", "{", "[1,]", '"\\x"', "1 2", "nul", "NaN", "\xff", '{"a":1}}', deep(200) } do
		local value, why = json.decode(text)
		check.equal(value, nil)
		check.match(why, "^no JSON: .* at line 1 column %d+$")
	end
	check.raises_like("string expected", json.decode, {})
end)
