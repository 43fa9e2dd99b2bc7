//! Logs to standard error, as JSON or text, one event a line.
//!
//! Whatever was logged, a line stays a line: control characters in the formatted event are escaped
//! on their way out, so that no request can forge an entry or drive a terminal.

use std::io::{self, Write as _};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How events are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one object a line.
    Json,
}

/// Starts logging for the process. `filter` is a `tracing` directive such as `info,api=debug`; a
/// broken one counts as `info`. A second call changes nothing.
pub fn start(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        // Of its own failures it would tell on standard error, by a call that panics when that fails.
        .log_internal_errors(false)
        .with_writer(EscapedStderr);
    let started = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    // Only tests start twice, and the first subscriber stays.
    drop(started);
}

/// Makes one writer per event.
#[derive(Clone, Copy, Debug)]
struct EscapedStderr;

impl<'w> MakeWriter<'w> for EscapedStderr {
    type Writer = Escaped<io::Stderr>;

    fn make_writer(&'w self) -> Self::Writer {
        Escaped(io::stderr())
    }
}

/// Writes a formatted event with its control characters escaped, all but the newline that ends it.
/// The formatter hands a whole event over in one write.
#[derive(Debug)]
struct Escaped<W>(W);

impl<W: io::Write> io::Write for Escaped<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let (line, end) = match event.split_last() {
            Some((b'\n', line)) => (line, &b"\n"[..]),
            _ => (event, &b""[..]),
        };
        let written = if line.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
            self.0.write_all(event)
        } else {
            let mut escaped = escape(line);
            escaped.extend_from_slice(end);
            self.0.write_all(&escaped)
        };
        // A log that cannot be written, for its disk is full or its reader gone, stops nothing else.
        drop(written);
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        drop(self.0.flush());
        Ok(())
    }
}

/// A line without what a terminal or reader would obey. What is not ASCII is escaped as JSON has it,
/// so that a line of JSON stays one.
fn escape(line: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(line.len() + 16);
    for chunk in line.utf8_chunks() {
        for char in chunk.valid().chars() {
            // Writing to memory does not fail.
            drop(match char {
                '\0'..='\x1f' | '\x7f' => write!(escaped, "\\x{:02x}", u32::from(char)),
                char if is_obeyed(char) => write!(escaped, "\\u{:04x}", u32::from(char)),
                char => write!(escaped, "{char}"),
            });
        }
        for byte in chunk.invalid() {
            drop(write!(escaped, "\\x{byte:02x}"));
        }
    }
    escaped
}

/// Control characters beyond ASCII (C1), line ends, and marks that change the order in which text
/// is shown.
const fn is_obeyed(char: char) -> bool {
    matches!(
        char,
        '\u{80}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_value_cannot_start_a_line_of_its_own() {
        let kept = Kept::default();
        let writer = kept.clone();
        let make = move || Escaped(writer.clone());
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(make).finish();
        tracing::subscriber::with_default(subscriber, || {
            let value = "a\r\n2026-01-01 INFO forged\x1b[31m";
            tracing::info!(agent = %value, "hello\nworld {value}");
        });
        let written = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.matches('\n').count(), 1, "{written}");
        assert!(!written.contains(['\r', '\x1b']), "{written}");
        assert!(written.contains("forged"));
    }

    #[test]
    fn what_a_reader_would_obey_is_shown_and_words_stay_words() {
        let shown = |text: &[u8]| String::from_utf8(escape(text)).unwrap();
        assert_eq!(shown("a\u{9b}31m\u{85}b".as_bytes()), "a\\u009b31m\\u0085b");
        assert_eq!(
            shown("\u{202e}gpj.exe\u{2066}\u{2029}".as_bytes()),
            "\\u202egpj.exe\\u2066\\u2029"
        );
        assert_eq!(shown(b"\x1b[2J\xff\x80"), "\\x1b[2J\\xff\\x80");
        assert_eq!(shown("대기열 größer é 🎫".as_bytes()), "대기열 größer é 🎫");
        let mut json = escape("{\"agent\":\"\u{202e}\u{9b}\"}".as_bytes());
        let read: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(read["agent"], "\u{202e}\u{9b}");
        json.clear();
    }
}
