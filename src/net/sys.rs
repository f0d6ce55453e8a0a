//! Single system calls on descriptors, with the answers that the rest of `net` wants.
//!
//! Every function takes a descriptor that the caller keeps open meanwhile.

use std::io::{self, ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use socket2::{SockAddr, SockRef, TcpKeepalive};

/// Lets a descriptor be used as a socket for the time of a call.
pub(super) fn socket_of<T>(fd: RawFd, use_it: impl FnOnce(SockRef<'_>) -> T) -> T {
    // SAFETY: the caller of every function of `net` that gets here holds the lock under which the
    // descriptor would be closed.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    use_it(SockRef::from(&fd))
}

fn checked(result: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// Repeats a call that a signal interrupted.
fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Reads into a buffer; 0 at the end.
pub(super) fn read(fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the buffer is live and as long as it says.
    retry(|| checked(unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) }))
}

/// Writes to a socket without raising SIGPIPE, or to another descriptor (`foreign`).
pub(super) fn write(fd: RawFd, bytes: &[u8], foreign: bool) -> io::Result<usize> {
    let (start, len) = (bytes.as_ptr().cast(), bytes.len());
    retry(|| {
        // SAFETY: the bytes are live.
        let written = unsafe {
            match foreign {
                false => libc::send(fd, start, len, libc::MSG_NOSIGNAL),
                true => libc::write(fd, start, len),
            }
        };
        checked(written)
    })
}

/// Writes several pieces with one call.
pub(super) fn write_all_of(fd: RawFd, pieces: &[IoSlice<'_>], foreign: bool) -> io::Result<usize> {
    if foreign {
        let (start, count) = (pieces.as_ptr().cast(), pieces.len() as libc::c_int);
        // SAFETY: IoSlice has the layout of iovec, and the pieces are live.
        return retry(|| checked(unsafe { libc::writev(fd, start, count) }));
    }
    let flags = libc::MSG_NOSIGNAL;
    retry(|| socket_of(fd, |socket| socket.send_vectored_with_flags(pieces, flags)))
}

/// Sends a packet.
pub(super) fn send_to(fd: RawFd, bytes: &[u8], to: SocketAddr) -> io::Result<usize> {
    let to = SockAddr::from(to);
    retry(|| socket_of(fd, |socket| socket.send_to(bytes, &to)))
}

/// Receives a packet and its sender.
pub(super) fn receive_from(
    fd: RawFd,
    buffer: &mut [u8],
) -> io::Result<(usize, Option<SocketAddr>)> {
    // SAFETY: initialised bytes are valid as perhaps uninitialised ones, and the kernel only
    // writes initialised bytes to them.
    let buffer: &mut [MaybeUninit<u8>] =
        unsafe { &mut *(std::ptr::from_mut(buffer) as *mut [MaybeUninit<u8>]) };
    let (len, from) = retry(|| socket_of(fd, |socket| socket.recv_from(buffer)))?;
    Ok((len, from.as_socket()))
}

/// Accepts a connection: not blocking, closed in child processes.
pub(super) fn accept(listener: RawFd) -> io::Result<(OwnedFd, Option<SocketAddr>)> {
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: storage and length are those of SockAddr; accept4 fills them for a new descriptor.
    let (fd, from) = unsafe {
        SockAddr::try_init(|storage, len| {
            retry(|| checked(libc::accept4(listener, storage.cast(), len, flags) as libc::ssize_t))
        })
    }?;
    // SAFETY: the descriptor is new and nobody else has it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd as RawFd) };
    Ok((fd, from.as_socket()))
}

/// Takes the error that waits at a socket.
pub(super) fn pending_error(fd: RawFd) -> Option<io::Error> {
    match socket_of(fd, |socket| socket.take_error()) {
        Ok(error) => error,
        Err(error) => Some(error),
    }
}

/// Returns the peer's address; an error while there is none.
pub(super) fn peer(fd: RawFd) -> io::Result<Option<SocketAddr>> {
    socket_of(fd, |socket| socket.peer_addr()).map(|address| address.as_socket())
}

/// Returns the own address.
pub(super) fn local(fd: RawFd) -> Option<SocketAddr> {
    socket_of(fd, |socket| socket.local_addr()).ok().and_then(|address| address.as_socket())
}

/// Lets a connection fail whose other machine is silent for `limit`: also when nothing is sent, and
/// when what was sent is not acknowledged or not read.
pub(super) fn limit_silence(fd: RawFd, limit: Duration) -> io::Result<()> {
    // Several signs of life may get lost before that. The system takes whole seconds.
    let limit = limit.clamp(Duration::from_secs(1), Duration::from_secs(86_400));
    let part = |of: u32| (limit / of).max(Duration::from_secs(1));
    let signs = TcpKeepalive::new().with_time(part(3)).with_interval(part(6)).with_retries(4);
    socket_of(fd, |socket| {
        socket.set_tcp_keepalive(&signs)?;
        socket.set_tcp_user_timeout(Some(limit))
    })
}

/// Makes a foreign descriptor not block.
pub(super) fn set_nonblocking(fd: RawFd) -> io::Result<()> {
    socket_of(fd, |socket| socket.set_nonblocking(true))
}

/// Closes a descriptor that is kept as a number.
///
/// # Safety
/// Nobody else closes it, and nobody uses it afterwards.
pub(super) unsafe fn close(fd: RawFd) {
    // SAFETY: as the caller's.
    drop(unsafe { OwnedFd::from_raw_fd(fd) });
}

/// Gives a descriptor a number to be kept by.
pub(super) fn into_raw(fd: impl Into<OwnedFd>) -> RawFd {
    std::os::fd::IntoRawFd::into_raw_fd(fd.into())
}

/// The text of an error, as the system's `strerror` has it.
pub(super) fn error_text(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// A descriptor that is kept in reserve: it is given back for the moment in which a connection
/// must be accepted to be closed.
pub(super) struct Reserve(Option<OwnedFd>);

impl Reserve {
    pub(super) fn new() -> Self {
        Self(open_null())
    }

    /// Accepts and closes one connection with the reserve's descriptor; returns whether it could.
    pub(super) fn refuse_one(&mut self, listener: RawFd) -> bool {
        self.0 = None;
        let refused = accept(listener).is_ok();
        self.0 = open_null();
        refused
    }
}

fn open_null() -> Option<OwnedFd> {
    std::fs::File::open("/dev/null").ok().map(OwnedFd::from)
}

/// Tells whether the process or the system has no descriptor left.
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// Tells whether a connect goes on by itself.
pub(super) fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINPROGRESS)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn error_texts_are_the_systems() {
        assert_eq!(
            error_text(&io::Error::from_raw_os_error(libc::ECONNREFUSED)),
            "Connection refused"
        );
        assert_eq!(error_text(&io::Error::from_raw_os_error(libc::EPIPE)), "Broken pipe");
        assert_eq!(error_text(&io::Error::other("own")), "own");
    }

    #[test]
    fn a_limit_of_silence_is_known_to_the_system() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let options = |seconds| {
            limit_silence(stream.as_raw_fd(), Duration::from_secs(seconds)).unwrap();
            let socket = SockRef::from(&stream);
            assert!(socket.keepalive().unwrap());
            let (idle, interval) =
                (socket.tcp_keepalive_time().unwrap(), socket.tcp_keepalive_interval().unwrap());
            (idle.as_secs(), interval.as_secs(), socket.tcp_user_timeout().unwrap())
        };
        assert_eq!(options(60), (20, 10, Some(Duration::from_secs(60))));
        assert_eq!(options(1), (1, 1, Some(Duration::from_secs(1))));
    }

    #[test]
    fn a_closed_pipe_is_an_error_and_no_signal() {
        let (reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
        drop(reader);
        let error = write(writer.as_raw_fd(), b"x", false).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EPIPE));
    }
}
