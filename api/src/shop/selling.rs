//! What the shop sells with, out of the configuration.

use std::{error::Error, fs};

use base::money::{Currency, Money};
use commerce::MediaOptions;
use commons::{
    files::S3Options,
    push::{PushOptions, ServiceAccount},
};
use outbound::{Reach, Secret};
use trade::{
    gateway::{CardOptions, KakaoPayOptions},
    rental::Plan,
    sale::Room,
    slot::Policy,
};

use crate::{
    config::{self, Config, Hidden},
    keys::ShopSecret,
};

/// The folder of pictures in the data directory, unless the configuration says otherwise.
const MEDIA: &str = "media";

/// How the platform gives its hours away.
pub(super) fn policy(shop: &config::Shop) -> Policy {
    let rent = i64::try_from(shop.rent_per_hour.get()).unwrap_or(i64::MAX);
    let plan = Plan::per_hour(Money::new(rent, Currency::KRW));
    Policy {
        calendar: shop.zone.get().calendar(),
        capacity: shop.slot_capacity.as_u32(),
        hours_min: shop.slot_hours_min.as_u32(),
        plan: plan.unwrap_or_else(|| Plan::free(Currency::KRW)),
    }
}

/// How the waiting room of every deal lets people in.
pub(super) fn deal_room(deals: &config::Deals) -> Room {
    let ms = |seconds: u64| seconds * 1_000;
    Room {
        admission_milli_per_second: deals.admission_per_second.get() * 1_000,
        active_max: deals.active_max.as_u32(),
        claim_window_ms: ms(deals.claim_window_seconds.get()),
        session_ms: ms(deals.session_seconds.get()),
        idle_ms: ms(deals.idle_seconds.get()),
        hold_ms: ms(deals.hold_seconds.get()),
        overbook_milli: deals.overbook_percent.as_u32() * 10,
    }
}

/// Paying with KakaoPay.
pub(super) fn kakaopay(kakaopay: &config::KakaoPay) -> Option<KakaoPayOptions> {
    let (cid, key) = (kakaopay.cid.as_ref()?, kakaopay.key.as_ref()?);
    Some(KakaoPayOptions {
        url: kakaopay.url.0.as_str().to_owned(),
        deadline: kakaopay.timeout_ms.get(),
        // The operator named it.
        reach: Reach::Anywhere,
        ..KakaoPayOptions::new(cid.0.as_str().to_owned(), secret(key))
    })
}

/// Paying by card.
pub(super) fn card(card: &config::Card) -> Option<CardOptions> {
    let (url, key) = (card.url.as_ref()?, card.key.as_ref()?);
    Some(CardOptions {
        deadline: card.timeout_ms.get(),
        // The operator named it.
        reach: Reach::Anywhere,
        ..CardOptions::new(url.0.as_str().to_owned(), secret(key))
    })
}

/// Where pictures are kept.
pub(super) fn media(config: &Config, shared: &ShopSecret) -> MediaOptions {
    let media = &config.media;
    s3(media).map_or_else(
        || {
            let own = || config.data.dir.0.join(MEDIA);
            let root = media.dir.as_ref().map_or_else(own, |dir| dir.0.clone());
            MediaOptions::Folder { root, secret: shared.own.to_vec() }
        },
        MediaOptions::S3,
    )
}

fn s3(media: &config::Media) -> Option<S3Options> {
    let text = |word: &config::Text<config::Word>| word.0.as_str().to_owned();
    let endpoint = media.s3_endpoint.as_ref()?.0.as_str().to_owned();
    let (bucket, region) = (text(media.s3_bucket.as_ref()?), text(&media.s3_region));
    let (access, hidden) = (text(media.s3_access_key.as_ref()?), media.s3_secret_key.as_ref()?);
    Some(S3Options {
        is_in_path: media.s3_path_style,
        public_url: media.s3_public_url.as_ref().map(|url| url.0.as_str().to_owned()),
        deadline: media.timeout_ms.get(),
        ..S3Options::new(endpoint, bucket, region, access, secret(hidden))
    })
}

/// Who sends pushes.
pub(super) fn push(
    push: &config::Push,
) -> Result<Option<PushOptions>, Box<dyn Error + Send + Sync>> {
    let Some(path) = &push.service_account else { return Ok(None) };
    let unreadable =
        |why: &dyn std::fmt::Display| format!("push.service_account: {}: {why}", path.0.display());
    let text = fs::read_to_string(&path.0).map_err(|error| unreadable(&error))?;
    let account = ServiceAccount::parse(&text).map_err(|error| unreadable(&error))?;
    Ok(Some(PushOptions {
        url: push.url.0.as_str().to_owned(),
        deadline: push.timeout_ms.get(),
        // The operator named it.
        reach: Reach::Anywhere,
        ..PushOptions::new(account)
    }))
}

fn secret(hidden: &config::Secret<Hidden>) -> Secret {
    Secret::new(hidden.get().expose().to_owned())
}
