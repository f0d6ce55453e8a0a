---@meta skynet

-- The core of the API: messages, coroutines, time, names, the environment.

---A kind of message: how it is packed, unpacked and handled.
---@class skynet.protocol
---@field name string
---@field id integer
---@field pack? fun(...: any): string|lightuserdata, integer?
---@field unpack? fun(message: lightuserdata, size: integer): ...
---@field dispatch? fun(session: integer, source: integer, ...: any)
---@field trace? boolean

---Several calls at once.
---@class skynet.requests
---@field timeout? boolean
local requests = {}

---Adds a request `{ address, typename, ... }`.
---@param request table
---@return skynet.requests
function requests:add(request) end

---Sends them all; to be used in a generic `for`, which gives each request and its answer.
---@param timeout? integer
---@return function
function requests:select(timeout) end

---Gives up what is outstanding.
function requests:close() end

---@class skynet
---@field PTYPE_TEXT integer
---@field PTYPE_RESPONSE integer
---@field PTYPE_MULTICAST integer
---@field PTYPE_CLIENT integer
---@field PTYPE_SYSTEM integer
---@field PTYPE_HARBOR integer
---@field PTYPE_SOCKET integer
---@field PTYPE_ERROR integer
---@field PTYPE_QUEUE integer
---@field PTYPE_DEBUG integer
---@field PTYPE_LUA integer
---@field PTYPE_SNAX integer
---@field PTYPE_TRACE integer
---@field _proto table
---@field cache skynet.codecache
local skynet = {}

---Sends a message; nothing when the destination does not exist.
---@param address integer|string
---@param typename string
---@param ... any
---@return integer?
function skynet.send(address, typename, ...) end

---Sends what is packed already.
---@param address integer|string
---@param typename string
---@param message string|lightuserdata
---@param size? integer
---@return integer?
function skynet.rawsend(address, typename, message, size) end

---Sends in the name of another service.
---@param dest integer|string
---@param source integer
---@param typename string
---@param session? integer
---@param message string|lightuserdata
---@param size? integer
---@return integer
function skynet.redirect(dest, source, typename, session, message, size) end

---Returns a new session.
---@return integer
function skynet.genid() end

---Sends a request and waits for its answer; raises `call failed` when there will be none.
---@param address integer|string
---@param typename string
---@param ... any
---@return any ...
function skynet.call(address, typename, ...) end

---As `call`, without packing and unpacking.
---@param address integer|string
---@param typename string
---@param message string|lightuserdata
---@param size? integer
---@return lightuserdata
---@return integer
function skynet.rawcall(address, typename, message, size) end

---As `rawcall`, with a tag for tracing.
---@param tag string
---@param address integer|string
---@param typename string
---@param message string|lightuserdata
---@param size? integer
---@return lightuserdata
---@return integer
function skynet.tracecall(tag, address, typename, message, size) end

---As `call`, but raises when the answer does not come in time.
---@param centiseconds integer
---@param address integer|string
---@param typename string
---@param ... any
---@return any ...
function skynet.call_timeout(centiseconds, address, typename, ...) end

---Sets the time limit of all calls of this service.
---@param centiseconds? integer
---@return integer?
function skynet.call_limit(centiseconds) end

---Answers the request of this coroutine.
---@param message? string|lightuserdata
---@param size? integer
---@return boolean
function skynet.ret(message, size) end

---Packs and answers.
---@param ... any
---@return boolean
function skynet.retpack(...) end

---Takes the request over: whoever calls the function answers.
---@param packer? function
---@return fun(ok: boolean|"TEST", ...: any): boolean
function skynet.response(packer) end

---No answer is owed.
function skynet.ignoreret() end

---Returns session and source of the request.
---@return integer?
---@return integer?
function skynet.context() end

---Runs a function in a coroutine of its own, when this one yields.
---@param f function
---@param ... any
---@return thread
function skynet.fork(f, ...) end

---Runs a function later.
---@param centiseconds integer
---@param f function
---@return thread
function skynet.timeout(centiseconds, f) end

---Ends a coroutine.
---@param thread thread|string
---@return thread?
function skynet.killthread(thread) end

---Sleeps, unless somebody wakes the token.
---@param centiseconds integer
---@param token? any
---@return "BREAK"?
function skynet.sleep(centiseconds, token) end

---Lets others run.
function skynet.yield() end

---Sleeps until somebody wakes the token.
---@param token? any
function skynet.wait(token) end

---Wakes who sleeps on a token.
---@param token any
---@return true?
function skynet.wakeup(token) end

---Makes a kind of message known.
---@param class skynet.protocol
function skynet.register_protocol(class) end

---Sets the function that handles messages of a kind; returns the one before.
---@param typename string
---@param f? fun(session: integer, source: integer, ...: any)
---@return function?
function skynet.dispatch(typename, f) end

---Sets who handles requests of an unknown kind.
---@param f function
---@return function
function skynet.dispatch_unknown_request(f) end

---Sets who handles answers that nobody waits for.
---@param f function
---@return function
function skynet.dispatch_unknown_response(f) end

---The dispatcher itself.
---@param kind integer
---@param message lightuserdata
---@param size integer
---@param session integer
---@param source integer
function skynet.dispatch_message(kind, message, size, session, source) end

---Says whether requests of a protocol are traced.
---@param name string
---@param flag? boolean
function skynet.traceproto(name, flag) end

---As the module `skynet.queue`.
---@return fun(f: function, ...: any): ...
function skynet.queue() end

---Has a function run before the start function.
---@param f function
function skynet.init(f) end

---Says what the service does first.
---@param f function
function skynet.start(f) end

---What `start` does when its time has come.
---@param f function
function skynet.init_service(f) end

---As `start`; messages of some kinds are handled as others and keep their payload.
---@param map table<integer, integer>
---@param f function
function skynet.forward_type(map, f) end

---As `start`; every message passes the function first.
---@param f function
---@param start function
function skynet.filter(f, start) end

---Ends the service; does not return.
function skynet.exit() end

---Fails the calls that wait for a service.
---@param address integer|string
function skynet.term(address) end

---Returns the own address.
---@return integer
function skynet.self() end

---Returns the address of a name that begins with a dot.
---@param name string
---@return integer?
function skynet.localname(name) end

---Returns an address as text.
---@param address integer|string
---@return string
function skynet.address(address) end

---Returns the node of an address, and whether it is another one.
---@param address integer
---@return integer
---@return boolean
function skynet.harbor(address) end

---Reads a setting.
---@param key string
---@return string?
function skynet.getenv(key) end

---Sets a setting that has no value yet.
---@param key string
---@param value string|number
function skynet.setenv(key, value) end

---Returns the centiseconds since the start.
---@return integer
function skynet.now() end

---Returns nanoseconds of a clock that never goes back.
---@return integer
function skynet.hpc() end

---Returns the seconds since 1970.
---@return number
function skynet.time() end

---Returns when the node started, in seconds since 1970.
---@return integer
function skynet.starttime() end

---Returns a figure of the service.
---@param what "mqlen"|"message"|"cpu"|"time"|"endless"
---@return number
function skynet.stat(what) end

---Returns how many messages wait.
---@return integer
function skynet.mqlen() end

---Tells whether the service was reported as endless.
---@return boolean
function skynet.endless() end

---Writes to the log.
---@param ... any
function skynet.error(...) end

---Tells what the coroutines wait for.
---@param what? any
---@return any
function skynet.task(what) end

---Begins to trace this coroutine.
---@param info? string
function skynet.trace(info) end

---Returns the tag of this coroutine.
---@return string|false|nil
function skynet.tracetag() end

---Writes a line of a trace.
---@param tag string
---@param text string
---@param thread? thread
---@param level? integer
function skynet.tracelog(tag, text, thread, level) end

---Says whether timers remember where they were made.
---@param on boolean
function skynet.trace_timeout(on) end

---Packs values.
---@param ... any
---@return lightuserdata
---@return integer
function skynet.pack(...) end

---Packs values into a string.
---@param ... any
---@return string
function skynet.packstring(...) end

---Unpacks values.
---@param message string|lightuserdata
---@param size? integer
---@return any ...
function skynet.unpack(message, size) end

---Copies a block into a string.
---@param message lightuserdata
---@param size integer
---@return string
function skynet.tostring(message, size) end

---Frees a block that will not be sent.
---@param message string|lightuserdata
---@param size? integer
function skynet.trash(message, size) end

---Starts a Lua service and waits until its start function is done.
---@param name string
---@param ... string|number
---@return integer?
function skynet.newservice(name, ...) end

---Starts a service once; with `true` once in the whole network.
---@param global string|true
---@param ... string|number
---@return integer
function skynet.uniqueservice(global, ...) end

---Waits for a unique service.
---@param global string|true
---@param ... string|number
---@return integer
function skynet.queryservice(global, ...) end

---Limits the memory of the service; in the main chunk, once.
---@param bytes integer
function skynet.memlimit(bytes) end

---Sets what the debug command INFO answers.
---@param f function
function skynet.info_func(f) end

---As `task`, with equal stacks merged.
---@return table<string, string>
function skynet.uniqtask() end

---Makes a list of requests.
---@param req? table
---@return skynet.requests
function skynet.request(req) end

---The standard `pcall`.
---@param f function
---@param ... any
---@return boolean
---@return any ...
function skynet.pcall(f, ...) end

---Starts a native service; with `skynet.manager`.
---@param ... string|number
---@return integer?
function skynet.launch(...) end

---Ends another service; with `skynet.manager`.
---@param address integer|string
function skynet.kill(address) end

---Ends the node; with `skynet.manager`.
function skynet.abort() end

---Gives this service a name; with `skynet.manager`.
---@param name string
function skynet.register(name) end

---Gives a service a name; with `skynet.manager`.
---@param name string
---@param address integer|string
function skynet.name(name, address) end

---Makes a service hear of all that end; with `skynet.manager`.
---@param service string
---@param query? boolean
---@return integer
function skynet.monitor(service, query) end

return skynet
