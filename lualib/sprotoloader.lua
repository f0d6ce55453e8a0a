-- sprotoloader: schemas in the slots that all services of a node share.

local core = require "sproto.core"
local sproto = require "sproto"
local sprotoparser = require "sprotoparser"

local loader = {}

function loader.register(filename, index)
	local file <close> = assert(io.open(filename), "Can't open sproto file")
	loader.save(sprotoparser.parse(file:read "a"), index)
end

function loader.save(bundle, index)
	core.saveproto(assert(core.newproto(bundle)), index)
end

function loader.load(index)
	return sproto.sharenew(core.loadproto(index))
end

return loader
