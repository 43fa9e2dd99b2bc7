//! What a server says once it listens: a line for tools, or a few for a person at a terminal.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::console::say;

/// Where everything is.
#[derive(Debug)]
pub(crate) struct Greeting {
    pub(crate) public: SocketAddr,
    pub(crate) operations: SocketAddr,
    pub(crate) tls: bool,
    /// The file with the operator key; `None` when the configuration has it.
    pub(crate) key_file: Option<PathBuf>,
}

impl Greeting {
    /// Says it on standard output.
    pub(crate) fn tell(&self) {
        if std::io::stdout().is_terminal() {
            say(&self.for_people());
        } else {
            say(&self.for_tools());
            let (Self { operations, .. }, site) = (self, self.site());
            tracing::info!("shoppers:   {site}/");
            tracing::info!("reference:  {site}/docs");
            tracing::info!("operations: http://{operations}/metrics");
        }
    }

    fn site(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.public)
    }

    /// The one line that tools read, written out by hand to keep the documented order; addresses
    /// need no escapes.
    fn for_tools(&self) -> String {
        let Self { public, operations, .. } = self;
        format!("{{\"event\":\"listening\",\"public\":\"{public}\",\"ops\":\"{operations}\"}}\n")
    }

    fn for_people(&self) -> String {
        let site = self.site();
        let key = match &self.key_file {
            Some(file) => format!("\"operator\" in {}", file.display()),
            None => "keys.operator of the configuration".to_owned(),
        };
        let mut text = String::from("Rushgate is running.\n\n");
        for (what, said) in [
            ("Shoppers", format!("{site}/")),
            ("API reference", format!("{site}/docs")),
            ("Operator API", format!("{site}/v1/admin/")),
            ("Operator key", key),
            ("Metrics, health", format!("http://{}/ (keep this port private)", self.operations)),
            ("Stop", "Ctrl+C; press it again to stop at once".to_owned()),
        ] {
            // Writing to a string does not fail.
            let _written = writeln!(text, "  {what:<16} {said}");
        }
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(tls: bool, key_file: Option<&str>) -> Greeting {
        Greeting {
            public: ([127, 0, 0, 1], 8080).into(),
            operations: ([127, 0, 0, 1], 9090).into(),
            tls,
            key_file: key_file.map(PathBuf::from),
        }
    }

    #[test]
    fn people_are_told_where_everything_is_and_how_to_stop() {
        let text = greeting(true, Some("data/keys.json")).for_people();
        for part in [
            "https://127.0.0.1:8080/\n",
            "https://127.0.0.1:8080/docs",
            "http://127.0.0.1:9090/",
            "\"operator\" in data/keys.json",
            "Ctrl+C",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.lines().count() < 12, "{text}");
        let plain = greeting(false, None).for_people();
        assert!(plain.contains("http://127.0.0.1:8080/\n"), "{plain}");
        assert!(!plain.contains("keys.json"), "{plain}");
    }

    #[test]
    fn tools_are_told_in_one_line_of_json() {
        let line = greeting(true, None).for_tools();
        let expected =
            "{\"event\":\"listening\",\"public\":\"127.0.0.1:8080\",\"ops\":\"127.0.0.1:9090\"}\n";
        assert_eq!(line, expected);
    }
}
