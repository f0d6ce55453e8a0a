-- skynet.error and the log file: its lines, its bytes, and the change of the file on SIGHUP.

local check = require "check"
local skynet = require "skynet"
local core = require "skynet.core"

local function lines_of_skynet_error()
	skynet.error()
	skynet.error(nil)
	skynet.error("one")
	skynet.error("several", 1, 1.5, nil, true, setmetatable({}, {
		__tostring = function() return "object" end,
	}))
	core.error("from", "core", 2)
	local log = check.log()
	local place = log:find "%[:00000008%] nil\n"
	local stamp = "%d%d/%d%d/%d%d %d%d:%d%d:%d%d%.%d%d %[:00000008%] "
	check.match(log:sub(place - 21), "^" .. stamp .. "nil\n" .. stamp .. "nil\n" .. stamp .. "one\n"
		.. stamp .. "several 1 1%.5 nil true object\n" .. stamp .. "from core 2\n")
end

local function any_bytes()
	local long = string.rep("x", 3000)
	skynet.error(long)
	skynet.error("nul\0nul")
	skynet.error("first\nsecond")
	skynet.error("percent %s %d")
	local log = check.log()
	check.ok(log:find("] " .. long .. "\n", 1, true))
	check.ok(log:find("] nul\0nul\n", 1, true))
	check.ok(log:find("] first\nsecond\n", 1, true))
	check.ok(log:find("] percent %s %d\n", 1, true))
end

local function lines_by_message()
	skynet.register_protocol { name = "text", id = skynet.PTYPE_TEXT, pack = tostring }
	skynet.send(".logger", "text", "sent to the logger")
	check.logged "[:00000008] sent to the logger\n"
end

local function a_lost_file_is_opened_again()
	local path = skynet.getenv "logger"
	check.logged "LAUNCH snlua logging\n"
	assert(os.rename(path, path .. ".old"))
	check.equal(os.execute "kill -HUP $PPID", true)
	check.eventually(function()
		return io.open(path)
	end, "the new file")
	skynet.error "in the new file"
	check.logged "in the new file\n"
	check.not_logged "LAUNCH snlua logging\n"
end

check.main(function()
	lines_of_skynet_error()
	any_bytes()
	lines_by_message()
	a_lost_file_is_opened_again()
end)
