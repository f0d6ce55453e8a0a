//! The module `skynet.netpack`: packets behind a 2-byte length, out of socket messages and into
//! blocks to send. Used by gates written in Lua. Spec: network-gate section 2.
//!
//! A service has one queue, a userdata. It holds the unfinished packet of each connection, and the
//! packets that arrived together with others and have not been taken. A packet is a block of the
//! C heap that belongs to whoever got it from `filter` or `pop`.

use std::collections::{HashMap, VecDeque};
use std::ffi::{CStr, c_int, c_void};
use std::hash::BuildHasherDefault;
use std::{ptr, slice};

use mlua::ffi::{
    LUA_TLIGHTUSERDATA, LUA_TNIL, LUA_TUSERDATA, lua_CFunction, lua_State, lua_createtable,
    lua_gettop, lua_isnoneornil, lua_newuserdatauv, lua_pushcfunction, lua_pushfstring,
    lua_pushinteger, lua_pushlightuserdata, lua_pushlstring, lua_pushstring, lua_rawlen,
    lua_replace, lua_setfield, lua_setmetatable, lua_settop, lua_touserdata, lua_type,
    luaL_checkinteger, luaL_checklstring, luaL_checktype, luaL_checkudata, luaL_newmetatable,
};

use super::bytes::check_bytes;
use super::error::raise_top;
use super::native::set_functions;
use super::vm::SessionHasher;
use crate::codec::netpack::{Head, Splitter, short_head};
use crate::message::socket::{Event, Record};

const METATABLE: &CStr = c"ironsky.netpack";

/// The longest packet that a head of 2 bytes can announce.
const PACKET_BYTES_MAX: usize = 0xffff;

const DATA: i32 = Event::Data as i32;
const CONNECT: i32 = Event::Connect as i32;
const CLOSE: i32 = Event::Close as i32;
const ACCEPT: i32 = Event::Accept as i32;
const ERROR: i32 = Event::Error as i32;
const WARNING: i32 = Event::Warning as i32;

/// A block of the C heap.
type Block = (*mut u8, usize);

/// What a service keeps between socket messages.
#[derive(Default)]
struct Queue {
    /// Packets that nobody has taken, in the order of arrival.
    whole: VecDeque<(i32, Block)>,
    /// Connections in the middle of a packet.
    unfinished: HashMap<i32, Splitter, BuildHasherDefault<SessionHasher>>,
}

/// What the data of one socket message brought.
enum Arrived {
    Nothing,
    /// One packet, and the stream is at a border.
    One(Block),
    /// The queue has packets.
    More,
}

impl Queue {
    /// Takes the next bytes of a connection, a block that it owns from now on.
    fn data(&mut self, id: i32, (start, len): Block) -> Arrived {
        if start.is_null() {
            return Arrived::Nothing;
        }
        // SAFETY: the block has len initialised bytes, and this call owns it.
        let bytes = unsafe { slice::from_raw_parts_mut(start, len) };
        let is_one_packet = Head::Short.read(bytes).is_some_and(|body| body + 2 == len);
        if is_one_packet && !self.unfinished.contains_key(&id) {
            // The usual case: the block holds one packet, so it becomes the packet's.
            bytes.copy_within(2.., 0);
            return Arrived::One((start, len - 2));
        }
        let arrived = self.split(id, bytes);
        // SAFETY: the block is one of the C heap and nobody else's.
        unsafe { libc::free(start.cast()) };
        arrived
    }

    fn split(&mut self, id: i32, bytes: &[u8]) -> Arrived {
        let before = self.whole.len();
        let splitter = self.unfinished.entry(id).or_default();
        let whole = &mut self.whole;
        // No length of 2 bytes is too long.
        let _ = splitter.feed(Head::Short, PACKET_BYTES_MAX, bytes, |packet| {
            whole.push_back((id, copy_of(packet)));
        });
        let is_at_border = splitter.is_at_border();
        if is_at_border {
            self.unfinished.remove(&id);
        }
        match self.whole.len() - before {
            0 => Arrived::Nothing,
            1 if is_at_border => {
                self.whole.pop_back().map_or(Arrived::Nothing, |(_, block)| Arrived::One(block))
            }
            _ => Arrived::More,
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        for (_, (start, _)) in self.whole.drain(..) {
            // SAFETY: the queue owns its packets.
            unsafe { libc::free(start.cast()) };
        }
    }
}

/// Copies bytes into a block that is never null.
fn copy_of(bytes: &[u8]) -> Block {
    let (start, len) = new_block(bytes.len());
    // SAFETY: the block is new and long enough.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), start, len) };
    (start, len)
}

/// Allocates a block; a NUL stands behind its bytes.
fn new_block(len: usize) -> Block {
    // SAFETY: malloc has no precondition; the last of len + 1 bytes is at len.
    unsafe {
        let start = libc::malloc(len + 1).cast::<u8>();
        assert!(!start.is_null(), "out of memory for a packet of {len} bytes");
        start.add(len).write(0);
        (start, len)
    }
}

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        if luaL_newmetatable(l, METATABLE.as_ptr()) != 0 {
            lua_pushcfunction(l, collect);
            lua_setfield(l, -2, c"__gc".as_ptr());
        }
        let functions: [(&CStr, lua_CFunction); 6] = [
            (c"filter", filter),
            (c"feed", feed),
            (c"pop", pop),
            (c"pack", pack),
            (c"tostring", to_string),
            (c"clear", clear),
        ];
        lua_createtable(l, 0, functions.len() as c_int);
        set_functions(l, &functions);
        1
    }
}

/// `filter(queue, message, size) -> queue [, what, ...]`: takes one socket message.
unsafe extern "C-unwind" fn filter(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with a message of the socket server; nothing is owned while
    // something may raise: a packet is pushed as a pointer.
    unsafe {
        luaL_checktype(l, 2, LUA_TLIGHTUSERDATA);
        let start = lua_touserdata(l, 2);
        let len = luaL_checkinteger(l, 3) as usize;
        let queue = queue_at_1(l);
        lua_settop(l, 1);
        let Some(record) = record_at(start, len) else { return 1 };
        let block = (record.buffer, usize::try_from(record.ud).unwrap_or(0));
        match record.event {
            DATA => {
                let arrived = (*queue).data(record.id, block);
                push_arrived(l, record.id, arrived);
            }
            CONNECT => {
                push_event(l, c"init", record.id);
                push_text(l, record.text);
                lua_pushinteger(l, record.ud.into());
            }
            CLOSE => {
                (*queue).unfinished.remove(&record.id);
                push_event(l, c"close", record.id);
            }
            ACCEPT => {
                push_event(l, c"open", record.ud);
                push_text(l, record.text);
            }
            ERROR => {
                (*queue).unfinished.remove(&record.id);
                push_event(l, c"error", record.id);
                push_text(l, record.text);
            }
            WARNING => {
                push_event(l, c"warning", record.id);
                lua_pushinteger(l, record.ud.into());
            }
            // A packet of UDP: no stream, so nothing of ours.
            _ => libc::free(block.0.cast()),
        }
        lua_gettop(l)
    }
}

/// `feed(queue, id, text) -> queue [, what, ...]`: as `filter` of a message with these bytes.
/// Without bytes: the connection has gone, and so does its unfinished packet.
unsafe extern "C-unwind" fn feed(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the block is the queue's as soon as it is there.
    unsafe {
        let id = luaL_checkinteger(l, 2) as i32;
        let text = (lua_isnoneornil(l, 3) == 0).then(|| check_bytes(l, 3));
        let queue = queue_at_1(l);
        let arrived = match text {
            Some(text) => (*queue).data(id, copy_of(text)),
            None => {
                (*queue).unfinished.remove(&id);
                Arrived::Nothing
            }
        };
        lua_settop(l, 1);
        push_arrived(l, id, arrived);
        lua_gettop(l)
    }
}

/// Reads a message; nothing if it is too short for one.
unsafe fn record_at<'a>(start: *const c_void, len: usize) -> Option<Record<'a>> {
    if start.is_null() {
        return None;
    }
    // SAFETY: the caller's message has len bytes.
    Record::read(unsafe { slice::from_raw_parts(start.cast(), len) })
}

/// Returns the queue that is the first argument; puts a new one there if it is nil.
unsafe fn queue_at_1(l: *mut lua_State) -> *mut Queue {
    // SAFETY: rule 4; the userdata owns the queue from its initialisation on.
    unsafe {
        if lua_type(l, 1) == LUA_TUSERDATA {
            return luaL_checkudata(l, 1, METATABLE.as_ptr()).cast();
        }
        luaL_checktype(l, 1, LUA_TNIL);
        let queue = lua_newuserdatauv(l, size_of::<Queue>(), 0).cast::<Queue>();
        queue.write(Queue::default());
        luaL_newmetatable(l, METATABLE.as_ptr());
        lua_setmetatable(l, -2);
        lua_replace(l, 1);
        queue
    }
}

unsafe fn push_event(l: *mut lua_State, what: &CStr, id: i32) {
    // SAFETY: rule 4.
    unsafe {
        lua_pushstring(l, what.as_ptr());
        lua_pushinteger(l, id.into());
    }
}

unsafe fn push_text(l: *mut lua_State, text: &[u8]) {
    // SAFETY: rule 4.
    unsafe { lua_pushlstring(l, text.as_ptr().cast(), text.len()) };
}

unsafe fn push_block(l: *mut lua_State, (start, len): Block) {
    // SAFETY: rule 4.
    unsafe {
        lua_pushlightuserdata(l, start.cast());
        lua_pushinteger(l, len as i64);
    }
}

unsafe fn push_arrived(l: *mut lua_State, id: i32, arrived: Arrived) {
    // SAFETY: rule 4.
    unsafe {
        match arrived {
            Arrived::Nothing => {}
            Arrived::One(block) => {
                push_event(l, c"data", id);
                push_block(l, block);
            }
            Arrived::More => drop(lua_pushstring(l, c"more".as_ptr())),
        }
    }
}

/// `pop(queue) -> id, packet, size`, or nothing when it is empty.
unsafe extern "C-unwind" fn pop(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        if lua_isnoneornil(l, 1) != 0 {
            return 0;
        }
        let queue = luaL_checkudata(l, 1, METATABLE.as_ptr()).cast::<Queue>();
        let Some((id, block)) = (*queue).whole.pop_front() else { return 0 };
        lua_pushinteger(l, id.into());
        push_block(l, block);
        3
    }
}

/// `pack(text)`, `pack(block, size) -> block, size`: a new block with the length in front.
unsafe extern "C-unwind" fn pack(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the block is pushed as soon as it is there.
    unsafe {
        let (start, len) = bytes_at_1(l);
        let Some(head) = short_head(len) else {
            lua_pushfstring(l, c"Invalid size (too long) of data : %I".as_ptr(), len as i64);
            raise_top(l)
        };
        let (block, whole) = new_block(head.len() + len);
        ptr::copy_nonoverlapping(head.as_ptr(), block, head.len());
        ptr::copy_nonoverlapping(start, block.add(head.len()), len);
        push_block(l, (block, whole));
        2
    }
}

/// Returns the bytes of a string, or those of a block with its size behind.
unsafe fn bytes_at_1(l: *mut lua_State) -> (*const u8, usize) {
    // SAFETY: rule 4.
    unsafe {
        let mut len = 0;
        match lua_type(l, 1) {
            LUA_TLIGHTUSERDATA => {
                let len = luaL_checkinteger(l, 2);
                (lua_touserdata(l, 1).cast(), usize::try_from(len).unwrap_or(usize::MAX))
            }
            LUA_TUSERDATA => (lua_touserdata(l, 1).cast(), lua_rawlen(l, 1)),
            _ => (luaL_checklstring(l, 1, &mut len).cast(), len),
        }
    }
}

/// `tostring(block, size) -> string`: frees the block.
unsafe extern "C-unwind" fn to_string(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this. Running out of memory right here would leak the block.
    unsafe {
        let start = lua_touserdata(l, 1);
        if start.is_null() {
            lua_pushstring(l, c"".as_ptr());
            return 1;
        }
        let len = luaL_checkinteger(l, 2) as usize;
        lua_pushlstring(l, start.cast(), len);
        if lua_type(l, 1) == LUA_TLIGHTUSERDATA {
            libc::free(start);
        }
        1
    }
}

/// `clear(queue)`: frees everything in it.
unsafe extern "C-unwind" fn clear(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the queue stays one, an empty one.
    unsafe {
        if lua_isnoneornil(l, 1) == 0 {
            *luaL_checkudata(l, 1, METATABLE.as_ptr()).cast::<Queue>() = Queue::default();
        }
        0
    }
}

/// The finalizer of a queue. Another one may still see it: it stays a queue, an empty one.
unsafe extern "C-unwind" fn collect(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with the userdata.
    unsafe {
        *lua_touserdata(l, 1).cast::<Queue>() = Queue::default();
        0
    }
}
