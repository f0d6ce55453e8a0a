//! The two ways, by looking at Lua's objects and by its API, do the same.

use super::State;
use crate::lua::heap::with_api_only;

/// Values of every kind and shape, made from a seed; the generator only uses what both versions
/// of Lua have.
const RANDOM_VALUES: &str = r#"
local random = math.random
local function scalar()
    local kind = random(12)
    if kind == 1 then return random(0) end
    if kind == 2 then return random(0, 255) end
    if kind == 3 then return random(-70000, 70000) end
    if kind == 4 then return random() * 1e6 end
    if kind == 5 then return random(2) == 1 end
    if kind == 6 then return ('s'):rep(random(0, 45)) .. random(9) end
    if kind == 7 then return ('l'):rep(random(41, 5000)) end
    if kind == 8 then return skynet_lightuserdata(random(1, 9)) end
    if kind == 9 then return 0.0 end
    return 'key' .. random(40)
end
local function plain_metatable() return {__index = {}, __name = 'x'} end
local make
local function fill(t, depth)
    for _ = 1, random(0, 12) do
        local key
        if random(3) == 1 then key = random(-2, 14) else key = scalar() end
        t[key] = make(depth + 1)
    end
    for _ = 1, random(0, 3) do t[random(14)] = nil end
    for _ = 1, random(0, 3) do t['key' .. random(40)] = nil end
    return t
end
function make(depth)
    if depth > 4 or random(4) > 1 then return scalar() end
    local kind = random(5)
    if kind == 1 then return fill({}, depth) end
    if kind == 2 then return fill({1, 2, nil, 4, scalar(), nil}, depth) end
    if kind == 3 then
        local list = {}
        for i = 1, random(0, 60) do list[i] = random(3) == 1 and scalar() or i * 300 end
        return list
    end
    if kind == 4 then
        local list = {}
        for i = 1, random(0, 40) do list[i] = {id = i, name = 'n' .. i, pos = {x = i, y = 0.5}} end
        return list
    end
    return setmetatable(fill({}, depth), plain_metatable())
end
"#;

/// Runs `body` for each value `v` of the seed's series.
#[track_caller]
fn with_random_values(state: &State, seed: u32, count: u32, body: &str) {
    state.check(&format!(
        "{RANDOM_VALUES} math.randomseed({seed})
        for i = 1, {count} do
            local v = make(1)
            local ok, err = xpcall(function() {body} end, debug.traceback)
            if not ok then error('seed {seed}, value ' .. i .. ': ' .. err) end
        end"
    ));
}

unsafe extern "C-unwind" fn l_packstring_by_api(l: *mut mlua::ffi::lua_State) -> std::ffi::c_int {
    // SAFETY: Lua calls it; the function is as safe as the one it stands for.
    with_api_only(|| unsafe { super::l_packstring(l) })
}

unsafe extern "C-unwind" fn l_unpack_by_api(l: *mut mlua::ffi::lua_State) -> std::ffi::c_int {
    // SAFETY: as above.
    with_api_only(|| unsafe { super::l_unpack(l) })
}

fn state_with_both() -> State {
    let state = State::new();
    // SAFETY: the state is live.
    unsafe {
        mlua::ffi::lua_register(state.0, c"pack_by_api".as_ptr(), l_packstring_by_api);
        mlua::ffi::lua_register(state.0, c"unpack_by_api".as_ptr(), l_unpack_by_api);
    }
    state
}

#[test]
fn both_ways_write_the_same_bytes() {
    let state = state_with_both();
    for seed in 1..=20 {
        with_random_values(
            &state,
            seed,
            150,
            "assert(skynet.packstring(v, i) == pack_by_api(v, i))",
        );
    }
}

#[test]
fn sequence_goes_on_in_the_hash_part() {
    let state = state_with_both();
    // The hash part has one place left, which the next position takes.
    state.check(
        "for _, t in ipairs {{1, 2, 3, x = 1, y = 2, z = 3}, {x = 1, y = 2, z = 3}} do
            t[#t + 1] = 'next'
            local text = skynet.packstring(t)
            assert(text == pack_by_api(t) and text:byte() == 6 + 8 * #t)
        end",
    );
}

#[test]
fn both_ways_read_the_same_values() {
    let state = state_with_both();
    for seed in 100..=110 {
        with_random_values(
            &state,
            seed,
            150,
            "local text = pack_by_api(v, i)
            local a, b = table.pack(skynet.unpack(text)), table.pack(unpack_by_api(text))
            check_same(a, b) check_same(b, a) check_same(a, table.pack(v, i))",
        );
    }
}

/// Keeps what was read through many collections; then each value must still be what it was, and
/// its tables must work as any table does.
fn survives_collection(mode: &str) {
    let state = state_with_both();
    state.check(&format!("collectgarbage('{mode}')"));
    for seed in 200..=205 {
        with_random_values(
            &state,
            seed,
            400,
            "kept = kept or {}
            local text = pack_by_api(v)
            if i % 3 == 0 then collectgarbage('step') end
            kept[i % 64] = {text, (skynet.unpack(text))}
            local old = kept[(i * 7) % 64]
            if old then
                check_same(table.pack(old[2]), table.pack(unpack_by_api(old[1])))
                if type(old[2]) == 'table' then
                    for j = 1, 40 do old[2]['new' .. j] = j end
                    for j = 1, 40 do assert(old[2]['new' .. j] == j) old[2]['new' .. j] = nil end
                    check_same(table.pack(old[2]), table.pack(unpack_by_api(old[1])))
                end
            end",
        );
    }
    state.check("collectgarbage() collectgarbage()");
}

#[test]
fn tables_survive_an_incremental_collector() {
    survives_collection("incremental");
}

#[test]
fn tables_survive_a_generational_collector() {
    survives_collection("generational");
}

#[test]
fn table_that_was_read_can_be_a_metatable() {
    let state = State::new();
    // A fresh table knows that it has no metamethods; one that was filled must not.
    state.check(
        "local t = skynet.unpack(skynet.packstring({__index = {answer = 42}, __len = 1}))
        assert(setmetatable({}, t).answer == 42)",
    );
}
