//! The names of the API, as symbols that the executable exports (`build.rs` links it so that
//! shared objects find them).
//!
//! They are a few lines of assembly, one jump each: a `no_mangle` function of a library would be
//! made local again when the executable is optimised as a whole, and Rust has no variadic
//! functions, which `skynet_error` is. Its entry collects the arguments as the calling convention
//! of the platform says, and passes the list on.

use super::{exports, sockets};

/// Exports a function under the name that C code knows.
macro_rules! export {
    ($($name:literal => $function:path),* $(,)?) => {
        $(
            core::arch::global_asm!(
                concat!(".globl ", $name),
                concat!(".type ", $name, ",%function"),
                concat!($name, ":"),
                jump!(),
                f = sym $function,
            );
        )*
    };
}

#[cfg(target_arch = "x86_64")]
macro_rules! jump {
    () => {
        "jmp {f}"
    };
}

#[cfg(target_arch = "aarch64")]
macro_rules! jump {
    () => {
        "b {f}"
    };
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
export! {
    "skynet_send" => exports::send,
    "skynet_sendname" => exports::sendname,
    "skynet_command" => exports::command,
    "skynet_queryname" => exports::queryname,
    "skynet_isremote" => exports::isremote,
    "skynet_callback" => exports::callback,
    "skynet_current_handle" => exports::current_handle,
    "skynet_now" => exports::now,
    "skynet_debug_memory" => exports::debug_memory,
    "skynet_harbor_start" => exports::harbor_start,
    "skynet_lalloc" => exports::lalloc,
    "skynet_socket_listen" => sockets::listen,
    "skynet_socket_connect" => sockets::connect,
    "skynet_socket_bind" => sockets::bind,
    "skynet_socket_close" => sockets::close,
    "skynet_socket_shutdown" => sockets::shutdown,
    "skynet_socket_start" => sockets::start,
    "skynet_socket_pause" => sockets::pause,
    "skynet_socket_nodelay" => sockets::nodelay,
    "skynet_socket_sendbuffer" => sockets::sendbuffer,
    "skynet_socket_sendbuffer_lowpriority" => sockets::sendbuffer_lowpriority,
    "skynet_socket_udp" => sockets::udp,
    "skynet_socket_udp_dial" => sockets::udp_dial,
    "skynet_socket_udp_listen" => sockets::udp_listen,
    "skynet_socket_udp_connect" => sockets::udp_connect,
    "skynet_socket_udp_sendbuffer" => sockets::udp_sendbuffer,
    "skynet_socket_udp_address" => sockets::udp_address,
}

// System V: six integer registers, two of them named here, then eight vector registers if `al`
// says that there are any; the rest is on the stack above the return address. The frame holds the
// list (24 bytes) and, from 32 on, the saved registers (6 * 8 + 8 * 16 bytes).
#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".globl skynet_error",
    ".type skynet_error,%function",
    "skynet_error:",
    "sub rsp, 216",
    "mov [rsp + 48], rdx",
    "mov [rsp + 56], rcx",
    "mov [rsp + 64], r8",
    "mov [rsp + 72], r9",
    "test al, al",
    "je 2f",
    "movaps [rsp + 80], xmm0",
    "movaps [rsp + 96], xmm1",
    "movaps [rsp + 112], xmm2",
    "movaps [rsp + 128], xmm3",
    "movaps [rsp + 144], xmm4",
    "movaps [rsp + 160], xmm5",
    "movaps [rsp + 176], xmm6",
    "movaps [rsp + 192], xmm7",
    "2:",
    "mov dword ptr [rsp], 16",
    "mov dword ptr [rsp + 4], 48",
    "lea rax, [rsp + 224]",
    "mov [rsp + 8], rax",
    "lea rax, [rsp + 32]",
    "mov [rsp + 16], rax",
    "mov rdx, rsp",
    "call {f}",
    "add rsp, 216",
    "ret",
    f = sym exports::error,
);

unsafe extern "C" {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    fn skynet_send();
}

/// Refers to the symbols, so that the linker takes them in.
pub(super) fn keep() {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    std::hint::black_box(skynet_send as *const ());
}
