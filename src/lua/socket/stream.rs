//! The module `skynet.socket.native`: the sockets of one service, what has come in on them, and
//! the coroutine that waits for it. `lualib/skynet/socket.lua` is built on it.
//!
//! DATA messages never reach Lua: [`data`] takes them out of the dispatcher, appends the block to
//! the socket's chain and, if that is what the reader waits for, wakes it. The reader goes on in
//! the continuation of the function that it called.
//!
//! A socket has one waiter: the session under which its task stands in `Vm::waiters`. A task that
//! was killed meanwhile is not there any more, so an old session wakes nobody.

use std::collections::HashMap;
use std::ffi::c_int;
use std::hash::BuildHasherDefault;

use mlua::ffi::{
    lua_Integer, lua_KContext, lua_State, lua_createtable, lua_gettop, lua_isnoneornil,
    lua_pushboolean, lua_toboolean, luaL_checkinteger,
};

use super::buffer::Chain;
use super::{read, socket_id};
use crate::lua::error::raise;
use crate::lua::native::{block, require_yieldable, set_functions};
use crate::lua::vm::{SessionHasher, Vm, Waiter, vm_of};
use crate::message::socket::{Event, Record};
use crate::message::{Address, Payload};
use crate::net::SocketId;

/// Above so many bytes that nobody has read, the driver is told to stop reading. Spec: network
/// section 4.1.
const SOFT_LIMIT: usize = 128 * 1024;

/// What a reader waits for.
pub(super) enum Want {
    /// An event of another kind.
    Event,
    /// At least so many bytes; 0: any.
    Bytes(usize),
    /// A separator. None begins within so many bytes.
    Line(Box<[u8]>, usize),
    /// The end.
    End,
}

/// One socket of the service.
pub(super) struct Stream {
    pub(super) chain: Chain,
    want: Want,
    /// The session of the coroutine that waits; 0: none.
    waiter: i32,
    /// The session of the coroutine that waits in `close` for the reader; 0: none.
    closer: i32,
    pub(super) connected: bool,
    /// The driver was told not to read.
    paused: bool,
    /// A close has begun: the driver is not told to read again.
    pub(super) closing: bool,
    /// More bytes than this close the socket.
    limit: usize,
}

impl Stream {
    fn new(connected: bool) -> Self {
        Self {
            chain: Chain::default(),
            want: Want::Event,
            waiter: 0,
            closer: 0,
            connected,
            paused: false,
            closing: false,
            limit: usize::MAX,
        }
    }
}

/// The sockets of a service.
#[derive(Default)]
pub(in crate::lua) struct Streams {
    by_id: HashMap<i32, Box<Stream>, BuildHasherDefault<SessionHasher>>,
    /// The library is loaded: DATA messages are handled here.
    pub(in crate::lua) active: bool,
}

impl Streams {
    /// Returns the ids of all sockets.
    pub(in crate::lua) fn ids(&self) -> impl Iterator<Item = SocketId> {
        self.by_id.keys().map(|id| SocketId::new(*id))
    }
}

/// Opens the module.
pub(in crate::lua) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe {
        (*vm_of(l)).streams.active = true;
        lua_createtable(l, 0, 16);
        set_functions(
            l,
            &[
                (c"add", add),
                (c"forget", forget),
                (c"connected", connected),
                (c"wake", wake),
                (c"wait", wait),
                (c"wait_close", wait_close),
                (c"read", read::read),
                (c"readline", read::readline),
                (c"readall", read::readall),
                (c"block", read::block_until_data),
                (c"limit", limit),
                (c"pause", pause),
            ],
        );
        1
    }
}

/// Returns a socket of the service.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn find<'a>(vm: *mut Vm, id: SocketId) -> Option<&'a mut Stream> {
    // SAFETY: rule 1. The box stays where it is; callers drop the reference before they call Lua
    // code or change the table.
    unsafe { (*vm).streams.by_id.get_mut(&id.number()).map(|stream| &mut **stream) }
}

/// Tells whether there are bytes that the service has not read: perhaps further requests, whose
/// answers can leave together.
///
/// # Safety
/// Rule 1.
pub(super) unsafe fn has_more(vm: *mut Vm, id: SocketId) -> bool {
    // SAFETY: as the caller's.
    unsafe { find(vm, id).is_some_and(|stream| stream.chain.len() > 0) }
}

/// As [`find`]; raises when there is none.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn required<'a>(l: *mut lua_State) -> (*mut Vm, SocketId, &'a mut Stream) {
    // SAFETY: as `find`; nothing is owned.
    unsafe {
        let (vm, id) = (vm_of(l), socket_id(l, 1));
        match find(vm, id) {
            Some(stream) => (vm, id, stream),
            None => raise(l, c"assertion failed!"),
        }
    }
}

/// `add(id, connected)`.
unsafe extern "C-unwind" fn add(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing can raise after the stream is made.
    unsafe {
        let (vm, id) = (vm_of(l), socket_id(l, 1));
        let stream = Box::new(Stream::new(lua_toboolean(l, 2) != 0));
        (*vm).streams.by_id.insert(id.number(), stream);
        0
    }
}

/// `forget(id)`.
unsafe extern "C-unwind" fn forget(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let (vm, id) = (vm_of(l), socket_id(l, 1));
        (*vm).streams.by_id.remove(&id.number());
        0
    }
}

/// `connected(id [, flag]) -> flag`: whether the socket is connected; sets it first if told to.
unsafe extern "C-unwind" fn connected(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let (_, _, stream) = required(l);
        if lua_isnoneornil(l, 2) == 0 {
            stream.connected = lua_toboolean(l, 2) != 0;
        }
        lua_pushboolean(l, stream.connected.into());
        1
    }
}

/// Lets the waiter of a socket go on, soon.
unsafe fn wake_waiter(vm: *mut Vm, stream: &mut Stream) {
    let session = std::mem::take(&mut stream.waiter);
    stream.want = Want::Event;
    if session != 0 {
        // SAFETY: rule 1.
        unsafe { (*vm).wakeups.push_back(session) };
    }
}

/// `wake(id)`: lets the waiter of a socket go on.
unsafe extern "C-unwind" fn wake(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let (vm, id) = (vm_of(l), socket_id(l, 1));
        if let Some(stream) = find(vm, id) {
            wake_waiter(vm, stream);
        }
        0
    }
}

unsafe fn log(vm: *mut Vm, line: &str) {
    // SAFETY: rule 1.
    unsafe { (*vm).context.log(line) };
}

/// Tells the driver to stop reading, once.
unsafe fn pause_stream(vm: *mut Vm, id: SocketId, stream: &mut Stream, size: Option<usize>) {
    if std::mem::replace(&mut stream.paused, true) || stream.closing {
        return;
    }
    let number = id.number();
    // SAFETY: rule 1.
    unsafe {
        match size {
            Some(size) => log(vm, &format!("Pause socket ({number}) size : {size}")),
            None => log(vm, &format!("Pause socket ({number})")),
        }
        (*vm).context.node().net().pause(id);
    }
}

/// Handles the current message if it is DATA. Returns whether it was.
///
/// # Safety
/// Rule 1; the current message is a socket message of the runtime.
pub(in crate::lua) unsafe fn data(vm: *mut Vm) -> bool {
    // SAFETY: rule 1; the block of a message that is handled here changes hands.
    unsafe {
        let current = (*vm).current;
        if current.source != Address::NOBODY || current.start.is_null() {
            return false;
        }
        let bytes = std::slice::from_raw_parts(current.start, current.len);
        let Some(record) = Record::read(bytes) else { return false };
        if record.event != Event::Data as i32 {
            return false;
        }
        let block = Payload::from_raw(record.buffer, record.ud as usize);
        let id = SocketId::new(record.id);
        match find(vm, id) {
            Some(stream) => arrived(vm, id, stream, block),
            None => log(vm, &format!("socket: drop package from {}", record.id)),
        }
        true
    }
}

/// Frees the block of the current message, which nobody handles.
///
/// # Safety
/// Rule 1; the current message is a socket message.
pub(in crate::lua) unsafe fn discard_current(vm: *mut Vm) {
    // SAFETY: rule 1; the runtime's messages own their blocks, and this one is not looked at again.
    unsafe {
        let current = (*vm).current;
        if current.source == Address::NOBODY && !current.start.is_null() {
            let bytes = std::slice::from_raw_parts(current.start, current.len);
            if let Some(record) = Record::read(bytes) {
                drop(Payload::from_raw(record.buffer, 1));
            }
        }
    }
}

/// Takes bytes in, and wakes the reader if it waits for them.
unsafe fn arrived(vm: *mut Vm, id: SocketId, stream: &mut Stream, block: Payload) {
    stream.chain.push(block);
    let total = stream.chain.len();
    let ready = match &mut stream.want {
        Want::Bytes(count) => match total >= *count {
            true => true,
            false => return,
        },
        // SAFETY: rule 1.
        _ if total > stream.limit => return unsafe { overflow(vm, id, total) },
        Want::Line(separator, known) => {
            let found = stream.chain.find_from(separator, *known).is_some();
            *known = (total + 1).saturating_sub(separator.len());
            found
        }
        Want::Event | Want::End => false,
    };
    let reads_on = matches!(stream.want, Want::Line(..) | Want::End) && stream.waiter != 0;
    // SAFETY: rule 1.
    unsafe {
        if total > SOFT_LIMIT && (ready || !reads_on) {
            pause_stream(vm, id, stream, Some(total));
        }
        if ready {
            wake_waiter(vm, stream);
        }
    }
}

#[cold]
unsafe fn overflow(vm: *mut Vm, id: SocketId, total: usize) {
    // SAFETY: rule 1.
    unsafe {
        log(vm, &format!("socket buffer overflow: fd={} size={total}", id.number()));
        (*vm).context.node().net().close(id);
    }
}

/// Lets the running coroutine wait for a socket; `done` goes on. Does not return.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn suspend(
    l: *mut lua_State,
    (vm, id): (*mut Vm, SocketId),
    want: Want,
    done: unsafe extern "C-unwind" fn(*mut lua_State, c_int, lua_KContext) -> c_int,
) -> c_int {
    // SAFETY: rules 1 and 2: `want` is in the stream, and nothing else is owned, before `block`.
    unsafe {
        let session = enter(vm, id, want);
        block(l, vm, session, id.number() as isize, done)
    }
}

/// Makes the running task the waiter of a socket.
unsafe fn enter(vm: *mut Vm, id: SocketId, want: Want) -> i32 {
    // SAFETY: rule 1.
    unsafe {
        let session = (*vm).new_session();
        let task = (*vm).running;
        if !task.is_null() {
            (*vm).waiters.insert(session, Waiter::Sleep { task, timed: false });
        }
        let Some(stream) = find(vm, id) else { return session };
        (stream.waiter, stream.want) = (session, want);
        if std::mem::replace(&mut stream.paused, false) && !stream.closing {
            log(vm, &format!("Resume socket ({})", id.number()));
            let context = &(*vm).context;
            context.node().net().start(context.address(), id);
        }
        session
    }
}

/// Raises when somebody waits for the socket already, or the running coroutine cannot wait.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn check_free(l: *mut lua_State, vm: *mut Vm, stream: &Stream) {
    // SAFETY: rules 1 and 2.
    unsafe {
        if stream.waiter != 0 && (*vm).waiters.contains_key(&stream.waiter) {
            raise(l, c"assertion failed!");
        }
        require_yieldable(l, vm);
    }
}

/// Called first when a waiter goes on: whoever waits in `close` goes on after it.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn resumed<'a>(
    l: *mut lua_State,
    context: lua_KContext,
) -> Option<&'a mut Stream> {
    // SAFETY: rule 1; see `find`.
    unsafe {
        let vm = vm_of(l);
        let stream = find(vm, SocketId::new(context as i32))?;
        let closer = std::mem::take(&mut stream.closer);
        if closer != 0 {
            (*vm).wakeups.push_back(closer);
        }
        Some(stream)
    }
}

/// `wait(id)`: until the next event but DATA.
unsafe extern "C-unwind" fn wait(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let (vm, id, stream) = required(l);
        check_free(l, vm, stream);
        suspend(l, (vm, id), Want::Event, waited)
    }
}

unsafe extern "C-unwind" fn waited(l: *mut lua_State, _: c_int, context: lua_KContext) -> c_int {
    // SAFETY: Lua calls this when the task goes on.
    unsafe {
        resumed(l, context);
        0
    }
}

/// `wait_close(id)`: until the reader has gone on, or else until CLOSE.
unsafe extern "C-unwind" fn wait_close(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned when something raises.
    unsafe {
        let (vm, id, stream) = required(l);
        stream.closing = true;
        if stream.waiter == 0 || !(*vm).waiters.contains_key(&stream.waiter) {
            require_yieldable(l, vm);
            return suspend(l, (vm, id), Want::Event, waited);
        }
        if stream.closer != 0 {
            raise(l, c"assertion failed!");
        }
        require_yieldable(l, vm);
        let session = (*vm).new_session();
        let task = (*vm).running;
        if !task.is_null() {
            (*vm).waiters.insert(session, Waiter::Sleep { task, timed: false });
        }
        stream.closer = session;
        block(l, vm, session, 0, reader_gone)
    }
}

unsafe extern "C-unwind" fn reader_gone(_: *mut lua_State, _: c_int, _: lua_KContext) -> c_int {
    0
}

/// `limit(id, n)`: nil takes the limit away.
unsafe extern "C-unwind" fn limit(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned when something raises.
    unsafe {
        let limit = match lua_gettop(l) < 2 || lua_isnoneornil(l, 2) != 0 {
            true => lua_Integer::MAX,
            false => luaL_checkinteger(l, 2),
        };
        let (_, _, stream) = required(l);
        stream.limit = usize::try_from(limit).unwrap_or(0);
        0
    }
}

/// `pause(id)`.
unsafe extern "C-unwind" fn pause(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let (vm, id) = (vm_of(l), socket_id(l, 1));
        if let Some(stream) = find(vm, id) {
            pause_stream(vm, id, stream, None);
        }
        0
    }
}
