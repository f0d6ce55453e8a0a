-- lpeg is a library of its own, which ironsky does not carry: nothing of ours needs it. This file
-- stands behind the user's lua_path. It loads the library from lua_cpath as `require` would, and
-- says how to get it when it is not there.

local file = package.searchpath("lpeg", package.cpath)
if not file then
	error(
		"module 'lpeg' is not part of ironsky (sproto does not need it): build it for "
			.. _VERSION
			.. " and put lpeg.so where lua_cpath of the config finds it",
		0
	)
end
return assert(package.loadlib(file, "luaopen_lpeg"))("lpeg", file)
