//! Objects, put and got by URLs that an independent library signed.

use std::time::Duration;

use bytes::Bytes;
use doubles::{
    Fault,
    s3::{Account, ObjectStore},
};
use hyper::{StatusCode, header::CONTENT_TYPE};
use outbound::{Call, Target};
use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};

use crate::support::{setting, target, text};

const TTL: Duration = Duration::from_mins(5);

fn bucket(store: &ObjectStore) -> Bucket {
    let endpoint = store.url().parse().unwrap();
    Bucket::new(endpoint, UrlStyle::Path, "media", "kr-1").unwrap()
}

fn credentials() -> Credentials {
    Credentials::new("AK", "hush")
}

/// A URL's target and the place below it.
fn split(url: &str) -> (Target, String) {
    let path = url.match_indices('/').nth(2).unwrap().0;
    (target(&url[..path]), url[path..].to_owned())
}

#[tokio::test]
async fn only_what_was_signed_is_stored() {
    let (setting, clock) = setting();
    let account = |secret: &str| Account {
        key: "AK".to_owned(),
        secret: secret.to_owned(),
        region: "kr-1".to_owned(),
    };
    let store = ObjectStore::start(setting, account("hush"), "media").await.unwrap();
    let (bucket, credentials) = (bucket(&store), credentials());
    let mut put = bucket.put_object(Some(&credentials), "thumbnail/가 나.png");
    put.headers_mut().insert("content-type", "image/png");
    put.headers_mut().insert("content-length", "4");
    let url = put.sign(TTL).to_string();
    let (target, path) = split(&url);
    let call = |kind: &str, bytes: &'static [u8]| Call::put(&path).body(kind, Bytes::from(bytes));

    for (kind, bytes) in [("image/svg+xml", &b"four"[..]), ("image/png", b"five!")] {
        let refused = target.send(call(kind, bytes)).await.unwrap();
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(text(&refused).contains("<Code>SignatureDoesNotMatch</Code>"));
    }
    let other = Call::put(&path.replace("thumbnail", "details"))
        .body("image/png", Bytes::from_static(b"four"));
    assert_eq!(target.send(other).await.unwrap().status, StatusCode::FORBIDDEN);
    assert!(store.objects().is_empty());
    store.faults().next("put", Some(Fault::Refused));
    let busy = target.send(call("image/png", b"four")).await.unwrap();
    assert_eq!(busy.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(target.send(call("image/png", b"four")).await.unwrap().status, StatusCode::OK);

    let get = bucket.get_object(Some(&credentials), "thumbnail/가 나.png").sign(TTL).to_string();
    let (target, path) = split(&get);
    let got = target.send(Call::get(&path)).await.unwrap();
    assert_eq!((got.status, &got.body[..]), (StatusCode::OK, &b"four"[..]), "{}", text(&got));
    assert_eq!(got.header(&CONTENT_TYPE), Some("image/png"));
    let bare = path.split_once('?').unwrap().0;
    assert_eq!(target.send(Call::get(bare)).await.unwrap().status, StatusCode::FORBIDDEN);
    let stranger = Credentials::new("AK", "guessed");
    let forged = bucket.get_object(Some(&stranger), "thumbnail/가 나.png").sign(TTL).to_string();
    assert_eq!(
        target.send(Call::get(&split(&forged).1)).await.unwrap().status,
        StatusCode::FORBIDDEN
    );
    let missing = bucket.get_object(Some(&credentials), "nothing").sign(TTL).to_string();
    let missing = target.send(Call::get(&split(&missing).1)).await.unwrap();
    assert!(text(&missing).contains("<Code>NoSuchKey</Code>"));

    let delete =
        bucket.delete_object(Some(&credentials), "thumbnail/가 나.png").sign(TTL).to_string();
    let done = target.send(Call::delete(&split(&delete).1)).await.unwrap();
    assert_eq!(done.status, StatusCode::NO_CONTENT);
    clock.advance(TTL);
    let late = target.send(Call::get(&path)).await.unwrap();
    assert!(text(&late).contains("Request has expired"), "{}", text(&late));
}
