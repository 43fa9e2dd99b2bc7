//! Bytes without their zeros. The byte form of a small sale is mostly high bytes of small numbers; this
//! takes a third of it and costs about as much as a copy.
//!
//! Words of eight bytes. A word begins with a byte that says which of its eight are not zero, and those
//! follow. Behind a word of zeros stands how many more such words follow; behind a word without zeros, how many
//! words follow as they are. It is the packing of Cap'n Proto, with the length in front.

use crate::codec::{Binary as _, DecodeError, take};

const WORD: usize = 8;
/// Words of one run.
const RUN_MAX: usize = u8::MAX as usize;

/// Leaves the zeros out.
pub(crate) fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 2);
    let length = u32::try_from(bytes.len()).expect("what is packed is far below four gibibytes");
    length.encode(&mut out);
    let mut words = bytes.chunks(WORD).peekable();
    while let Some(word) = words.next() {
        let set = word.iter().enumerate().filter(|(_, byte)| **byte != 0);
        let mask = set.clone().fold(0_u8, |mask, (place, _)| mask | 1 << place);
        out.push(mask);
        out.extend(set.map(|(_, byte)| byte));
        let is_alike: fn(&[u8]) -> bool = match mask {
            0 => |word| word.iter().all(|byte| *byte == 0),
            u8::MAX => |word| word.len() == WORD && word.iter().all(|byte| *byte != 0),
            _ => continue,
        };
        let at = out.len();
        out.push(0);
        for _ in 0..RUN_MAX {
            let Some(next) = words.next_if(|word| is_alike(word)) else { break };
            out[at] += 1;
            if mask != 0 {
                out.extend_from_slice(next);
            }
        }
    }
    out
}

/// How many bytes were packed; 0 of what is no packed form.
pub(crate) fn unpacked_bytes(mut packed: &[u8]) -> usize {
    u32::decode(&mut packed).map_or(0, |length| length as usize)
}

/// Puts them back.
pub(crate) fn unpack(mut packed: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let input = &mut packed;
    let length = u32::decode(input)? as usize;
    let mut out = Vec::new();
    while out.len() < length {
        let mask = u8::decode(input)?;
        for place in 0..WORD {
            out.push(if mask & 1 << place == 0 { 0 } else { u8::decode(input)? });
        }
        if mask == 0 {
            let run = usize::from(u8::decode(input)?);
            out.resize(out.len() + run * WORD, 0);
        } else if mask == u8::MAX {
            let run = usize::from(u8::decode(input)?);
            out.extend_from_slice(take(input, run * WORD)?);
        }
    }
    let rest_is_zero = out.get(length..).is_some_and(|rest| rest.iter().all(|byte| *byte == 0));
    if !input.is_empty() || !rest_is_zero || out.len() - length >= RUN_MAX * WORD {
        return Err(DecodeError("packed bytes past their length"));
    }
    out.truncate(length);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_whatever_it_is() {
        let mut seed = 1_u64;
        for length in (0..200).chain([2_039, 2_040, 2_041, 5_000]) {
            for zeros in [0, 1, 4, 7, 8] {
                let mut byte = || {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let [.., high, low] = seed.to_be_bytes();
                    if u64::from(high) % 8 < zeros { 0 } else { low.max(1) }
                };
                let bytes: Vec<u8> = (0..length).map(|_| byte()).collect();
                let packed = pack(&bytes);
                assert_eq!(unpack(&packed).as_ref(), Ok(&bytes), "{length} bytes, {zeros} of 8");
                for end in 0..packed.len() {
                    let cut = unpack(&packed[..end]);
                    assert_ne!(cut.as_ref(), Ok(&bytes), "cut at {end} of {}", packed.len());
                }
            }
        }
    }

    #[test]
    fn small_numbers_take_little() {
        let mut bytes = Vec::new();
        for number in 0..100_u64 {
            number.encode(&mut bytes);
        }
        assert!(pack(&bytes).len() < bytes.len() / 3);
    }
}
