//! Pictures: a grant, an upload, and what is shown of it (defect 30).

use serde_json::{Value, json};

use super::{Shop, SignedIn, on_both};
use crate::client::{Ask, ask, get};

/// A picture of 2 × 2 pixels.
const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x02, 0x08, 0x02, 0x00, 0x00, 0x00, 0xfd, 0xd4, 0x9a,
    0x73, 0x00, 0x00, 0x00, 0x10, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x38, 0x61, 0x64, 0x04,
    0x44, 0x0c, 0x10, 0x0a, 0x00, 0x23, 0x36, 0x04, 0xb1, 0x46, 0x7c, 0x16, 0x33, 0x00, 0x00, 0x00,
    0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

async fn grant(shop: Shop, by: &SignedIn, visibility: &str) -> Value {
    let asked = json!({
        "content_type": "image/png", "bytes": PNG.len(), "visibility": visibility,
    });
    shop.tell(by.post("/v1/media").json(&asked)).await.is(201).json()
}

fn path(url: &Value) -> String {
    let (_, rest) = url.as_str().unwrap().split_once("://").unwrap();
    format!("/{}", rest.split_once('/').unwrap().1)
}

/// The upload as a browser does it: with what the grant says and nothing else.
fn put(granted: &Value, file: &'static [u8]) -> Ask {
    let upload = &granted["upload"];
    assert_eq!(upload["method"], "PUT");
    let kind = upload["headers"]["Content-Type"].as_str().unwrap();
    ask("PUT", path(&upload["url"])).header("content-type", kind).body(file)
}

fn complete(by: &SignedIn, granted: &Value) -> Ask {
    by.post(&format!("/v1/media/{}/complete", granted["media"].as_str().unwrap()))
}

on_both! {
    /// Defect 30.
    async fn defect_30_a_picture_is_put_by_whom_the_url_was_made_for_and_shown_to_all(shop) {
        let (_, owner) = shop.verified("painter").await;
        let (_, other) = shop.verified("other").await;
        let granted = grant(shop, &owner, "public").await;
        shop.tell(complete(&owner, &granted)).await.refuses(409, "upload_absent");
        shop.tell(put(&granted, PNG)).await.is(204);
        shop.tell(complete(&other, &granted)).await.refuses(404, "upload_unknown");
        let incoming = path(&granted["upload"]["url"]);
        shop.tell(get(incoming)).await.refuses(404, "not_found");
        let ready = shop.tell(complete(&owner, &granted)).await.is(200).json();
        assert_eq!((&ready["state"], &ready["width"]), (&json!("ready"), &json!(2)));
        shop.tell(complete(&owner, &granted)).await.is(200);
        let one = format!("/v1/media/{}", granted["media"].as_str().unwrap());
        assert_eq!(shop.tell(owner.get(&one)).await.is(200).json(), ready);
        shop.tell(other.get(&one)).await.refuses(404, "upload_unknown");
        let shown = shop.tell(get(path(&ready["files"][0]["url"]))).await.is(200);
        assert_eq!(shown.header("content-type"), ready["files"][0]["content_type"].as_str());
        assert_eq!(shown.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(shown.header("x-content-type-options"), Some("nosniff"));
        assert!(shown.body.starts_with(&[0xff, 0xd8]), "it was drawn again, as a JPEG");
    }

    async fn a_private_picture_is_shown_to_whoever_was_given_its_url(shop) {
        let (_, owner) = shop.verified("painter").await;
        let granted = grant(shop, &owner, "private").await;
        shop.tell(put(&granted, PNG)).await.is(204);
        let ready = shop.tell(complete(&owner, &granted)).await.is(200).json();
        let url = path(&ready["files"][0]["url"]);
        let shown = shop.tell(get(url.as_str())).await.is(200);
        assert_eq!(shown.header("cache-control"), Some("no-store"));
        let (bare, _) = url.split_once('?').unwrap();
        shop.tell(get(bare)).await.refuses(404, "not_found");
        shop.tell(get(format!("{url}x"))).await.refuses(404, "not_found");
    }

    async fn an_upload_has_the_type_and_the_length_that_were_granted(shop) {
        let (_, owner) = shop.verified("painter").await;
        let granted = grant(shop, &owner, "public").await;
        let mut other_type = put(&granted, PNG);
        other_type.headers.insert("content-type", "image/jpeg".parse().unwrap());
        shop.tell(other_type).await.refuses(403, "upload_ticket_invalid");
        shop.tell(put(&granted, &PNG[1..])).await.refuses(403, "upload_ticket_invalid");
        let longer: &'static [u8] = [PNG, b"x"].concat().leak();
        shop.tell(put(&granted, longer)).await.refuses(413, "body_too_large");
        let url = path(&granted["upload"]["url"]);
        let altered = url.replace("bytes=", "bytes=1");
        let altered = ask("PUT", altered).header("content-type", "image/png").body(PNG);
        shop.tell(altered).await.refuses(403, "upload_ticket_invalid");
        let no_picture: &'static [u8] = vec![b'x'; PNG.len()].leak();
        shop.tell(put(&granted, no_picture)).await.is(204);
        shop.tell(complete(&owner, &granted)).await.refuses(422, "picture_mislabelled");
        for (asked, status, code) in [
            (json!({ "content_type": "image/svg+xml", "bytes": 1 }), 422, "invalid_request"),
            (json!({ "content_type": "image/png" }), 422, "invalid_request"),
            (json!({ "content_type": "image/png", "bytes": 10_485_761 }), 422, "upload_length"),
            (json!({ "content_type": "image/png", "bytes": 0 }), 422, "upload_length"),
        ] {
            shop.tell(owner.post("/v1/media").json(&asked)).await.refuses(status, code);
        }
    }
}
