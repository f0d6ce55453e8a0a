-- Defines a function whose name is no string.

accept[1] = print
