-- A start service that fails, with nothing else running, ends the node with a failure.
--! differs: the reference stays alive, idle
--! config: start = "no_such_service"
--! config: preload = "@TESTS@/boot_failure.lua"
--! status: 1
--! log: lua loader error : *
--! log: nothing else runs; the node ends

-- Runs in every service; the first one says that the node came up so far.
if ... == "bootstrap" then
	print "PASS"
	io.stdout:flush()
end
