//! The pages of deals, without a script.

use super::{
    Shop,
    deals::{free_day, listed, offer},
    on_both,
    site::{cookies, form, page, sign_in},
};
use crate::client::get;

async fn read(shop: Shop, path: &str, cookie: &str) -> String {
    shop.tell(page(path, cookie)).await.is(200).text()
}

on_both! {
    async fn anybody_finds_a_deal_by_its_day_its_words_and_its_category(shop) {
        let by = shop.of_demo("business").await;
        let day = free_day();
        let mut offer = offer(&day, (12, 15));
        let title = format!("겨울 등불 {}", day.date());
        offer["title"] = title.as_str().into();
        let deal = listed(shop, &by, &offer).await;
        let link = format!("/shop/deals/{deal}");
        let q = form_urlencoded::byte_serialize(title.as_bytes()).collect::<String>();
        for list in [
            format!("/shop/deals?day={}", day.date()),
            format!("/shop/deals?q={q}"),
            format!("/shop/deals?q={q}&category=beauty"),
        ] {
            let html = read(shop, &list, "").await;
            assert!(html.contains(&link) && html.contains(&title), "{list}: {html}");
            assert!(html.contains("14,499"), "{list}: {html}");
        }
        let other = read(shop, &format!("/shop/deals?q={q}&category=food"), "").await;
        assert!(!other.contains(&link), "{other}");
        let html = read(shop, &format!("{link}?lang=ko"), "").await;
        assert!(html.contains(&title) && html.contains("사업자등록번호"), "{html}");
        assert!(html.contains("두 병"), "{html}");
        for path in ["/shop", "/shop/deals", "/shop/terms", "/shop/privacy?lang=en"] {
            read(shop, path, "").await;
        }
        shop.tell(by.post(&format!("/v1/deals/{deal}/close"))).await.is(200);
        let list = format!("/shop/deals?q={q}");
        assert!(!read(shop, &list, "").await.contains(&link));
        assert!(read(shop, &format!("{list}&ended=true"), "").await.contains(&link));
        shop.tell(page("/shop/deals/01hykpqsvm0000000000000001", "")).await.is(404);
        shop.tell(page("/shop/deals?cursor=x", "")).await.is(422);
    }

    /// Scenario 6.
    async fn scenario_6_a_heart_saves_a_deal_until_it_is_pressed_again(shop) {
        let by = shop.of_demo("business").await;
        let deal = listed(shop, &by, &offer(&free_day(), (12, 15))).await;
        let (person, _) = shop.verified("saver").await;
        let cookie = cookies(&sign_in(shop, &person.email, "/shop/sign-in").await.is(303));
        let link = format!("/shop/deals/{deal}");
        let like = format!("{link}/like");
        for (liked, shown) in [("true", true), ("true", true), ("false", false)] {
            let told = shop.tell(form(&like, &cookie, format!("liked={liked}"))).await.is(303);
            assert_eq!(told.header("location"), Some(link.as_str()));
            let saved = read(shop, "/shop/likes", &cookie).await;
            assert_eq!(saved.contains(&link), shown, "{saved}");
        }
        let guest = shop.tell(form(&like, "", "liked=true")).await.is(303);
        assert!(guest.header("location").unwrap().starts_with("/shop/sign-in"));
        let away = shop.tell(page("/shop/likes", "")).await.is(303);
        assert!(away.header("location").unwrap().starts_with("/shop/sign-in"));
    }

    async fn a_draft_is_a_preview_to_its_seller_and_nothing_to_others(shop) {
        let by = shop.of_demo("business").await;
        let mut draft = offer(&free_day(), (12, 15));
        draft["draft"] = true.into();
        let link = format!("/shop/deals/{}", listed(shop, &by, &draft).await);
        shop.tell(page(&link, "")).await.is(404);
        let own = get(link.as_str()).header("accept", "text/html").bearer(&by.access);
        let own = shop.tell(own).await.is(200).text();
        assert!(own.contains("noindex"), "{own}");
    }
}
