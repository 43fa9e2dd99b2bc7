//! Cookies as they come in: every value of a name, in the order the browser sent them.

use engine::view::SaleView;
use hyper::{HeaderMap, header::COOKIE};

/// The name of a sale's ticket cookie; over HTTPS it stands after `__Host-`.
pub fn ticket_name(sale: &SaleView) -> String {
    format!("rushgate-{}", sale.name())
}

/// The values of the cookies called `prefix` and then `name`.
pub fn values<'h>(
    headers: &'h HeaderMap,
    prefix: &str,
    name: &str,
) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    let is_it = move |found: &str| found.trim().strip_prefix(prefix) == Some(name);
    pairs.filter(move |(found, _)| is_it(found)).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn every_value_of_a_name_is_found_in_order() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; b=2;a= 3 ; __Host-a=4; aa=5"));
        headers.append(COOKIE, HeaderValue::from_static("a=6; c"));
        let found = |prefix| values(&headers, prefix, "a").collect::<Vec<_>>();
        assert_eq!(found(""), ["1", "3", "6"]);
        assert_eq!(found("__Host-"), ["4"]);
    }
}
