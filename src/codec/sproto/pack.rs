//! Leaving out zero bytes, in groups of eight.
//!
//! A group is a byte that says which of its bytes are not zero, and those. A group without zeros
//! opens a run: 0xff, the count of groups less one, and the groups as they are; groups with two
//! zeros at most go on with it.

use super::read::Malformed;

const GROUP: usize = 8;
/// The most groups of a run.
const RUN_MAX: usize = 256;
/// A group of a run has so many bytes that are not zero.
const DENSE: u32 = 6;

/// Returns how long the packed form of so many bytes may be.
pub fn packed_len_max(bytes: usize) -> usize {
    // A run costs two bytes and is as good as a group of its own, which costs one.
    bytes.div_ceil(GROUP) * (GROUP + 2)
}

/// Packs `bytes` into `output`, which is [`packed_len_max`] long; returns how much of it is used.
pub fn pack(bytes: &[u8], output: &mut [u8]) -> usize {
    let (groups, last) = bytes.as_chunks::<GROUP>();
    let mut padded = [0; GROUP];
    padded[..last.len()].copy_from_slice(last);
    let last = (!last.is_empty()).then_some(&padded);
    let mut out = Output { bytes: output, len: 0, run: None };
    groups.iter().chain(last).for_each(|group| out.group(group));
    out.len
}

struct Output<'a> {
    bytes: &'a mut [u8],
    len: usize,
    /// Where the count of an open run stands.
    run: Option<usize>,
}

impl Output<'_> {
    fn group(&mut self, group: &[u8; GROUP]) {
        let used = group.iter().filter(|byte| **byte != 0).count() as u32;
        match self.run {
            Some(at) if used >= DENSE && usize::from(self.bytes[at]) + 1 < RUN_MAX => {
                self.bytes[at] += 1;
                self.put(group);
            }
            _ if used == GROUP as u32 => {
                self.run = Some(self.len + 1);
                self.put(&[0xff, 0]);
                self.put(group);
            }
            _ => {
                self.run = None;
                self.sparse(group);
            }
        }
    }

    fn sparse(&mut self, group: &[u8; GROUP]) {
        let head = self.len;
        self.put(&[0]);
        for (bit, byte) in group.iter().enumerate().filter(|(_, byte)| **byte != 0) {
            self.bytes[head] |= 1 << bit;
            self.put(&[*byte]);
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}

/// One step of unpacking.
enum Piece<'a> {
    Run(&'a [u8]),
    Group(u8, &'a [u8]),
}

/// Takes a group or a run off the front of packed bytes.
fn take_piece<'a>(packed: &mut &'a [u8]) -> Result<Option<Piece<'a>>, Malformed> {
    let Some((head, rest)) = packed.split_first() else { return Ok(None) };
    let (len, rest) = match (head, rest) {
        (0xff, [count, rest @ ..]) => ((usize::from(*count) + 1) * GROUP, rest),
        (0xff, []) => return Err(Malformed),
        (head, rest) => (head.count_ones() as usize, rest),
    };
    let (bytes, rest) = rest.split_at_checked(len).ok_or(Malformed)?;
    *packed = rest;
    Ok(Some(if *head == 0xff { Piece::Run(bytes) } else { Piece::Group(*head, bytes) }))
}

/// Returns how many bytes packed bytes stand for.
///
/// # Errors
/// When the last group is cut off.
pub fn unpacked_len(mut packed: &[u8]) -> Result<usize, Malformed> {
    let mut len = 0;
    while let Some(piece) = take_piece(&mut packed)? {
        len += match piece {
            Piece::Run(bytes) => bytes.len(),
            Piece::Group(..) => GROUP,
        };
    }
    Ok(len)
}

/// Unpacks into `output`, zeros, which is [`unpacked_len`] long.
///
/// # Errors
/// As [`unpacked_len`].
pub fn unpack(mut packed: &[u8], output: &mut [u8]) -> Result<(), Malformed> {
    let mut output = output;
    while let Some(piece) = take_piece(&mut packed)? {
        let len = match piece {
            Piece::Run(bytes) => bytes.len(),
            Piece::Group(..) => GROUP,
        };
        let (here, rest) = output.split_at_mut_checked(len).ok_or(Malformed)?;
        output = rest;
        match piece {
            Piece::Run(bytes) => here.copy_from_slice(bytes),
            Piece::Group(bits, bytes) => {
                let places = here.iter_mut().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
                places.zip(bytes).for_each(|((_, place), byte)| *place = *byte);
            }
        }
    }
    Ok(())
}
