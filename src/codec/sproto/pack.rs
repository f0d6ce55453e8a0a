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

    /// Writes a group by itself. There is room for all of a group, so its bytes are written without
    /// asking which of them count: those that do not are overwritten.
    fn sparse(&mut self, group: &[u8; GROUP]) {
        let mut piece = [0; GROUP + 1];
        let mut used = 0;
        for (bit, byte) in group.iter().enumerate() {
            piece[1 + used] = *byte;
            piece[0] |= u8::from(*byte != 0) << bit;
            used += usize::from(*byte != 0);
        }
        self.put(&piece);
        self.len -= GROUP - used;
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}

/// One step of unpacking.
enum Piece<'a> {
    /// Whole groups as they are.
    Run(&'a [u8]),
    /// One group.
    Group([u8; GROUP]),
}

impl Piece<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Piece::Run(bytes) => bytes,
            Piece::Group(bytes) => bytes,
        }
    }
}

/// Takes a group or a run off the front of packed bytes.
#[inline]
fn take_piece<'a>(packed: &mut &'a [u8]) -> Result<Option<Piece<'a>>, Malformed> {
    let Some((head, rest)) = packed.split_first() else { return Ok(None) };
    if *head == 0xff {
        let (count, rest) = rest.split_first().ok_or(Malformed)?;
        let (run, rest) =
            rest.split_at_checked((usize::from(*count) + 1) * GROUP).ok_or(Malformed)?;
        *packed = rest;
        return Ok(Some(Piece::Run(run)));
    }
    let (bytes, behind) = rest.split_at_checked(head.count_ones() as usize).ok_or(Malformed)?;
    *packed = behind;
    let mut near = [0; GROUP];
    match rest.first_chunk::<GROUP>() {
        Some(chunk) => near = *chunk,
        None => near[..bytes.len()].copy_from_slice(bytes),
    }
    Ok(Some(Piece::Group(spread(*head, near))))
}

/// Puts bytes, in order, where the bits of `head` are set, and zeros elsewhere. The head is not
/// 0xff, so fewer bytes count than there are.
#[inline]
fn spread(head: u8, bytes: [u8; GROUP]) -> [u8; GROUP] {
    let mut group = [0; GROUP];
    let mut taken = 0;
    for (bit, place) in group.iter_mut().enumerate() {
        let is_set = head >> bit & 1;
        *place = bytes[taken & (GROUP - 1)] & 0_u8.wrapping_sub(is_set);
        taken += usize::from(is_set);
    }
    group
}

/// Returns how many bytes packed bytes stand for.
///
/// # Errors
/// When the last group is cut off.
pub fn unpacked_len(packed: &[u8]) -> Result<usize, Malformed> {
    let (mut rest, mut len) = (packed, 0);
    while let Some((head, behind)) = rest.split_first() {
        let (groups, skip) = match (head, behind) {
            (0xff, []) => return Err(Malformed),
            (0xff, [count, ..]) => {
                let groups = usize::from(*count) + 1;
                (groups, 1 + groups * GROUP)
            }
            (head, _) => (1, head.count_ones() as usize),
        };
        rest = behind.get(skip..).ok_or(Malformed)?;
        len += groups * GROUP;
    }
    Ok(len)
}

/// Unpacks into `output`, which is [`unpacked_len`] long.
///
/// # Errors
/// As [`unpacked_len`].
pub fn unpack(mut packed: &[u8], mut output: &mut [u8]) -> Result<(), Malformed> {
    while let Some(piece) = take_piece(&mut packed)? {
        let bytes = piece.bytes();
        let (here, rest) = output.split_at_mut_checked(bytes.len()).ok_or(Malformed)?;
        here.copy_from_slice(bytes);
        output = rest;
    }
    Ok(())
}
