//! Bytes in less room. The byte form of a small sale is mostly high bytes of small numbers, and says some things
//! twice; this takes little more than what is left, and costs about as much as a copy.
//!
//! The length comes first, then steps until it is reached. A step begins with a byte: its high half says how many
//! bytes follow as they are, its low half how many zeros come behind those. A half of 15 is continued by a number
//! that is added to it. A step of two halves 0 is a copy instead: two numbers say how long it is, and how far back
//! it begins. Numbers have seven bits a byte, the low ones first; the high bit says that more follow.
//!
//! Between the length and the steps a number says how many bytes of the steps are in [`short_codes`]: the first ones.

mod short_codes;

use self::short_codes::Decoder;
use crate::codec::{Binary as _, DecodeError, take};

/// The most that is packed.
const BYTES_MAX: usize = u32::MAX as usize;
/// What does not fit half of a step's first byte.
const HALF_MAX: usize = 15;
/// A zero alone among other bytes is written as it is.
const ZEROS_MIN: usize = 2;
/// A copy takes up to nine bytes.
const COPY_MIN: usize = 10;
/// What says where something like the next bytes was before, by a hash of them.
const PLACES_BITS: u32 = 10;
/// Bytes of which the hash is.
const GRAM: usize = 8;

/// Packs bytes.
pub(crate) fn pack(bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() <= BYTES_MAX, "what is packed is far below four gibibytes");
    let mut out = Vec::new();
    put_number(bytes.len(), &mut out);
    let steps = steps_of(bytes);
    let (count, codes) = short_codes::encode(&steps);
    put_number(count, &mut out);
    [&out[..], &codes, &steps[count..]].concat()
}

fn steps_of(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 2);
    let mut places = [0_usize; 1 << PLACES_BITS];
    // The first byte that is not in `out` yet, and the next to look at.
    let (mut start, mut at) = (0, 0);
    while at < bytes.len() {
        let zeros = zeros_at(bytes, at);
        if zeros >= ZEROS_MIN || at + zeros == bytes.len() {
            put_step(&bytes[start..at], zeros, &mut out);
            at += zeros;
            start = at;
            continue;
        }
        let copied = copy_at(bytes, at, &mut places);
        if let Some((length, back)) = copied {
            if start < at {
                put_step(&bytes[start..at], 0, &mut out);
            }
            out.push(0);
            put_number(length, &mut out);
            put_number(back, &mut out);
            at += length;
            start = at;
        } else {
            at += 1;
        }
    }
    if start < at {
        put_step(&bytes[start..at], 0, &mut out);
    }
    out
}

/// How many bytes were packed; 0 of what is no packed form.
pub(crate) fn unpacked_bytes(mut packed: &[u8]) -> usize {
    get_number(|| u8::decode(&mut packed)).unwrap_or_default()
}

/// Puts them back.
pub(crate) fn unpack(packed: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut steps = Steps::begin(packed)?;
    let out = steps.take(usize::MAX)?;
    if steps.is_at_end() { Ok(out) } else { Err(PAST) }
}

/// Puts at least so many of them back, if there are so many.
pub(crate) fn unpack_front(packed: &[u8], count: usize) -> Result<Vec<u8>, DecodeError> {
    Steps::begin(packed)?.take(count)
}

const PAST: DecodeError = DecodeError("packed bytes past their length");

/// The steps of a packed form.
struct Steps<'a> {
    /// Bytes that they come to.
    length: usize,
    codes: Decoder<'a>,
    /// How many are left of those in codes.
    coded: usize,
    /// The others, once those in codes were taken.
    plain: &'a [u8],
}

impl<'a> Steps<'a> {
    fn begin(mut packed: &'a [u8]) -> Result<Self, DecodeError> {
        let length = get_number(|| u8::decode(&mut packed))?;
        let coded = get_number(|| u8::decode(&mut packed))?;
        let is_known = length <= BYTES_MAX;
        let steps = Self { length, codes: Decoder::new(packed), coded, plain: packed };
        is_known.then_some(steps).ok_or(PAST)
    }

    /// Follows them until so many bytes are there or all.
    fn take(&mut self, wanted: usize) -> Result<Vec<u8>, DecodeError> {
        let mut out = Vec::new();
        while out.len() < self.length.min(wanted) {
            let step = self.byte()?;
            let left = self.length - out.len();
            if step == 0 {
                let (count, back) = (self.number()?, self.number()?);
                let from = out.len().checked_sub(back).filter(|_| back > 0 && count <= left);
                let from = from.ok_or(PAST)?;
                (from..from + count).for_each(|place| out.push(out[place]));
                continue;
            }
            let plain = self.half(step >> 4)?;
            let zeros = self.half(step & 0xF)?;
            if plain.checked_add(zeros).is_none_or(|count| count > left) {
                return Err(PAST);
            }
            self.append(plain, &mut out)?;
            out.resize(out.len() + zeros, 0);
        }
        Ok(out)
    }

    fn is_at_end(&self) -> bool {
        self.coded == 0 && self.plain.is_empty()
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        if self.coded == 0 {
            return u8::decode(&mut self.plain);
        }
        let byte = self.codes.next()?;
        self.coded -= 1;
        if self.coded == 0 {
            self.plain = self.codes.rest();
        }
        Ok(byte)
    }

    fn append(&mut self, count: usize, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let coded = count.min(self.coded);
        for _ in 0..coded {
            out.push(self.byte()?);
        }
        if count > coded {
            out.extend_from_slice(take(&mut self.plain, count - coded)?);
        }
        Ok(())
    }

    fn half(&mut self, half: u8) -> Result<usize, DecodeError> {
        let half = usize::from(half);
        let more = if half == HALF_MAX { self.number()? } else { 0 };
        half.checked_add(more).ok_or(DecodeError("a packed count too large"))
    }

    fn number(&mut self) -> Result<usize, DecodeError> {
        get_number(|| self.byte())
    }
}

fn zeros_at(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().take_while(|byte| **byte == 0).count()
}

/// How much of what comes next was there before, and how far back, if it is worth a copy.
fn copy_at(
    bytes: &[u8],
    at: usize,
    places: &mut [usize; 1 << PLACES_BITS],
) -> Option<(usize, usize)> {
    let gram: [u8; GRAM] = bytes[at..].first_chunk().copied()?;
    let spread = u64::from_le_bytes(gram).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let place = &mut places[usize::try_from(spread >> (u64::BITS - PLACES_BITS)).unwrap_or(0)];
    // Kept plus one, for there may be none.
    let before = std::mem::replace(place, at + 1).checked_sub(1)?;
    let alike = bytes[before..].iter().zip(&bytes[at..]).take_while(|(one, other)| one == other);
    let length = alike.count();
    (length >= COPY_MIN).then_some((length, at - before))
}

fn put_step(plain: &[u8], zeros: usize, out: &mut Vec<u8>) {
    let half = |count: usize| u8::try_from(count.min(HALF_MAX)).unwrap_or(0);
    out.push(half(plain.len()) << 4 | half(zeros));
    for count in [plain.len(), zeros] {
        if let Some(more) = count.checked_sub(HALF_MAX) {
            put_number(more, out);
        }
    }
    out.extend_from_slice(plain);
}

fn put_number(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7F).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or(0));
}

fn get_number(mut next: impl FnMut() -> Result<u8, DecodeError>) -> Result<usize, DecodeError> {
    let mut number = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = next()?;
        let bits = usize::from(byte & 0x7F);
        if bits.leading_zeros() < shift && bits != 0 {
            break;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(DecodeError("a packed number too large"))
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
    fn what_is_said_twice_takes_little_more_than_once() {
        let digest: Vec<u8> = (1..=32).map(|byte| byte * 7).collect();
        let twice = [&digest[..], &[0; 20], &digest, &[1, 2, 3]].concat();
        let packed = pack(&twice);
        assert!(packed.len() <= digest.len() + 12, "{} bytes", packed.len());
        assert_eq!(unpack(&packed), Ok(twice));
        let run = vec![5; 1_000];
        assert_eq!(unpack(&pack(&run)), Ok(run), "a copy may reach into itself");
    }

    #[test]
    fn bytes_that_are_no_packed_form_are_refused() {
        let no_such: [&[u8]; 10] = [
            &[],
            &[1],
            // Longer than it says.
            &[1, 0, 0x20, 1, 2],
            &[1, 0, 0x02],
            &[1, 0, 0x10, 1, 0],
            // From before the beginning, from nowhere, and without an end.
            &[4, 0, 0x10, 1, 0, 3, 2],
            &[4, 0, 0x10, 1, 0, 3, 0],
            &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            // More in codes than there is, and than it takes.
            &[1, 3, 0xE2, 0x00],
            &[1, 9, 0xE2, 0x00, 0x20, 0, 0, 0, 0],
        ];
        for bytes in no_such {
            assert!(unpack(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn texts_take_less_than_a_byte_a_letter_and_what_comes_behind_them_is_as_it_was() {
        let text = b"A sale with a title as long as titles are";
        let noise: Vec<u8> = (1..=250).map(|byte| byte ^ 0x5A).collect();
        let bytes = [&text[..], &noise].concat();
        let packed = pack(&bytes);
        assert!(packed.len() <= text.len() * 7 / 8 + noise.len(), "{} bytes", packed.len());
        assert_eq!(unpack(&packed).as_ref(), Ok(&bytes));
        let front = unpack_front(&packed, 10).expect("a packed form");
        assert!(front.len() >= 10 && bytes.starts_with(&front));
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
