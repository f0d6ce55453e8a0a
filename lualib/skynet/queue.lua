-- Critical sections: functions given to one section run one after another, in the order of
-- arrival. `require "skynet.queue"` gives the function that makes a section.

local skynet = require "skynet"

return skynet.queue
