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
    // Where the count of an open run stands.
    let (mut len, mut run) = (0, None);
    for group in groups.iter().chain(last) {
        let bits = used_bits(u64::from_le_bytes(*group));
        match run {
            Some(at) if bits.count_ones() >= DENSE && usize::from(output[at]) + 1 < RUN_MAX => {
                output[at] += 1;
                output[len..len + GROUP].copy_from_slice(group);
                len += GROUP;
            }
            _ if bits == 0xff => {
                run = Some(len + 1);
                output[len..len + 2].copy_from_slice(&[0xff, 0]);
                output[len + 2..len + 2 + GROUP].copy_from_slice(group);
                len += 2 + GROUP;
            }
            _ => {
                run = None;
                output[len] = bits;
                len += 1 + output[len + 1..].first_chunk_mut().map_or(0, |to| put_used(*group, to));
            }
        }
    }
    len
}

/// Returns a bit for each byte of a group that is not zero.
#[inline]
fn used_bits(group: u64) -> u8 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    // The top bit of each byte is set when the byte is not zero; the product gathers them.
    let tops = (((group & LOW) + LOW) | group) & !LOW;
    ((tops >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
}

/// Writes the bytes of a group that are not zero, and perhaps others behind them; returns how many
/// they are. There is no branch, because nobody foresees which bytes are zero.
#[inline]
fn put_used(group: [u8; GROUP], output: &mut [u8; GROUP]) -> usize {
    let mut count = 0;
    for byte in group {
        output[count % GROUP] = byte;
        count += usize::from(byte != 0);
    }
    count
}

/// Packed bytes that are this short are unpacked without looking for their length first.
const SHORT: usize = 4096;

/// Returns room for what packed bytes stand for: the exact length, or a little too much for few
/// bytes.
///
/// # Errors
/// When the last group is cut off.
pub fn unpacked_room(packed: &[u8]) -> Result<usize, Malformed> {
    if packed.len() <= SHORT { Ok(packed.len() * GROUP) } else { unpacked_len(packed) }
}

/// Returns how many bytes packed bytes stand for.
fn unpacked_len(packed: &[u8]) -> Result<usize, Malformed> {
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

/// Unpacks into `output`, which is [`unpacked_room`] long; returns how much of it is used.
///
/// # Errors
/// When the last group is cut off.
pub fn unpack(packed: &[u8], output: &mut [u8]) -> Result<usize, Malformed> {
    let (mut rest, mut len) = (packed, 0);
    while let Some((head, behind)) = rest.split_first() {
        let here = output.get_mut(len..).ok_or(Malformed)?;
        if *head == 0xff {
            let (count, behind) = behind.split_first().ok_or(Malformed)?;
            let size = (usize::from(*count) + 1) * GROUP;
            let (run, behind) = behind.split_at_checked(size).ok_or(Malformed)?;
            here.get_mut(..size).ok_or(Malformed)?.copy_from_slice(run);
            rest = behind;
            len += size;
            continue;
        }
        let (bytes, behind) =
            behind.split_at_checked(head.count_ones() as usize).ok_or(Malformed)?;
        *here.first_chunk_mut().ok_or(Malformed)? = spread(*head, bytes);
        rest = behind;
        len += GROUP;
    }
    Ok(len)
}

/// Puts bytes where the bits of `head` are set, and zeros elsewhere.
#[inline]
fn spread(head: u8, bytes: &[u8]) -> [u8; GROUP] {
    let (mut group, mut left) = (0, head);
    for byte in bytes {
        group |= u64::from(*byte) << (8 * (left.trailing_zeros() & 7));
        left &= left.wrapping_sub(1);
    }
    group.to_le_bytes()
}
