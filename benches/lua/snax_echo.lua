-- The snax service that library.lua calls.

function response.echo(...)
	return ...
end
