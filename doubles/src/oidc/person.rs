//! Who signs in, and for whom.

/// Somebody who can sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// What the provider knows them by; never changes.
    pub subject: String,
    /// What they are called.
    pub name: String,
    /// Their address, if they share it, and whether it is verified.
    pub email: Option<(String, bool)>,
}

/// Who may ask, and where the browser may be sent back.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// The shop's id at the provider.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// Addresses, each exact but for the port of one on this machine (RFC 8252, 7.3).
    pub redirects: Vec<String>,
}

impl ClientOptions {
    /// Whether the browser may be sent back there.
    pub(super) fn takes(&self, redirect: &str) -> bool {
        let asked = without_port(redirect);
        self.redirects
            .iter()
            .any(|known| known == redirect || (asked.is_some() && asked == without_port(known)))
    }
}

/// An address on this machine without its port, which whoever listens may not choose.
fn without_port(address: &str) -> Option<String> {
    let rest = address.strip_prefix("http://127.0.0.1")?;
    let path = rest.find('/').map_or("", |at| &rest[at..]);
    let port = &rest[..rest.len() - path.len()];
    let is_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    is_port.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_exact_but_for_the_port_of_this_machine() {
        let client = |redirect: &str| ClientOptions {
            id: String::new(),
            secret: String::new(),
            redirects: vec![redirect.to_owned()],
        };
        let here = client("http://127.0.0.1:8080/back");
        assert!(here.takes("http://127.0.0.1:41234/back") && here.takes("http://127.0.0.1/back"));
        for other in [
            "http://127.0.0.1:8080/elsewhere",
            "http://127.0.0.1.evil.example/back",
            "http://127.0.0.1:8080@evil.example/back",
            "https://127.0.0.1:8080/back",
        ] {
            assert!(!here.takes(other), "{other}");
        }
        let there = client("https://shop.example/back");
        assert!(there.takes("https://shop.example/back"));
        assert!(!there.takes("https://shop.example:444/back"));
    }
}
