-- A service of the demo: keeps a balance. Started with the first one as its argument.

local skynet = require "skynet"

local balance = math.tointeger(...)

local command = {}

function command.balance()
	return balance
end

function command.deposit(amount)
	balance = balance + amount
	return balance
end

function command.withdraw(amount)
	if amount > balance then
		error(string.format("only %d left, not %d", balance, amount), 0)
	end
	return command.deposit(-amount)
end

function command.close()
	skynet.error "The account closes itself: skynet.exit()."
	skynet.exit()
end

skynet.start(function()
	skynet.dispatch("lua", function(session, _, name, ...)
		local result = command[name](...)
		if session ~= 0 then
			skynet.retpack(result)
		end
	end)
end)
