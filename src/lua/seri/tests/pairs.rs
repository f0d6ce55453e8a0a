//! `__pairs`: Lua code that runs while a message is packed.

use super::super::scratch::Scratch;
use super::State;

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
