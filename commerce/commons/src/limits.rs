//! Every bound of this crate.

use std::time::Duration;

/// The longest label, in bytes.
pub const LABEL_BYTES_MAX: usize = 40;

/// How many likes a person can have.
pub const LIKES_MAX: u64 = 2_000;

/// How many rows one write of a longer piece of work changes.
pub const STEP_MAX: u64 = 200;

/// How long a notice is in the inbox. A fan-out that is repeated later tells again.
pub const NOTICES_KEPT_FOR: Duration = Duration::from_hours(90 * 24);

/// The longest values of a notice, with its detail, in bytes.
pub const VALUES_BYTES_MAX: usize = 4_000;

/// The longest title of a push, in characters. A push has 4,096 bytes at most.
pub const PUSH_TITLE_CHARS_MAX: usize = 150;

/// The longest text of a push, in characters.
pub const PUSH_BODY_CHARS_MAX: usize = 600;

/// How long sending a push, or proving who we are, may take.
pub const PUSH_DEADLINE: Duration = Duration::from_secs(10);

/// Pushes under way at once.
pub const PUSHES_AT_ONCE: u32 = 16;

/// Mails under way at once.
pub const MAILS_AT_ONCE: u32 = 4;

/// How long sending one may take in all.
pub const SEND_WITHIN: Duration = Duration::from_secs(30);

// An access token may have to be asked for first.
const _: () = assert!(SEND_WITHIN.as_secs() > 2 * PUSH_DEADLINE.as_secs());

/// How often a push or a mail is tried, over some four hours.
pub const SEND_ATTEMPTS_MAX: i64 = 16;

/// How long a push is kept for a device that is off, unless it ages before.
pub const PUSH_KEPT_FOR: Duration = Duration::from_hours(24);

/// How long before its end an access token of the push service is replaced.
pub const PUSH_ACCESS_MARGIN: Duration = Duration::from_mins(5);

/// How long an assertion to the push service is good.
pub const PUSH_ASSERTION_TTL: Duration = Duration::from_mins(10);

/// The longest answer of the push service that is read, in bytes.
pub const PUSH_ANSWER_BYTES_MAX: usize = 64 * 1_024;

/// The longest file of a service account, in bytes: real ones have some 2,400.
pub const SERVICE_ACCOUNT_BYTES_MAX: usize = 16_384;

/// The longest key of a file, in bytes.
pub const KEY_BYTES_MAX: usize = 160;

/// The longest file that somebody may upload, in bytes.
pub const UPLOAD_BYTES_MAX: u64 = 10 * 1_024 * 1_024;

/// How long a grant to upload lasts, completing it included.
pub const GRANT_TTL: Duration = Duration::from_mins(30);

/// When what was not completed is removed. What was begun before a grant's end is over by then.
pub const GRANT_OVER_AFTER: Duration = Duration::from_hours(1);

const _: () = assert!(GRANT_OVER_AFTER.as_secs() >= 2 * GRANT_TTL.as_secs());

/// How many pictures a person may have that no subject uses, grants included.
pub const MEDIA_FREE_MAX: u64 = 60;

/// How long a picture is kept that no subject uses.
pub const MEDIA_FREE_FOR: Duration = Duration::from_hours(24);

/// How many pictures a subject has.
pub const PICTURES_MAX: usize = 20;

/// How many pixels a picture may have.
pub const PICTURE_PIXELS_MAX: u64 = 24_000_000;

/// How long its longer side may be, in pixels.
pub const PICTURE_SIDE_MAX: u32 = 16_000;

/// How much memory decoding one may take, in bytes: its pixels in sixteen bits and four channels.
pub const PICTURE_ALLOC_MAX: u64 = PICTURE_PIXELS_MAX * 8;

/// How many pictures are drawn at once: each takes up to half a second of a processor, and memory.
pub const DRAWING_AT_ONCE: usize = 2;

/// How many more may wait for it, with what was uploaded in memory.
pub const DRAWING_WAITING_MAX: usize = 16;

/// How many of all these one person may have.
pub const DRAWING_OF_ONE_MAX: usize = 4;

/// The longest file that is drawn of a picture, in bytes. What is longer without loss is drawn with some.
pub const DRAWING_BYTES_MAX: usize = 6 * 1_024 * 1_024;

/// How long a URL of a private file is good.
pub const PRIVATE_LINK_TTL: Duration = Duration::from_hours(1);

/// How long a call of the object store may take.
pub const FILES_DEADLINE: Duration = Duration::from_secs(20);

/// How much of a document's title, and of its text, is searched, in characters.
pub const SEARCH_TEXT_CHARS_MAX: usize = 4_000;

/// How many tokens a document has in the index.
pub const SEARCH_TOKENS_MAX: usize = 2_000;

/// How much of a word of letters counts, in characters.
pub const SEARCH_WORD_CHARS_MAX: usize = 40;

/// The longest tag of a document, in bytes.
pub const SEARCH_TAG_BYTES_MAX: usize = 80;

/// How much counts of what somebody types, in characters.
pub const QUERY_CHARS_MAX: usize = 100;

/// How many things are searched for at once. What is typed beyond that is not looked at.
pub const QUERY_TERMS_MAX: usize = 16;

/// How many of these are single characters.
pub const QUERY_SHORTEST_MAX: usize = 2;

/// How many suggestions there are.
pub const SUGGESTIONS_MAX: usize = 8;

/// The longest detail of an entry of the audit, in bytes.
pub const AUDIT_BYTES_MAX: usize = 4_000;
