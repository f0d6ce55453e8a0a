-- The annotation files for editors (lualib/meta) and the real modules have the same functions, with
-- the same parameters.
--! config: lualib_folder = "@TESTS@/../../lualib"
--! differs: the files are about this house's modules

local check = require "check"
local skynet = require "skynet"
require "skynet.manager"

local LUALIB = skynet.getenv "lualib_folder"

-- Modules that applications do not use: patterns of their names.
local INTERNAL = {
	"^meta%.", "^compat10%.", "^loader$", "^skynet%.lazy%.", "^skynet%.cluster%.", "^skynet%.harbor%.",
	"^skynet%.console%.", "^http%.internal$", "^http%.host$", "^http%.websocket_strict$",
	"^snax%.hotfix$", "^snax%.interface$", "^skynet%.limited_log$", "^skynet%.config_number$",
	"%.native$", "%.internal$", "^skynet%.require$", "^skynet%.stdin$", "^skynet%.dns%.packet$",
	"^skynet%.json$",
	-- It only says where to get the real one.
	"^lpeg$",
}

-- Fields that applications do not use.
local INTERNAL_FIELDS = {
	["skynet.debug"] = { dispatch = true },
}

-- Fields that come with their first use, and the module that knows which.
for name in pairs(require "skynet.lazy.api") do
	local _ = skynet[name]
end

-- The names of the modules whose files lie in a folder.
local function modules_in(folder)
	local list = {}
	local pipe = assert(io.popen("find '" .. folder .. "' -name '*.lua' | sort"))
	for path in pipe:lines() do
		list[#list + 1] = path:sub(#folder + 2, -5):gsub("/", "."):gsub("%.init$", "")
	end
	pipe:close()
	return list
end

-- The names of the modules that are written in Rust.
local function native_modules()
	local file = assert(io.open(LUALIB .. "/../src/lua/modules.rs"))
	local list = {}
	for name in file:read("a"):match("const NATIVE.-%];"):gmatch 'b"([%w_.]+)"' do
		list[#list + 1] = name
	end
	file:close()
	return list
end

local function path_of(name)
	return LUALIB .. "/meta/" .. name:gsub("%.", "/") .. ".lua"
end

local function text_of(name)
	local file = assert(io.open(path_of(name)))
	local text = file:read "a"
	file:close()
	return text
end

-- The fields that the file describes for the module's own class.
local function fields_of(name, text)
	local fields = {}
	local class = text:match("%-%-%-@class " .. name:gsub("%.", "%%.") .. "\n(.-)\nlocal ")
		or text:match("%-%-%-@class " .. name:gsub("%.", "%%.") .. "\n(.-)local ")
	for field in (class or ""):gmatch "%-%-%-@field ([%w_]+)" do
		fields[field] = true
	end
	return fields
end

local function parameters(f)
	local info = debug.getinfo(f, "u")
	local names = {}
	for i = 1, info.nparams do
		names[i] = debug.getlocal(f, i)
	end
	if info.isvararg then
		names[#names + 1] = "..."
	end
	return table.concat(names, ", ")
end

local function compare_functions(what, described, real)
	check.equal(type(real), "function", what)
	-- A C function does not tell its parameters.
	if debug.getinfo(real, "S").what ~= "C" then
		check.equal(parameters(described), parameters(real), what)
	end
end

local function compare_tables(name, described, real)
	local fields = fields_of(name, text_of(name))
	local internal = INTERNAL_FIELDS[name] or {}
	for key, f in pairs(described) do
		compare_functions(name .. "." .. key, f, real[key])
	end
	for key in pairs(fields) do
		check.ok(real[key] ~= nil, name .. "." .. key .. " is described, but is not there")
	end
	for key in pairs(real) do
		check.ok(described[key] or fields[key] or internal[key], name .. "." .. tostring(key)
			.. " is not described in " .. path_of(name))
	end
end

-- Two names of one module may have a table each.
local function compare_keys(name, one, other)
	for key in pairs(one) do
		check.ok(other[key] ~= nil, name .. "." .. tostring(key))
	end
end

local function compare(name)
	local text = text_of(name)
	check.equal(text:match "^%-%-%-@meta (%S+)\n", name)
	local real = require(name)
	local described = dofile(path_of(name))
	if text:find "\nreturn require " then
		compare_keys(name, described, real)
		compare_keys(name, real, described)
		return
	end
	check.equal(type(described), type(real), name)
	if type(real) == "function" then
		compare_functions(name, described, real)
	else
		compare_tables(name, described, real)
	end
end

local function is_internal(name)
	for _, pattern in ipairs(INTERNAL) do
		if name:find(pattern) then
			return true
		end
	end
end

check.main(function()
	-- The reading side of datasheets waits for the making side.
	require "skynet.datasheet.builder"
	local described = {}
	for _, name in ipairs(modules_in(LUALIB .. "/meta")) do
		described[name] = true
		compare(name)
	end
	check.ok(described["skynet"] and described["skynet.socket"])
	for _, list in ipairs { modules_in(LUALIB), native_modules() } do
		check.ok(#list > 0)
		for _, name in ipairs(list) do
			check.ok(described[name] or is_internal(name), "no description of " .. name)
		end
	end
end)
