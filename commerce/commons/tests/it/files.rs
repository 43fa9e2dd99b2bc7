//! What is promised of both places for files.

use std::time::Duration;

use bytes::Bytes;
use commons::{
    files::{Key, Signed, Upload},
    limits::PRIVATE_LINK_TTL,
};
use store::{
    Moment,
    trial::{BEGIN, Trial},
};

use crate::place::{Place, Side};

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

/// A place with a clock that the test moves.
struct Stage {
    trial: Trial,
    place: Place,
}

impl Stage {
    async fn both() -> [Self; 2] {
        let (first, second) = (Trial::sqlite(), Trial::sqlite());
        let place = Place::s3(&second).await;
        [Self { trial: first, place: Place::folder() }, Self { trial: second, place }]
    }

    fn now(&self) -> Moment {
        self.trial.clock().now()
    }

    fn sign(&self, key: &Key) -> Signed {
        let until = self.now().after(Duration::from_mins(5));
        let upload = Upload { key, media_type: "image/png", bytes: 4, until };
        self.place.files.sign(&upload, self.now())
    }

    async fn put(&self, signed: &Signed, media_type: &str, bytes: &'static [u8]) -> bool {
        self.place.put(signed, media_type, Bytes::from_static(bytes), self.now()).await
    }
}

#[tokio::test]
async fn only_what_was_signed_is_put_and_only_in_time() {
    for stage in Stage::both().await {
        let incoming = key("incoming/a");
        let signed = stage.sign(&incoming);
        assert!(!format!("{signed:?}").contains("incoming"), "whoever reads a log could put it");
        for (media_type, bytes) in
            [("image/svg+xml", &b"four"[..]), ("text/html", b"four"), ("image/png", b"five!")]
        {
            assert!(!stage.put(&signed, media_type, bytes).await, "{media_type}");
        }
        for (from, to) in [("incoming/a", "public/a"), ("incoming/a", "incoming/b")] {
            let elsewhere = Signed { url: signed.url.replace(from, to), ..signed.clone() };
            assert!(!stage.put(&elsewhere, "image/png", b"four").await, "{to}");
        }
        assert_eq!(stage.place.keys(), Vec::<String>::new());
        assert!(stage.put(&signed, "image/png", b"four").await);
        let got = stage.place.files.get(&incoming, 4, stage.now()).await.unwrap();
        assert_eq!(got.as_deref(), Some(&b"four"[..]));
        stage.trial.advance(5 * 60_000);
        assert!(!stage.put(&signed, "image/png", b"late").await);
        assert_eq!(stage.place.keys(), ["incoming/a"]);
    }
}

#[tokio::test]
async fn a_private_file_is_got_by_its_link_and_for_a_while() {
    for stage in Stage::both().await {
        let (place, now) = (&stage.place, stage.now());
        let private = key("private/a/b.jpg");
        let bytes = Bytes::from_static(b"secret");
        place.files.put(&private, "image/jpeg", bytes.clone(), now).await.unwrap();
        let link = place.files.link(&private, now);
        assert_eq!(place.get(&link, now).await, Some(bytes));
        let bare = link.split('?').next().unwrap();
        assert_eq!(place.get(bare, now).await, None);
        assert_eq!(place.get(&link.replace("b.jpg", "c.jpg"), now).await, None);
        stage.trial.advance(i64::try_from(PRIVATE_LINK_TTL.as_millis()).unwrap());
        assert_eq!(place.get(&link, stage.now()).await, None);
        let public = place.files.link(&key("public/a/b.jpg"), now);
        assert!(!public.contains('?') && public.ends_with("/public/a/b.jpg"), "{public}");
    }
}

#[tokio::test]
async fn a_file_is_there_until_it_is_removed() {
    for stage in Stage::both().await {
        let (files, now) = (&stage.place.files, stage.now());
        let (first, second) = (key("public/a/1.jpg"), key("public/a/2.jpg"));
        for _ in 0..2 {
            files.put(&first, "image/jpeg", Bytes::from_static(b"one"), now).await.unwrap();
        }
        files.put(&second, "image/jpeg", Bytes::from_static(b"two"), now).await.unwrap();
        for _ in 0..2 {
            files.remove(&first, now).await.unwrap();
        }
        assert_eq!(files.get(&first, 9, now).await, Ok(None));
        assert_eq!(files.get(&second, 9, now).await, Ok(Some(Bytes::from_static(b"two"))));
        assert!(files.get(&second, 2, now).await.is_err(), "longer than the reader takes");
        files.remove(&second, now).await.unwrap();
        assert_eq!(stage.place.keys(), Vec::<String>::new());
        if let Side::Route(_, below) = &stage.place.side {
            assert!(!below.path().join("public/a").exists(), "an empty folder");
        }
    }
}

#[tokio::test]
async fn a_forged_ticket_is_none() {
    let place = Place::folder();
    let Side::Route(folder, _) = &place.side else { unreachable!() };
    let incoming = key("incoming/a");
    let until = BEGIN.after(Duration::from_mins(5));
    let upload = Upload { key: &incoming, media_type: "image/png", bytes: 4, until };
    let url = place.files.sign(&upload, BEGIN).url;
    let (_, query) = url.split_once('?').unwrap();
    let ticket = |query: &str| folder.ticket(&incoming, query, "image/png", BEGIN);
    assert_eq!(ticket(query).unwrap().bytes(), 4);
    for forged in [
        String::new(),
        query.replace("bytes=4", "bytes=40"),
        query.replace("until=1", "until=2"),
        query.replace("mac=", "mac=A"),
        query.split("&mac").next().unwrap().to_owned(),
        format!("bytes=40&{query}"),
        "bytes=4&until=9999999999999&mac=".to_owned(),
        "bytes=%FF&until=x&mac=가".to_owned(),
    ] {
        assert_eq!(ticket(&forged), None, "{forged}");
    }
    let upload = Upload { bytes: 4, ..upload };
    let other = commons::files::Folder::open(
        tempfile::tempdir().unwrap().path(),
        "https://shop.example/media",
        b"another secret",
    );
    let theirs = commons::files::Files::sign(&other.unwrap(), &upload, BEGIN).url;
    assert_eq!(ticket(theirs.split_once('?').unwrap().1), None);
}
