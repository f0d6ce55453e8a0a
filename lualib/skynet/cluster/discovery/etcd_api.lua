-- The requests to etcd that discovery needs, in JSON over HTTP (the gateway of version 3). Used by
-- skynet.cluster.discovery.etcd.
--
-- A request goes to the endpoint that answered last, and on to the next one when that fails. So it may
-- be done twice, which does no harm. Every failure is raised as a text that names the endpoint.

local httpc = require "http.httpc"
local json = require "skynet.cluster.discovery.json"

-- How long a request may take, in centiseconds, and the most bytes of a message in a stream.
local PATIENCE <const> = 300
local MESSAGE_MAX <const> = 64 << 20

local UNAUTHORIZED <const> = 401

local api = {}
api.__index = api

local function first_endpoints(text)
	local scheme, rest = string.match(text, "^(https?)://(.+)$")
	if not scheme then
		error("the address of etcd is http://HOST:PORT/PREFIX", 0)
	end
	local account, hosts = string.match(rest, "^([^@]*)@(.*)$")
	local endpoints = {}
	for host in string.gmatch(hosts or rest, "[^,]+") do
		endpoints[#endpoints + 1] = string.format("%s://%s", scheme, host)
	end
	return endpoints, account
end

local function unescape(text)
	return (string.gsub(text or "", "%%(%x%x)", function(digits)
		return string.char(tonumber(digits, 16))
	end))
end

-- `text`: "http[s]://[USER:PASSWORD@]HOST:PORT[,HOST:PORT...]".
function api.new(text)
	httpc.timeout = PATIENCE
	local endpoints, account = first_endpoints(text)
	if #endpoints == 0 then
		error("there is no host", 0)
	end
	local user, password = string.match(account or "", "^([^:]+):?(.*)$")
	return setmetatable({
		endpoints = endpoints,
		user = user and unescape(user),
		password = unescape(password),
	}, api)
end

-- The endpoint that is asked next.
function api:endpoint()
	return self.endpoints[1]
end

-- The headers of a request as this endpoint wants them.
function api:headers()
	return { ["content-type"] = "application/json", authorization = self.token }
end

local function raise(endpoint, why)
	error(string.format("etcd %s: %s", endpoint, tostring(why)), 0)
end

-- This endpoint has failed: another one's turn.
local function give_way(self, endpoint)
	if self.endpoints[1] == endpoint then
		table.insert(self.endpoints, table.remove(self.endpoints, 1))
	end
end

local function fault(status, answer, body)
	local why = type(answer) == "table" and answer.error
	if type(why) == "table" then
		why = why.message
	end
	return string.format("%s (status %d)", why or string.sub(body, 1, 100), status)
end

local function post(self, path, request)
	local endpoint = self.endpoints[1]
	local ok, status, body = pcall(httpc.request, "POST", endpoint, path, nil, self:headers(), json.encode(request))
	if not ok then
		give_way(self, endpoint)
		raise(endpoint, status)
	end
	local answer, wrong = json.decode(body)
	if status == UNAUTHORIZED then
		return nil, fault(status, answer, body)
	elseif status ~= 200 then
		give_way(self, endpoint)
		raise(endpoint, fault(status, answer, body))
	elseif type(answer) ~= "table" then
		raise(endpoint, wrong or "an answer that is no object")
	end
	return answer
end

-- As `post`, with every endpoint until one answers.
local function post_to_any(self, path, request)
	for _ = 2, #self.endpoints do
		local ok, answer, why = pcall(post, self, path, request)
		if ok then
			return answer, why
		end
	end
	return post(self, path, request)
end

-- With an account, gets a token when there is none.
local function authenticate(self)
	if self.user and not self.token then
		local answer, why = post_to_any(self, "/v3/auth/authenticate", { name = self.user, password = self.password })
		self.token = answer and answer.token or raise(self.endpoints[1], why or "no token came")
	end
end

-- Sends a request and returns the answer. A token that has expired is renewed once.
function api:request(path, request)
	authenticate(self)
	local answer, why = post_to_any(self, path, request)
	if not answer and self.token then
		self.token = nil
		authenticate(self)
		answer, why = post_to_any(self, path, request)
	end
	return answer or raise(self.endpoints[1], why)
end

-- Returns the next line of a stream as a table, and what came behind it; `rest` is what came
-- behind the line before. nil at the end of the stream, and for what is no JSON.
local function next_message(stream, rest)
	while true do
		local line, behind = string.match(rest, "^([^\n]*)\n(.*)$")
		if line and line ~= "" then
			return json.decode(line), behind
		elseif line then
			rest = behind
		else
			local piece = stream()
			if not piece or piece == "" or #rest > MESSAGE_MAX then
				return nil
			end
			rest = rest .. piece
		end
	end
end

-- Follows a watch: `handle(message)` gets each message until it returns true, which ends the watch
-- in order. `opened(close)` is called with what ends it from outside. Raises when the stream ends
-- otherwise.
function api:watch(request, opened, handle)
	authenticate(self)
	local endpoint = self.endpoints[1]
	local ok, stream = pcall(httpc.request_stream, "POST", endpoint, "/v3/watch", nil, self:headers(), json.encode(request))
	if not ok then
		give_way(self, endpoint)
		raise(endpoint, stream)
	end
	opened(function()
		stream:close()
	end)
	local rest, message, enough = "", nil, nil
	local followed, why = pcall(function()
		repeat
			message, rest = next_message(stream, rest)
			enough = message == nil or handle(message)
		until enough
	end)
	stream:close()
	if not followed or message == nil then
		self.token = nil
		raise(endpoint, followed and "the watch has ended" or why)
	end
end

return api
