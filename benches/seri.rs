//! What does it cost to pack values from a Lua stack, and to unpack them onto it?
//!
//! The eight shapes are messages as services send them, from the arguments of a call to a list of
//! records. The functions are called as the dispatcher calls them, with no Lua code in between, in
//! a state with a generational collector, as a service has. It does not show what a message costs
//! on its way between services.

use std::ffi::CString;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ironsky::lua::seri::{Packed, pack, unpack, unpack_owned};
use mlua::ffi::{self, lua_State};

const SHAPES: [(&str, &str); 8] = [
    ("call", "return 'cmd', 12345, 2.5, true, 'short string'"),
    (
        "ints20",
        "local t = {} for i = 1, 20 do t[i] = (i * 7919) << (i % 5 * 8) end
        return table.unpack(t)",
    ),
    (
        "str10x100",
        "local t = {} for i = 1, 10 do t[i] = string.char(65 + i % 26):rep(100) end
        return table.unpack(t)",
    ),
    ("str64k", "return ('z'):rep(65536)"),
    ("array1000", "local t = {} for i = 1, 1000 do t[i] = i * 3 end return t"),
    ("double1000", "local t = {} for i = 1, 1000 do t[i] = i * 1.1 end return t"),
    ("map500", "local t = {} for i = 1, 500 do t['key' .. i] = i end return t"),
    (
        "records100",
        "local t = {} for i = 1, 100 do t[i] = {
            id = i, name = 'player' .. i, online = i % 2 == 0,
            pos = {x = i * 0.5, y = i * 1.5, z = -i * 2.25}, items = {i, i + 1, i + 2, i + 3},
        } end return t",
    ),
];

/// A Lua state with the values of one shape at the bottom of its stack.
struct State(*mut lua_State);

impl State {
    fn new(code: &str) -> State {
        let code = CString::new(code).expect("the shapes have no NUL");
        // SAFETY: the state is fresh; the chunk is one of the shapes, which raise nothing.
        unsafe {
            let l = ffi::luaL_newstate();
            assert!(!l.is_null(), "no memory for a Lua state");
            ffi::luaL_openlibs(l);
            assert_eq!(ffi::luaL_loadstring(l, code.as_ptr()), ffi::LUA_OK);
            ffi::lua_callk(l, 0, ffi::LUA_MULTRET, 0, None);
            ffi::lua_gc(l, ffi::LUA_GCGEN, 0, 0);
            State(l)
        }
    }

    fn pack(&self) -> Packed {
        // SAFETY: the state is live, and its values can be packed.
        unsafe { pack(self.0, 1) }
    }

    fn drop_values_above(&self, top: i32) {
        // SAFETY: the state is live, and its stack is that high.
        unsafe { ffi::lua_settop(self.0, top) }
    }

    fn top(&self) -> i32 {
        // SAFETY: the state is live.
        unsafe { ffi::lua_gettop(self.0) }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // SAFETY: the state is live, and this is its only owner.
        unsafe { ffi::lua_close(self.0) }
    }
}

fn free(packed: Packed) {
    // SAFETY: the block came from `pack`, and nobody else frees it.
    unsafe { libc::free(packed.ptr.cast()) }
}

fn bench_shape(criterion: &mut Criterion, name: &str, code: &str) {
    let state = State::new(code);
    let top = state.top();
    let message = state.pack();
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(message.len as u64));
    group.bench_function("pack", |bencher| bencher.iter(|| free(black_box(state.pack()))));
    group.bench_function("unpack", |bencher| {
        bencher.iter(|| {
            // SAFETY: the state is live, and the message is valid.
            black_box(unsafe { unpack(state.0, message.ptr, message.len) });
            state.drop_values_above(top);
        });
    });
    group.bench_function("pack_and_take_over", |bencher| {
        bencher.iter(|| {
            let message = state.pack();
            // SAFETY: the state is live, and the block is one that `pack` made.
            let (_, taken) = unsafe { unpack_owned(state.0, message.ptr, message.len) };
            if !taken {
                free(message);
            }
            state.drop_values_above(top);
        });
    });
    group.finish();
    free(message);
}

fn bench_all(criterion: &mut Criterion) {
    for (name, code) in SHAPES {
        bench_shape(criterion, name, code);
    }
}

criterion_group!(seri, bench_all);
criterion_main!(seri);
