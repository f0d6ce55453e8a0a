//! What goes in comes out, and arguments are checked.

use super::State;

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
    state.check(
        "local p, n = skynet.pack() assert(p ~= skynet_lightuserdata(0) and n == 0)
        skynet.trash(p, n)",
    );
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
