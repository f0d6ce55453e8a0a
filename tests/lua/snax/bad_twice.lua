-- Defines a function twice.

function accept.same() end

function accept.same() end
