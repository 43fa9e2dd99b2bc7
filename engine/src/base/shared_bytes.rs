//! Bytes that several share, by a pointer of eight bytes. There may be a hundred thousand of them, each short: an
//! `Arc<[u8]>` takes sixteen for its pointer, and a count more that is never used.

use std::{fmt, ops::Deref};

use triomphe::ThinArc;

/// Bytes that never change, and belong to all who have them.
#[derive(Clone)]
pub(crate) struct SharedBytes(ThinArc<(), u8>);

impl SharedBytes {
    /// A copy of bytes.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(ThinArc::from_header_and_slice((), bytes))
    }

    /// Whether both are one.
    pub(crate) fn ptr_eq(one: &Self, other: &Self) -> bool {
        one.0.ptr() == other.0.ptr()
    }
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.slice
    }
}

impl From<Vec<u8>> for SharedBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(&bytes)
    }
}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} shared bytes", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_one_and_what_is_alike_is_not() {
        let shared = SharedBytes::new(b"a sale");
        assert_eq!(size_of_val(&shared), size_of::<usize>());
        let other = shared.clone();
        assert!(SharedBytes::ptr_eq(&shared, &other));
        drop(shared);
        assert_eq!(*other, *b"a sale");
        assert!(!SharedBytes::ptr_eq(&other, &SharedBytes::new(b"a sale")));
        assert!(SharedBytes::new(&[]).is_empty());
    }
}
