//! Random texts: ids, codes and one-time tokens.

/// So many random characters out of digits and small letters `a` to `f`.
pub(crate) fn random(characters: usize) -> String {
    let mut bytes = vec![0; characters.div_ceil(2)];
    // Without randomness a double cannot go on; a test sees the panic.
    getrandom::fill(&mut bytes).expect("the system has randomness");
    let mut text: String = bytes.iter().flat_map(|byte| digits(*byte)).collect();
    text.truncate(characters);
    text
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| digits(*byte)).collect()
}

/// The bytes of digits in pairs; `None` of anything else.
pub(crate) fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.map(|pair| byte(pair).filter(|_| pair.len() == 2)).collect()
}

fn digits(byte: u8) -> [char; 2] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    [char::from(HEX[usize::from(byte >> 4)]), char::from(HEX[usize::from(byte & 0xf)])]
}
