-- skynet.start and skynet.init: what happens before, in and after the start function.
--! log: init service failed: *the start function raised
--! log: init service failed: *the init function raised
--! no log: lua call [

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

local mode = ...

if mode == "ordered" then
	-- Holds the main chunk until the creator has sent its first message.
	while not skynet.getenv "early_sent" do end
	local events = check.transcript()
	skynet.init(function()
		events "init1"
		skynet.sleep(1)
		events "init1 done"
	end)
	skynet.fork(events, "fork")
	skynet.init(function() events "init2" end)
	events "main"
	skynet.dispatch("lua", function(session, _, what)
		events(what)
		if session > 0 then
			skynet.retpack(events:text())
		end
	end)
	skynet.start(function()
		events "start"
		skynet.sleep(1)
		events "start done"
	end)
	return
end

if mode == "undispatched" then
	skynet.start(function()
		skynet.dispatch("lua", function()
			skynet.retpack "up"
		end)
	end)
	return
end

if mode == "raises" then
	skynet.start(function()
		error "the start function raised"
	end)
	return
end

if mode == "init_raises" then
	skynet.init(function()
		skynet.sleep(0)
		error "the init function raised"
	end)
	skynet.start(function() end)
	return
end

if mode == "exits" then
	skynet.start(function()
		skynet.exit()
	end)
	return
end

if mode == "slow" then
	skynet.start(function()
		skynet.dispatch("lua", function()
			skynet.retpack "served while starting"
		end)
		skynet.register ".slow"
		skynet.wait "go on"
	end)
	return
end

if mode == "never" then
	skynet.register ".never"
	return
end

local function messages_before_the_start_function_are_dispatched()
	local service = skynet.launch("snlua", "start_phase", "ordered")
	skynet.send(service, "lua", "early")
	skynet.setenv("early_sent", "yes")
	local text = check.eventually(function()
		local text = skynet.call(service, "lua", "ask")
		return text:find "start done" and text
	end, "start done")
	check.equal((text:gsub(" ask", "")), "main early fork init1 init1 done init2 start start done")
end

local function requests_without_dispatch_are_refused()
	local service = skynet.launch("snlua", "start_phase", "undispatched")
	check.raises("call failed", skynet.call, service, "lua")
	check.eventually(function()
		return pcall(skynet.call, service, "lua")
	end, "the service is up")
end

local function newservice_has_three_outcomes()
	check.ok(check.helper "undispatched")
	check.raises("call failed", check.helper, "raises")
	check.raises("call failed", check.helper, "init_raises")
	check.equal(check.helper "exits", nil)
end

local function a_starting_service_serves_requests()
	local starting = check.background(check.helper, "slow")
	local service = check.eventually(function() return skynet.localname ".slow" end, ".slow")
	check.equal(skynet.call(service, "lua"), "served while starting")
	check.ok(not starting.done)
	skynet.kill(service)
	check.ok(not check.outcome(starting))
end

local function a_service_that_never_starts_never_reports()
	local starting = check.background(check.helper, "never")
	local service = check.eventually(function() return skynet.localname ".never" end, ".never")
	local called = check.background(skynet.call, service, "lua", "x")
	skynet.sleep(10)
	check.ok(not starting.done and not called.done)
	skynet.kill(service)
	check.ok(not check.outcome(starting))
end

check.main(function()
	messages_before_the_start_function_are_dispatched()
	check.step "order"
	requests_without_dispatch_are_refused()
	newservice_has_three_outcomes()
	check.step "outcomes"
	a_starting_service_serves_requests()
	a_service_that_never_starts_never_reports()
	check.ok(not pcall(skynet.init, print))
end)
