//! Where everything of the shop is. Templates and handlers take their addresses from here.

/// Today's deals.
pub const HOME: &str = "/shop";
/// All deals: `q`, `category`, `day`, `ended` and `after` narrow them down.
pub const DEALS: &str = "/shop/deals";
/// Sign in; below it are `kakao` and `google`.
pub const SIGN_IN: &str = "/shop/sign-in";
/// Make an account.
pub const SIGN_UP: &str = "/shop/sign-up";
/// Sign out, by a form.
pub const SIGN_OUT: &str = "/shop/sign-out";
/// Verify an address: by `token`, or have the mail sent again.
pub const VERIFY: &str = "/shop/verify";
/// Ask for the mail that replaces a password; `set` below it replaces it by `token`.
pub const RESET: &str = "/shop/reset";
/// Set a new password.
pub const RESET_SET: &str = "/shop/reset/set";
/// One's own pages.
pub const ME: &str = "/shop/me";
/// What one is called, and how one signs in.
pub const PROFILE: &str = "/shop/me/profile";
/// Where parcels go; `new` and each address are below it.
pub const ADDRESSES: &str = "/shop/me/addresses";
/// Which news one gets, and how.
pub const ALERTS: &str = "/shop/me/alerts";
/// Leave for good.
pub const WITHDRAW: &str = "/shop/me/withdraw";
/// Deals one has saved.
pub const LIKES: &str = "/shop/likes";
/// News.
pub const INBOX: &str = "/shop/inbox";
/// One's orders.
pub const ORDERS: &str = "/shop/orders";
/// A seller's pages.
pub const BUSINESS: &str = "/shop/business";
/// The operators' pages.
pub const DESK: &str = "/shop/desk";
/// The terms of use.
pub const TERMS: &str = "/shop/terms";
/// What becomes of personal data.
pub const PRIVACY: &str = "/shop/privacy";

/// A deal; below it is the form `like`.
pub fn deal(deal: &str) -> String {
    format!("{DEALS}/{deal}")
}

/// The room of a deal, where people get in line.
pub fn room(deal: &str) -> String {
    format!("/s/{deal}")
}

/// An order; below it are the forms `cancel`, `refund` and `return`, and its `pay`.
pub fn order(order: &str) -> String {
    format!("{ORDERS}/{order}")
}

/// Where an order is paid: a page, and its form.
pub fn pay(order: &str) -> String {
    format!("{ORDERS}/{order}/pay")
}

/// Where units that are held in the room are ordered and paid: a page, and its form; below it is the form
/// `cancel`.
pub fn checkout(deal: &str, purchase: &str) -> String {
    format!("/shop/checkout/{deal}/{purchase}")
}

/// The page that leads on to the provider of a payment.
pub fn go(order: &str) -> String {
    format!("{ORDERS}/{order}/go")
}

/// How a payment came out.
pub fn result(order: &str) -> String {
    format!("{ORDERS}/{order}/result")
}

/// A text as it stands in a query.
pub fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let digits = b"0123456789ABCDEF";
                encoded.push('%');
                encoded.push(char::from(digits[usize::from(byte >> 4)]));
                encoded.push(char::from(digits[usize::from(byte & 15)]));
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_a_query_is_one_value() {
        assert_eq!(encoded("/shop?a=b&c"), "/shop%3Fa%3Db%26c");
        assert_eq!(encoded("차 \"<"), "%EC%B0%A8%20%22%3C");
    }
}
