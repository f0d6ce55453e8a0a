-- Not beside a `skynet`.

return { name = "nobody's coroutines" }
