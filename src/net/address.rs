//! Names and addresses: looking hosts up, writing addresses as text, and the bytes by which Lua
//! code knows the address of a UDP peer. Spec: network section 1.10.

use std::ffi::{CStr, CString};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ptr;

use socket2::SockAddr;

/// Which sockets an address is looked up for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// TCP.
    Stream,
    /// UDP.
    Datagram,
    /// Either: every address comes once for each type of socket.
    Any,
}

impl Transport {
    fn socket_type(self) -> libc::c_int {
        match self {
            Transport::Stream => libc::SOCK_STREAM,
            Transport::Datagram => libc::SOCK_DGRAM,
            Transport::Any => 0,
        }
    }
}

/// Returns the address that `host` says in digits; an empty host is every IPv4 address.
pub fn numeric(host: &str) -> Option<IpAddr> {
    match host {
        "" => Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        _ => host.parse().ok(),
    }
}

/// Looks a host up.
///
/// # Errors
/// The text of the system's resolver.
///
/// # Blocking
/// As long as the system's resolver takes, unless the host is an address in digits.
pub fn look_up(host: &str, port: u16, transport: Transport) -> Result<Vec<SocketAddr>, String> {
    if transport != Transport::Any
        && let Some(ip) = numeric(host)
    {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let host = if host.is_empty() { "0.0.0.0" } else { host };
    let name = CString::new(host).map_err(|_| "Name or service not known".to_owned())?;
    let mut found = ask_system(&name, transport)?;
    found.iter_mut().for_each(|address| address.set_port(port));
    Ok(found)
}

fn ask_system(name: &CStr, transport: Transport) -> Result<Vec<SocketAddr>, String> {
    // SAFETY: zeroes are a valid hint that says nothing.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_socktype = transport.socket_type();
    let mut list = ptr::null_mut();
    // SAFETY: the name is a C string, hints and list are live; a service name is not given.
    let status = unsafe { libc::getaddrinfo(name.as_ptr(), ptr::null(), &hints, &mut list) };
    if status != 0 {
        // SAFETY: gai_strerror returns a static C string for every number.
        let text = unsafe { CStr::from_ptr(libc::gai_strerror(status)) };
        return Err(text.to_string_lossy().into_owned());
    }
    // SAFETY: the list is the one that getaddrinfo has just made; it is freed once, after it has
    // been copied.
    unsafe {
        let found = copy_list(list);
        libc::freeaddrinfo(list);
        Ok(found)
    }
}

/// Copies what `getaddrinfo` found.
///
/// # Safety
/// `list` comes from `getaddrinfo` and has not been freed.
unsafe fn copy_list(list: *const libc::addrinfo) -> Vec<SocketAddr> {
    let mut found = Vec::new();
    let mut at = list;
    // SAFETY: as the caller's: entries are linked and each has an address of the length it says.
    while let Some(entry) = unsafe { at.as_ref() } {
        // SAFETY: the storage is large enough for every address of the system, see `min`.
        let copied = unsafe {
            SockAddr::try_init(|storage, len| {
                let bytes = entry.ai_addrlen.min(*len);
                ptr::copy_nonoverlapping(
                    entry.ai_addr.cast::<u8>(),
                    storage.cast(),
                    bytes as usize,
                );
                *len = bytes;
                Ok(())
            })
        };
        found.extend(copied.ok().and_then(|((), address)| address.as_socket()));
        at = entry.ai_next;
    }
    found
}

/// Writes an address as services see it: `ip:port`, without brackets also for IPv6.
pub(super) fn text(address: SocketAddr) -> String {
    format!("{}:{}", address.ip(), address.port())
}

/// The address of a UDP peer, as bytes of a Lua string.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UdpAddress {
    bytes: [u8; UdpAddress::BYTES_MAX],
    len: u8,
}

impl UdpAddress {
    /// The length of the longer form (IPv6).
    pub const BYTES_MAX: usize = 19;
    const IPV4: u8 = 1;
    const IPV6: u8 = 2;

    /// Makes the bytes of an address.
    pub fn of(address: SocketAddr) -> Self {
        let mut bytes = [0; Self::BYTES_MAX];
        bytes[1..3].copy_from_slice(&address.port().to_be_bytes());
        let len = match address.ip() {
            IpAddr::V4(ip) => {
                bytes[0] = Self::IPV4;
                bytes[3..7].copy_from_slice(&ip.octets());
                7
            }
            IpAddr::V6(ip) => {
                bytes[0] = Self::IPV6;
                bytes[3..19].copy_from_slice(&ip.octets());
                19
            }
        };
        Self { bytes, len }
    }

    /// Returns the bytes: 7 or 19.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// Reads the bytes of an address; `None` when they are none.
    pub fn parse(bytes: &[u8]) -> Option<SocketAddr> {
        let (&kind, rest) = bytes.split_first()?;
        let (port, ip) = rest.split_first_chunk()?;
        let ip = match kind {
            Self::IPV4 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(ip).ok()?)),
            Self::IPV6 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(ip).ok()?)),
            _ => return None,
        };
        Some(SocketAddr::new(ip, u16::from_be_bytes(*port)))
    }
}

/// Why an address text makes no sense.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AddressError {
    /// There is no colon, or a bracket is not closed, or nothing follows it.
    #[error("Invalid address {0}.")]
    Form(String),
    /// The port is no decimal number below 65536.
    #[error("Invalid port in address {0}.")]
    Port(String),
}

/// Splits `host:port` or `[ipv6]:port`. Without brackets the first colon separates.
///
/// # Errors
/// When the text is neither.
pub fn split(text: &str) -> Result<(&str, u16), AddressError> {
    let form = || AddressError::Form(text.to_owned());
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once("]:").ok_or_else(form)?,
        None => text.split_once(':').ok_or_else(form)?,
    };
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| port.parse().ok()).flatten();
    Ok((host, number.ok_or_else(|| AddressError::Port(text.to_owned()))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_split_at_the_first_colon_or_the_bracket() {
        assert_eq!(split("localhost:80"), Ok(("localhost", 80)));
        assert_eq!(split(":8001"), Ok(("", 8001)));
        assert_eq!(split("[::1]:65535"), Ok(("::1", 65535)));
        assert_eq!(split("localhost"), Err(AddressError::Form("localhost".into())));
        assert_eq!(split("[::1]"), Err(AddressError::Form("[::1]".into())));
        assert_eq!(split("[::1"), Err(AddressError::Form("[::1".into())));
        for text in ["a:", "a:x", "a:65536", "a:+1", "::1:80", "a: 1"] {
            assert_eq!(split(text), Err(AddressError::Port(text.into())), "{text}");
        }
    }

    #[test]
    fn udp_addresses_have_7_or_19_bytes_and_survive_the_trip() {
        let four: SocketAddr = "1.2.3.4:258".parse().unwrap();
        assert_eq!(UdpAddress::of(four).as_bytes(), [1, 1, 2, 1, 2, 3, 4]);
        let six: SocketAddr = "[::1]:8766".parse().unwrap();
        assert_eq!(UdpAddress::of(six).as_bytes().len(), 19);
        for address in [four, six] {
            assert_eq!(UdpAddress::parse(UdpAddress::of(address).as_bytes()), Some(address));
        }
        for bad in [&b""[..], b"\x01", b"\x01ppabc", b"\x03ppabcd", b"\x02ppabcd"] {
            assert_eq!(UdpAddress::parse(bad), None);
        }
    }

    #[test]
    fn hosts_are_looked_up() {
        let found = look_up("localhost", 80, Transport::Stream).unwrap();
        assert!(found.iter().all(|a| a.ip().is_loopback() && a.port() == 80) && !found.is_empty());
        let every = look_up("", 1, Transport::Stream).unwrap();
        assert_eq!(every, ["0.0.0.0:1".parse().unwrap()]);
        assert_eq!(look_up("127.0.0.1", 0, Transport::Any).unwrap().len(), 3);
        assert!(look_up("no\0host", 1, Transport::Any).is_err());
    }
}
