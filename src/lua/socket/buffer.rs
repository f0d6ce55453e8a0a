//! What has come in on a socket and nobody has read: a chain of blocks in a userdata.
//!
//! The functions take a second argument, the pool of the reference, which is of no use here.

use std::collections::VecDeque;
use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::{
    self, LUA_TUSERDATA, lua_Integer, lua_State, lua_isnoneornil, lua_newuserdatauv,
    lua_pushboolean, lua_pushinteger, lua_pushlightuserdata, lua_pushlstring, lua_pushnil,
    lua_setmetatable, lua_touserdata, lua_type, luaL_Buffer, luaL_buffinitsize, luaL_checkinteger,
    luaL_checklstring, luaL_newmetatable, luaL_pushresultsize, luaL_testudata,
};

use crate::lua::error::{raise, raise_top};
use crate::lua::native::set_functions;
use crate::message::Payload;

const METATABLE: &CStr = c"skynet.socketdriver.buffer";

/// Bytes in the order in which they came, in the blocks in which they came.
#[derive(Default)]
pub(super) struct Chain {
    blocks: VecDeque<Payload>,
    /// So many bytes of the first block are read.
    start: usize,
    len: usize,
}

impl Chain {
    /// Returns the number of bytes.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Appends a block.
    pub(super) fn push(&mut self, block: Payload) {
        self.len += block.len();
        if !block.is_empty() {
            self.blocks.push_back(block);
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The bytes in pieces.
    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let start = self.start;
        self.blocks.iter().enumerate().map(move |(at, block)| {
            let from = if at == 0 { start } else { 0 };
            block.as_bytes().get(from..).unwrap_or_default()
        })
    }

    /// Takes bytes off the front.
    fn consume(&mut self, mut count: usize) {
        self.len -= count;
        while count > 0
            && let Some(block) = self.blocks.front()
        {
            let left = block.len() - self.start;
            if count < left {
                self.start += count;
                return;
            }
            count -= left;
            self.start = 0;
            self.blocks.pop_front();
        }
    }

    /// Returns where a separator begins.
    pub(super) fn find(&self, separator: &[u8]) -> Option<usize> {
        self.find_from(separator, 0)
    }

    /// As [`Self::find`], when none begins before `known`.
    pub(super) fn find_from(&self, separator: &[u8], known: usize) -> Option<usize> {
        let (&first, rest) = separator.split_first()?;
        let mut base = 0;
        for (index, piece) in self.pieces().enumerate() {
            let mut from = known.saturating_sub(base).min(piece.len());
            while let Some(at) = memchr(first, &piece[from..]) {
                let at = from + at;
                if self.continues(index, &piece[at + 1..], rest) {
                    return Some(base + at);
                }
                from = at + 1;
            }
            base += piece.len();
        }
        None
    }

    /// Tells whether `tail` of the piece `index` and the pieces behind it begin with `rest`.
    fn continues(&self, index: usize, tail: &[u8], rest: &[u8]) -> bool {
        let mut rest = rest;
        for piece in std::iter::once(tail).chain(self.pieces().skip(index + 1)) {
            let common = piece.len().min(rest.len());
            if piece[..common] != rest[..common] {
                return false;
            }
            rest = &rest[common..];
            if rest.is_empty() {
                return true;
            }
        }
        rest.is_empty()
    }

    /// Pushes the first `count` bytes (at most as many as there are) as a string, and takes off
    /// `skip` more.
    ///
    /// # Safety
    /// `l` runs; the chain is kept by something that outlives an error.
    pub(super) unsafe fn push_string(&mut self, l: *mut lua_State, count: usize, skip: usize) {
        // SAFETY: rule 4; the buffer is Lua's own, and the pieces are no longer than `count`.
        unsafe {
            let first = self.pieces().next().unwrap_or_default();
            if count <= first.len() {
                lua_pushlstring(l, first.as_ptr().cast(), count);
            } else {
                let mut buffer: luaL_Buffer = std::mem::zeroed();
                let mut to = luaL_buffinitsize(l, &mut buffer, count);
                let mut left = count;
                for piece in self.pieces() {
                    let part = piece.len().min(left);
                    ptr::copy_nonoverlapping(piece.as_ptr().cast(), to, part);
                    to = to.add(part);
                    left -= part;
                }
                luaL_pushresultsize(&mut buffer, count);
            }
        }
        self.consume(count + skip);
    }
}

fn memchr(byte: u8, bytes: &[u8]) -> Option<usize> {
    // SAFETY: the bytes are live, and memchr stays within them.
    let found = unsafe { libc::memchr(bytes.as_ptr().cast(), byte.into(), bytes.len()) };
    (!found.is_null()).then(|| found as usize - bytes.as_ptr() as usize)
}

/// `buffer()`.
pub(super) unsafe extern "C-unwind" fn buffer(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this. The chain is written before the metatable with its finalizer is set.
    unsafe {
        let place = lua_newuserdatauv(l, size_of::<Chain>(), 0).cast::<Chain>();
        place.write(Chain::default());
        if luaL_newmetatable(l, METATABLE.as_ptr()) != 0 {
            set_functions(l, &[(c"__gc", collect)]);
        }
        lua_setmetatable(l, -2);
        1
    }
}

unsafe extern "C-unwind" fn collect(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with one of our userdata; an empty chain owns nothing, so that a
    // second call is harmless.
    unsafe {
        if let Some(chain) = chain(l, 1) {
            chain.clear();
        }
        0
    }
}

unsafe fn chain<'a>(l: *mut lua_State, index: c_int) -> Option<&'a mut Chain> {
    // SAFETY: the metatable says that it is a chain; rule 1.
    unsafe { luaL_testudata(l, index, METATABLE.as_ptr()).cast::<Chain>().as_mut() }
}

unsafe fn required_chain<'a>(l: *mut lua_State) -> &'a mut Chain {
    // SAFETY: as `chain`; nothing is owned.
    unsafe {
        match chain(l, 1) {
            Some(chain) => chain,
            None => raise(l, c"Need buffer object at param 1"),
        }
    }
}

/// `push(buffer, pool, block, size)`: the number of bytes in the buffer.
pub(super) unsafe extern "C-unwind" fn push(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the block changes hands.
    unsafe {
        let Some(chain) = chain(l, 1) else { raise(l, c"need buffer object at param 1") };
        let block = lua_touserdata(l, 3).cast::<u8>();
        if block.is_null() {
            raise(l, c"need message block at param 3");
        }
        let size = luaL_checkinteger(l, 4) as usize;
        chain.push(Payload::from_raw(block, size));
        lua_pushinteger(l, chain.len() as lua_Integer);
        1
    }
}

/// `pop(buffer, pool, size)`: a string or nil, and how many bytes are left.
pub(super) unsafe extern "C-unwind" fn pop(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the chain belongs to the userdata.
    unsafe {
        let chain = required_chain(l);
        let size = luaL_checkinteger(l, 3);
        match usize::try_from(size) {
            Ok(size) if size > 0 && size <= chain.len() => chain.push_string(l, size, 0),
            _ => lua_pushnil(l),
        }
        lua_pushinteger(l, chain.len() as lua_Integer);
        2
    }
}

/// `readall(buffer, pool)`.
pub(super) unsafe extern "C-unwind" fn readall(l: *mut lua_State) -> c_int {
    // SAFETY: as `pop`.
    unsafe {
        let chain = required_chain(l);
        chain.push_string(l, chain.len(), 0);
        1
    }
}

/// `readline(buffer, pool, separator)`: the text before the separator; with a nil pool only
/// whether there is one.
pub(super) unsafe extern "C-unwind" fn readline(l: *mut lua_State) -> c_int {
    // SAFETY: as `pop`; the separator stays on the stack.
    unsafe {
        let chain = required_chain(l);
        let mut len = 0;
        let separator = luaL_checklstring(l, 3, &mut len);
        let separator = std::slice::from_raw_parts(separator.cast(), len);
        let Some(at) = chain.find(separator) else { return 0 };
        match lua_isnoneornil(l, 2) {
            0 => chain.push_string(l, at, len),
            _ => lua_pushboolean(l, 1),
        }
        1
    }
}

/// `clear(buffer, pool)`.
pub(super) unsafe extern "C-unwind" fn clear(l: *mut lua_State) -> c_int {
    // SAFETY: as `pop`.
    unsafe {
        if lua_isnoneornil(l, 1) == 0 {
            required_chain(l).clear();
        }
        0
    }
}

/// `drop(block, size)`.
pub(super) unsafe extern "C-unwind" fn drop_block(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with a block that its caller owns.
    unsafe {
        let block = lua_touserdata(l, 1).cast();
        luaL_checkinteger(l, 2);
        if lua_type(l, 1) != LUA_TUSERDATA {
            drop(Payload::from_raw(block, 1));
        }
        0
    }
}

/// `header(text)`: the number that 1 to 4 bytes say, the first one being the highest.
pub(super) unsafe extern "C-unwind" fn header(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let mut len = 0;
        let text = luaL_checklstring(l, 1, &mut len);
        if !(1..=4).contains(&len) {
            ffi::lua_pushfstring(l, c"Invalid read %s".as_ptr(), text);
            raise_top(l);
        }
        let bytes = std::slice::from_raw_parts(text.cast::<u8>(), len);
        let number = bytes.iter().fold(0, |sum, byte| sum << 8 | lua_Integer::from(*byte));
        lua_pushinteger(l, number);
        1
    }
}

/// `str2p(text)`: a copy in a block of the C heap, and its size.
pub(super) unsafe extern "C-unwind" fn str2p(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; pushing a light userdata and a number needs no memory.
    unsafe {
        let mut len = 0;
        let text = luaL_checklstring(l, 1, &mut len);
        let bytes = std::slice::from_raw_parts(text.cast(), len);
        let (start, len) = Payload::copy_of(bytes).into_raw();
        lua_pushlightuserdata(l, start.cast());
        lua_pushinteger(l, len as lua_Integer);
        2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(pieces: &[&str]) -> Chain {
        let mut chain = Chain::default();
        pieces.iter().for_each(|piece| chain.push(Payload::from(*piece)));
        chain
    }

    #[test]
    fn separators_are_found_across_blocks() {
        let chain = chain(&["ab-", "-", "c--", "d"]);
        assert_eq!((chain.len(), chain.find(b"--")), (8, Some(2)));
        assert_eq!(chain.find(b"-c-"), Some(3));
        assert_eq!(chain.find(b"--d"), Some(5));
        assert_eq!((chain.find(b"--x"), chain.find(b"")), (None, None));
        for known in 0..9 {
            let expected =
                [Some(2), Some(5), None][usize::from(known > 2) + usize::from(known > 5)];
            assert_eq!(chain.find_from(b"--", known), expected, "{known}");
        }
    }

    #[test]
    fn what_is_consumed_is_not_found_again() {
        let mut chain = chain(&["one\n", "two", "\nthree\n"]);
        for (len, at) in [(14, 3), (10, 3), (6, 5)] {
            assert_eq!((chain.len(), chain.find(b"\n")), (len, Some(at)));
            chain.consume(at + 1);
        }
        assert_eq!((chain.len(), chain.pieces().count()), (0, 0));
    }
}
