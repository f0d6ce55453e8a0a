-- Two different local variables of one name.

do
	local state = 1
	function response.first() return state end
end

do
	local state = 2
	function response.second() return state end
end
