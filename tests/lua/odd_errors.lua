-- Errors that are no plain texts, and errors in places where nobody expects them: the requester
-- is told, the log says something, the service goes on.
--! log: a fork beside it
--! log: *error of tostring
--! differs: an answer that is none leaves the caller waiting

local check = require "check"
local skynet = require "skynet"

local function meta(name, f)
	return setmetatable({}, { [name] = f })
end

local function deep(n)
	return 1 + deep(n + 1)
end

if ... == "victim" then
	check.serve {
		fine = function()
			return "fine"
		end,
		nothing = function()
			error()
		end,
		table = function()
			error { code = 1 }
		end,
		boolean = function()
			error(false)
		end,
		thread = function()
			error(coroutine.running())
		end,
		tostring_raises = function()
			skynet.fork(skynet.error, "a fork beside it")
			error(meta("__tostring", function()
				error "error of tostring"
			end))
		end,
		tostring_raises_an_object = function()
			error(meta("__tostring", function()
				error {}
			end))
		end,
		tostring_gives_no_text = function()
			error(meta("__tostring", function()
				return {}
			end))
		end,
		tostring_yields = function()
			error(meta("__tostring", skynet.yield))
		end,
		overflow = function()
			deep(1)
		end,
		overflow_in_c = function()
			local function f(s)
				return (s:gsub(".", f))
			end
			f "x"
		end,
		overflow_of_pcall = function()
			local function f()
				return pcall(f) and error "never" or error "unwinding"
			end
			f()
		end,
		overflow_of_coroutines = function()
			local function f()
				coroutine.wrap(f)()
			end
			f()
		end,
		overflow_of_metatables = function()
			local t = {}
			for _ = 1, 10000 do
				t = setmetatable({}, { __index = t })
			end
			return t.x
		end,
		collector = function()
			meta("__gc", function()
				error "in a finalizer"
			end)
			collectgarbage()
			return "fine"
		end,
		close = function()
			local _ <close> = meta("__close", function()
				error "of the closing method"
			end)
			return "never sent"
		end,
		close_after_error = function()
			local _ <close> = meta("__close", function(_, err)
				error(err .. " and again")
			end)
			error "at first"
		end,
		handler = function()
			xpcall(error, function(e)
				error(e)
			end, "in the message handler")
			error "after it"
		end,
		bad_answer = function()
			skynet.ret {}
		end,
		bad_pack = function()
			skynet.retpack(print)
		end,
		yield_of_an_object = function()
			coroutine.yield(meta("__tostring", function()
				error "error of tostring"
			end))
		end,
	}
	return
end

local victim

check.main(function()
	victim = check.helper "victim"
	for _, name in ipairs {
		"nothing", "table", "boolean", "thread", "tostring_raises", "tostring_raises_an_object",
		"tostring_gives_no_text", "tostring_yields", "overflow", "overflow_in_c",
		"overflow_of_pcall", "overflow_of_coroutines", "close", "close_after_error", "handler",
		"bad_answer", "bad_pack", "overflow_of_metatables",
	} do
		local ok, err = pcall(skynet.call, victim, "lua", name)
		if name == "overflow_of_metatables" and ok then
			err = "call failed"
		end
		check.match(err, "call failed$")
		check.equal(skynet.call(victim, "lua", "fine"), "fine")
		check.step(name)
	end
	check.equal(skynet.call(victim, "lua", "collector"), "fine")
	check.step "collector"
	-- A stranded handler: only its caller waits.
	local stranded = check.background(skynet.call, victim, "lua", "yield_of_an_object")
	check.equal(skynet.call(victim, "lua", "fine"), "fine")
	check.ok(not stranded.done)
	check.step "yield of an object"
end)
