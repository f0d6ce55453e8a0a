//! Lua values to bytes.
//!
//! [`Packer`] walks the values and writes them into the thread's scratch buffer. Long strings are
//! not copied there: it notes where they belong, and the final copy into the exact block takes
//! them from the Lua heap. That is sound as long as no Lua code runs in between, because nothing
//! here allocates in the Lua state and so nothing can be collected. Before the first `__pairs`
//! call the noted strings are copied in, and from then on every string is.

use std::ffi::c_int;
use std::ptr;

use mlua::ffi::{self, lua_State};

use super::scratch::Scratch;
use crate::codec::seri::{DEPTH_MAX, EncodeError, Encoder};
use crate::lua::heap::{self, Arguments, Table};

/// A packed message.
#[derive(Debug, Clone, Copy)]
pub struct Packed {
    /// A block of `len + 1` bytes from the C library's `malloc`; the last one is NUL. Whoever
    /// consumes the message frees it.
    pub ptr: *mut u8,
    /// The bytes of the message.
    pub len: usize,
}

/// Why a value cannot be packed.
pub(super) enum Failure {
    /// The codec refused.
    Encode(EncodeError),
    /// The format has no such Lua type.
    Unsupported(c_int),
    /// The Lua stack cannot grow.
    StackFull,
    /// Lua code raised; the error object is on the top of the stack.
    Raised,
}

impl From<EncodeError> for Failure {
    fn from(error: EncodeError) -> Failure {
        Failure::Encode(error)
    }
}

/// Packs the values from index `first` to the top of the stack, which stay there.
///
/// Raises a Lua error, with everything released, when a value cannot be packed.
///
/// # Safety
/// - `l` is a live Lua state that this thread runs; `first` is at least 1.
/// - No frame between here and the protected call that catches the error owns anything.
pub unsafe fn pack(l: *mut lua_State, first: c_int) -> Packed {
    // SAFETY: the caller's promises; no destructor is pending when `raise` leaves.
    unsafe {
        match pack_values(l, first, Packer::block) {
            Ok(packed) => packed,
            Err(failure) => raise(l, failure),
        }
    }
}

/// Packs as [`pack`] does and pushes the bytes as a Lua string.
///
/// # Safety
/// As for [`pack`].
pub(super) unsafe fn pack_to_string(l: *mut lua_State, first: c_int) {
    // SAFETY: the caller's promises; `push` copies the bytes inside a protected call.
    unsafe {
        if let Err(failure) = pack_values(l, first, Packer::push) {
            raise(l, failure);
        }
    }
}

/// Packs and hands the packer to `finish`. Never raises.
unsafe fn pack_values<T>(
    l: *mut lua_State,
    first: c_int,
    finish: unsafe fn(&mut Packer) -> Result<T, Failure>,
) -> Result<T, Failure> {
    // SAFETY: the state is live, and the indices lie between 1 and its top.
    unsafe {
        let top = ffi::lua_gettop(l);
        let mut packer = Packer::new(l);
        let known = heap::trusted();
        for index in first..=top {
            if !known || !packer.walk(Arguments::of(l).value(index))? {
                packer.value(index, top, 0)?;
            }
        }
        finish(&mut packer)
    }
}

/// Raises the Lua error for a failure.
#[cold]
unsafe fn raise(l: *mut lua_State, failure: Failure) -> ! {
    // SAFETY:
    // - the format and its arguments match.
    // - the caller owns nothing; `Failure` has no destructor.
    unsafe {
        match failure {
            Failure::Raised => ffi::lua_error(l),
            Failure::Encode(EncodeError::TooDeep) => {
                ffi::luaL_error(l, c"serialize can't pack too depth table".as_ptr())
            }
            Failure::Encode(EncodeError::StringTooLong) => {
                ffi::luaL_error(l, c"string is too long to serialize".as_ptr())
            }
            Failure::Encode(_) => ffi::luaL_error(l, c"not enough memory".as_ptr()),
            Failure::StackFull => ffi::luaL_error(l, c"stack overflow".as_ptr()),
            Failure::Unsupported(kind) => {
                let name = ffi::lua_typename(l, kind);
                ffi::luaL_error(l, c"Unsupport type %s to serialize".as_ptr(), name)
            }
        };
    }
    unreachable!("luaL_error does not return")
}

/// A string that is copied last: its bytes belong at the offset `at` of the scratch buffer.
#[derive(Clone, Copy)]
struct Segment {
    at: usize,
    text: *const u8,
    len: usize,
}

/// Shorter strings are cheaper to copy twice than to note.
const SEGMENT_BYTES_MIN: usize = 2048;
/// More long strings than this are copied twice; it bounds the packer's size on the C stack.
const SEGMENTS_MAX: usize = 8;

/// The stack slots that one level of tables takes: see `pairs` for the most of them.
const TABLE_SLOTS: c_int = 12;

/// A place in a message under way.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    bytes: usize,
    segments: usize,
}

/// One pack under way. Every method leaves the Lua stack as it was, unless it fails.
pub(super) struct Packer {
    pub(super) l: *mut lua_State,
    pub(super) out: Scratch,
    /// Counts the calls into Lua code: whoever iterates over a table must not trust it after one.
    pub(super) calls: u32,
    /// The last metatable that was seen to have no `__pairs`; null when Lua code ran since.
    pub(super) plain: *const Table,
    segment_count: usize,
    segments: [Segment; SEGMENTS_MAX],
}

impl Packer {
    fn new(l: *mut lua_State) -> Packer {
        let segment = Segment { at: 0, text: ptr::null(), len: 0 };
        let segments = [segment; SEGMENTS_MAX];
        Packer { l, out: Scratch::take(), calls: 0, plain: ptr::null(), segment_count: 0, segments }
    }

    /// Writes the value at `index`; `top` is the index of the topmost value.
    #[inline]
    pub(super) unsafe fn value(
        &mut self,
        index: c_int,
        top: c_int,
        depth: u32,
    ) -> Result<(), Failure> {
        // SAFETY: the state is live and `index` is valid in it.
        unsafe {
            let kind = ffi::lua_type(self.l, index);
            self.value_of(kind, index, top, depth)
        }
    }

    /// Writes the value of a known type at `index`.
    #[inline]
    unsafe fn value_of(
        &mut self,
        kind: c_int,
        index: c_int,
        top: c_int,
        depth: u32,
    ) -> Result<(), Failure> {
        if depth > DEPTH_MAX {
            return Err(EncodeError::TooDeep.into());
        }
        // SAFETY: the state is live, `index` is valid, and each reader fits the type.
        unsafe {
            match kind {
                ffi::LUA_TNUMBER => self.number(index)?,
                ffi::LUA_TSTRING => self.string_at(index)?,
                ffi::LUA_TTABLE => return self.table(index, top, depth + 1),
                ffi::LUA_TBOOLEAN => self.out.boolean(ffi::lua_toboolean(self.l, index) != 0)?,
                ffi::LUA_TNIL => self.out.nil()?,
                ffi::LUA_TLIGHTUSERDATA => {
                    self.out.pointer(ffi::lua_touserdata(self.l, index).addr() as u64)?;
                }
                _ => return Err(Failure::Unsupported(kind)),
            }
        }
        Ok(())
    }

    #[inline]
    unsafe fn number(&mut self, index: c_int) -> Result<(), EncodeError> {
        // SAFETY: the state is live and the value at `index` is a number.
        unsafe {
            if ffi::lua_isinteger(self.l, index) != 0 {
                self.out.integer(ffi::lua_tointegerx(self.l, index, ptr::null_mut()))
            } else {
                self.out.float(ffi::lua_tonumberx(self.l, index, ptr::null_mut()))
            }
        }
    }

    #[inline]
    unsafe fn string_at(&mut self, index: c_int) -> Result<(), EncodeError> {
        let mut len = 0;
        // SAFETY:
        // - the value at `index` is a string, so nothing is converted and nothing raises.
        // - its bytes stay where they are while the string is on the stack or in a table there.
        let text = unsafe {
            let text = ffi::lua_tolstring(self.l, index, &mut len).cast::<u8>();
            std::slice::from_raw_parts(text, len)
        };
        self.string(text)
    }

    /// Writes a string, or notes it. Its bytes must stay alive until Lua code runs.
    #[inline(always)]
    pub(super) fn string(&mut self, text: &[u8]) -> Result<(), EncodeError> {
        if text.len() >= SEGMENT_BYTES_MIN && self.may_note() {
            return self.note(text.as_ptr(), text.len());
        }
        self.out.string(text)
    }

    /// Marks a place to go [`Packer::back_to`].
    pub(super) fn mark(&self) -> Mark {
        Mark { bytes: self.out.as_bytes().len(), segments: self.segment_count }
    }

    /// Forgets what was written and noted behind a mark.
    pub(super) fn back_to(&mut self, mark: Mark) {
        self.out.truncate(mark.bytes);
        self.segment_count = mark.segments;
    }

    /// Tells whether one more string may be left for the final copy.
    fn may_note(&self) -> bool {
        self.calls == 0 && self.segment_count < SEGMENTS_MAX
    }

    #[cold]
    fn note(&mut self, text: *const u8, len: usize) -> Result<(), EncodeError> {
        self.out.string_head(len)?;
        self.segments[self.segment_count] = Segment { at: self.out.as_bytes().len(), text, len };
        self.segment_count += 1;
        Ok(())
    }

    /// Writes the table at `index`, whose values are at the level `depth`.
    unsafe fn table(&mut self, index: c_int, top: c_int, depth: u32) -> Result<(), Failure> {
        let l = self.l;
        // SAFETY: the state is live, `index` is a table, and the slots are there before they are
        // used; none of these functions raises.
        unsafe {
            if ffi::lua_checkstack(l, TABLE_SLOTS) == 0 {
                return Err(Failure::StackFull);
            }
            if ffi::lua_getmetatable(l, index) != 0 && self.replace_by_pairs(top + 1)? {
                return self.table_by_pairs(index, top, depth);
            }
            self.raw_table(index, top, depth)
        }
    }

    /// Writes a table as it is.
    ///
    /// One pass of `lua_next` serves both parts in the usual case: while it gives the keys 1, 2, 3
    /// and so on, these are the array. When it leaves that order early (the rest of the array lives
    /// in the hash part, or has holes) the array is completed by index, and its keys are skipped
    /// from then on.
    unsafe fn raw_table(&mut self, index: c_int, top: c_int, depth: u32) -> Result<(), Failure> {
        let l = self.l;
        let calls = self.calls;
        // SAFETY: the state is live, `index` is a table, and `table` checked the slots.
        unsafe {
            let len = ffi::lua_rawlen(l, index) as i64;
            self.out.table(len as usize)?;
            let mut done = 0;
            ffi::lua_pushnil(l);
            while self.next(index, calls)? {
                if done < len {
                    if ffi::lua_isinteger(l, -2) != 0
                        && ffi::lua_tointegerx(l, -2, ptr::null_mut()) == done + 1
                    {
                        done += 1;
                        self.value(top + 2, top + 2, depth)?;
                        ffi::lua_settop(l, top + 1);
                        continue;
                    }
                    self.array_values(index, done + 1, len, top + 2, depth)?;
                    done = len;
                }
                self.pair(len, top, depth)?;
                ffi::lua_settop(l, top + 1);
            }
        }
        Ok(self.out.nil()?)
    }

    /// Writes the values at `from` to `to` of the table at `index`.
    unsafe fn array_values(
        &mut self,
        index: c_int,
        from: i64,
        to: i64,
        top: c_int,
        depth: u32,
    ) -> Result<(), Failure> {
        for position in from..=to {
            // SAFETY: the state is live, `index` is a table, and `table` checked the slot.
            unsafe {
                let kind = ffi::lua_rawgeti(self.l, index, position);
                self.value_of(kind, top + 1, top + 1, depth)?;
                ffi::lua_settop(self.l, top);
            }
        }
        Ok(())
    }

    /// Writes the key above `top` and the value above it, unless they belong to the array.
    #[inline]
    unsafe fn pair(&mut self, array_len: i64, top: c_int, depth: u32) -> Result<(), Failure> {
        let (key, value) = (top + 1, top + 2);
        // SAFETY: the state is live and both slots are in use.
        unsafe {
            if array_len > 0 && ffi::lua_isinteger(self.l, key) != 0 {
                let position = ffi::lua_tointegerx(self.l, key, ptr::null_mut());
                if (1..=array_len).contains(&position) {
                    return Ok(());
                }
            }
            self.value(key, value, depth)?;
            self.value(value, value, depth)
        }
    }

    /// Replaces the key on the top of the stack by the next key and value of the table at `index`;
    /// false at its end. `calls` is the count when the iteration began.
    #[inline]
    unsafe fn next(&mut self, index: c_int, calls: u32) -> Result<bool, Failure> {
        if self.calls != calls {
            // SAFETY: as here.
            return unsafe { self.next_protected(index) };
        }
        // SAFETY: the key is nil or came from this table, and no code ran that could remove it,
        // so `lua_next` does not raise.
        Ok(unsafe { ffi::lua_next(self.l, index) != 0 })
    }

    /// Makes the block of a finished message.
    unsafe fn block(&mut self) -> Result<Packed, Failure> {
        let len = self.len();
        // SAFETY:
        // - `malloc` gives a block of the size or null, which is checked.
        // - the block has room for all bytes and the NUL behind them.
        unsafe {
            let block = libc::malloc(len + 1).cast::<u8>();
            if block.is_null() {
                return Err(EncodeError::OutOfMemory.into());
            }
            self.copy_to(block);
            block.add(len).write(0);
            Ok(Packed { ptr: block, len })
        }
    }

    fn len(&self) -> usize {
        self.noted().iter().map(|segment| segment.len).sum::<usize>() + self.out.as_bytes().len()
    }

    fn noted(&self) -> &[Segment] {
        &self.segments[..self.segment_count]
    }

    /// Copies the message out, each noted string in its place.
    ///
    /// # Safety
    /// `to` has room for `len()` bytes, and the noted strings are alive.
    unsafe fn copy_to(&self, mut to: *mut u8) {
        let bytes = self.out.as_bytes();
        let mut from = 0;
        let mut copy = |text: *const u8, len: usize| {
            // SAFETY: the lengths of all pieces add up to `len()`, and the target is fresh memory.
            unsafe {
                ptr::copy_nonoverlapping(text, to, len);
                to = to.add(len);
            }
        };
        for segment in self.noted() {
            copy(bytes[from..segment.at].as_ptr(), segment.at - from);
            copy(segment.text, segment.len);
            from = segment.at;
        }
        copy(bytes[from..].as_ptr(), bytes.len() - from);
    }

    /// Copies the noted strings into the buffer: their owner may be collected from now on.
    pub(super) unsafe fn settle(&mut self) -> Result<(), EncodeError> {
        if self.segment_count == 0 {
            return Ok(());
        }
        let mut whole = Encoder::new();
        let len = self.len();
        // SAFETY: `append_with` gives room for `len` bytes, and the noted strings are alive: no
        // Lua code ran since they were noted.
        unsafe { whole.append_with(len, |to| self.copy_to(to))? };
        *self.out = whole;
        self.segment_count = 0;
        Ok(())
    }

    /// Pushes the finished message as a Lua string.
    unsafe fn push(&mut self) -> Result<(), Failure> {
        // SAFETY: the state is live, and the noted strings are alive until they are settled.
        unsafe {
            if ffi::lua_checkstack(self.l, TABLE_SLOTS) == 0 {
                return Err(Failure::StackFull);
            }
            self.settle()?;
            let bytes: *const [u8] = self.out.as_bytes();
            self.push_string(&*bytes)
        }
    }
}
