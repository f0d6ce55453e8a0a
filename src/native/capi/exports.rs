//! What C code calls: the functions of skynet's API. `symbols.rs` gives them their names.
//! Spec: runtime sections 4.5 and 8.5.
//!
//! Every function is `unsafe`: its pointers are what the API says they are (rules 1, 2 and 4).

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;

use super::service::{Callback, Host, running};
use crate::message::{Address, Kind, Message, Payload, Session};
use crate::node::SendError;

/// `PTYPE_TAG_DONTCOPY`: the block changes hands.
const DONT_COPY: c_int = 0x10000;
/// `PTYPE_TAG_ALLOCSESSION`: the message gets a new session.
const ALLOC_SESSION: c_int = 0x20000;

/// Returns the host behind a context, or the one that runs when there is none.
pub(super) unsafe fn host<'a>(context: *mut c_void) -> Option<&'a Host> {
    // SAFETY: rule 2.
    unsafe { context.cast::<Host>().cast_const().as_ref().or_else(|| running().as_ref()) }
}

/// Returns the bytes of a C string; none for null.
unsafe fn text<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: as the caller's: null or a C string.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text).to_bytes() })
}

/// A message as C code hands it over.
struct Letter {
    source: u32,
    kind: c_int,
    session: c_int,
    data: *mut c_void,
    len: usize,
}

impl Letter {
    /// Takes the block over or copies it.
    unsafe fn payload(&self) -> Payload {
        let data = self.data.cast::<u8>();
        if data.is_null() {
            return Payload::EMPTY;
        }
        // SAFETY: rule 4: a block of the C heap that changes hands, or bytes that are lent.
        unsafe {
            match self.kind & DONT_COPY {
                0 => Payload::copy_of(std::slice::from_raw_parts(data, self.len)),
                _ => Payload::from_raw(data, self.len),
            }
        }
    }

    /// Sends the letter with `send`; returns its session, or why it was not sent.
    unsafe fn send(
        &self,
        host: &Host,
        to: Address,
        send: impl FnOnce(Message) -> Result<(), SendError>,
    ) -> c_int {
        // SAFETY: as the caller's.
        let payload = unsafe { self.payload() };
        let session = match self.kind & ALLOC_SESSION {
            0 => Session::new(self.session),
            _ => host.context.next_session(),
        };
        let own = host.context.address();
        let source = if self.source == 0 { own } else { Address::new(self.source) };
        let kind = Kind::new(self.kind as u8);
        host.settle(to, source, kind, session);
        match send(Message { source, session, kind, payload }) {
            Ok(()) => session.number(),
            Err(SendError::TooLarge) => -2,
            Err(_) => -1,
        }
    }
}

/// `int skynet_send(ctx, source, dest, type, session, msg, sz)`.
pub(super) unsafe extern "C" fn send(
    context: *mut c_void,
    source: u32,
    to: u32,
    kind: c_int,
    session: c_int,
    data: *mut c_void,
    len: usize,
) -> c_int {
    // SAFETY: as the head of the file says.
    unsafe {
        let Some(host) = host(context) else { return -1 };
        let to = Address::new(to);
        let letter = Letter { source, kind, session, data, len };
        letter.send(host, to, |message| host.context.send(to, message))
    }
}

/// `int skynet_sendname(ctx, source, name, type, session, msg, sz)`.
pub(super) unsafe extern "C" fn sendname(
    context: *mut c_void,
    source: u32,
    to: *const c_char,
    kind: c_int,
    session: c_int,
    data: *mut c_void,
    len: usize,
) -> c_int {
    // SAFETY: as the head of the file says.
    unsafe {
        let (Some(host), Some(name)) = (host(context), text(to)) else { return -1 };
        let letter = Letter { source, kind, session, data, len };
        let known = host.context.query_name(name).or_else(|| parse(name));
        if name.first() == Some(&b'.') && known.is_none() {
            // A local name that nobody has takes no session.
            drop(letter.payload());
            return -1;
        }
        let to = known.unwrap_or(Address::NOBODY);
        letter.send(host, to, |message| host.context.send_to_name(name, message))
    }
}

fn parse(name: &[u8]) -> Option<Address> {
    std::str::from_utf8(name).ok().and_then(Address::parse)
}

/// `const char *skynet_command(ctx, cmd, parm)`: the text is good until the next command.
pub(super) unsafe extern "C" fn command(
    context: *mut c_void,
    name: *const c_char,
    parameter: *const c_char,
) -> *const c_char {
    // SAFETY: as the head of the file says.
    unsafe {
        let (Some(host), Some(name)) = (host(context), text(name)) else { return ptr::null() };
        match host.context.command(name, text(parameter)) {
            Some(result) => {
                *host.result.borrow_mut() = CString::new(result).unwrap_or_default();
                host.result.borrow().as_ptr()
            }
            None => ptr::null(),
        }
    }
}

/// `uint32_t skynet_queryname(ctx, name)`.
pub(super) unsafe extern "C" fn queryname(context: *mut c_void, name: *const c_char) -> u32 {
    // SAFETY: as the head of the file says.
    unsafe {
        let (Some(host), Some(name)) = (host(context), text(name)) else { return 0 };
        let found = match name.first() {
            Some(b':') => parse(name),
            Some(b'.') => host.context.query_name(name),
            _ => {
                let name = String::from_utf8_lossy(name);
                host.context.log(&format!("error: Don't support query global name {name}"));
                None
            }
        };
        found.map_or(0, Address::bits)
    }
}

/// `int skynet_isremote(ctx, handle, int *harbor)`.
pub(super) unsafe extern "C" fn isremote(
    context: *mut c_void,
    address: u32,
    harbor: *mut c_int,
) -> c_int {
    // SAFETY: as the head of the file says; the harbor is null or a place for it.
    unsafe {
        let address = Address::new(address);
        if let Some(place) = harbor.as_mut() {
            *place = address.harbor().into();
        }
        host(context).is_some_and(|host| host.context.node().is_remote(address)).into()
    }
}

/// `void skynet_callback(ctx, ud, cb)`: a null callback drops all messages.
pub(super) unsafe extern "C" fn callback(
    context: *mut c_void,
    user: *mut c_void,
    function: Option<Callback>,
) {
    // SAFETY: rules 2 and 3.
    unsafe {
        if let Some(host) = host(context) {
            host.user.set(user);
            host.callback.set(function);
        }
    }
}

/// `uint32_t skynet_current_handle(void)`: 0xffffffff outside of services.
pub(super) unsafe extern "C" fn current_handle() -> u32 {
    // SAFETY: rule 2: the running host lives.
    unsafe { running().as_ref().map_or(u32::MAX, |host| host.context.address().bits()) }
}

/// `uint64_t skynet_now(void)`: centiseconds; 0 outside of services.
pub(super) unsafe extern "C" fn now() -> u64 {
    // SAFETY: rule 2: the running host lives.
    unsafe { running().as_ref().map_or(0, |host| host.context.node().clock().now()) }
}

/// `void skynet_debug_memory(const char *info)`: memory is not booked on C services.
pub(super) unsafe extern "C" fn debug_memory(info: *const c_char) {
    // SAFETY: as the head of the file says.
    unsafe {
        if let (Some(host), Some(info)) = (running().as_ref(), text(info)) {
            host.context.log(&format!("{} 0", String::from_utf8_lossy(info)));
        }
    }
}

/// `void skynet_harbor_start(void *ctx)`: the node may end although this service lives.
pub(super) unsafe extern "C" fn harbor_start(context: *mut c_void) {
    // SAFETY: rule 2.
    unsafe {
        if let Some(host) = host(context) {
            host.context.node().scheduler().exempt(host.context.address());
        }
    }
}

/// `void *skynet_lalloc(void *ptr, size_t osize, size_t nsize)`.
pub(super) unsafe extern "C" fn lalloc(block: *mut c_void, _old: usize, new: usize) -> *mut c_void {
    // SAFETY: rule 4.
    unsafe {
        if new == 0 {
            libc::free(block);
            return ptr::null_mut();
        }
        libc::realloc(block, new)
    }
}

unsafe extern "C" {
    fn vsnprintf(
        buffer: *mut c_char,
        size: usize,
        format: *const c_char,
        arguments: *mut c_void,
    ) -> c_int;
}

/// What a `va_list` of this platform holds; copied, as formatting uses it up.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub(super) struct Arguments([u8; 24]);

/// The body of `void skynet_error(ctx, fmt, ...)`, behind the entry of `symbols.rs`.
pub(super) unsafe extern "C" fn error(
    context: *mut c_void,
    format: *const c_char,
    arguments: *mut Arguments,
) {
    // SAFETY: as the head of the file says; the arguments are those of the variadic call.
    unsafe {
        let Some(host) = host(context) else { return };
        if format.is_null() {
            return;
        }
        let source = if context.is_null() { Address::NOBODY } else { host.context.address() };
        let mut copy = *arguments;
        let len = vsnprintf(ptr::null_mut(), 0, format, (&raw mut copy).cast());
        let mut line = vec![0u8; usize::try_from(len).unwrap_or(0) + 1];
        vsnprintf(line.as_mut_ptr().cast(), line.len(), format, arguments.cast());
        line.pop();
        host.context.node().log(source, &line);
    }
}
