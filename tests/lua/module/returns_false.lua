-- Has the result false.

return false
