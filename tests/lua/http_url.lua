-- http.url: paths and queries.

local check = require "check"
local url = require "http.url"

check.main(function()
	check.results({ "/a b", "x=1" }, url.parse "/a%20b?x=1")
	check.results({ "/a b", "" }, url.parse "/a+b")
	check.results({ "", "x" }, url.parse "?x")
	check.results({ "", "" }, url.parse "")
	check.results({ "/a", "b?c%20" }, url.parse "/a?b?c%20")
	check.results({ "/A\xe4", "" }, url.parse "/%41%e4")
	check.results({ "/a%4", "" }, url.parse "/a%4")
	check.equal(pcall(url.parse, "/a%zz"), false)

	check.same(url.parse_query "a=1&b=2", { a = "1", b = "2" })
	check.same(url.parse_query "a=1&a=2&a=3", { a = { "1", "2", "3" } })
	check.same(url.parse_query "a=&b=", { a = "", b = "" })
	check.same(url.parse_query "a=b=c", { a = "b=c" })
	check.same(url.parse_query "noeq&z=3", { ["noeq&z"] = "3" })
	check.same(url.parse_query "a+b=c+d%21", { ["a b"] = "c d!" })
	check.same(url.parse_query "a=1&b", { a = "1" })
	check.same(url.parse_query "", {})
end)
