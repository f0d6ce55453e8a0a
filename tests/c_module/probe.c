/* A Lua module in C as applications have them. It declares what it uses of the Lua C API, so that
   no headers are needed; the loading executable must export these functions. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct lua_State lua_State;
typedef int (*lua_CFunction)(lua_State *);
typedef int (*lua_KFunction)(lua_State *, int, intptr_t);
typedef struct { const char *name; lua_CFunction func; } luaL_Reg;

/* At least as large as in every Lua 5.4 and 5.5; the first fields are as they are there. */
typedef struct { char *b; size_t size; size_t n; lua_State *L; double room[512]; } luaL_Buffer;

enum { LUA_OK = 0, LUA_YIELD = 1, LUA_MULTRET = -1 };

void luaL_buffinit(lua_State *, luaL_Buffer *);
char *luaL_prepbuffsize(luaL_Buffer *, size_t);
void luaL_addlstring(luaL_Buffer *, const char *, size_t);
void luaL_addvalue(luaL_Buffer *);
void luaL_pushresult(luaL_Buffer *);
int luaL_newmetatable(lua_State *, const char *);
void luaL_setmetatable(lua_State *, const char *);
void *luaL_checkudata(lua_State *, int, const char *);
void luaL_setfuncs(lua_State *, const luaL_Reg *, int);
long long luaL_checkinteger(lua_State *, int);
const char *luaL_checklstring(lua_State *, int, size_t *);
int luaL_error(lua_State *, const char *, ...);
void *lua_newuserdatauv(lua_State *, size_t, int);
void *lua_touserdata(lua_State *, int);
void lua_createtable(lua_State *, int, int);
void lua_setfield(lua_State *, int, const char *);
void lua_pushvalue(lua_State *, int);
void lua_pushinteger(lua_State *, long long);
void lua_pushboolean(lua_State *, int);
void lua_pushlightuserdata(lua_State *, void *);
void lua_rotate(lua_State *, int, int);
int lua_gettop(lua_State *);
void lua_callk(lua_State *, int, int, intptr_t, lua_KFunction);
int lua_pcallk(lua_State *, int, int, int, intptr_t, lua_KFunction);

lua_State *luaL_newstate(void);
void lua_close(lua_State *);
int luaL_loadstring(lua_State *, const char *);
const char *luaL_tolstring(lua_State *, int, size_t *);
const char *lua_pushlstring(lua_State *, const char *, size_t);
/* The one is a function of Lua 5.5, the other of Lua 5.4. */
__attribute__((weak)) void luaL_openselectedlibs(lua_State *, int, int);
__attribute__((weak)) void luaL_openlibs(lua_State *);

/* repeat_text(text, n): a buffer that outgrows its first memory. */
static int repeat_text(lua_State *L) {
	size_t length;
	const char *text = luaL_checklstring(L, 1, &length);
	long long count = luaL_checkinteger(L, 2);
	luaL_Buffer buffer;
	luaL_buffinit(L, &buffer);
	for (long long i = 0; i < count; i++)
		luaL_addlstring(&buffer, text, length);
	char *more = luaL_prepbuffsize(&buffer, 4);
	memcpy(more, "end ", 4);
	buffer.n += 4;
	lua_pushvalue(L, 1);
	luaL_addvalue(&buffer);
	luaL_pushresult(&buffer);
	return 1;
}

static int collected;

static int counter_new(lua_State *L) {
	long long start = luaL_checkinteger(L, 1);
	long long *counter = lua_newuserdatauv(L, sizeof *counter, 0);
	*counter = start;
	luaL_setmetatable(L, "probe.counter");
	return 1;
}

static int counter_next(lua_State *L) {
	long long *counter = luaL_checkudata(L, 1, "probe.counter");
	lua_pushinteger(L, (*counter)++);
	return 1;
}

static int counter_collect(lua_State *L) {
	luaL_checkudata(L, 1, "probe.counter");
	collected++;
	return 0;
}

static int collected_count(lua_State *L) {
	lua_pushinteger(L, collected);
	return 1;
}

/* call(f, ...): the results of f, which may yield, and the context behind them. */
static int call_done(lua_State *L, int status, intptr_t context) {
	if (status != LUA_YIELD && status != LUA_OK)
		return luaL_error(L, "unexpected status %d", status);
	lua_pushinteger(L, (long long)context);
	return lua_gettop(L);
}

static int call(lua_State *L) {
	lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 7, call_done);
	return call_done(L, LUA_OK, 7);
}

/* guard(f, ...): as pcall, for functions that may yield. */
static int guard_done(lua_State *L, int status, intptr_t context) {
	(void)context;
	lua_pushboolean(L, status == LUA_OK || status == LUA_YIELD);
	lua_rotate(L, 1, 1);
	return lua_gettop(L);
}

static int guard(lua_State *L) {
	int status = lua_pcallk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, 0, guard_done);
	return guard_done(L, status, 0);
}

static int raise(lua_State *L) {
	return luaL_error(L, "raised in C: %s", luaL_checklstring(L, 1, NULL));
}

/* release(ptr, size): the sum of the bytes of a packed payload, which is freed. */
static int release(lua_State *L) {
	unsigned char *bytes = lua_touserdata(L, 1);
	long long sum = 0;
	for (long long i = 0; i < luaL_checkinteger(L, 2); i++)
		sum += bytes[i];
	free(bytes);
	lua_pushinteger(L, sum);
	return 1;
}

/* allocate(text): a block that a message may own. */
static int allocate(lua_State *L) {
	size_t length;
	const char *text = luaL_checklstring(L, 1, &length);
	char *block = malloc(length);
	memcpy(block, text, length);
	lua_pushlightuserdata(L, block);
	lua_pushinteger(L, (long long)length);
	return 2;
}

/* elsewhere(code): the text of the result of code in a Lua state of its own. */
static int elsewhere(lua_State *L) {
	lua_State *other = luaL_newstate();
	if (luaL_openselectedlibs)
		luaL_openselectedlibs(other, ~0, 0);
	else
		luaL_openlibs(other);
	if (luaL_loadstring(other, luaL_checklstring(L, 1, NULL)) == LUA_OK)
		lua_pcallk(other, 0, 1, 0, 0, NULL);
	size_t length;
	const char *text = luaL_tolstring(other, -1, &length);
	lua_pushlstring(L, text, length);
	lua_close(other);
	return 1;
}

int luaopen_probe(lua_State *L) {
	static const luaL_Reg counter[] = {
		{ "next", counter_next }, { "__gc", counter_collect }, { NULL, NULL },
	};
	static const luaL_Reg functions[] = {
		{ "repeat_text", repeat_text }, { "counter", counter_new },
		{ "collected", collected_count }, { "call", call }, { "guard", guard },
		{ "raise", raise }, { "release", release }, { "allocate", allocate },
		{ "elsewhere", elsewhere },
		{ NULL, NULL },
	};
	luaL_newmetatable(L, "probe.counter");
	luaL_setfuncs(L, counter, 0);
	lua_pushvalue(L, -1);
	lua_setfield(L, -2, "__index");
	lua_createtable(L, 0, 8);
	luaL_setfuncs(L, functions, 0);
	return 1;
}
