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
    /// Whether the shop runs.
    pub(crate) has_shop: bool,
    /// Where the doubles are asked what came to them, if they run.
    pub(crate) doubles: Option<SocketAddr>,
    /// The file with the accounts of the demo, which is there if the doubles run.
    pub(crate) demo_file: PathBuf,
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
            if self.has_shop {
                tracing::info!("shop:       {site}/shop");
            }
        }
    }

    fn site(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.public)
    }

    /// The one line that tools read, written out by hand to keep the documented order; addresses
    /// need no escapes.
    fn for_tools(&self) -> String {
        let Self { public, operations, .. } = self;
        let doubles = self.doubles.map(|doubles| format!(",\"doubles\":\"{doubles}\""));
        let doubles = doubles.unwrap_or_default();
        format!(
            "{{\"event\":\"listening\",\"public\":\"{public}\",\"ops\":\"{operations}\"{doubles}}}\n"
        )
    }

    fn for_people(&self) -> String {
        let site = self.site();
        let key = match &self.key_file {
            Some(file) => format!("\"operator\" in {}", file.display()),
            None => "keys.operator of the configuration".to_owned(),
        };
        let mut rows = vec![("Shoppers", format!("{site}/"))];
        if self.has_shop {
            rows.push(("Shop", format!("{site}/shop")));
        }
        if let Some(doubles) = self.doubles {
            rows.push((
                "Sign in",
                format!("{site}/shop/sign-in as in {}", self.demo_file.display()),
            ));
            rows.push(("Mails it sent", format!("http://{doubles}/mail")));
        }
        rows.extend([
            ("API reference", format!("{site}/docs")),
            ("Operator API", format!("{site}/v1/admin/")),
            ("Operator key", key),
            ("Metrics, health", format!("http://{}/ (keep this port private)", self.operations)),
            ("Stop", "Ctrl+C; press it again to stop at once".to_owned()),
        ]);
        let mut text = String::from("Rushgate is running.\n\n");
        for (what, said) in rows {
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
            has_shop: false,
            doubles: None,
            demo_file: PathBuf::from("data/demo.json"),
        }
    }

    fn demo() -> Greeting {
        let doubles = Some(([127, 0, 0, 1], 9208).into());
        Greeting { has_shop: true, doubles, ..greeting(false, None) }
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
        assert!(!plain.contains("/shop") && demo().for_people().contains("data/demo.json"));
    }

    #[test]
    fn tools_are_told_in_one_line_of_json() {
        let line = greeting(true, None).for_tools();
        let expected =
            "{\"event\":\"listening\",\"public\":\"127.0.0.1:8080\",\"ops\":\"127.0.0.1:9090\"}\n";
        assert_eq!(line, expected);
        let line = demo().for_tools();
        assert!(line.ends_with(",\"doubles\":\"127.0.0.1:9208\"}\n"), "{line}");
    }
}
