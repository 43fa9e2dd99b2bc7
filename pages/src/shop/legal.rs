//! What the shop and its visitors owe each other: terms of use, and personal data.

use askama::Template;

use super::{frame::ShopFrame, pages};
use crate::{format::Phrase, language::Language};

/// The terms of use, or what becomes of personal data.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "shop/legal.html", whitespace = "minimize")]
pub struct LegalPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// Whether it is about personal data.
    pub is_privacy: bool,
}

pages! { LegalPage: Elsewhere; }

/// A section: heading and text, in Korean and in English.
type Section = [[&'static str; 2]; 2];

const TERMS: &[Section] = &[
    [
        ["이 약관", "These terms"],
        [
            "이 약관은 이 사이트에서 딜을 보고 사는 분과 사이트를 운영하는 회사 사이의 약속입니다. 2026년 12월 1일부터 적용합니다. 바꿀 때에는 적용하기 7일 전에 알림으로 알려 드립니다.",
            "These terms are what people who see and buy deals here and the company that runs this site have agreed on. They apply from 1 December 2026. A change is announced by notification 7 days before it applies.",
        ],
    ],
    [
        ["누가 파는지", "Who sells"],
        [
            "딜은 국세청과 운영자가 확인한 사업자가 팝니다. 회사는 통신판매중개자로서 판매 시간과 줄을 관리하고 결제를 이어 주며, 상품과 배송은 판매자가 책임집니다. 판매자의 이름과 연락처는 딜마다 나와 있습니다.",
            "Deals are sold by businesses that the tax service and an operator have checked. The company is an intermediary: it runs the hours and the line and passes payments on; the goods and their delivery are the seller's responsibility. Each deal names its seller and how to reach them.",
        ],
    ],
    [
        ["줄과 예약", "The line and reservations"],
        [
            "줄에 선 순서대로 입장합니다. 한 계정은 딜마다 한 자리만 갖습니다. 입장한 뒤 고른 수량은 정해진 시간 동안만 예약되며, 그 안에 결제하지 않으면 다음 사람에게 넘어갑니다. 프로그램으로 여러 자리를 잡는 일은 금지합니다.",
            "People are let in by their place in line. An account has one place for each deal. Units that are picked after entry are reserved for a limited time; what is not paid by then goes to the next person. Taking several places by a program is not allowed.",
        ],
    ],
    [
        ["가격과 결제", "Prices and payment"],
        [
            "가격에는 부가가치세와 배송비가 들어 있습니다. 주문은 예약한 때의 가격으로 확정되며, 결제사가 승인하지 않으면 돈이 나가지 않습니다. 판매자의 사정으로 딜이 취소되면 결제한 금액을 모두 돌려드립니다.",
            "Prices include value added tax and delivery. An order has the price of the moment of its reservation, and no money is taken unless the provider approves the payment. If a deal is called off, everything that was paid is given back.",
        ],
    ],
    [
        ["청약 철회", "Withdrawal and returns"],
        [
            "상품을 받은 날부터 7일 안에 이유를 묻지 않고 반품을 신청할 수 있습니다. 보내기 전이라면 주문을 취소할 수 있습니다. 상품이 설명과 다르면 받은 날부터 3개월 안에, 그 사실을 안 날부터는 30일 안에 돌려보낼 수 있고 비용은 판매자가 냅니다.",
            "Within 7 days of delivery goods can be returned without a reason. Before they are sent, an order can be cancelled. Goods that differ from their description can be sent back within 3 months of delivery and 30 days of noticing it, at the seller's cost.",
        ],
    ],
    [
        ["다툼이 있을 때", "Disputes"],
        [
            "먼저 판매자나 고객 센터에 알려 주시면 3영업일 안에 답합니다. 풀리지 않으면 한국소비자원에 조정을 신청할 수 있으며, 대한민국 법을 따릅니다.",
            "Tell the seller or the help desk first; they answer within 3 working days. What is not settled can be brought before the Korea Consumer Agency. Korean law applies.",
        ],
    ],
];

const PRIVACY: &[Section] = &[
    [
        ["무엇을 모으는지", "What is collected"],
        [
            "가입할 때 이메일 주소와 이름을, 주문할 때 받는 분의 이름과 전화번호와 주소를 받습니다. 카카오나 구글로 로그인하면 그곳에서 알려 준 번호와 이메일 주소를 저장합니다. 카드 번호는 결제사만 알고 저희는 받지 않습니다.",
            "An email address and a name at sign-up; the receiver's name, phone number and address with an order. Whoever signs in by Kakao or Google also leaves the id and address that these give. Card numbers are known to the payment provider alone and never reach us.",
        ],
    ],
    [
        ["무엇에 쓰는지", "What it is used for"],
        [
            "로그인과 주문, 배송, 환불, 고른 알림을 보내는 일에만 씁니다. 광고에 쓰지 않으며 팔지 않습니다.",
            "For signing in, orders, delivery, refunds and the notifications you chose, and for nothing else. It is not used for advertising and not sold.",
        ],
    ],
    [
        ["누가 받는지", "Who receives it"],
        [
            "주문한 상품을 보내도록 판매자에게 받는 분의 이름과 전화번호와 주소를 알립니다. 결제에 필요한 주문 번호와 금액은 결제사에 알립니다. 그 밖에는 법에 따른 요구가 있을 때만 제공합니다.",
            "Sellers get the receiver's name, phone number and address so that they can send the goods. Payment providers get the order's number and amount. Nobody else receives anything unless the law requires it.",
        ],
    ],
    [
        ["얼마나 두는지", "How long it is kept"],
        [
            "탈퇴하면 바로 지웁니다. 다만 전자상거래법에 따라 주문과 결제 기록은 5년, 분쟁 기록은 3년 동안 따로 둡니다. 확인하지 않은 가입은 30일 뒤에 지웁니다.",
            "It is removed when an account is closed. By law, records of orders and payments are kept apart for 5 years and those of disputes for 3. Sign-ups that nobody confirms are removed after 30 days.",
        ],
    ],
    [
        ["내 정보를 보고 지우기", "Seeing and removing it"],
        [
            "내 정보에서 저장된 것을 내려받고, 고치고, 탈퇴할 수 있습니다. 브라우저에는 로그인과 언어를 기억하는 쿠키만 남깁니다.",
            "Under Profile you can download what is stored, correct it and close the account. The only cookies are those that remember your session and your language.",
        ],
    ],
    [
        ["어떻게 지키는지", "How it is protected"],
        [
            "비밀번호는 되돌릴 수 없게 바꾸어 저장하고, 모든 통신은 암호화하며, 누가 무엇을 바꾸었는지 기록합니다. 개인정보 보호 책임자에게는 아래의 이메일로 물을 수 있습니다.",
            "Passwords are stored so that nobody can read them, all traffic is encrypted, and changes by operators are recorded. Questions go to the privacy officer at the address below.",
        ],
    ],
];

impl LegalPage<'_> {
    const fn heading(&self) -> Phrase {
        let words = self.frame.w();
        if self.is_privacy { words.privacy } else { words.terms }
    }

    fn sections(&self) -> impl Iterator<Item = [&'static str; 2]> {
        let sections = if self.is_privacy { PRIVACY } else { TERMS };
        let language = match self.frame.page.language {
            Language::Korean => 0,
            Language::English => 1,
        };
        sections.iter().map(move |[heading, text]| [heading[language], text[language]])
    }
}
