//! The business: it applies, registers a deal, and reads what it sold.

use super::{
    PASSWORD, TITLE,
    house::{House, Phone, sign_in, sign_up},
    words::Words,
};

const EMAIL: &str = "office@lantern.example";

/// The business and its phone.
#[derive(Debug)]
pub(super) struct Seller<'a> {
    house: &'a House,
    words: &'a Words,
    phone: Phone,
}

impl<'a> Seller<'a> {
    /// Somebody new who applies for selling, and of whom the tax service says that they are active.
    pub(super) fn applies(house: &'a House, words: &'a Words) -> Self {
        let phone = house.phone(words, true);
        let browser = &phone.browser;
        sign_up(house, browser, words, EMAIL);
        browser.click("details.menu summary");
        browser.click(".menu a[href='/shop/business']");
        for (field, text) in [
            ("#company_name", "등불상회"),
            ("#business_number", "999-00-00073"),
            ("#representative", "김하나"),
            ("#email", EMAIL),
            ("#phone", "02-123-4567"),
        ] {
            browser.fill(field, text);
        }
        house.shot(browser, "apply");
        browser.click("main form[action='/shop/business/apply'] .btn");
        browser.shows(words.in_review);
        browser.comes_to_show(words.active);
        house.shot(browser, "in-review");
        Self { house, words, phone }
    }

    /// It is approved, and goes on to where deals are registered, for which it signs in as a business.
    pub(super) fn may_sell(&self) {
        let browser = &self.phone.browser;
        self.house.mails(EMAIL, 2);
        browser.comes_to_show(self.words.approved);
        self.house.shot(browser, "approved");
        browser.click("main a[href='/shop/business/deals/new']");
        assert!(browser.address().contains("role=business"), "{}", browser.address());
        self.house.shot(browser, "sign-in-business");
        sign_in(browser, EMAIL, PASSWORD);
        browser.shows(self.words.no_hours);
    }

    /// Registers a deal with a picture for noon to two of today; the path of its page.
    pub(super) fn registers(&self) -> String {
        let browser = &self.phone.browser;
        for (field, text) in [
            ("#title", TITLE),
            ("#description", "해 뜰 무렵의 빛\n\n두 손에 들어오는 등불입니다."),
            ("#price", "62000"),
            ("#percent", "50"),
            ("#stock", "20"),
            ("#per_person", "2"),
        ] {
            browser.fill(field, text);
        }
        browser.click("#category option[value=living]");
        browser.attach("#picture", &self.house.picture());
        browser.click("button[name=show_day]");
        browser.has_at_last(".thumbs img");
        browser.click(".slots label:has([value='12']) input");
        browser.click(".slots label:has([value='13']) input");
        browser.shows(self.words.two_hours);
        self.house.shot(browser, "register");
        browser.click("aside .btn:not(.quiet)");
        let list = browser.shows(TITLE);
        assert!(list.contains(self.words.coming), "{list}");
        self.house.shot(browser, "own-deals");
        let path = browser
            .evaluate("return document.querySelector('main a[href^=\"/shop/deals/\"]').pathname");
        path.as_str().unwrap().to_owned()
    }

    /// Reads on the pages of sales how many units were sold, and how many of them came back.
    pub(super) fn sees(&self, deal: &str, sold: u64, refunded: u64) {
        let browser = &self.phone.browser;
        browser.open(&self.house.at("/shop/business/sales"));
        browser.comes_to_show("31,000");
        let cells = "return [...document.querySelectorAll('tbody tr:first-child td.r')] \
                     .map((cell) => cell.innerText)";
        let cells = browser.evaluate(cells);
        let kept = (sold - refunded) * 31_000;
        assert_eq!(cells[0], sold.to_string(), "{cells}");
        assert_eq!(cells[1], refunded.to_string(), "{cells}");
        let text = browser.text();
        assert!(text.contains("93,000") && text.contains(&kept.to_string()[..2]), "{text}");
        self.house.shot(browser, "sales");
        browser.click("tbody a");
        let id = deal.rsplit('/').next().unwrap();
        assert!(browser.address().ends_with(&format!("{id}/watch")), "{}", browser.address());
        browser.shows(TITLE);
        self.house.shot(browser, "watch");
    }
}
