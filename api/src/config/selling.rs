//! The sections of selling: the room of deals, payments, pictures and pushes.

use std::path::PathBuf;

use serde::Serialize;

use super::kinds::{Secret, Span, Text, Whole};
use super::section::section;
use super::shop::{Hidden, Url, Word, needs_all};
use crate::wire::Problems;

section! {
    /// How the waiting room of every deal lets people in.
    Deals = "deals" {
        /// people let in each second
        admission_per_second: Whole<1, 1_000_000> = Whole::of(30),
        /// people shopping at once in a deal
        active_max: Whole<1, 1_000_000> = Whole::of(1_000),
        /// how long a called shopper has to show up
        claim_window_seconds: Whole<1, 86_400> = Whole::of(60),
        /// how long an admission lasts
        session_seconds: Whole<1, 86_400> = Whole::of(600),
        /// a place that is silent for this long is lost
        idle_seconds: Whole<1, 86_400> = Whole::of(120),
        /// how long units wait for a payment to begin
        hold_seconds: Whole<1, 86_400> = Whole::of(900),
        /// people let in for every 100 units that can be had
        overbook_percent: Whole<1, 100_000> = Whole::of(200),
    }
}

section! {
    /// Paying with KakaoPay; without it this way to pay is not offered.
    KakaoPay = "payments.kakaopay" {
        /// the merchant's code; with `key`
        cid ("\"…\""): Option<Text<Word>> = None,
        /// the merchant's secret key
        key ("\"…\""): Option<Secret<Hidden>> = None,
        /// the API
        url: Text<Url> = Text(Url("https://open-api.kakaopay.com/online/v1/payment".to_owned())),
        /// how long one call may take; a shopper waits for it
        timeout_ms: Span<100, 20_000> = Span::of_ms(10_000),
    }
}

section! {
    /// Paying by card; without it this way to pay is not offered.
    Card = "payments.card" {
        /// the gateway's API; with `key`.
        /// It speaks the protocol in [doubles](doubles.md)
        url ("\"https://cards.example/v1\""): Option<Text<Url>> = None,
        /// the shop's key there
        key ("\"…\""): Option<Secret<Hidden>> = None,
        /// how long one call may take; a shopper waits for it
        timeout_ms: Span<100, 20_000> = Span::of_ms(10_000),
    }
}

section! {
    /// Where pictures are kept: in a folder, or in an object store that speaks S3.
    Media = "media" {
        /// the folder; several nodes share one, or use an object store
        dir ("\"/var/lib/rushgate/media\"", "`DIR/media`"): Option<Text<PathBuf>> = None,
        /// the object store, without the bucket; with the bucket and both keys
        s3_endpoint ("\"https://s3.ap-northeast-2.amazonaws.com\""): Option<Text<Url>> = None,
        /// the bucket
        s3_bucket ("\"shop-media\""): Option<Text<Word>> = None,
        /// its region
        s3_region: Text<Word> = Text(Word("us-east-1".to_owned())),
        /// the access key's id
        s3_access_key ("\"…\""): Option<Text<Word>> = None,
        /// the access key's secret
        s3_secret_key ("\"…\""): Option<Secret<Hidden>> = None,
        /// true: the bucket is part of the path; false: of the host, as Amazon has it
        s3_path_style: bool = true,
        /// where browsers read public pictures, such as a CDN
        s3_public_url ("\"https://media.shop.example\"", "the bucket's own URL"): Option<Text<Url>> = None,
        /// how long one call of the object store may take
        timeout_ms: Span<100, 60_000> = Span::of_ms(20_000),
    }
}

section! {
    /// Pushes by Firebase Cloud Messaging; without it there are none.
    Push = "push" {
        /// the file of the service account, as Google's console gives it
        service_account ("\"/etc/rushgate/push.json\""): Option<Text<PathBuf>> = None,
        /// the API
        url: Text<Url> = Text(Url("https://fcm.googleapis.com".to_owned())),
        /// how long one call may take
        timeout_ms: Span<100, 15_000> = Span::of_ms(10_000),
    }
}

/// The ways to pay.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Payments {
    /// KakaoPay.
    #[serde(skip_serializing_if = "KakaoPay::is_absent")]
    pub kakaopay: KakaoPay,
    /// By card.
    #[serde(skip_serializing_if = "Card::is_absent")]
    pub card: Card,
}

impl KakaoPay {
    fn is_absent(&self) -> bool {
        self.cid.is_none()
    }
}

impl Card {
    fn is_absent(&self) -> bool {
        self.url.is_none()
    }
}

impl Payments {
    pub(super) fn is_absent(&self) -> bool {
        self.kakaopay.is_absent() && self.card.is_absent()
    }

    /// What a contract needs goes together.
    pub(super) fn check(&self, problems: &mut Problems) {
        let Self { kakaopay, card } = self;
        let both = [
            ("payments.kakaopay.cid".to_owned(), kakaopay.cid.is_some()),
            ("payments.kakaopay.key".to_owned(), kakaopay.key.is_some()),
        ];
        needs_all(&both, both.iter().any(|(_, is_given)| *is_given), problems);
        let both = [
            ("payments.card.url".to_owned(), card.url.is_some()),
            ("payments.card.key".to_owned(), card.key.is_some()),
        ];
        needs_all(&both, both.iter().any(|(_, is_given)| *is_given), problems);
    }
}

impl Media {
    pub(super) fn is_absent(&self) -> bool {
        self.dir.is_none() && self.s3_endpoint.is_none()
    }

    /// A store's parts go together, and pictures are in one place.
    pub(super) fn check(&self, problems: &mut Problems) {
        let all = [
            ("media.s3_endpoint".to_owned(), self.s3_endpoint.is_some()),
            ("media.s3_bucket".to_owned(), self.s3_bucket.is_some()),
            ("media.s3_access_key".to_owned(), self.s3_access_key.is_some()),
            ("media.s3_secret_key".to_owned(), self.s3_secret_key.is_some()),
        ];
        let is_any = all.iter().any(|(_, is_given)| *is_given) || self.s3_public_url.is_some();
        needs_all(&all, is_any, problems);
        if let Some(dir) = self.dir.as_ref().filter(|_| is_any) {
            let found = format!("{:?}", dir.0.display().to_string());
            problems.note("media.dir", found, "no folder beside an object store");
        }
    }
}

impl Push {
    pub(super) fn is_absent(&self) -> bool {
        self.service_account.is_none()
    }
}
