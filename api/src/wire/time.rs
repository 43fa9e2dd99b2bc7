//! Times of the engine as the wire writes them, see [`web::time`].

use engine::clock::Millis;
use serde::Serializer;

/// Reads an RFC 3339 time.
pub fn parse_time(text: &str) -> Option<Millis> {
    web::time::parse_time(text).map(Millis)
}

/// A time as text.
pub fn format_time(time: Millis) -> String {
    web::time::format_time(time.0)
}

/// Appends a time as text.
pub fn write_time(time: Millis, out: &mut Vec<u8>) {
    web::time::write_time(time.0, out);
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
pub(super) fn serialize<S: Serializer>(time: &Millis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_time(*time))
}

#[expect(clippy::ref_option, reason = "serde passes fields by reference")]
pub(super) fn serialize_option<S: Serializer>(
    time: &Option<Millis>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serialize(time, serializer),
        None => serializer.serialize_none(),
    }
}
