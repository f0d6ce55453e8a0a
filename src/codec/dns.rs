//! Questions to a name server, and its answers (RFC 1035, section 4), as far as a stub resolver
//! needs them: one question a packet, for addresses of both families or for services (RFC 2782).
//!
//! An answer comes from anyone on the way, so nothing in it is trusted: a name ends after
//! [`NAME_MAX`] bytes, and a compression pointer leads to what stands before the name it is in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The most bytes of a name as it is written, without the last point.
pub const NAME_MAX: usize = 253;
/// The most bytes of a part of a name.
const LABEL_MAX: usize = 63;
/// The bytes in front of the question.
const HEAD: usize = 12;
/// The class of the internet.
const INTERNET: u16 = 1;
/// Two set bits at the front of a length make it a pointer.
const POINTER: u8 = 0xc0;

/// The bit that says that an answer did not fit.
const TRUNCATED: u16 = 0x0200;
/// The bits of the status.
const STATUS: u16 = 0x000f;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// IPv4 addresses: type A.
    V4,
    /// IPv6 addresses: type AAAA.
    V6,
    /// Where a service is: type SRV.
    Service,
}

impl Kind {
    /// The number of the type.
    pub fn number(self) -> u16 {
        match self {
            Kind::V4 => 1,
            Kind::V6 => 28,
            Kind::Service => 33,
        }
    }

    /// The kind whose type has a number.
    pub fn of_number(number: u16) -> Option<Kind> {
        [Kind::V4, Kind::V6, Kind::Service].into_iter().find(|kind| kind.number() == number)
    }
}

/// Writes the packet that asks for the records of `name`. `None` for what is no name: an empty
/// part, or more bytes than there may be.
pub fn question(id: u16, name: &[u8], kind: Kind) -> Option<Vec<u8>> {
    let name = name.strip_suffix(b".").unwrap_or(name);
    if name.is_empty() || name.len() > NAME_MAX {
        return None;
    }
    let mut packet = Vec::with_capacity(HEAD + name.len() + 6);
    // Recursion is wanted; there is one question.
    for word in [id, 0x0100, 1, 0, 0, 0] {
        packet.extend_from_slice(&word.to_be_bytes());
    }
    for label in name.split(|byte| *byte == b'.') {
        if label.is_empty() || label.len() > LABEL_MAX {
            return None;
        }
        packet.push(label.len() as u8);
        packet.extend_from_slice(label);
    }
    packet.push(0);
    packet.extend_from_slice(&kind.number().to_be_bytes());
    packet.extend_from_slice(&INTERNET.to_be_bytes());
    Some(packet)
}

/// What a name server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The id of the question.
    pub id: u16,
    /// The name that was asked for, in lower case.
    pub name: Vec<u8>,
    /// What was asked for.
    pub kind: Kind,
    /// The records of that kind, in the order of the answer.
    pub records: Vec<Record>,
    /// How many seconds they hold.
    pub seconds: u32,
    /// 0 when the server could answer, 3 when there is no such name.
    pub status: u8,
    /// Tells whether records are missing because they did not fit.
    pub truncated: bool,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A host has this address.
    Address(IpAddr),
    /// A service is to be found there.
    Service {
        /// Lower ones are to be tried first.
        priority: u16,
        /// The share of this one among those of its priority.
        weight: u16,
        /// The port at the target.
        port: u16,
        /// The name of a host, in lower case.
        target: Vec<u8>,
    },
}

/// Reads an answer; `None` when it is malformed, or answers something else than one question.
pub fn answer(packet: &[u8]) -> Option<Answer> {
    let mut reader = Reader { packet, at: 0 };
    let [id, flags, questions, records, _, _] = reader.words()?;
    let name = reader.name()?;
    let [kind, _class] = reader.words()?;
    let kind = Kind::of_number(kind).filter(|_| questions == 1)?;
    let mut answer = Answer {
        id,
        name,
        kind,
        records: Vec::new(),
        seconds: u32::MAX,
        status: (flags & STATUS) as u8,
        truncated: flags & TRUNCATED != 0,
    };
    for _ in 0..records {
        let (number, seconds, data) = reader.record()?;
        if number == kind.number() {
            answer.records.push(data.parse(kind)?);
            answer.seconds = answer.seconds.min(seconds);
        }
    }
    Some(answer)
}

/// Writes an address as the reference does: an IPv6 address has all its eight groups.
pub fn text_of(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => address.segments().map(|group| format!("{group:x}")).join(":"),
    }
}

/// The data of a record: a part of a packet, whose names may point to what is before it.
struct Data<'a> {
    reader: Reader<'a>,
    end: usize,
}

impl Data<'_> {
    /// Reads what must fill the data.
    fn parse(self, kind: Kind) -> Option<Record> {
        let Data { mut reader, end } = self;
        let record = match kind {
            Kind::V4 => Record::Address(Ipv4Addr::from(reader.array::<4>()?).into()),
            Kind::V6 => Record::Address(Ipv6Addr::from(reader.array::<16>()?).into()),
            Kind::Service => {
                let [priority, weight, port] = reader.words()?;
                Record::Service { priority, weight, port, target: reader.name()? }
            }
        };
        (reader.at == end).then_some(record)
    }
}

/// A cursor into a packet.
struct Reader<'a> {
    packet: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let bytes = self.packet.get(self.at..)?.get(..len)?;
        self.at += len;
        Some(bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    fn words<const N: usize>(&mut self) -> Option<[u16; N]> {
        let mut words = [0; N];
        for word in &mut words {
            *word = u16::from_be_bytes(self.array()?);
        }
        Some(words)
    }

    /// Reads a name in lower case.
    fn name(&mut self) -> Option<Vec<u8>> {
        let mut name = Vec::new();
        let mut limit = self.at;
        let mut here = Reader { packet: self.packet, at: self.at };
        let mut end = None;
        loop {
            let len = *here.bytes(1)?.first()?;
            if len == 0 {
                self.at = end.unwrap_or(here.at);
                name.pop();
                return Some(name);
            }
            if len & POINTER == POINTER {
                let low = *here.bytes(1)?.first()?;
                end.get_or_insert(here.at);
                let target = usize::from(u16::from_be_bytes([len & !POINTER, low]));
                // Each pointer leads further to the front, so there is no circle.
                if target >= limit {
                    return None;
                }
                limit = target;
                here.at = target;
                continue;
            }
            if usize::from(len) > LABEL_MAX {
                return None;
            }
            name.extend(here.bytes(len.into())?.iter().map(u8::to_ascii_lowercase));
            name.push(b'.');
            if name.len() > NAME_MAX + 1 {
                return None;
            }
        }
    }

    /// Reads a record: its type, how long it holds, and its data.
    fn record(&mut self) -> Option<(u16, u32, Data<'a>)> {
        self.name()?;
        let [kind, _class, high, low, len] = self.words()?;
        let seconds = u32::from(high) << 16 | u32::from(low);
        // A time with the highest bit is none (RFC 2181, section 8).
        let seconds = if seconds > i32::MAX as u32 { 0 } else { seconds };
        let reader = Reader { packet: self.packet, at: self.at };
        self.bytes(len.into())?;
        Some((kind, seconds, Data { reader, end: self.at }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn texts(answer: &Answer) -> Vec<String> {
        let address = |record: &Record| match record {
            Record::Address(address) => text_of(*address),
            Record::Service { .. } => panic!("{record:?} is no address"),
        };
        answer.records.iter().map(address).collect()
    }

    /// An answer to `a.test` with some records, whose names are pointers to the question's.
    fn packet(kind: u16, records: &[(u16, u32, &[u8])]) -> Vec<u8> {
        let mut packet = question(7, b"a.test", Kind::of_number(kind).unwrap()).unwrap();
        packet[7] = records.len() as u8;
        for (kind, seconds, data) in records {
            packet.extend_from_slice(&[0xc0, 12]);
            packet.extend_from_slice(&kind.to_be_bytes());
            packet.extend_from_slice(&[0, 1]);
            packet.extend_from_slice(&seconds.to_be_bytes());
            packet.extend_from_slice(&(data.len() as u16).to_be_bytes());
            packet.extend_from_slice(data);
        }
        packet
    }

    #[test]
    fn question_has_the_bytes_of_the_spec() {
        let packet = question(1, b"a.test", Kind::V4).unwrap();
        assert_eq!(hex(&packet), "000101000001000000000000016104746573740000010001");
        assert_eq!(question(1, b"a.test.", Kind::V4).unwrap(), packet);
        let packet = question(0xabcd, b"x", Kind::V6).unwrap();
        assert_eq!(hex(&packet), "abcd010000010000000000000178 00 001c0001".replace(' ', ""));
    }

    #[test]
    fn what_is_no_name_is_not_asked_for() {
        let (long, label) = ("a.".repeat(128), "a".repeat(64));
        for name in ["", ".", "a..b", ".a", "a..", &long, &label] {
            assert_eq!(question(1, name.as_bytes(), Kind::V4), None, "{name}");
        }
        assert!(question(1, "a".repeat(63).as_bytes(), Kind::V4).is_some());
        assert!(question(1, "a.".repeat(127).as_bytes(), Kind::V4).is_some());
    }

    #[test]
    fn answer_has_the_addresses_of_its_family() {
        let v4: &[u8] = &[192, 0, 2, 1];
        let v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        let bytes = packet(1, &[(5, 1, b"\xc0\x0c"), (1, 60, v4), (28, 2, &v6), (1, 30, v4)]);
        let found = answer(&bytes).unwrap();
        assert_eq!((found.id, &found.name[..], found.seconds), (7, &b"a.test"[..], 30));
        assert_eq!(texts(&found), ["192.0.2.1", "192.0.2.1"]);
        let found = answer(&packet(28, &[(1, 60, v4), (28, 0xffff_ffff, &v6)])).unwrap();
        assert_eq!((texts(&found), found.seconds), (vec!["2001:db8:0:0:0:0:0:1".into()], 0));
        assert!(answer(&packet(1, &[])).unwrap().records.is_empty());
    }

    #[test]
    fn answer_has_the_places_of_a_service() {
        // The second target is a pointer to the question's name.
        let (plain, pointer) = (b"\0\x01\0\x02\x1b\xbc\x01B\0", b"\0\0\0\0\0\x01\xc0\x0c");
        let found =
            answer(&packet(33, &[(33, 9, plain), (33, 5, pointer), (1, 1, &[1; 4])])).unwrap();
        let service = |priority, weight, port, target: &str| Record::Service {
            priority,
            weight,
            port,
            target: target.into(),
        };
        assert_eq!(found.records, [service(1, 2, 7100, "b"), service(0, 0, 1, "a.test")]);
        assert_eq!(found.seconds, 5);
        for wrong in [&plain[..8], &plain[..5], &b"\0\0\0\0\0\0\0\0"[..], b""] {
            assert_eq!(answer(&packet(33, &[(33, 9, wrong)])), None, "{wrong:?}");
        }
    }

    #[test]
    fn answer_says_how_the_server_fared() {
        let mut bytes = packet(1, &[]);
        let read = |bytes: &[u8]| answer(bytes).map(|a| (a.status, a.truncated)).unwrap();
        assert_eq!(read(&bytes), (0, false));
        (bytes[2], bytes[3]) = (0x82, 0x83);
        assert_eq!(read(&bytes), (3, true));
    }

    #[test]
    fn every_cut_and_every_wrong_length_is_refused() {
        let bytes = packet(1, &[(1, 60, &[192, 0, 2, 1]), (5, 1, b"\xc0\x0c")]);
        assert!(answer(&bytes).is_some());
        for len in 0..bytes.len() {
            assert_eq!(answer(&bytes[..len]), None, "{len}");
        }
        assert_eq!(answer(&packet(1, &[(1, 60, &[192, 0, 2])])), None);
        assert_eq!(answer(&packet(28, &[(28, 60, &[0; 4])])), None);
    }

    #[test]
    fn pointers_lead_to_the_front_only() {
        let head = [0, 7, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0];
        let with_name = |name: &[u8]| answer(&[&head[..], name, &[0, 1, 0, 1]].concat());
        assert_eq!(with_name(b"\x01a\0").unwrap().name, b"a");
        // To itself, in a circle, and forward.
        assert_eq!(with_name(b"\xc0\x0c"), None);
        assert_eq!(with_name(b"\x01a\xc0\x0c"), None);
        assert_eq!(with_name(b"\xc0\x0e\x01a\0"), None);
        // Lengths that are neither.
        assert_eq!(with_name(b"\x40a\0"), None);
        // Many labels.
        assert_eq!(with_name(&[&b"\x01a".repeat(128)[..], b"\0"].concat()), None);
    }

    #[test]
    fn two_questions_are_not_ours() {
        let mut bytes = packet(1, &[]);
        bytes[5] = 2;
        assert_eq!(answer(&bytes), None);
    }
}
