//! From the room to a paid order on pages alone: forms, links and redirects, as a browser without scripts
//! follows them.

use std::collections::BTreeMap;

use super::{
    PASSWORD, Shop, on_both,
    open_deal::{OpenDeal, press},
};
use crate::client::{Ask, Told, get, post};

/// A browser that keeps cookies and runs no scripts.
struct Visitor {
    shop: Shop,
    cookies: BTreeMap<String, String>,
}

impl Visitor {
    fn new(shop: Shop) -> Self {
        Self { shop, cookies: BTreeMap::new() }
    }

    /// Somebody new who has signed in by the form.
    async fn signed_in(shop: Shop) -> Self {
        let (person, _) = shop.verified("buyer").await;
        let mut visitor = Self::new(shop);
        let password = PASSWORD.replace(' ', "+");
        let body = format!("email={}&password={password}&role=shopper", person.email);
        visitor.send("/shop/sign-in", &body).await.is(303);
        visitor
    }

    async fn tell(&mut self, asked: Ask) -> Told {
        let all: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let asked = asked.header("accept", "text/html").header("accept-language", "en");
        let told = self.shop.tell(asked.header("cookie", &all.join("; "))).await;
        for line in told.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        told
    }

    async fn page(&mut self, path: &str) -> Told {
        self.tell(get(path)).await
    }

    async fn send(&mut self, path: &str, body: &str) -> Told {
        let asked = post(path)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.to_owned());
        self.tell(asked).await
    }

    /// Buys so many units in the room; where the browser is led.
    async fn buys(&mut self, deal: &OpenDeal, quantity: u32) -> String {
        let room = format!("/s/{}", deal.deal);
        let page = self.page(&room).await.is(200).text();
        let key = value(&page, &format!("action=\"{room}/enter\""));
        self.send(&format!("{room}/enter"), &format!("key={key}")).await.is(303);
        let mut page = String::new();
        for _ in 0..200 {
            page = self.page(&room).await.is(200).text();
            if page.contains(&format!("action=\"{room}/buy\"")) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let key = value(&page, &format!("action=\"{room}/buy\""));
        let body = format!("key={key}&sku={}&quantity={quantity}", deal.deal);
        let bought = self.send(&format!("{room}/buy"), &body).await.is(303);
        bought.header("location").unwrap().to_owned()
    }
}

/// The key of a form.
fn value(page: &str, form: &str) -> String {
    let rest = page.split_once(form).unwrap_or_else(|| unreachable!("no {form}: {page}")).1;
    let rest = rest.split_once("name=\"key\" value=\"").unwrap().1;
    rest.split_once('"').unwrap().0.to_owned()
}

const ADDRESS: &str = "address=new&receiver=Kim&phone=010-1234-5678&zip=06236&road=Teheran-ro+152";

on_both! {
    async fn the_room_of_a_deal_leads_who_is_not_signed_in_to_sign_in_and_back(shop) {
        let deal = OpenDeal::of(shop, 5, 2).await;
        let (room, mut nobody) = (format!("/s/{}", deal.deal), Visitor::new(shop));
        let page = nobody.page(&room).await.is(200).text();
        let sign_in = format!("/shop/sign-in?return_to={room}");
        assert!(page.contains(&format!("href=\"{sign_in}\"")), "{page}");
        let entered = nobody.send(&format!("{room}/enter"), "key=x").await.is(303);
        assert_eq!(entered.header("location"), Some(sign_in.as_str()));
        let mut somebody = Visitor::signed_in(shop).await;
        let back = somebody.page(&sign_in).await.is(303);
        assert_eq!(back.header("location"), Some(room.as_str()));
        let page = somebody.page(&room).await.is(200).text();
        assert!(page.contains(&format!("action=\"{room}/enter\"")), "{page}");
    }

    async fn a_purchase_in_the_room_is_ordered_paid_and_refunded_without_scripts(shop) {
        let deal = OpenDeal::of(shop, 9, 5).await;
        let mut buyer = Visitor::signed_in(shop).await;
        let checkout = buyer.buys(&deal, 2).await;
        assert!(checkout.starts_with(&format!("/shop/checkout/{}/p", deal.deal)), "{checkout}");
        let room = buyer.page(&format!("/s/{}", deal.deal)).await.is(200).text();
        assert!(room.contains(&format!("href=\"{checkout}\"")) && !room.contains("/pay\""), "{room}");
        let page = buyer.page(&checkout).await.is(200).text();
        assert!(page.contains("62,000") && page.contains(&format!("action=\"{checkout}\"")), "{page}");
        let refused = buyer.send(&checkout, &format!("{ADDRESS}&gateway=kakaopay")).await.is(422).text();
        assert!(refused.contains("Teheran-ro 152"), "what was typed is there: {refused}");
        Visitor::signed_in(shop).await.page(&checkout).await.is(404);
        let right = format!("{ADDRESS}&gateway=kakaopay&agrees=on&keeps=on");
        let placed = buyer.send(&checkout, &right).await.is(303);
        let go = placed.header("location").unwrap().to_owned();
        let order = go.strip_suffix("/go").unwrap().to_owned();
        let again = buyer.send(&checkout, &right).await.is(303);
        assert_eq!(again.header("location"), Some(format!("{order}/pay").as_str()));
        assert_eq!(buyer.page(&format!("{order}/pay")).await.is(303).header("location"), Some(go.as_str()));
        let going = buyer.page(&go).await.is(200);
        let on = going.header("refresh").unwrap().to_owned();
        let provider = on.split_once("url=").unwrap().1;
        assert!(going.text().contains(provider));
        let back = press(provider, "approve").await;
        let result = buyer.page(&back).await.is(303).header("location").unwrap().to_owned();
        assert_eq!(result, format!("{order}/result"));
        let id = order.rsplit('/').next().unwrap().to_owned();
        until(&mut buyer, &result, "Your order is confirmed").await;
        let all = buyer.page("/shop/orders").await.is(200).text();
        assert!(all.contains(&id) && all.contains("62,000"), "{all}");
        let page = buyer.page(&order).await.is(200).text();
        assert!(page.contains("The order is confirmed") && page.contains("Teheran-ro 152"), "{page}");
        let refund = format!("{order}/refund");
        buyer.send(&refund, "quantity=1&reason=").await.is(422);
        let key = value(&page, &format!("action=\"{refund}\""));
        let body = format!("key={key}&quantity=1&reason=changed_mind");
        for _ in 0..2 {
            let done = buyer.send(&refund, &body).await.is(303);
            assert_eq!(done.header("location"), Some(order.as_str()));
        }
        until(&mut buyer, &order, "Part of it was refunded").await;
        let id = order.rsplit('/').next().unwrap();
        let refunds = buyer.tell(get(format!("/v1/orders/{id}/refunds"))).await.is(200).json();
        assert_eq!(refunds["items"].as_array().unwrap().len(), 1, "a form that is sent twice wants it once");
        deal.until_units([7, 0, 2]).await;
        let saved = buyer.page("/shop/me/addresses").await.is(200).text();
        assert!(saved.contains("Teheran-ro 152"), "{saved}");
        let mut other = Visitor::signed_in(shop).await;
        for path in [&order, &result, &go] {
            other.page(path).await.is(404);
        }
        for form in ["cancel", "refund", "return", "received"] {
            other.send(&format!("{order}/{form}"), "quantity=1&reason=other").await.is(404);
        }
    }

    async fn what_arrived_is_returned_all_together_and_only_then_on_sale_again(shop) {
        let deal = OpenDeal::of(shop, 9, 5).await;
        let mut buyer = Visitor::signed_in(shop).await;
        let checkout = buyer.buys(&deal, 2).await;
        let right = format!("{ADDRESS}&gateway=card&agrees=on");
        let placed = buyer.send(&checkout, &right).await.is(303);
        let go = placed.header("location").unwrap().to_owned();
        let order = go.strip_suffix("/go").unwrap().to_owned();
        let going = buyer.page(&go).await.is(200).header("refresh").unwrap().to_owned();
        let back = press(going.split_once("url=").unwrap().1, "approve").await;
        let result = buyer.page(&back).await.is(303).header("location").unwrap().to_owned();
        until(&mut buyer, &result, "Your order is confirmed").await;
        let seller = shop.of_demo("business").await;
        let sold = format!("/v1/me/business/orders/{}", order.rsplit('/').next().unwrap());
        shop.tell(seller.post(&format!("{sold}/prepare"))).await.is(200);
        let parcel = serde_json::json!({ "carrier": "Made-up Parcels", "tracking": "000-111" });
        shop.tell(seller.post(&format!("{sold}/ship")).json(&parcel)).await.is(200);
        buyer.send(&format!("{order}/received"), "").await.is(303);
        let page = buyer.page(&order).await.is(200).text();
        assert!(page.contains("All of the order goes back") && page.contains("62,000"), "{page}");
        assert!(!page.contains("return_quantity"), "units cannot be returned one by one: {page}");
        buyer.send(&format!("{order}/return"), "return_reason=").await.is(422);
        buyer.send(&format!("{order}/return"), "return_reason=defective").await.is(303);
        deal.until_units([7, 0, 2]).await;
        let asked = shop.tell(seller.get(&sold)).await.is(200).json();
        let request = asked["returns"][0]["return"].as_str().unwrap_or_else(|| unreachable!("{asked}"));
        let restocks = serde_json::json!({ "restocks": true });
        let accept = seller.post(&format!("{sold}/returns/{request}/accept")).json(&restocks);
        shop.tell(accept).await.is(200);
        deal.until_units([9, 0, 0]).await;
    }

    async fn a_reservation_and_an_order_are_given_up_by_a_form(shop) {
        let deal = OpenDeal::of(shop, 9, 5).await;
        let mut buyer = Visitor::signed_in(shop).await;
        let checkout = buyer.buys(&deal, 1).await;
        let gone = buyer.send(&format!("{checkout}/cancel"), "").await.is(303);
        assert_eq!(gone.header("location"), Some(format!("/s/{}", deal.deal).as_str()));
        deal.until_units([9, 0, 0]).await;
        buyer.page(&checkout).await.is(404);
        let mut buyer = Visitor::signed_in(shop).await;
        let checkout = buyer.buys(&deal, 1).await;
        let placed = buyer.send(&checkout, &format!("{ADDRESS}&gateway=card&agrees=on")).await.is(303);
        let go = placed.header("location").unwrap().to_owned();
        let order = go.strip_suffix("/go").unwrap().to_owned();
        buyer.send(&format!("{order}/cancel"), "").await.is(303);
        until(&mut buyer, &order, "The order was cancelled").await;
        deal.until_units([9, 0, 0]).await;
        let result = buyer.page(&go).await.is(303).header("location").unwrap().to_owned();
        let told = buyer.page(&result).await.is(200).text();
        assert!(told.contains("Nothing was charged"), "{told}");
    }
}

/// The page, once it says so.
async fn until(visitor: &mut Visitor, path: &str, words: &str) -> String {
    for _ in 0..200 {
        let page = visitor.page(path).await.is(200).text();
        if page.contains(words) {
            return page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    unreachable!("{path} does not say {words:?}")
}
