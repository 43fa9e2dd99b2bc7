//! Short codes for the first of packed bytes, where the texts and settings of a sale are: the bytes that are common
//! there take five to eight bits, all others eleven.
//!
//! | code             | the byte                |
//! |------------------|-------------------------|
//! | `0` and 4 bits   | one of the first 16 of [`COMMON`] |
//! | `10` and 5 bits  | one of the next 32      |
//! | `110` and 5 bits | one of the last 32      |
//! | `111` and 8 bits | that byte               |
//!
//! Hashes and keys have no common bytes, so how many bytes are coded is up to what comes of it.

use crate::codec::DecodeError;

/// The most bytes that are coded.
const CODED_MAX: usize = 512;

/// What titles, names and SKUs in English are made of, what syllables in Korean begin with, the steps of small
/// numbers, and round numbers.
const COMMON: &[u8; 80] = b" easlirotn\x01\x02\x17\x265-\
    cdumhpgwbyKEASRW0123\x00\x13\x1F\x0F\x22\x27\x28\x14\xEA\xEB\xEC\xED\
    fvkxCDLTOBPM46789\x03\x05\x07\x08\x0A\x12\xE8\xC0\xF4\x60\x88\x80\xA0\x90\xB0";

/// Each byte's place in [`COMMON`].
const RANKS: [Option<u8>; 256] = {
    let mut ranks = [None; 256];
    let mut rank = 0_u8;
    while (rank as usize) < COMMON.len() {
        let byte = COMMON[rank as usize] as usize;
        assert!(ranks[byte].is_none(), "each byte once");
        ranks[byte] = Some(rank);
        rank += 1;
    }
    ranks
};

/// The code of a byte, and its length in bits.
fn code(byte: u8) -> (u32, usize) {
    match RANKS[usize::from(byte)].map(u32::from) {
        Some(rank @ 0..16) => (rank, 5),
        Some(rank @ 16..48) => (0b10 << 5 | (rank - 16), 7),
        Some(rank) => (0b110 << 5 | (rank - 48), 8),
        None => (0b111 << 8 | u32::from(byte), 11),
    }
}

/// Codes as many of the first bytes as is worth it; says how many those are.
pub(super) fn encode(bytes: &[u8]) -> (usize, Vec<u8>) {
    let (mut bits, mut saved_max, mut worth) = (0, 0, 0);
    for (index, byte) in bytes.iter().enumerate().take(CODED_MAX) {
        bits += code(*byte).1;
        let saved = (index + 1).saturating_sub(bits.div_ceil(8));
        if saved > saved_max {
            (saved_max, worth) = (saved, index + 1);
        }
    }
    let (mut out, mut window, mut filled) = (Vec::new(), 0_u32, 0);
    for byte in &bytes[..worth] {
        let (code, length) = code(*byte);
        window = window << length | code;
        filled += length;
        while filled >= 8 {
            filled -= 8;
            let [.., low] = (window >> filled).to_be_bytes();
            out.push(low);
        }
    }
    if filled > 0 {
        let [.., low] = (window << (8 - filled)).to_be_bytes();
        out.push(low);
    }
    (worth, out)
}

/// Reads codes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decoder<'a> {
    bytes: &'a [u8],
    /// How many bits were read.
    read: usize,
}

impl<'a> Decoder<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, read: 0 }
    }

    /// The next byte.
    pub(super) fn next(&mut self) -> Result<u8, DecodeError> {
        let at = |offset: usize| self.bytes.get(self.read / 8 + offset).copied().unwrap_or(0);
        let window = u32::from_be_bytes([at(0), at(1), at(2), 0]) << (self.read % 8);
        let next = |skipped: u32, bits: u32| (window << skipped >> (u32::BITS - bits)) as usize;
        let [of_all, ..] = (window << 3).to_be_bytes();
        let (byte, length) = match window.leading_ones() {
            0 => (COMMON[next(1, 4)], 5),
            1 => (COMMON[16 + next(2, 5)], 7),
            2 => (COMMON[48 + next(3, 5)], 8),
            _ => (of_all, 11),
        };
        self.read += length;
        let is_there = self.read <= self.bytes.len() * 8;
        is_there.then_some(byte).ok_or(DecodeError("a code that ends early"))
    }

    /// What follows the codes, from the next whole byte on.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.read.div_ceil(8)..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_has_a_code_that_leads_back_to_it_and_no_code_begins_another() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        for first in &all {
            let bytes = [*first, b'e', *first];
            // Short ones behind it, so that it is coded.
            let bytes = [&bytes[..], &[b'e'; 40]].concat();
            let (worth, coded) = encode(&bytes);
            assert!(worth > 40, "{worth} bytes");
            let mut decoder = Decoder::new(&coded);
            assert!(bytes[..worth].iter().all(|byte| decoder.next() == Ok(*byte)), "{first}");
            assert_eq!(decoder.rest(), [0; 0]);
        }
        let room: f64 =
            all.iter().map(|byte| 0.5_f64.powi(code(*byte).1.try_into().unwrap())).sum();
        assert!(room <= 1.0, "{room}");
    }

    #[test]
    fn what_is_not_worth_it_is_not_coded() {
        assert_eq!(encode(b""), (0, vec![]));
        assert_eq!(encode(b"\xFE\xFD\xFC").0, 0);
        let (worth, coded) = encode(b"eeeeeeee\xFE\xFD\xFC\xFB\xFA");
        assert_eq!((worth, coded.len()), (8, 5));
        assert_eq!(encode(&[b'e'; 2 * CODED_MAX]).0, CODED_MAX);
    }

    #[test]
    fn a_code_that_is_cut_is_no_byte() {
        let mut decoder = Decoder::new(&[0b1110_0000]);
        assert!(decoder.next().is_err());
        assert!(Decoder::new(&[]).next().is_err());
    }
}
