-- skynet.snax.hotfix: functions exchanged while the service runs.
--! differs: there the error of a patch that does not compile names no place
--! config: snax = "@TESTS@/snax/?.lua"

local check = require "check"
local snax = require "skynet.snax"

local function a_patch_sees_the_live_state(room)
	local result = snax.hotfix(room, [[
local limit
local said
local added = 100

function response.limit()
	return limit + added, #said
end

function hotfix(first, ...)
	local before = limit
	limit = first
	return before, select("#", ...)
end
]], 40, nil, nil)
	check.equal(result, 3)
	check.results({ 140, 1 }, room.req.limit())
	-- A function that was not patched sees the change as well.
	room.post.say "after"
	check.eventually(function() return select(2, room.req.said(1)) == 2 end, "it is said")
	check.results({ 140, 2 }, room.req.limit())
end

local function all_results_of_hotfix(room)
	check.results({ n = 3, "a", nil, "c" }, snax.hotfix(room, [[
function hotfix(...)
	return ...
end
]], "a", nil, "c"))
	check.results({}, snax.hotfix(room, "local x"))
end

-- A local function of the patch is joined too, and the environment is the service's.
local function helpers_and_globals(room)
	check.results({}, snax.hotfix(room, [[
local limit
local function helper()
	return limit, SERVICE_NAME
end
function response.limit()
	return helper()
end
]]))
	check.results({ 40, "room" }, room.req.limit())
end

local function bad_patches_change_nothing(room)
	check.raises("Patch mismatch response.nosuch", snax.hotfix, room, [[
function response.limit() return "half" end
function response.nosuch() end
]])
	check.raises_like("patch:1:", snax.hotfix, room, "function (")
	check.raises("out of the patch", snax.hotfix, room, "error 'out of the patch'")
	check.raises("hotfix raised", snax.hotfix, room, "function hotfix() error 'hotfix raised' end")
	check.results({ 40, "room" }, room.req.limit())
end

check.main(function()
	local room = snax.newservice("room", 3)
	a_patch_sees_the_live_state(room)
	all_results_of_hotfix(room)
	helpers_and_globals(room)
	bad_patches_change_nothing(room)
	local twins = snax.newservice "twins"
	check.raises("ambiguity local value state", snax.hotfix, twins, [[
local state
function response.first() return state end
]])
end)
