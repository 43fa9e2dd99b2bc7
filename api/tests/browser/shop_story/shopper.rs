//! A shopper: told of a deal, in its line, at the checkout, and changing their mind.

use serde_json::json;

use super::{
    TITLE,
    house::{House, Phone, sign_up},
    words::Words,
};

/// A shopper and their phone.
#[derive(Debug)]
pub(super) struct Shopper<'a> {
    house: &'a House,
    words: &'a Words,
    name: &'static str,
    email: String,
    phone: Phone,
    /// Where pushes go: without scripts no page asks for them.
    device: Option<String>,
}

impl<'a> Shopper<'a> {
    /// Somebody new who wants to hear of deals of a category, by mail too.
    pub(super) fn joins(
        house: &'a House,
        words: &'a Words,
        name: &'static str,
        scripts: bool,
    ) -> Self {
        let (phone, email) = (house.phone(words, scripts), format!("{name}@people.example"));
        let browser = &phone.browser;
        sign_up(house, browser, words, &email);
        browser.click(".dock a[href='/shop/me']");
        browser.click("main a[href='/shop/me/alerts']");
        browser.click("input[name=category][value=living]");
        browser.click("input[name=mail]");
        browser.click("main form[action='/shop/me/alerts'] .btn");
        let is_kept = "input[name=category][value=living]:checked";
        browser.has_at_last(is_kept);
        house.shot(browser, &format!("{name}-alerts"));
        let device = scripts.then(|| {
            let device = house.device();
            let register = "const [token, done] = arguments; \
                fetch('/v1/me/devices', { method: 'POST', \
                  headers: { 'Content-Type': 'application/json' }, \
                  body: JSON.stringify({ token, platform: 'web' }) }) \
                .then((answer) => done(answer.status), (error) => done(String(error)))";
            let told = browser.evaluate_later(register, &json!([device]));
            assert_eq!(told, 204, "the device is taken");
            device
        });
        Self { house, words, name, email, phone, device }
    }

    fn shot(&self, step: &str) {
        self.house.shot(&self.phone.browser, &format!("{}-{step}", self.name));
    }

    /// Is told of a new deal in the inbox, by mail and by push, and goes to it from there.
    pub(super) fn hears_of(&self, deal: &str) {
        let browser = &self.phone.browser;
        browser.open(&self.house.at("/shop/inbox"));
        browser.comes_to_show(self.words.new_deal);
        self.shot("inbox-new-deal");
        self.is_told(1, self.words.new_deal);
        browser.click("main a[href^='/shop/inbox/']");
        assert_eq!(browser.address(), self.house.at(deal));
        self.shot("deal-coming");
    }

    /// The latest mail says so, and so does the latest push; `nth` is which piece of news it is.
    fn is_told(&self, nth: usize, words: &str) {
        // The first mail was the one that verified the address.
        let mail = &self.house.mails(&self.email, nth + 1)[0];
        assert!(mail.to_string().contains(words), "{mail}");
        if let Some(device) = &self.device {
            let push = &self.house.pushes(device, nth)[0];
            assert!(push.to_string().contains(words), "{push}");
        }
    }

    /// Saves the deal that is shown.
    pub(super) fn saves(&self, deal: &str) {
        let browser = &self.phone.browser;
        browser.click("#hear");
        browser.has_at_last("#like[aria-pressed=true]");
        browser.shows(self.words.saved);
        browser.open(&self.house.at("/shop/likes"));
        browser.shows(TITLE);
        assert!(browser.has(&format!("main a[href='{deal}']")), "{}", browser.text());
        self.shot("saved");
    }

    /// Is told that the deal opens in an hour.
    pub(super) fn is_reminded(&self) {
        let browser = &self.phone.browser;
        browser.open(&self.house.at("/shop/inbox"));
        browser.comes_to_show(self.words.opens_in_an_hour);
        self.shot("inbox-reminder");
        self.is_told(2, self.words.opens_in_an_hour);
    }

    /// Gets in line, is let in, reserves units, orders and pays for them.
    pub(super) fn buys(&self, deal: &str, units: u32) {
        let browser = &self.phone.browser;
        browser.open(&self.house.at(deal));
        browser.comes_to_have("main a[href^='/s/']");
        self.shot("deal-open");
        browser.click("main a[href^='/s/']");
        self.shot("room");
        browser.click("form[action$='/enter'] button");
        browser.comes_to_show(self.words.your_turn);
        self.shot("turn");
        browser.click(&format!("select[name=quantity] option[value='{units}']"));
        browser.click("form[action$='/buy'] button");
        for (field, text) in [
            ("#receiver", "김하나"),
            ("#phone", "010-1234-5678"),
            ("#zip", "06236"),
            ("#road", "서울 강남구 테헤란로 152"),
        ] {
            browser.fill(field, text);
        }
        browser.click("#keeps");
        browser.click("input[name=gateway][value=kakaopay]");
        browser.click("#agrees");
        self.shot("checkout");
        browser.click("aside .btn");
        // The page before the provider's leads on by itself, in a second.
        let shown = browser.shows_one_of(&[self.words.going, self.words.double]);
        if shown == self.words.going {
            self.shot("going");
        }
        let page = browser.shows(self.words.double);
        let amount = if units == 2 { "62,000" } else { "31,000" };
        assert!(page.contains(amount) && page.contains(TITLE), "{page}");
        self.shot("provider");
        browser.click("button[value=money]");
        browser.comes_to_show(self.words.confirmed);
        self.shot("paid");
        browser.click("main a[href^='/shop/orders/']");
        let order = browser.shows(TITLE);
        assert!(order.contains(amount) && order.contains("테헤란로 152"), "{order}");
        self.shot("order");
    }

    /// Finds the order in their list, and wants the money for one unit back.
    pub(super) fn gives_back_one(&self, heading: &str) {
        let browser = &self.phone.browser;
        browser.click(".dock a[href='/shop/orders']");
        browser.shows(TITLE);
        self.shot("orders");
        browser.click("main a[href^='/shop/orders/']");
        browser.click("section[aria-labelledby=refund] summary");
        browser.click("#quantity option[value='1']");
        browser.click("#reason option[value=changed_mind]");
        self.shot("refund");
        browser.click("form[action$='/refund'] .btn");
        let text = browser.comes_to_show(heading);
        assert!(text.contains("31,000"), "{text}");
        self.shot("refunded");
    }
}
