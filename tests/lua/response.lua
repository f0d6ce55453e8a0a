-- Answering: ret, retpack, response closures, ignoreret, context.

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

local mode = ...

if mode == "subject" then
	local kept = {}
	local command = {}

	function command.ret_twice()
		local first = skynet.ret(skynet.pack "once")
		local ok, err = pcall(skynet.ret, skynet.pack "twice")
		kept = { first, ok, err, skynet.context() }
	end

	function command.empty()
		skynet.ret()
	end

	function command.string()
		skynet.ret(skynet.packstring("a", "b"))
	end

	function command.fork()
		skynet.fork(function()
			kept = { pcall(skynet.ret) }
			kept[3], kept[4] = pcall(skynet.response)
			kept[5], kept[6] = skynet.context()
		end)
		skynet.ret()
	end

	function command.after_response()
		local r = skynet.response()
		kept = { pcall(skynet.ret) }
		kept[3], kept[4] = pcall(skynet.response)
		r(true)
	end

	function command.after_ignore(session, source)
		skynet.ignoreret()
		local s, a = skynet.context()
		kept = { s == nil, a == source, pcall(skynet.ret) }
		skynet.redirect(source, skynet.self(), "response", session, skynet.pack "by hand")
	end

	function command.context(session, source)
		local s, a = skynet.context()
		skynet.retpack(s == session, a == source)
	end

	function command.closure()
		local r = skynet.response()
		kept = { r "TEST", r(true, 1, nil), r "TEST", pcall(r, true) }
	end

	function command.closure_fails()
		local r = skynet.response()
		kept = { r(false), r "TEST", pcall(r, false) }
	end

	function command.packer()
		skynet.response(function(...)
			return skynet.packstring("packed", ...)
		end)(true, "x")
	end

	function command.for_send(_, source)
		local ret = skynet.ret(skynet.pack "nobody")
		skynet.send(source, "lua", ret)
	end

	function command.closure_for_send(_, source)
		local r = skynet.response()
		skynet.send(source, "lua", select("#", r(true, 1)))
	end

	function command.kept()
		skynet.retpack(table.unpack(kept, 1, 8))
	end

	skynet.start(function()
		skynet.dispatch("lua", function(session, source, name)
			command[name](session, source)
		end)
	end)
	return
end

local subject

local function call(name)
	return skynet.call(subject, "lua", name)
end

local function kept(want)
	local got = { call "kept" }
	for i, value in ipairs(got) do
		if type(value) == "string" then
			got[i] = value:gsub("^.-: ", "")
		end
	end
	check.same(got, want)
end

check.main(function()
	subject = check.helper "subject"
	local got
	skynet.dispatch("lua", function(_, _, what)
		got = what
	end)

	check.results({ "once" }, call "ret_twice")
	kept { true, false, "No session", nil, subject and skynet.self() }
	check.results({}, call "empty")
	check.results({ "a", "b" }, call "string")
	check.step "ret"

	call "fork"
	kept { false, "No session", false, "no session" }
	check.step "forks have no session"

	call "after_response"
	kept { false, "No session", false, "no session" }
	check.results({ "by hand" }, call "after_ignore")
	kept { true, true, false, "No session" }
	check.results({ true, true }, call "context")
	check.step "response, ignoreret, context"

	check.results({ n = 2, 1 }, call "closure")
	kept { true, true, false, false, "Can't response more than once" }
	check.raises("call failed", call, "closure_fails")
	kept { true, false, false, "Can't response more than once" }
	check.results({ "packed", "x" }, call "packer")
	check.step "closures"

	skynet.send(subject, "lua", "for_send")
	check.eventually(function() return got ~= nil end, "message")
	check.equal(got, false)
	skynet.send(subject, "lua", "closure_for_send")
	check.eventually(function() return got ~= false end, "message")
	check.equal(got, 0)
	check.step "session 0"

	check.raises("No session", skynet.ret)
	check.raises("no session", skynet.response)
	check.results({ n = 2 }, skynet.context())
end)
