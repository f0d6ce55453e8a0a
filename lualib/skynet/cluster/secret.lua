-- The shared secrets of the cluster: the config key `cluster_secret`, or the file that
-- `cluster_secret_file` names, one secret a line. Used by the guard of cluster links.
--
-- The first secret is the usual one; the others let a fleet change it node by node. The file is
-- read again for each connection that is made, so a running node takes a new one.

local skynet = require "skynet"
local native = require "skynet.cluster.native"

local secret = {}

local BYTES_MIN <const> = 16
local COUNT_MAX <const> = 8
local FILE_BYTES_MAX <const> = 65536

local INLINE <const> = skynet.getenv "cluster_secret"
local FILE <const> = skynet.getenv "cluster_secret_file"

-- Whether there is one, right or wrong.
secret.on = INLINE ~= nil or FILE ~= nil

local function fail(...)
	error(string.format(...), 0)
end

local function read_file()
	local file, why = io.open(FILE, "rb")
	if not file then
		fail("cluster_secret_file: %s", why)
	end
	local text
	text, why = file:read(FILE_BYTES_MAX + 1)
	file:close()
	if why then
		fail("cluster_secret_file: %s: %s", FILE, why)
	elseif text and #text > FILE_BYTES_MAX then
		fail("cluster_secret_file: %s is longer than %d bytes: is it the right file?", FILE, FILE_BYTES_MAX)
	end
	return text or ""
end

-- The secrets of a text; `where` names it in errors.
local function parse(where, text)
	local secrets = {}
	for line in string.gmatch(text, "[^\r\n]+") do
		local word = string.match(line, "^%s*(.-)%s*$")
		if #word >= BYTES_MIN then
			table.insert(secrets, word)
		elseif word ~= "" then
			fail("%s: a secret has %d bytes, it must have at least %d", where, #word, BYTES_MIN)
		end
	end
	if #secrets == 0 then
		fail("%s: there is no secret in it", where)
	elseif #secrets > COUNT_MAX then
		fail("%s: %d secrets, there may be %d", where, #secrets, COUNT_MAX)
	end
	return secrets
end

-- Returns the secrets, one a line, as `skynet.cluster.native` takes them; nil when there are none.
-- Raises a text that names the key and what is wrong with it.
function secret.load()
	if not secret.on then
		return nil
	elseif INLINE and FILE then
		fail "cluster_secret and cluster_secret_file are both set, but only one may be"
	elseif INLINE then
		return table.concat(parse("cluster_secret", INLINE), "\n")
	end
	return table.concat(parse("cluster_secret_file: " .. FILE, read_file()), "\n")
end

-- A text about a file that should be a secret and is not; nil when there is nothing to say.
function secret.exposed(key, path)
	if path and native.readable_by_others(path) then
		return string.format("%s: every user of this machine may read %s (chmod 600)", key, path)
	end
end

-- A text about the secrets that are not well kept, or nil.
function secret.warning()
	return secret.exposed("cluster_secret_file", FILE)
end

return secret
