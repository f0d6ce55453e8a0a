//! The module `client.socket`: plain descriptors and blocking waits, for the clients that test a
//! server. It has nothing to do with the sockets of the node. Spec: network-gate section 9.
//!
//! A client loops: it receives, reads what was typed, and sleeps for a moment. Such a loop takes
//! the worker that runs it; services use `skynet.socket`.

use std::ffi::{CStr, CString, c_int};
use std::io::{self, BufRead, ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::{IntoRawFd, RawFd};
use std::slice;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};

use mlua::ffi::{
    lua_State, lua_createtable, lua_pushfstring, lua_pushinteger, lua_pushlstring,
    luaL_checkinteger, luaL_checklstring, luaL_checkstring,
};

use super::error::raise_top;
use super::native::set_functions;

/// The most that one `recv` returns.
const RECEIVE_BYTES: usize = 4096;

/// So many lines may wait; a reader that is further ahead waits itself.
const LINES_MAX: usize = 1024;

/// What was typed. A process has one standard input, so this is one a process.
static LINES: OnceLock<Mutex<Receiver<Vec<u8>>>> = OnceLock::new();

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 7);
        set_functions(
            l,
            &[
                (c"connect", connect),
                (c"recv", recv),
                (c"send", send),
                (c"shutdown", shutdown),
                (c"close", close),
                (c"usleep", usleep),
                (c"readstdin", readstdin),
            ],
        );
        1
    }
}

/// `connect(ipv4, port) -> fd`.
unsafe extern "C-unwind" fn connect(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned when something raises.
    unsafe {
        let host = luaL_checkstring(l, 1);
        let port = luaL_checkinteger(l, 2);
        match connected(CStr::from_ptr(host), port) {
            Some(fd) => lua_pushinteger(l, fd.into()),
            None => {
                lua_pushfstring(l, c"Connect %s %I failed".as_ptr(), host, port);
                raise_top(l)
            }
        }
        1
    }
}

fn connected(host: &CStr, port: i64) -> Option<RawFd> {
    let ip: Ipv4Addr = host.to_str().ok()?.parse().ok()?;
    let stream = TcpStream::connect(SocketAddrV4::new(ip, u16::try_from(port).ok()?)).ok()?;
    stream.set_nonblocking(true).ok()?;
    Some(stream.into_raw_fd())
}

unsafe fn descriptor(l: *mut lua_State) -> RawFd {
    // SAFETY: rule 4 of `vm.rs`.
    unsafe { luaL_checkinteger(l, 1) as RawFd }
}

/// Raises the text of a failed system call.
unsafe fn raise_system(l: *mut lua_State, error: io::Error) -> ! {
    // SAFETY: everything is dropped before the error is raised.
    unsafe {
        let text = CString::new(text_of(&error)).unwrap_or_default();
        drop(error);
        lua_pushfstring(l, c"socket error: %s".as_ptr(), text.as_ptr());
        drop(text);
        raise_top(l)
    }
}

/// The system's text alone: Rust puts the number behind it.
fn text_of(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// `recv(fd)`: bytes; "" when the peer has closed; nothing when there is nothing.
unsafe extern "C-unwind" fn recv(l: *mut lua_State) -> c_int {
    let mut buffer = [0u8; RECEIVE_BYTES];
    // SAFETY: Lua calls this; the buffer is on the C stack and owns nothing.
    unsafe {
        let got = libc::recv(descriptor(l), buffer.as_mut_ptr().cast(), buffer.len(), 0);
        if let Ok(len) = usize::try_from(got) {
            lua_pushlstring(l, buffer.as_ptr().cast(), len);
            return 1;
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::Interrupted => 0,
            _ => raise_system(l, error),
        }
    }
}

/// `send(fd, text)`: returns when the kernel has everything.
unsafe extern "C-unwind" fn send(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the text stays on the stack.
    unsafe {
        let fd = descriptor(l);
        let mut len = 0;
        let start = luaL_checklstring(l, 2, &mut len);
        if let Err(error) = send_all(fd, slice::from_raw_parts(start.cast(), len)) {
            raise_system(l, error);
        }
        0
    }
}

fn send_all(fd: RawFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        // SAFETY: the bytes are live and as many as their length says.
        let sent =
            unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), libc::MSG_NOSIGNAL) };
        match usize::try_from(sent) {
            Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
            Err(_) => wait_for_room(fd, io::Error::last_os_error())?,
        }
    }
    Ok(())
}

fn wait_for_room(fd: RawFd, error: io::Error) -> io::Result<()> {
    match error.kind() {
        ErrorKind::Interrupted => Ok(()),
        ErrorKind::WouldBlock => {
            let mut wanted = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
            // SAFETY: one live record. A failure shows in the next send.
            unsafe { libc::poll(&mut wanted, 1, -1) };
            Ok(())
        }
        _ => Err(error),
    }
}

/// `shutdown(fd, mode)`: ends reading (`r`), writing (`w`) or both.
unsafe extern "C-unwind" fn shutdown(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned when something raises.
    unsafe {
        let fd = descriptor(l);
        let mode = CStr::from_ptr(luaL_checkstring(l, 2)).to_bytes();
        if let Some(other) = mode.iter().find(|letter| !matches!(letter, b'r' | b'w')) {
            lua_pushfstring(l, c"Invalid mode %c".as_ptr(), c_int::from(*other));
            raise_top(l);
        }
        let how = match (mode.contains(&b'r'), mode.contains(&b'w')) {
            (true, true) => libc::SHUT_RDWR,
            (true, false) => libc::SHUT_RD,
            (false, true) => libc::SHUT_WR,
            (false, false) => {
                lua_pushfstring(l, c"mode should be r or/and w".as_ptr());
                raise_top(l)
            }
        };
        // A closed output is no reason to fail.
        let _ = writeln!(io::stdout(), "SHUTDOWN {fd} {how}");
        libc::shutdown(fd, how);
        0
    }
}

/// `close(fd)`.
unsafe extern "C-unwind" fn close(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the descriptor is the script's.
    unsafe {
        libc::close(descriptor(l));
        0
    }
}

/// `usleep(microseconds)`.
unsafe extern "C-unwind" fn usleep(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    let micros = unsafe { luaL_checkinteger(l, 1) };
    std::thread::sleep(std::time::Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
    0
}

/// `readstdin()`: the next line that was typed, or nothing. The first call starts the thread that
/// reads. Behind the last line the process ends, as there is nobody to talk to any more.
unsafe extern "C-unwind" fn readstdin(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this. Running out of memory right here would leak the line.
    unsafe {
        match next_line() {
            Ok(line) => drop(lua_pushlstring(l, line.as_ptr().cast(), line.len())),
            Err(TryRecvError::Empty) => return 0,
            Err(TryRecvError::Disconnected) => std::process::exit(1),
        }
        1
    }
}

fn next_line() -> Result<Vec<u8>, TryRecvError> {
    let lines = LINES.get_or_init(|| Mutex::new(start_reader()));
    lines.lock().unwrap_or_else(PoisonError::into_inner).try_recv()
}

fn start_reader() -> Receiver<Vec<u8>> {
    let (sender, lines) = sync_channel(LINES_MAX);
    let reader = std::thread::Builder::new().name("stdin".to_owned());
    // Without a thread it is as if standard input had ended.
    let _ = reader.spawn(move || {
        for line in io::stdin().lock().split(b'\n').map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}
