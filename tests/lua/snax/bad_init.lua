-- Defines an init that is no function.

init = 1
