-- Defines something that is no function.

response.value = 1
