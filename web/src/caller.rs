//! Who really asks, when proxies stand in front.
//!
//! Owns the rule for `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`: they count
//! only on a connection from a listed proxy, and only as far back as listed proxies wrote them. A
//! client can write what it likes into these headers; it stands to the left of what the first
//! listed proxy appended, and is never reached. `server.public_origin` outweighs scheme and host.
//!
//! Everything is read when it is asked for, so a request that needs none of it pays nothing.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::HeaderMap;
use http::header::{HOST, HeaderName};

use crate::networks::{Network, any_contains};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Hops of `X-Forwarded-For` that are looked at, from the right.
const HOPS_MAX: usize = 32;
/// Characters of a host with its port.
const HOST_CHARS_MAX: usize = 255;

/// How the client reached the outermost proxy, or this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Plain text.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// As URLs write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn of(text: &str) -> Option<Self> {
        let known = [Self::Http, Self::Https];
        known.into_iter().find(|scheme| text.eq_ignore_ascii_case(scheme.as_str()))
    }
}

/// A scheme and host, as a browser sees this site: `https://shop.example`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    host: String,
}

/// The text is no `scheme://host[:port]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoOrigin;

impl FromStr for Origin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let (scheme, host) = text.split_once("://").ok_or(NoOrigin)?;
        let scheme = Scheme::of(scheme).ok_or(NoOrigin)?;
        let host = host.strip_suffix('/').unwrap_or(host).to_ascii_lowercase();
        if is_host(&host) { Ok(Self { scheme, host }) } else { Err(NoOrigin) }
    }
}

impl Origin {
    /// Whether a browser writes this origin as `text`: in small letters, without the scheme's own port.
    pub fn is_as_browsers_write(&self, text: &str) -> bool {
        let own_port = if self.scheme == Scheme::Https { ":443" } else { ":80" };
        self.to_string() == text && !self.host.ends_with(own_port)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)
    }
}

/// The other end of a connection, as far as it matters for who asks.
#[derive(Clone, Copy, Debug)]
pub struct Socket {
    /// Its address: a proxy's, when there is one in front.
    pub addr: SocketAddr,
    /// Whether the connection is TLS.
    pub tls: bool,
    /// Whether it is one of the proxies whose word about others counts.
    pub trusted: bool,
}

/// What tells callers apart: the proxies whose word counts, and where the site is for browsers.
#[derive(Clone, Debug, Default)]
pub struct Callers {
    /// Proxies whose `X-Forwarded-…` and `X-Shopper-Id` count.
    pub trusted_proxies: Vec<Network>,
    /// Where browsers find this site, if it is configured.
    pub public_origin: Option<Origin>,
}

impl Callers {
    /// Who sent a request with these headers over this connection.
    pub const fn caller<'a>(&'a self, headers: &'a HeaderMap, socket: Socket) -> Caller<'a> {
        Caller { callers: self, headers, socket }
    }
}

/// Who sent one request.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    callers: &'a Callers,
    headers: &'a HeaderMap,
    socket: Socket,
}

impl<'a> Caller<'a> {
    /// The client's address: the rightmost hop that is not a listed proxy. `None` when a listed
    /// proxy names no client, so that one proxy is not taken for one person.
    pub fn address(&self) -> Option<IpAddr> {
        if !self.socket.trusted {
            return Some(self.socket.addr.ip().to_canonical());
        }
        let lines = self.headers.get_all(X_FORWARDED_FOR).iter().rev();
        let hops = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
        for hop in hops.take(HOPS_MAX) {
            // Beyond a hop that cannot be read nothing is certain.
            let address = hop_address(hop.trim())?.to_canonical();
            if !any_contains(&self.callers.trusted_proxies, address) {
                return Some(address);
            }
        }
        None
    }

    /// How the client reached us.
    pub fn scheme(&self) -> Scheme {
        if let Some(origin) = &self.callers.public_origin {
            return origin.scheme;
        }
        let own = if self.socket.tls { Scheme::Https } else { Scheme::Http };
        self.forwarded(&X_FORWARDED_PROTO).and_then(Scheme::of).unwrap_or(own)
    }

    /// The host and port that the client asked for, as in a URL.
    pub fn host(&self) -> Option<&'a str> {
        if let Some(origin) = &self.callers.public_origin {
            return Some(&origin.host);
        }
        let own = || self.headers.get(HOST)?.to_str().ok();
        self.forwarded(&X_FORWARDED_HOST).or_else(own).filter(|host| is_host(host))
    }

    /// Scheme and host, as a browser's `Origin` header has them.
    pub fn origin(&self) -> Option<String> {
        let host = self.host()?;
        Some(format!("{}://{}", self.scheme().as_str(), host.to_ascii_lowercase()))
    }

    /// What the nearest listed proxy said: the last value of the last line.
    fn forwarded(&self, name: &HeaderName) -> Option<&'a str> {
        if !self.socket.trusted {
            return None;
        }
        let line = self.headers.get_all(name).iter().next_back()?.to_str().ok()?;
        line.rsplit(',').next().map(str::trim).filter(|value| !value.is_empty())
    }
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).unwrap_or(hop);
    let with_port = || hop.parse::<SocketAddr>().map(|addr| addr.ip());
    bare.parse::<IpAddr>().or_else(|_| with_port()).ok()
}

fn is_host(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    (1..=HOST_CHARS_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use http::header::HeaderValue;

    use super::*;

    fn callers(public_origin: Option<&str>) -> Callers {
        let trusted = ["127.0.0.0/8", "10.0.0.0/8", "2001:db8:1::/48"];
        Callers {
            trusted_proxies: trusted.iter().map(|text| text.parse().unwrap()).collect(),
            public_origin: public_origin.map(|text| text.parse().unwrap()),
        }
    }

    fn socket(callers: &Callers, addr: &str) -> Socket {
        let addr: SocketAddr = addr.parse().unwrap();
        let trusted = any_contains(&callers.trusted_proxies, addr.ip());
        Socket { addr, tls: false, trusted }
    }

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line =
            |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(line) {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn the_client_is_the_rightmost_hop_that_is_no_listed_proxy() {
        let callers = callers(None);
        let proxy = socket(&callers, "127.0.0.1:1");
        for (lines, client) in [
            (&["198.51.100.7"][..], Some("198.51.100.7")),
            (&["6.6.6.6, 198.51.100.7, 10.1.2.3"], Some("198.51.100.7")),
            (&["6.6.6.6", "198.51.100.7", "10.1.2.3,10.1.2.4"], Some("198.51.100.7")),
            (&["198.51.100.7:4711"], Some("198.51.100.7")),
            (&["::ffff:198.51.100.7, ::ffff:10.1.1.1"], Some("198.51.100.7")),
            (&["[2001:db8:2::9]:4711, 2001:db8:1::5"], Some("2001:db8:2::9")),
            (&["6.6.6.6, unknown, 10.1.2.3"], None),
            (&["10.9.9.9"], None),
            (&[""], None),
            (&[], None),
        ] {
            let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
            let headers = headers(&lines);
            let found = callers.caller(&headers, proxy).address();
            assert_eq!(found, client.map(|text| text.parse().unwrap()), "{lines:?}");
        }
        let stranger = socket(&callers, "[::ffff:203.0.113.5]:1");
        let headers = headers(&[("x-forwarded-for", "6.6.6.6")]);
        let found = callers.caller(&headers, stranger).address();
        assert_eq!(found, Some("203.0.113.5".parse().unwrap()), "a stranger's word does not count");
    }

    #[test]
    fn scheme_and_host_come_from_the_configured_origin_a_listed_proxy_or_the_connection() {
        let open = callers(None);
        let said = headers(&[
            ("host", "inner:8080"),
            ("x-forwarded-proto", "http, https"),
            ("x-forwarded-host", "shop.example"),
        ]);
        let proxy = socket(&open, "10.0.0.1:1");
        let caller = open.caller(&said, proxy);
        assert_eq!((caller.scheme(), caller.host()), (Scheme::Https, Some("shop.example")));
        assert_eq!(caller.origin().as_deref(), Some("https://shop.example"));

        let stranger = socket(&open, "203.0.113.5:1");
        let caller = open.caller(&said, stranger);
        assert_eq!((caller.scheme(), caller.host()), (Scheme::Http, Some("inner:8080")));

        let fixed = callers(Some("https://Public.example:8443/"));
        for socket in [proxy, stranger] {
            let caller = fixed.caller(&said, socket);
            assert_eq!(caller.origin().as_deref(), Some("https://public.example:8443"));
        }
        let odd = headers(&[("host", "a\"b"), ("x-forwarded-proto", "ftp")]);
        let caller = open.caller(&odd, proxy);
        assert_eq!((caller.scheme(), caller.host()), (Scheme::Http, None));
    }

    #[test]
    fn an_origin_is_a_scheme_and_a_host_and_nothing_else() {
        for text in
            ["", "shop.example", "ftp://shop.example", "https://", "https://a/b", "https://a?b"]
        {
            assert_eq!(text.parse::<Origin>(), Err(NoOrigin), "{text}");
        }
    }
}
