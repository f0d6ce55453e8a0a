//! The socket functions of the C API. `symbols.rs` gives them their names. Spec: network section
//! 1.12, runtime appendix C.
//!
//! Events reach the callback as messages of type 6 whose payload is `struct skynet_socket_message`
//! (`message/socket.rs` has its layout); the callback frees the buffer in it, as in skynet.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use super::exports::host;
use super::service::Host;
use crate::message::Payload;
use crate::message::socket::{Event, HEAD_BYTES};
use crate::net::{Bytes, OpenError, Priority, SocketId, UdpAddress};

/// `struct socket_sendbuffer`.
#[repr(C)]
pub(super) struct SendBuffer {
    id: c_int,
    kind: c_int,
    buffer: *const c_void,
    len: usize,
}

/// `SOCKET_BUFFER_MEMORY`: a block of the C heap that changes hands.
const MEMORY: c_int = 0;
/// `SOCKET_BUFFER_RAWPOINTER`: bytes that live as long as the call.
const RAW_POINTER: c_int = 2;

/// Returns a port, if the number is one.
fn port_of(number: c_int) -> Option<u16> {
    u16::try_from(number).ok()
}

unsafe fn text<'a>(text: *const c_char) -> Option<&'a str> {
    // SAFETY: as the caller's: null or a C string.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }).and_then(|text| text.to_str().ok())
}

/// Makes a socket with `open`; returns its id, -1 and a line in the log when there is none.
unsafe fn open(
    context: *mut c_void,
    open: impl FnOnce(&Host) -> Option<Result<SocketId, OpenError>>,
) -> c_int {
    // SAFETY: rule 2.
    let Some(host) = (unsafe { host(context) }) else { return -1 };
    match open(host) {
        Some(Ok(id)) => id.number(),
        Some(Err(error)) => {
            host.context.log(&format!("error: socket: {error}"));
            -1
        }
        None => {
            host.context.log("error: socket: the host is no text, or the port no port");
            -1
        }
    }
}

/// `int skynet_socket_listen(ctx, host, port, backlog)`.
pub(super) unsafe extern "C" fn listen(
    context: *mut c_void,
    name: *const c_char,
    port: c_int,
    backlog: c_int,
) -> c_int {
    // SAFETY: rules 1 and 2.
    unsafe {
        open(context, |host| {
            let backlog = (backlog > 0).then_some(backlog);
            let (name, port) = (text(name)?, port_of(port)?);
            Some(host.context.node().net().listen(host.context.address(), name, port, backlog))
        })
    }
}

/// `int skynet_socket_connect(ctx, host, port)`.
pub(super) unsafe extern "C" fn connect(
    context: *mut c_void,
    name: *const c_char,
    port: c_int,
) -> c_int {
    // SAFETY: rules 1 and 2.
    unsafe {
        open(context, |host| {
            let (name, port) = (text(name)?, port_of(port)?);
            Some(host.context.node().net().connect(host.context.address(), name, port))
        })
    }
}

/// `int skynet_socket_bind(ctx, fd)`.
pub(super) unsafe extern "C" fn bind(context: *mut c_void, fd: c_int) -> c_int {
    // SAFETY: rules 1 and 2.
    unsafe {
        open(context, |host| Some(host.context.node().net().bind(host.context.address(), fd)))
    }
}

/// Does something with a socket.
unsafe fn with_socket(context: *mut c_void, id: c_int, act: impl FnOnce(&Host, SocketId)) {
    // SAFETY: rule 2.
    if let Some(host) = unsafe { host(context) } {
        act(host, SocketId::new(id));
    }
}

/// `void skynet_socket_close(ctx, id)`.
pub(super) unsafe extern "C" fn close(context: *mut c_void, id: c_int) {
    // SAFETY: rule 2.
    unsafe { with_socket(context, id, |host, id| host.context.node().net().close(id)) }
}

/// `void skynet_socket_shutdown(ctx, id)`.
pub(super) unsafe extern "C" fn shutdown(context: *mut c_void, id: c_int) {
    // SAFETY: rule 2.
    unsafe { with_socket(context, id, |host, id| host.context.node().net().shutdown(id)) }
}

/// `void skynet_socket_start(ctx, id)`.
pub(super) unsafe extern "C" fn start(context: *mut c_void, id: c_int) {
    // SAFETY: rule 2.
    unsafe {
        with_socket(context, id, |host, id| {
            host.context.node().net().start(host.context.address(), id);
        });
    }
}

/// `void skynet_socket_pause(ctx, id)`.
pub(super) unsafe extern "C" fn pause(context: *mut c_void, id: c_int) {
    // SAFETY: rule 2.
    unsafe { with_socket(context, id, |host, id| host.context.node().net().pause(id)) }
}

/// `void skynet_socket_nodelay(ctx, id)`.
pub(super) unsafe extern "C" fn nodelay(context: *mut c_void, id: c_int) {
    // SAFETY: rule 2.
    unsafe { with_socket(context, id, |host, id| host.context.node().net().nodelay(id)) }
}

/// Returns the bytes of a send buffer; `None` for objects, which only the socket driver makes.
unsafe fn bytes<'a>(buffer: &SendBuffer) -> Option<Bytes<'a>> {
    let start = buffer.buffer.cast::<u8>();
    // SAFETY: rule 4: a block that changes hands, or bytes that are lent.
    unsafe {
        match buffer.kind {
            _ if start.is_null() => Some(Bytes::Borrowed(&[])),
            MEMORY => Some(Bytes::Owned(Payload::from_raw(start.cast_mut(), buffer.len))),
            RAW_POINTER => Some(Bytes::Borrowed(std::slice::from_raw_parts(start, buffer.len))),
            _ => None,
        }
    }
}

unsafe fn send_as(context: *mut c_void, buffer: *const SendBuffer, priority: Priority) -> c_int {
    // SAFETY: rules 1 and 2.
    unsafe {
        let (Some(host), Some(buffer)) = (host(context), buffer.as_ref()) else { return -1 };
        let Some(bytes) = bytes(buffer) else { return -1 };
        match host.context.node().net().send(SocketId::new(buffer.id), bytes, priority) {
            true => 0,
            false => -1,
        }
    }
}

/// `int skynet_socket_sendbuffer(ctx, buffer)`.
pub(super) unsafe extern "C" fn sendbuffer(
    context: *mut c_void,
    buffer: *const SendBuffer,
) -> c_int {
    // SAFETY: rules 1 and 2.
    unsafe { send_as(context, buffer, Priority::High) }
}

/// `int skynet_socket_sendbuffer_lowpriority(ctx, buffer)`.
pub(super) unsafe extern "C" fn sendbuffer_lowpriority(
    context: *mut c_void,
    buffer: *const SendBuffer,
) -> c_int {
    // SAFETY: rules 1 and 2.
    unsafe { send_as(context, buffer, Priority::Low) }
}

/// `int skynet_socket_udp(ctx, addr, port)`: bound to an address if one is given.
pub(super) unsafe extern "C" fn udp(
    context: *mut c_void,
    name: *const c_char,
    port: c_int,
) -> c_int {
    // SAFETY: rules 1 and 2.
    unsafe {
        open(context, |host| {
            let port = port_of(port)?;
            let at = text(name).or((port != 0).then_some("0.0.0.0")).map(|name| (name, port));
            Some(host.context.node().net().udp(host.context.address(), at))
        })
    }
}

/// `int skynet_socket_udp_dial(ctx, addr, port)`.
pub(super) unsafe extern "C" fn udp_dial(
    context: *mut c_void,
    name: *const c_char,
    port: c_int,
) -> c_int {
    // SAFETY: rules 1 and 2.
    unsafe {
        open(context, |host| {
            let (name, port) = (text(name)?, port_of(port)?);
            Some(host.context.node().net().udp_dial(host.context.address(), name, port))
        })
    }
}

/// `int skynet_socket_udp_listen(ctx, addr, port)`.
pub(super) unsafe extern "C" fn udp_listen(
    context: *mut c_void,
    name: *const c_char,
    port: c_int,
) -> c_int {
    // SAFETY: rules 1 and 2.
    unsafe {
        open(context, |host| {
            let (name, port) = (text(name)?, port_of(port)?);
            Some(host.context.node().net().udp_listen(host.context.address(), name, port))
        })
    }
}

/// `int skynet_socket_udp_connect(ctx, id, addr, port)`: 0 when it is done.
pub(super) unsafe extern "C" fn udp_connect(
    context: *mut c_void,
    id: c_int,
    name: *const c_char,
    port: c_int,
) -> c_int {
    // SAFETY: rules 1 and 2.
    unsafe {
        let id = SocketId::new(id);
        let done = open(context, |host| {
            let (name, port) = (text(name)?, port_of(port)?);
            Some(host.context.node().net().udp_connect(id, name, port).map(|()| SocketId::new(0)))
        });
        done.min(0)
    }
}

/// `int skynet_socket_udp_sendbuffer(ctx, address, buffer)`.
pub(super) unsafe extern "C" fn udp_sendbuffer(
    context: *mut c_void,
    address: *const u8,
    buffer: *const SendBuffer,
) -> c_int {
    // SAFETY: rules 1 and 2; an address has 7 or 19 bytes, as its first byte says.
    unsafe {
        let (Some(host), Some(buffer)) = (host(context), buffer.as_ref()) else { return -1 };
        let (Some(bytes), false) = (bytes(buffer), address.is_null()) else { return -1 };
        let len = if *address == IPV6 { 19 } else { 7 };
        let Some(to) = UdpAddress::parse(std::slice::from_raw_parts(address, len)) else {
            return -1;
        };
        match host.context.node().net().udp_send(SocketId::new(buffer.id), to, bytes) {
            true => 0,
            false => -1,
        }
    }
}

/// The first byte of an address of 19 bytes.
const IPV6: u8 = 2;

/// `const char *skynet_socket_udp_address(message, int *addrsz)`: the sender of a packet.
pub(super) unsafe extern "C" fn udp_address(message: *const u8, len: *mut c_int) -> *const c_char {
    // SAFETY: rule 1: a socket message; the address follows the packet's bytes.
    unsafe {
        let event = message.cast::<i32>().read_unaligned();
        if event != Event::Udp as i32 {
            if let Some(len) = len.as_mut() {
                *len = 0;
            }
            return ptr::null();
        }
        let size = message.add(8).cast::<i32>().read_unaligned();
        let buffer = message.add(HEAD_BYTES - 8).cast::<*const u8>().read_unaligned();
        let address = buffer.add(size.max(0) as usize);
        if let Some(len) = len.as_mut() {
            *len = if *address == IPV6 { 19 } else { 7 };
        }
        address.cast()
    }
}
