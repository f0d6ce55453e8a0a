-- The module beside the service with_init.

return "from beside"
