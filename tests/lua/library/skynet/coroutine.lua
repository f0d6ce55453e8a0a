-- Beside a `skynet` of its own.

return { name = "its coroutines" }
