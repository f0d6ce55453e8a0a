//! The two ways, by looking at Lua's objects and by its API, do the same.

use mlua::Lua;

use crate::codec::sproto::compile;
use crate::lua::heap::set_api_only;

const SCHEMA: &str = "
.Pair { k 0 : string v 1 : integer }
.Point { x 0 : integer y 1 : integer z 2 : double far 9 : integer }
.All {
    i 0 : integer
    s 1 : string
    b 2 : boolean
    d 3 : double
    dec 4 : integer(2)
    bin 5 : binary
    p 6 : Point
    li 7 : *integer
    ls 8 : *string
    lb 9 : *boolean
    ld 10 : *double
    lp 11 : *Point
    keyed 12 : *Point(x)
    map 13 : *Pair()
    own 14 : All
    ldec 20 : *integer(3)
    this_name_has_more_than_forty_characters_in_it 30 : integer
}
";

/// Values made from a seed: mostly of the right type, some of another one, with holes, metatables,
/// lists in the hash part, and fields that the schema does not have.
const VALUES: &str = r#"
local random = math.random
local make = {}
local function any()
    local kind = random(7)
    if kind == 1 then return random(0) end
    if kind == 2 then return random() * 100 end
    if kind == 3 then return "17" end
    if kind == 4 then return true end
    if kind == 5 then return {} end
    if kind == 6 then return "text" end
    return print
end
local function often(right)
    if random(60) == 1 then return any() end
    return right()
end
local function integer()
    local kind = random(6)
    if kind == 1 then return random(0) end
    if kind == 2 then return random(0, 40000) end
    if kind == 3 then return random(-5, 5) + 0.0 end
    if kind == 4 then return random(-0x80000010, 0x80000010) end
    return random(0, 300)
end
local function double() return random(2) == 1 and random() * 1e6 or random(-9, 9) end
local function text() return ("t"):rep(random(0, 50)) .. random(99) end
local function boolean() return random(2) == 1 end
local function list(one)
    local t, n = {}, random(0, 12)
    if random(4) == 1 then
        for i = n, 1, -1 do t[i] = often(one) end
    else
        for i = 1, n do t[i] = often(one) end
    end
    if random(6) == 1 then t[random(12)] = nil end
    if random(6) == 1 then t.extra = 1 end
    return t
end
local function maybe(t, name, one)
    if random(3) > 1 then t[name] = often(one) end
end
local function with_metatable(t)
    if random(12) == 1 then return setmetatable(t, {}) end
    local function pairs_of_it() return next, t end
    if random(12) == 1 then return setmetatable({}, {__index = t, __pairs = pairs_of_it}) end
    return t
end
local function point()
    local t = {}
    maybe(t, "x", integer) maybe(t, "y", integer) maybe(t, "z", double) maybe(t, "far", integer)
    return with_metatable(t)
end
local function keyed()
    local t = {}
    for i = 1, random(0, 6) do
        local p = point()
        p.x = i
        t[random(2) == 1 and i or "k" .. i] = p
    end
    return with_metatable(t)
end
local function map()
    local t = {}
    for i = 1, random(0, 6) do t[often(text)] = often(integer) end
    return with_metatable(t)
end
local function all(depth)
    local t = {}
    maybe(t, "i", integer) maybe(t, "s", text) maybe(t, "b", boolean) maybe(t, "d", double)
    maybe(t, "dec", double) maybe(t, "bin", text) maybe(t, "p", point)
    maybe(t, "li", function() return list(integer) end)
    maybe(t, "ls", function() return list(text) end)
    maybe(t, "lb", function() return list(boolean) end)
    maybe(t, "ld", function() return list(double) end)
    maybe(t, "lp", function() return list(point) end)
    maybe(t, "ldec", function() return list(double) end)
    maybe(t, "keyed", keyed) maybe(t, "map", map)
    if random(8) == 1 then t.this_name_has_more_than_forty_characters_in_it = 1 end
    if random(8) == 1 then t.not_of_the_schema = 1 end
    if depth < 3 then maybe(t, "own", function() return all(depth + 1) end) end
    return with_metatable(t)
end
function value(seed)
    math.randomseed(seed)
    return all(1)
end
function same(a, b)
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
function all_type() return core.querytype(assert(core.newproto(bundle)), "All") end
"#;

fn state() -> Lua {
    // SAFETY: all libraries of a test; the function is one for Lua.
    let (lua, open) = unsafe {
        let lua = Lua::unsafe_new();
        let open = lua.create_c_function(super::open).expect("memory");
        (lua, open)
    };
    let globals = lua.globals();
    globals.set("core", open.call::<mlua::Table>(()).expect("it opens")).expect("a fresh state");
    let api_only = lua.create_function(|_, only: bool| {
        set_api_only(only);
        Ok(())
    });
    globals.set("api_only", api_only.expect("memory")).expect("a fresh state");
    let bundle = compile(SCHEMA.as_bytes(), b"test").expect("a schema");
    globals.set("bundle", lua.create_string(bundle).expect("memory")).expect("a fresh state");
    lua.load(VALUES).exec().expect("helpers");
    lua
}

#[track_caller]
fn check(lua: &Lua, code: &str) {
    let ran = lua.load(code).exec();
    set_api_only(false);
    ran.expect("no difference");
}

#[test]
fn both_ways_write_the_same_bytes_and_raise_the_same_errors() {
    check(
        &state(),
        r#"
        local known, written, refused = all_type(), 0, 0
        for seed = 1, 1500 do
            local v = value(seed)
            api_only(true)
            local ok, by_api = pcall(core.encode, known, v)
            api_only(false)
            local walked, bytes = pcall(core.encode, known, v)
            local message = "seed " .. seed .. ": " .. tostring(by_api) .. " / " .. tostring(bytes)
            assert(ok == walked and by_api == bytes, message)
            if ok then written = written + 1 else refused = refused + 1 end
        end
        assert(written > 100 and refused > 100, written .. " written, " .. refused .. " refused")
        "#,
    );
}

#[test]
fn both_ways_read_the_same_values() {
    check(
        &state(),
        r#"
        local known = all_type()
        for seed = 1, 1500 do
            local ok, bytes = pcall(core.encode, known, value(seed))
            if ok then
                if seed % 10 == 0 then
                    local at = math.random(#bytes)
                    local other = string.char(math.random(0, 255))
                    bytes = bytes:sub(1, at - 1) .. other .. bytes:sub(at + 1)
                end
                api_only(true)
                local by_api = table.pack(pcall(core.decode, known, bytes))
                api_only(false)
                local filled = table.pack(pcall(core.decode, known, bytes))
                assert(same(by_api, filled), "seed " .. seed .. ": " .. tostring(filled[2]))
            end
        end
        "#,
    );
}

#[test]
fn a_name_that_was_not_used_before_is_found() {
    check(
        &state(),
        r#"
        for seed = 1, 200 do
            local fresh = all_type()
            local v = value(seed)
            local _, first = pcall(core.encode, fresh, v)
            local _, second = pcall(core.encode, fresh, v)
            assert(first == second, "seed " .. seed)
        end
        "#,
    );
}

/// Tables that were filled without the API outlive collections, and work as any table.
#[test]
fn what_was_read_survives_collections() {
    for mode in ["incremental", "generational"] {
        check(
            &state(),
            &format!(
                r#"
                collectgarbage "{mode}"
                local known, kept = all_type(), {{}}
                for seed = 1, 1000 do
                    local ok, bytes = pcall(core.encode, known, value(seed))
                    if ok then kept[#kept + 1] = {{ bytes, (core.decode(known, bytes)) }} end
                    if seed % 50 == 0 then collectgarbage() end
                end
                for _, one in ipairs(kept) do
                    local again = core.decode(known, one[1])
                    assert(same(one[2], again))
                    one[2].added = 1
                    assert(one[2].added == 1 and next(one[2]) ~= nil)
                    one[2].added = nil
                    assert(same(one[2], again))
                end
                "#
            ),
        );
    }
}
