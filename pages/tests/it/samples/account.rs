//! Pages about oneself.

use pages::shop::{
    Address, AddressPage, AddressesPage, AlertsPage, Audience, Category, Field, Link, MePage,
    ProfilePage, Provider, ResetPage, ResetSetPage, SessionRow, SignInPage, SignUpPage, Tick,
    VerifyPage, VerifyState, WithdrawPage,
};

use super::{DAY, HOUR, Maker, Sample, ago, sample};

const PROVIDERS: &[Provider] = &[Provider::Kakao, Provider::Google];

fn sign_up(maker: Maker) -> SignUpPage<'static> {
    SignUpPage {
        frame: maker.of_guest("/shop/sign-up"),
        email: Field::default(),
        password: Field::default(),
        name: Field::default(),
        agrees_terms: Tick::default(),
        agrees_privacy: Tick::default(),
        wants_news: Tick::default(),
        refusal: None,
        return_to: "/shop/deals/x?y=z",
        providers: PROVIDERS,
    }
}

fn sign_in(maker: Maker) -> SignInPage<'static> {
    SignInPage {
        frame: maker.of_guest("/shop/sign-in"),
        audience: Audience::Shopper,
        email: Field::default(),
        password: Field::default(),
        refusal: None,
        return_to: "",
        providers: PROVIDERS,
    }
}

/// Two addresses.
pub(super) fn addresses(maker: Maker) -> Vec<Address<'static>> {
    vec![
        Address {
            address: "home",
            receiver: maker.name(),
            phone: "010-0000-1234",
            zip: "04524",
            road: maker.text("서울 중구 세종대로 110", "110 Sejong-daero, Jung-gu, Seoul"),
            detail: maker.text("1204호", "Flat 1204"),
            is_default: true,
        },
        Address {
            address: "office",
            receiver: maker.text("박서연", "Seoyeon Park"),
            phone: "010-0000-5678",
            zip: "63309",
            road: maker
                .text("제주특별자치도 제주시 첨단로 213-4", "213-4 Cheomdan-ro, Jeju-si, Jeju-do"),
            detail: "",
            is_default: false,
        },
    ]
}

fn profile(maker: Maker) -> ProfilePage<'static> {
    ProfilePage {
        frame: maker.told("/shop/me/profile", "profile_saved", false),
        email: Some("jiwoo@shop.example"),
        is_verified: true,
        new_email: Field::default(),
        name: Field::of(maker.name()),
        phone: Field::of("010-0000-1234"),
        has_password: true,
        current_password: Field::default(),
        new_password: Field::default(),
        links: vec![Link {
            link: "l1",
            provider: Provider::Kakao,
            since: ago(90 * DAY),
            can_go: true,
        }],
        providers: PROVIDERS,
        sessions: vec![
            SessionRow {
                session: "s1",
                device: maker.text("안드로이드의 크롬", "Chrome on Android"),
                seen_at: ago(0),
                is_this: true,
            },
            SessionRow { session: "s2", device: "", seen_at: ago(50 * HOUR), is_this: false },
        ],
        refusal: None,
    }
}

fn address(maker: Maker) -> AddressPage<'static> {
    AddressPage {
        frame: maker.frame("/shop/me/addresses/new"),
        address: None,
        receiver: Field::of(maker.name()),
        phone: Field::refused("010-12", "phone_length_wrong"),
        zip: Field::refused("123-456", "zip_old"),
        road: Field::refused(maker.text("", ""), "road_invalid"),
        detail: Field::default(),
        is_default: Tick { is_on: true, error: None },
        refusal: None,
        return_to: "",
    }
}

fn withdraw(maker: Maker) -> WithdrawPage<'static> {
    WithdrawPage {
        frame: maker.frame("/shop/me/withdraw"),
        open_orders: 0,
        is_selling: false,
        has_password: true,
        password: Field::default(),
        agrees: Tick::default(),
        refusal: None,
        export: Some("/v1/me/export"),
    }
}

fn entry(maker: Maker) -> Vec<Sample> {
    let refused = SignUpPage {
        email: Field::refused(maker.text("jiwoo@", "jiwoo@"), "email_invalid"),
        password: Field::refused("secret", "password_too_short"),
        name: Field::of(maker.name()),
        agrees_terms: Tick { is_on: true, error: None },
        agrees_privacy: Tick { is_on: false, error: Some("consent_missing") },
        ..sign_up(maker)
    };
    let wrong = SignInPage {
        email: Field::of(maker.text("jiwoo@shop.example", "jiwoo@shop.example")),
        refusal: Some("credentials_wrong"),
        ..sign_in(maker)
    };
    let verify = VerifyPage {
        frame: maker.told("/shop/verify", "signed_up", false),
        email: maker.text("jiwoo@shop.example", "jiwoo@shop.example"),
        state: VerifyState::Sent,
        refusal: None,
    };
    let reset = ResetPage {
        frame: maker.of_guest("/shop/reset"),
        email: Field::default(),
        is_sent: false,
        refusal: None,
    };
    let set = ResetSetPage {
        frame: maker.of_guest("/shop/reset/set"),
        token: Some("token"),
        password: Field::refused("x", "password_too_short"),
        refusal: None,
    };
    vec![
        sample("sign-up", sign_up(maker).html()),
        sample("sign-up-refused", refused.html()),
        sample("sign-in", sign_in(maker).html()),
        sample("sign-in-wrong", wrong.html()),
        sample(
            "sign-in-seller",
            SignInPage { audience: Audience::Business, ..sign_in(maker) }.html(),
        ),
        sample(
            "sign-in-operator",
            SignInPage { audience: Audience::Operator, providers: &[], ..sign_in(maker) }.html(),
        ),
        sample("verify-sent", verify.html()),
        sample(
            "verify-opened",
            VerifyPage { state: VerifyState::Opened { token: "token" }, ..verify }.html(),
        ),
        sample("verify-done", VerifyPage { state: VerifyState::Verified, ..verify }.html()),
        sample(
            "verify-invalid",
            VerifyPage { state: VerifyState::Invalid, refusal: Some("proof_too_soon"), ..verify }
                .html(),
        ),
        sample("reset", reset.html()),
        sample("reset-sent", ResetPage { is_sent: true, ..reset }.html()),
        sample("reset-set", set.html()),
        sample("reset-set-invalid", ResetSetPage { token: None, ..set }.html()),
    ]
}

/// The pages.
pub(super) fn samples(maker: Maker) -> Vec<Sample> {
    let me = MePage {
        frame: maker.frame("/shop/me"),
        email: Some("jiwoo@shop.example"),
        is_verified: true,
    };
    let listed = AddressesPage {
        frame: maker.frame("/shop/me/addresses"),
        addresses: addresses(maker),
        can_add: true,
    };
    let alerts = AlertsPage {
        frame: maker.frame("/shop/me/alerts"),
        categories: &[Category::Beauty, Category::Living],
        keywords: Field::of(maker.text("미스트, 수분", "mist, moisture")),
        hours: &[24, 12, 1],
        by_mail: true,
        can_mail: true,
        by_push: false,
        devices: 1,
        refusal: None,
    };
    let refused = ProfilePage {
        phone: Field::refused("1234", "phone_prefix_unknown"),
        new_password: Field::refused("x", "password_too_short"),
        is_verified: false,
        new_email: Field::refused("jiwoo@", "email_invalid"),
        frame: maker.frame("/shop/me/profile"),
        ..profile(maker)
    };
    let bare = ProfilePage {
        has_password: false,
        email: None,
        is_verified: false,
        links: vec![],
        ..profile(maker)
    };
    let mut samples = entry(maker);
    samples.extend([
        sample("me", me.html()),
        sample("me-unverified", MePage { is_verified: false, ..me.clone() }.html()),
        sample("me-without-email", MePage { is_verified: false, email: None, ..me }.html()),
        sample("profile", profile(maker).html()),
        sample("profile-refused", refused.html()),
        sample("profile-bare", bare.html()),
        sample("addresses", listed.html()),
        sample("addresses-empty", AddressesPage { addresses: vec![], ..listed }.html()),
        sample("address", address(maker).html()),
        sample("alerts", alerts.html()),
        sample(
            "alerts-unverified",
            AlertsPage { can_mail: false, by_mail: false, categories: &[], ..alerts.clone() }
                .html(),
        ),
        sample(
            "alerts-refused",
            AlertsPage {
                keywords: Field::refused(maker.text("가", "x"), "keywords_invalid"),
                ..alerts
            }
            .html(),
        ),
        sample("withdraw", withdraw(maker).html()),
        sample(
            "withdraw-not-yet",
            WithdrawPage { open_orders: 2, is_selling: true, ..withdraw(maker) }.html(),
        ),
    ]);
    samples
}
