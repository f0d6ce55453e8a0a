//! The bindings in a real Lua state: the vectors of the reference, hostile bytes, and errors that
//! must leave nothing behind.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_int, c_void};
use std::{fs, ptr};

use mlua::ffi::{self, lua_State};
use serde_json::Value as Json;

use super::scratch::Scratch;
use super::{l_pack, l_packstring, l_tostring, l_trash, l_unpack, pack, unpack, unpack_owned};

/// Lua helpers of the tests: strict equality of value lists, with NaN equal to NaN.
const PRELUDE: &str = r#"
local function same(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then
        return math.type(a) == math.type(b) and (a == b or a ~= a and b ~= b)
    end
    for k, v in next, a do
        if not same(v, b[k]) then return false end
    end
    for k in next, b do
        if a[k] == nil then return false end
    end
    return true
end
function check_same(a, b)
    assert(a.n == b.n, a.n .. " values, expected " .. b.n)
    for i = 1, a.n do
        assert(same(a[i], b[i]), "value " .. i .. " differs")
    end
end
function roundtrip(...)
    local text = skynet.packstring(...)
    check_same(table.pack(skynet.unpack(text)), table.pack(...))
    local block, size = skynet.pack(...)
    assert(size == #text and skynet.tostring(block, size) == text)
    check_same(table.pack(skynet.unpack(block, size)), table.pack(...))
    skynet.trash(block, size)
    return text
end
"#;

struct State(*mut lua_State);

impl State {
    fn new() -> State {
        // SAFETY: a fresh state, with enough free slots for each push.
        unsafe {
            let l = ffi::luaL_newstate();
            assert!(!l.is_null());
            ffi::luaL_openlibs(l);
            ffi::lua_createtable(l, 0, 0);
            set_function(l, c"pack", l_pack);
            set_function(l, c"packstring", l_packstring);
            set_function(l, c"unpack", l_unpack);
            set_function(l, c"trash", l_trash);
            set_function(l, c"tostring", l_tostring);
            ffi::lua_setglobal(l, c"skynet".as_ptr());
            ffi::lua_register(l, c"skynet_lightuserdata".as_ptr(), light_userdata);
            ffi::lua_register(l, c"take_over".as_ptr(), take_over);
            let state = State(l);
            state.run(PRELUDE).expect("the prelude is valid");
            state
        }
    }

    /// Runs a chunk named `in` and returns its first result, or its error, as text.
    fn run(&self, code: &str) -> Result<Vec<u8>, String> {
        self.run_with(code, &[])
    }

    /// As `run`; the chunk finds `bytes` in `...`.
    fn run_with(&self, code: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let l = self.0;
        // SAFETY: the state is live; results are popped.
        unsafe {
            let (text, len) = (code.as_ptr().cast(), code.len());
            let loaded = ffi::luaL_loadbuffer(l, text, len, c"=in".as_ptr());
            assert_eq!(loaded, ffi::LUA_OK, "{}", self.pop_text());
            ffi::lua_pushlstring(l, bytes.as_ptr().cast(), bytes.len());
            match ffi::lua_pcall(l, 1, 1, 0) {
                ffi::LUA_OK => Ok(self.pop_bytes()),
                _ => Err(self.pop_text()),
            }
        }
    }

    fn pop_bytes(&self) -> Vec<u8> {
        // SAFETY: the state is live, and a value is on its stack.
        unsafe {
            let mut len = 0;
            let text = ffi::luaL_tolstring(self.0, -1, &mut len);
            let bytes = std::slice::from_raw_parts(text.cast::<u8>(), len).to_vec();
            ffi::lua_settop(self.0, -3);
            bytes
        }
    }

    /// As `pop_bytes`; an error table shows its code as the vectors write it.
    fn pop_text(&self) -> String {
        // SAFETY: the state is live, and a value is on its stack.
        unsafe {
            if ffi::lua_istable(self.0, -1) != 0 {
                ffi::lua_getfield(self.0, -1, c"code".as_ptr());
                let code = ffi::lua_tointeger(self.0, -1);
                ffi::lua_settop(self.0, -3);
                return format!("(table) code={code}");
            }
        }
        String::from_utf8(self.pop_bytes()).expect("texts are ASCII")
    }

    #[track_caller]
    fn check(&self, code: &str) {
        if let Err(error) = self.run(code) {
            panic!("{error}\nin: {code}");
        }
    }

    #[track_caller]
    fn check_error(&self, code: &str, expected: &str) {
        assert_eq!(self.run(code).expect_err(code), expected, "{code}");
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // SAFETY: the state is live and this is its only owner.
        unsafe { ffi::lua_close(self.0) }
    }
}

unsafe fn set_function(l: *mut lua_State, name: &CStr, function: ffi::lua_CFunction) {
    // SAFETY: a table is on the top of a live state.
    unsafe {
        ffi::lua_pushcfunction(l, function);
        ffi::lua_setfield(l, -2, name.as_ptr());
    }
}

unsafe extern "C-unwind" fn light_userdata(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls it with a live state.
    unsafe {
        let address = ffi::luaL_checkinteger(l, 1) as usize;
        ffi::lua_pushlightuserdata(l, ptr::without_provenance_mut(address));
    }
    1
}

/// `take_over(block, size)`: `unpack_owned`; gives whether the block was taken, then the values.
/// As the dispatcher does, it frees a block that was not taken.
unsafe extern "C-unwind" fn take_over(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls it with a live state and what `pack` returned.
    unsafe {
        let block = ffi::lua_touserdata(l, 1).cast();
        let len = ffi::lua_tointeger(l, 2) as usize;
        ffi::lua_settop(l, 0);
        let (count, taken) = unpack_owned(l, block, len);
        if !taken {
            libc::free(block.cast());
        }
        ffi::lua_pushboolean(l, taken as c_int);
        ffi::lua_rotate(l, 1, 1);
        count + 1
    }
}

fn vectors(file: &str) -> Vec<Json> {
    let path = format!("{}/tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).expect("the file is part of the tree");
    let json: Json = serde_json::from_str(&text).expect("the file is JSON");
    json["vectors"].as_array().expect("rows").clone()
}

/// The bytes of a JSON string: a character up to U+00FF stands for one byte.
fn field(row: &Json, name: &str) -> String {
    row[name].as_str().unwrap_or_else(|| panic!("{row} has no {name}")).to_string()
}

fn from_hex(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "{hex}");
    let digits = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits");
    (0..hex.len()).step_by(2).map(digits).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn pack_vectors() {
    let state = State::new();
    let rows = vectors("seri_pack.json");
    assert_eq!(rows.len(), 71);
    for row in &rows {
        let input = field(row, "input");
        let bytes = state.run(&format!("return skynet.packstring({input})"));
        let hex = to_hex(&bytes.unwrap_or_else(|error| panic!("{row}: {error}")));
        if row.get("hex").is_some() {
            assert_eq!(hex, field(row, "hex"), "{row}");
        } else {
            assert!(hex.starts_with(&field(row, "hex_prefix")), "{row}");
            assert_eq!(Some(hex.len() as u64 / 2), row["length"].as_u64(), "{row}");
        }
        let code = format!("local p, n = skynet.pack({input}) local s = skynet.tostring(p, n)");
        let block = state.run(&format!("{code} skynet.trash(p, n) return s")).expect("as above");
        assert_eq!(to_hex(&block), hex, "{row}");
    }
}

#[test]
fn pack_error_vectors() {
    let state = State::new();
    let rows = vectors("seri_pack_errors.json");
    assert_eq!(rows.len(), 10);
    for row in &rows {
        let input = field(row, "input");
        state
            .check_error(&format!("return skynet.packstring({input}) .. ''"), &field(row, "error"));
        state
            .check_error(&format!("local p = skynet.pack({input}) return p"), &field(row, "error"));
    }
}

#[test]
fn unpack_vectors() {
    let state = State::new();
    let rows = vectors("seri_unpack.json");
    assert_eq!(rows.len(), 20);
    for row in &rows {
        let (bytes, output) = (from_hex(&field(row, "hex")), field(row, "output"));
        let count = row["count"].as_u64().expect("a count");
        let code = format!(
            "local t = table.pack(skynet.unpack(...)) assert(t.n == {count})
            check_same(t, table.pack({output}))"
        );
        state.run_with(&code, &bytes).unwrap_or_else(|error| panic!("{row}: {error}"));
    }
}

#[test]
fn unpack_error_vectors() {
    let state = State::new();
    let rows = vectors("seri_unpack_errors.json");
    assert_eq!(rows.len(), 28);
    for row in &rows {
        let code = "local t = skynet.unpack(...) return t";
        let error = state.run_with(code, &from_hex(&field(row, "hex"))).expect_err("malformed");
        let expected = field(row, "error");
        let stable = expected.split("(line:").next().expect("a first part");
        let prefix = if expected.contains("line:") { "in:1: " } else { "" };
        assert!(error.starts_with(&format!("{prefix}{stable}")), "{row}: {error}");
        assert_eq!(error.contains("(line:"), expected.contains("(line:"), "{row}: {error}");
    }
}

#[test]
fn values_come_back() {
    let state = State::new();
    state.check("roundtrip()");
    state.check("roundtrip(nil, nil)");
    state.check("roundtrip('SET', 12, -3, 1.5, true, false, nil, {1, {2, {3}}, x = {y = 'z'}})");
    state.check("local t = {} for i = 1, 5000 do t[i] = i * 3 end roundtrip(t)");
    state.check("local t = {} for i = 1, 500 do t['k' .. i] = {i} end roundtrip(t)");
    state.check("local t = {} for i = 1, 300 do t[i] = i end roundtrip(table.unpack(t))");
    state.check("roundtrip(('a'):rep(5000), {('b'):rep(70000), k = ('c'):rep(4000)}, 'd')");
    state.check("local t = {} for i = 1, 20 do t[i] = ('s'):rep(3000 + i) end roundtrip(t)");
}

#[test]
fn array_is_complete_wherever_lua_keeps_it() {
    let state = State::new();
    // Backwards, the keys all live in the hash part.
    state.check("local t = {} for i = 100, 1, -1 do t[i] = i end roundtrip(t)");
    state.check("local t = {x = 1, y = 2} for i = 40, 1, -1 do t[i] = -i end roundtrip(t)");
    state.check("local t = {1, 2, 3, nil, 5, nil, 7, x = 8} roundtrip(t)");
    state.check("local t = table.move({1, 2, 3, 4}, 1, 4, 1, {}) t[2] = nil t[9] = 9 roundtrip(t)");
    state.check("local t = {1, 2, 3} t['4'] = 4 t['1'] = 'one' t[4.5] = 0 roundtrip(t)");
    state.check("for n = 1, 70 do local t = {} for i = n, 1, -2 do t[i] = i end roundtrip(t) end");
    state.check(
        "math.randomseed(42) for n = 1, 200 do local t = {}
        for _ = 1, n do t[math.random(-3, n)] = math.random(9) end
        for _ = 1, n // 3 do t[math.random(n)] = nil end roundtrip(t) end",
    );
}

#[test]
fn unpack_checks_its_arguments() {
    let state = State::new();
    state.check("assert(select('#', skynet.unpack()) == 0)");
    state.check("assert(select('#', skynet.unpack(nil)) == 0)");
    state.check("assert(select('#', skynet.unpack('')) == 0)");
    state.check("assert(select('#', skynet.unpack(skynet_lightuserdata(0), 0)) == 0)");
    state.check_error("skynet.unpack(5, 3)", "in:1: deserialize null pointer");
    state
        .check_error("skynet.unpack(skynet_lightuserdata(0), 3)", "in:1: deserialize null pointer");
    state.check_error(
        "local f = skynet.unpack f(skynet_lightuserdata(9))",
        "in:1: bad argument #2 to 'f' (number expected, got no value)",
    );
    state.check_error(
        "local f = skynet.unpack f(skynet_lightuserdata(9), -1)",
        "in:1: bad argument #2 to 'f' (size out of range)",
    );
    state.check_error(
        "local f = skynet.unpack f(io.stdout, 1 << 20)",
        "in:1: bad argument #2 to 'f' (size out of range)",
    );
}

#[test]
fn blocks_are_shown_and_thrown_away() {
    let state = State::new();
    state.check("local p, n = skynet.pack() assert(p ~= skynet_lightuserdata(0) and n == 0)");
    state.check("skynet.trash('text') skynet.trash('text', 4)");
    state.check("assert(select('#', skynet.tostring()) == 0)");
    state.check("assert(skynet.tostring(skynet_lightuserdata(0), 0) == '')");
    state.check_error("skynet.trash({})", "in:1: skynet.trash invalid param table");
    state.check_error(
        "local f = skynet.trash f(skynet_lightuserdata(0))",
        "in:1: bad argument #2 to 'f' (number expected, got no value)",
    );
    state.check_error(
        "local f = skynet.tostring f(skynet_lightuserdata(0), 5)",
        "in:1: bad argument #1 to 'f' (a block of that size expected)",
    );
}

#[test]
fn hostile_bytes_are_refused() {
    let state = State::new();
    let refuse = |bytes: &[u8], expected: &str| {
        assert_eq!(state.run_with("local t = skynet.unpack(...)", bytes).unwrap_err(), expected);
    };
    let ends = "in:1: Invalid serialize stream 0 (line:1)";
    refuse(&[0xfe, 0x22, 0xff, 0xff, 0xff, 0x7f, 0x00], ends);
    refuse(&[0xfe, 0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], ends);
    // Each of many nested tables claims as many slots again.
    refuse(&[0xfe, 0x22, 0xff, 0xff, 0xff, 0x7f].repeat(30), ends);
    let too_deep = "in:1: Invalid serialize stream 99966 (line:11)";
    refuse(&vec![0x0e; 100_000], too_deep);
    refuse(&[vec![0x0e; 34], vec![0; 99_966]].concat(), too_deep);
    // Nested as keys.
    refuse(&vec![0x06; 100_000], too_deep);
    assert!(state.run_with("return skynet.unpack(...)", &[0xfe, 0x22, 0xff, 0, 0, 0x80]).is_err());
    // A negative array length is an empty array.
    state
        .run_with(
            "assert(next(skynet.unpack(...)) == nil)",
            &[0xfe, 0x22, 0xff, 0xff, 0xff, 0xff, 0x00],
        )
        .unwrap();
}

#[test]
fn claimed_array_does_not_take_memory() {
    let state = State::new();
    state.check(
        "collectgarbage() collectgarbage('stop') local before = collectgarbage('count')
        local bytes = ('\\xfe\\x22\\xff\\xff\\xff\\x7f'):rep(30)
        for _ = 1, 100 do pcall(skynet.unpack, bytes) end
        local grown = collectgarbage('count') - before
        assert(grown < 1500, grown .. ' KiB') collectgarbage('restart')",
    );
}

#[test]
fn random_bytes_are_refused_or_read() {
    let state = State::new();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..20_000 {
        let mut bytes = vec![0; round % 61];
        for byte in &mut bytes {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Small bytes are tags that open tables and short items: they lead deeper.
            *byte = (seed >> 33) as u8 & if seed >> 62 == 0 { 0xff } else { 0x1f };
        }
        let read = crate::codec::seri::decode(&bytes);
        let lua = state.run_with("skynet.unpack(...)", &bytes);
        match (read, lua) {
            (Ok(_), Ok(_)) => {}
            (Ok(_), Err(error)) => assert!(error.contains("NaN"), "{bytes:x?}: {error}"),
            (Err(error), Err(text)) => {
                let expected = format!("in:1: {error}");
                assert!(text == expected || text.contains("NaN"), "{bytes:x?}: {text} {error}");
            }
            (Err(error), Ok(_)) => panic!("{bytes:x?}: {error}"),
        }
    }
}

#[test]
fn pairs_may_pack_and_collect() {
    let state = State::new();
    // The nested pack uses its own buffer, and the collection must not take noted strings away.
    state.check(
        "local function view(t) return setmetatable({}, {__pairs = function()
            skynet.trash(skynet.pack(t, ('n'):rep(9000))) collectgarbage()
            pcall(skynet.pack, print)
            return next, t end}) end
        local inner = {a = ('x'):rep(6000), b = {('y'):rep(7000)}}
        local outer = {('z'):rep(8000), view(inner), ('w'):rep(8000)}
        local text = skynet.packstring(('v'):rep(5000), outer, view(inner))
        check_same(table.pack(skynet.unpack(text)),
            table.pack(('v'):rep(5000), {('z'):rep(8000), inner, ('w'):rep(8000)}, inner))",
    );
    assert!(Scratch::take().capacity() > 0, "the buffer is back");
}

#[test]
fn strings_of_an_iterator_are_copied_at_once() {
    let state = State::new();
    state.check(
        "local n = 0
        local t = setmetatable({}, {__pairs = function() return function()
            n = n + 1 collectgarbage()
            if n <= 5 then return n, string.char(64 + n):rep(5000) end end end})
        local text = skynet.packstring(t)
        local back = skynet.unpack(text)
        for i = 1, 5 do assert(back[i] == string.char(64 + i):rep(5000)) end",
    );
}

#[test]
fn table_changed_by_pairs_is_no_crash() {
    let state = State::new();
    // The iteration's own key vanishes and the table is rebuilt while a value is being written.
    state.check(
        "local t = {}
        for i = 1, 8 do t['k' .. i] = setmetatable({}, {__pairs = function()
            for j = 1, 8 do t['k' .. j] = nil end
            for j = 1, 100 do t['n' .. j] = j end
            collectgarbage()
            return next, {} end}) end
        local ok, err = pcall(skynet.packstring, t)
        assert(ok or err:find 'invalid key to', err)",
    );
    assert!(Scratch::take().capacity() > 0, "the buffer is back");
}

#[test]
fn errors_of_pairs_keep_their_object() {
    let state = State::new();
    state.check(
        "local object = {} local function raise() error(object) end
        local function caught(t) return select(2, pcall(skynet.pack, ('x'):rep(9000), {t})) end
        assert(caught(setmetatable({}, {__pairs = raise})) == object)
        assert(caught(setmetatable({}, {__pairs = function() return raise end})) == object)
        local co = coroutine.wrap(function()
            return pcall(skynet.pack, setmetatable({}, {__pairs = coroutine.yield})) end)
        local ok, err = co() assert(not ok and err:find 'yield', err)",
    );
    assert!(Scratch::take().capacity() > 0, "the buffer is back");
}

#[test]
fn last_long_string_takes_the_block() {
    let state = State::new();
    let taken = cfg!(feature = "lua55");
    state.check(&format!(
        "local s = ('x'):rep(100000)
        local function packed(...) return take_over(skynet.pack(...)) end
        local taken, a, b = packed(1, s) assert(taken == {taken} and a == 1 and b == s)
        taken, a = packed(s) assert(taken == {taken} and a == s and #a == 100000)
        taken, a, b = packed(s, 1) assert(taken == false and a == s and b == 1)
        taken, a = packed({{s}}) assert(taken == false and a[1] == s)
        taken, a = packed('short') assert(taken == false and a == 'short')
        assert(packed() == false)
        a, b = nil collectgarbage() collectgarbage()"
    ));
}

#[test]
fn taken_blocks_count_for_the_collector() {
    let state = State::new();
    // 256 MiB pass through; a collector that felt 40 bytes a message would keep most of it.
    state.check(
        "local alive, died = 0, 0
        local s = ('x'):rep(1 << 18)
        for i = 1, 1024 do
            local _, text = take_over(skynet.pack(s))
            alive = alive + 1
            local sentinel = setmetatable({text}, {__gc = function() died = died + 1 end})
            text, sentinel = nil
            assert(alive - died < 64, alive - died)
        end",
    );
}

/// An allocator that refuses after a number of allocations.
struct Scarce {
    left: Cell<u32>,
    inner: ffi::lua_Alloc,
    inner_data: *mut c_void,
}

unsafe extern "C" fn scarce(
    data: *mut c_void,
    block: *mut c_void,
    old: usize,
    new: usize,
) -> *mut c_void {
    // SAFETY: `data` is the `Scarce` that the test keeps alive; the rest goes to Lua's allocator.
    unsafe {
        let scarce = &*data.cast::<Scarce>();
        if new > 0 && (block.is_null() || new > old) {
            if scarce.left.get() == 0 {
                return ptr::null_mut();
            }
            scarce.left.set(scarce.left.get() - 1);
        }
        (scarce.inner)(scarce.inner_data, block, old, new)
    }
}

/// Runs `code` on `bytes` with 0, 1, 2 and more allocations until it succeeds; each failure must be
/// a memory error that leaves the thread's buffer in its place.
fn survives_scarcity(code: &str, bytes: &[u8]) {
    for allocations in 0..10_000 {
        let state = State::new();
        let mut inner_data = ptr::null_mut();
        // SAFETY: the state is live; its allocator is wrapped and put back.
        let result = unsafe {
            let inner = ffi::lua_getallocf(state.0, &mut inner_data);
            let code = CString::new(code).expect("no NUL");
            assert_eq!(ffi::luaL_loadstring(state.0, code.as_ptr()), ffi::LUA_OK);
            ffi::lua_pushlstring(state.0, bytes.as_ptr().cast(), bytes.len());
            let scarcity = Scarce { left: Cell::new(allocations), inner, inner_data };
            ffi::lua_setallocf(state.0, scarce, (&raw const scarcity).cast_mut().cast());
            let result = ffi::lua_pcall(state.0, 1, 0, 0);
            ffi::lua_setallocf(state.0, inner, inner_data);
            result
        };
        assert!(Scratch::take().capacity() > 0, "the buffer is back after {allocations}");
        if result == ffi::LUA_OK {
            return;
        }
        assert!(state.pop_text().contains("not enough memory"), "after {allocations}");
    }
    panic!("never succeeds: {code}");
}

#[test]
fn want_of_memory_leaks_nothing() {
    Scratch::take().nil().unwrap();
    let bytes = State::new()
        .run("return skynet.packstring({1, {x = ('a'):rep(100)}, y = {}}, ('b'):rep(5000), 'c')");
    let bytes = bytes.expect("packs");
    survives_scarcity("skynet.unpack(...)", &bytes);
    survives_scarcity("skynet.packstring(..., {...}, ...)", &bytes);
    survives_scarcity(
        "local t = setmetatable({}, {__pairs = function(t) return next, {x = t and {}} end})
        skynet.trash(skynet.pack(..., t, t))",
        &bytes,
    );
    survives_scarcity("skynet.trash(skynet.pack(setmetatable({}, {})))", &bytes);
}

#[test]
fn block_stays_the_callers_when_its_string_cannot_be_made() {
    let state = State::new();
    let mut inner_data = ptr::null_mut();
    // SAFETY: the state is live, the block is a packed message, and the allocator is put back.
    unsafe {
        let l = state.0;
        ffi::lua_pushcfunction(l, take_over);
        state.check("text = ('x'):rep(50000)");
        ffi::lua_getglobal(l, c"text".as_ptr());
        let packed = pack(l, ffi::lua_gettop(l));
        ffi::lua_settop(l, -2);
        ffi::lua_pushlightuserdata(l, packed.ptr.cast());
        ffi::lua_pushinteger(l, packed.len as i64);
        let inner = ffi::lua_getallocf(l, &mut inner_data);
        let scarcity = Scarce { left: Cell::new(0), inner, inner_data };
        ffi::lua_setallocf(l, scarce, (&raw const scarcity).cast_mut().cast());
        assert_eq!(ffi::lua_pcall(l, 2, 0, 0), ffi::LUA_ERRMEM);
        ffi::lua_setallocf(l, inner, inner_data);
        ffi::lua_settop(l, 0);
        // The bytes can still be read, and the block can be freed: nobody else did.
        assert_eq!(unpack(l, packed.ptr, packed.len), 1);
        ffi::lua_getglobal(l, c"text".as_ptr());
        assert_eq!(ffi::lua_rawequal(l, -1, -2), 1);
        libc::free(packed.ptr.cast());
    }
}
