//! A short name for one request, the same in its answer and in the log.
//!
//! Either a listed proxy has named the request already, or the name is made here: eight random hex
//! digits for the process and a counter. That is unique within a process and, with all likelihood,
//! across nodes. Each thread takes its numbers in blocks, so naming a request touches nothing that
//! threads share.
//!
//! Problem documents and log events that are written while a request is worked on find its name in
//! [`RequestId::current`]; [`RequestId::within`] sets it for the time of one call or one poll.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::header::{HeaderName, HeaderValue};

/// The header that names a request, on every answer and from listed proxies.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Characters of a name that a proxy gave: room for a UUID, a trace id or what load balancers make.
const GIVEN_CHARS_MAX: usize = 128;
/// Numbers that a thread takes at once.
const BLOCK: u64 = 4_096;
/// `1f0c9a2b-` and up to 16 hex digits.
const OWN_BYTES_MAX: usize = PREFIX_BYTES + 16;
const PREFIX_BYTES: usize = 9;

static NEXT_BLOCK: AtomicU64 = AtomicU64::new(0);
static PROCESS: OnceLock<u32> = OnceLock::new();

thread_local! {
    /// The next number of this thread; at a multiple of [`BLOCK`] its block is used up.
    static NEXT: Cell<u64> = const { Cell::new(0) };
    /// The request that this thread works on.
    static CURRENT: RefCell<Option<RequestId>> = const { RefCell::new(None) };
}

/// A request's name: `1f0c9a2b-17`, or what a listed proxy called it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Name);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Own(u64),
    Given(HeaderValue),
}

impl RequestId {
    /// A name that no other request of this process has.
    pub fn next() -> Self {
        Self(Name::Own(number()))
    }

    /// The name in a proxy's `X-Request-Id`: up to 128 letters, digits and `. _ : + / = -`. Anything
    /// else could not stand in a log, a JSON document or a page as it is, and is no name.
    pub fn given(value: &HeaderValue) -> Option<Self> {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:+/=-".contains(byte);
        let fits = (1..=GIVEN_CHARS_MAX).contains(&value.len());
        (fits && value.as_bytes().iter().all(allowed)).then(|| Self(Name::Given(value.clone())))
    }

    /// The request that this thread works on; a name of its own outside of [`Self::within`].
    pub fn current() -> Self {
        CURRENT.with_borrow(Clone::clone).unwrap_or_else(Self::next)
    }

    /// The same, if there is one.
    pub fn current_if_any() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Does work on behalf of this request.
    pub fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let _before = Before(CURRENT.replace(Some(self.clone())));
        work()
    }

    /// As the value of `X-Request-Id`.
    pub fn header(&self) -> HeaderValue {
        let number = match &self.0 {
            Name::Own(number) => *number,
            Name::Given(value) => return value.clone(),
        };
        let mut text = [0; OWN_BYTES_MAX];
        let mut at = text.len();
        let mut put = |byte| {
            at -= 1;
            text[at] = byte;
        };
        let mut left = number;
        loop {
            put(hex_digit(left));
            left >>= 4;
            if left == 0 {
                break;
            }
        }
        put(b'-');
        let mut left = u64::from(process());
        for _ in 0..PREFIX_BYTES - 1 {
            put(hex_digit(left));
            left >>= 4;
        }
        // Hex digits and a dash are always a header value.
        HeaderValue::from_bytes(&text[at..]).unwrap_or_else(|_| HeaderValue::from_static("-"))
    }

    /// A number in `0..bound` that differs from one request to the next: spreads retries out.
    pub fn spread(&self, bound: u32) -> u32 {
        let number = match self.0 {
            Name::Own(number) => number,
            Name::Given(_) => number(),
        };
        // Fibonacci hashing: consecutive counters land far apart.
        let mixed = (number ^ u64::from(process())).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        u32::try_from((mixed * u64::from(bound)) >> 32).unwrap_or(0)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.header().to_str().unwrap_or_default())
    }
}

/// Puts the request back that the thread worked on before, however the work ends.
struct Before(Option<RequestId>);

impl Drop for Before {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

fn number() -> u64 {
    let next = NEXT.get();
    let number = if next.is_multiple_of(BLOCK) {
        // ORDERING: Relaxed; only uniqueness matters.
        NEXT_BLOCK.fetch_add(BLOCK, Ordering::Relaxed)
    } else {
        next
    };
    NEXT.set(number + 1);
    number
}

fn hex_digit(value: u64) -> u8 {
    b"0123456789abcdef"[usize::try_from(value & 0xf).unwrap_or(0)]
}

fn process() -> u32 {
    // Without randomness the ids of two nodes may meet in a shared log; nothing else depends on it.
    *PROCESS.get_or_init(|| getrandom::u32().unwrap_or_else(|_| std::process::id()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn names_differ_over_blocks_and_threads_and_spread_stays_in_bounds() {
        let names = || (0..2 * BLOCK + 5).map(|_| RequestId::next().to_string()).collect();
        let threads = [std::thread::spawn(names), std::thread::spawn(names)];
        let names: Vec<Vec<String>> = threads.map(|thread| thread.join().unwrap()).into();
        let distinct: BTreeSet<&String> = names.iter().flatten().collect();
        assert_eq!(distinct.len(), names.iter().flatten().count());
        assert!(distinct.iter().all(|name| name.split_once('-').unwrap().0.len() == 8));
        assert!((0..1000).all(|_| RequestId::next().spread(7) < 7));
    }

    #[test]
    fn a_proxy_names_a_request_in_characters_that_can_stand_anywhere() {
        let read = |text: &str| RequestId::given(&HeaderValue::from_str(text).unwrap());
        for text in [
            "1",
            "b7e2c1a0-4f9d-4c0e-9a5e-0c7f1d2e3b4a",
            "Root=1-67891233:a/b+c._",
            &"a".repeat(128),
        ] {
            assert_eq!(read(text).unwrap().header(), text);
        }
        for text in ["", "a b", "a\"b", "a<b", "a\tb", "é", &"a".repeat(129)] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_current_request_is_the_innermost_and_gone_afterwards_even_if_the_work_panics() {
        let (outer, inner) = (RequestId::next(), RequestId::next());
        outer.within(|| {
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                inner.within(|| panic!("{}", RequestId::current()))
            }));
            assert!(panicked.is_err());
            assert_eq!(RequestId::current(), outer);
        });
        assert_eq!(RequestId::current_if_any(), None);
    }
}
