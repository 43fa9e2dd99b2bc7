//! Messages and refusals as the service writes them.

use base::moment::Moment;
use outbound::Answer;
use serde::Deserialize;
use serde_json::{Value, json};

use super::model::Message;
use crate::limits::{PUSH_BODY_CHARS_MAX, PUSH_KEPT_FOR, PUSH_TITLE_CHARS_MAX};

/// The body of `messages:send`.
pub(super) fn body(token: &str, message: &Message<'_>, now: Moment) -> Value {
    let lasts = message.until.map_or(PUSH_KEPT_FOR, |until| until.since(now).min(PUSH_KEPT_FOR));
    let (lasts, ends) = (lasts.as_secs(), now.after(lasts).0 / 1_000);
    let title = shortened(message.title, PUSH_TITLE_CHARS_MAX);
    let text = shortened(message.body, PUSH_BODY_CHARS_MAX);
    let mut notification = json!({ "title": title, "body": text });
    if let Some(image) = message.image {
        notification["image"] = json!(image);
    }
    let mut data = json!({ "notice": message.tag });
    let mut web = json!({
        "headers": { "TTL": lasts.to_string() },
        "notification": { "tag": message.tag },
    });
    if let Some(link) = message.link {
        data["link"] = json!(link);
        // The service takes no other.
        if link.starts_with("https://") {
            web["fcm_options"] = json!({ "link": link });
        }
    }
    json!({ "message": {
        "token": token,
        "notification": notification,
        "data": data,
        "webpush": web,
        "android": { "ttl": format!("{lasts}s"), "notification": { "tag": message.tag } },
        "apns": { "headers": {
            "apns-collapse-id": message.tag, "apns-expiration": ends.to_string(),
        } },
    } })
}

/// A text with so many characters at most; a longer one ends in an ellipsis.
fn shortened(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let kept = text.chars().take(chars_max.saturating_sub(1));
    kept.chain(['…']).collect()
}

/// What a refusal tells.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    /// The service's name for it.
    pub(super) code: Option<String>,
    /// Whether it is the token that cannot be.
    pub(super) is_about_the_token: bool,
}

#[derive(Deserialize)]
struct Refused {
    error: Told,
}

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
struct Told {
    message: String,
    status: Option<String>,
    details: Option<Vec<Detail>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Detail {
    error_code: Option<String>,
    field_violations: Vec<Violation>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Violation {
    field: String,
}

/// Reads a refusal. One in another form tells nothing: something on the way said it.
pub(super) fn refusal(answer: &Answer) -> Refusal {
    let Ok(Refused { error }) = answer.json() else { return Refusal::default() };
    let details = error.details.unwrap_or_default();
    let mut fields = details.iter().flat_map(|detail| &detail.field_violations);
    let is_about_the_token = fields.any(|violation| violation.field == "message.token")
        || error.message.starts_with("The registration token is not a valid");
    let code = details.into_iter().find_map(|detail| detail.error_code).or(error.status);
    Refusal { code, is_about_the_token }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_message_is_one_that_the_service_takes() {
        let long = "한".repeat(4_000);
        let message = Message {
            tag: "01h5kz0000000000000000000a",
            title: &long,
            body: &long,
            link: Some("https://shop.example/deals/1"),
            image: None,
            until: None,
        };
        let body = body("token", &message, Moment(0));
        let message = &body["message"];
        let bytes = message["notification"].to_string().len() + message["data"].to_string().len();
        assert!(bytes <= 4_096, "{bytes}");
        assert!(message["notification"]["body"].as_str().unwrap().ends_with("한…"));
    }

    #[test]
    fn a_message_ages_with_what_it_says() {
        let now = Moment(1_000_000);
        let ttl = |until: Option<i64>| {
            let message = Message {
                tag: "t",
                title: "",
                body: "",
                link: Some("http://127.0.0.1/x"),
                image: None,
                until: until.map(Moment),
            };
            let body = body("token", &message, now);
            assert!(body["message"]["webpush"]["fcm_options"].is_null(), "no https");
            body["message"]["android"]["ttl"].as_str().unwrap().to_owned()
        };
        assert_eq!(ttl(None), "86400s");
        assert_eq!(ttl(Some(1_060_000)), "60s");
        assert_eq!(ttl(Some(9)), "0s");
    }
}
