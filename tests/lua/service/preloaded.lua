-- The preload file of the test "preload": leaves its arguments in a global.

PRELOADED = table.pack(...)
