//! The one table from a refusal to status, code, retry and a sentence in both languages.

use axum::http::StatusCode as S;
use commons::{media::GrantRefusal, upload::UploadRefusal};
use identity::{
    access::TokenRefusal,
    account::{EmailRefusal, Gone, ProofRefusal},
    address::{AddRefusal, AddressRefusal},
    arrival::ArrivalRefusal,
    business::{ApplyRefusal, ChangeRefusal, DecideRefusal, SellRefusal},
    membership::{AppointRefusal, PasswordSignInRefusal, SetEmailRefusal, WithdrawRefusal},
    proof::IssueRefusal,
    session::{OwnRefusal, RefreshRefusal},
    social::UnlinkRefusal,
};
use trade::{
    deal::WindowRefusal,
    door::DoorRefusal,
    fulfilment::{self, ShipRefusal},
    order::PlaceRefusal,
    refund::RefundRefusal,
    till::{BeginRefusal, CancelRefusal, ReturnRefusal},
};
use web::problem::Retry::{After, WithKey};

use super::{
    Refusal,
    words::{Row, lasting, passing},
};

impl Refusal {
    /// The row of a refusal.
    #[rustfmt::skip]
    #[expect(clippy::too_many_lines, reason = "it is one table")]
    pub(crate) const fn row(&self) -> Row {
        match self {
            Self::Unauthorized => lasting(S::UNAUTHORIZED, "unauthorized", "로그인이 필요합니다.", "sign in first"),
            Self::BusinessSessionNeeded => lasting(S::FORBIDDEN, "business_session_needed", "사업자로 로그인해야 합니다.", "sign in as a business"),
            Self::OperatorSessionNeeded | Self::Arrival(ArrivalRefusal::OperatorSessionNeeded) => lasting(S::FORBIDDEN, "operator_session_needed", "운영자로 로그인해야 합니다.", "sign in as an operator"),
            Self::ForeignForm => lasting(S::FORBIDDEN, "foreign_form", "이 사이트의 페이지에서 보낸 요청이 아닙니다.", "the request comes from a page of another site"),
            Self::NotFound => lasting(S::NOT_FOUND, "not_found", "찾을 수 없습니다.", "not found"),
            Self::MethodNotAllowed(_) => lasting(S::METHOD_NOT_ALLOWED, "method_not_allowed", "여기서는 쓸 수 없는 요청 방식입니다.", "the method is not allowed here"),
            Self::BadRequest(_) => lasting(S::BAD_REQUEST, "bad_request", "요청의 형식이 잘못되었습니다.", "the request is malformed"),
            Self::BadBody => lasting(S::BAD_REQUEST, "bad_body", "요청 본문이 끝까지 오지 않았습니다.", "the request body is incomplete or badly encoded"),
            Self::BodyTooLarge => lasting(S::PAYLOAD_TOO_LARGE, "body_too_large", "요청 본문이 너무 큽니다.", "the request body is too large"),
            Self::Invalid(_) => lasting(S::UNPROCESSABLE_ENTITY, "invalid_request", "입력한 내용을 확인해 주세요.", "the request is not valid"),
            Self::TooManyRequests(quota) => passing(After(quota.retry_after()), S::TOO_MANY_REQUESTS, "too_many_requests", "요청이 너무 잦습니다. 잠시 후 다시 시도해 주세요.", "too many requests"),
            Self::IdempotencyMismatch => lasting(S::UNPROCESSABLE_ENTITY, "idempotency_mismatch", "같은 키로 다른 요청을 보낸 적이 있습니다.", "the idempotency key was already used for a different request"),
            Self::RefreshInvalid => lasting(S::UNAUTHORIZED, "refresh_invalid", "다시 로그인해 주세요.", "the text is no refresh token of this shop"),
            Self::ProviderUnknown => lasting(S::NOT_FOUND, "provider_unknown", "이 방법으로는 로그인할 수 없습니다.", "this shop does not sign in with that provider"),
            Self::ProviderDenied => lasting(S::FORBIDDEN, "provider_denied", "로그인에 동의하지 않으셨습니다.", "the sign-in was refused at the provider"),
            Self::Unavailable => passing(WithKey(2), S::SERVICE_UNAVAILABLE, "shop_unavailable", "지금은 처리할 수 없습니다. 잠시 후 다시 시도해 주세요.", "the shop's database does not answer right now"),
            Self::Internal => passing(WithKey(1), S::INTERNAL_SERVER_ERROR, "internal", "서버에 문제가 생겼습니다.", "internal error"),
            Self::Busy => passing(After(1), S::SERVICE_UNAVAILABLE, "overloaded", "지금은 이용자가 많습니다. 잠시 후 다시 시도해 주세요.", "the server is overloaded"),
            Self::Token(TokenRefusal::Malformed | TokenRefusal::UnknownKey | TokenRefusal::Forged | TokenRefusal::Foreign) => lasting(S::UNAUTHORIZED, "token_invalid", "다시 로그인해 주세요.", "the text is no access token of this shop"),
            Self::Token(TokenRefusal::Expired) => lasting(S::UNAUTHORIZED, "token_expired", "로그인한 지 오래되었습니다. 다시 로그인해 주세요.", "the access token has expired"),
            Self::Token(TokenRefusal::SessionOver) | Self::Refresh(RefreshRefusal::Over | RefreshRefusal::Unknown) => lasting(S::UNAUTHORIZED, "session_over", "로그아웃되었습니다. 다시 로그인해 주세요.", "the session is over"),
            Self::Refresh(RefreshRefusal::Reused) => lasting(S::UNAUTHORIZED, "refresh_reused", "안전을 위해 로그아웃했습니다. 다시 로그인해 주세요.", "the refresh token was used before; the session was ended"),
            Self::Gone(Gone::Gone) => lasting(S::UNAUTHORIZED, "account_gone", "탈퇴한 계정입니다.", "the account was withdrawn"),
            Self::Email(EmailRefusal::Taken) | Self::SetEmail(SetEmailRefusal::Taken) | Self::Arrival(ArrivalRefusal::EmailTaken) => lasting(S::CONFLICT, "email_taken", "이미 가입된 이메일 주소입니다.", "the address has an account"),
            Self::SetEmail(SetEmailRefusal::HasOne) => lasting(S::CONFLICT, "email_present", "확인된 이메일 주소가 이미 있습니다.", "the account has a verified address"),
            Self::Proof(ProofRefusal::Invalid) => lasting(S::GONE, "proof_invalid", "이미 사용했거나 기한이 지난 링크입니다.", "the link was used, is too old, or is no such link"),
            Self::Issue(IssueRefusal::NoAddress) => lasting(S::CONFLICT, "address_missing", "계정에 이메일 주소가 없습니다.", "the account has no e-mail address"),
            Self::Issue(IssueRefusal::TooSoon) => passing(After(60), S::TOO_MANY_REQUESTS, "proof_too_soon", "방금 메일을 보냈습니다. 1분 뒤에 다시 시도해 주세요.", "a mail was sent less than a minute ago"),
            Self::Issue(IssueRefusal::TooMany) => passing(After(3_600), S::TOO_MANY_REQUESTS, "proof_too_many", "오늘은 메일을 더 보낼 수 없습니다.", "five mails were sent within a day"),
            Self::SignIn(PasswordSignInRefusal::Wrong) => lasting(S::UNAUTHORIZED, "credentials_wrong", "이메일 주소나 비밀번호가 맞지 않습니다.", "no account has this address and this password"),
            Self::SignIn(PasswordSignInRefusal::TooManyGuesses) => passing(After(900), S::TOO_MANY_REQUESTS, "sign_in_guessed", "비밀번호를 여러 번 틀렸습니다. 15분 뒤에 다시 시도해 주세요.", "too many wrong passwords were tried for this address within 15 minutes"),
            Self::SignIn(PasswordSignInRefusal::Busy) => passing(After(1), S::SERVICE_UNAVAILABLE, "sign_in_busy", "지금은 로그인하는 분이 많습니다. 잠시 후 다시 시도해 주세요.", "too many people are signing in"),
            Self::SignIn(PasswordSignInRefusal::NotAnOperator) | Self::Arrival(ArrivalRefusal::NotAnOperator) | Self::Decide(DecideRefusal::NotAnOperator) | Self::Refund(RefundRefusal::NotAnOperator) => lasting(S::FORBIDDEN, "not_an_operator", "운영자 계정이 아닙니다.", "the account does not run the platform"),
            Self::Own(OwnRefusal::Unknown) => lasting(S::NOT_FOUND, "session_unknown", "그런 로그인 기록이 없습니다.", "there is no such session"),
            Self::AddAddress(AddRefusal::TooMany) => lasting(S::CONFLICT, "addresses_too_many", "배송지는 20개까지 저장할 수 있습니다.", "an account has at most 20 addresses"),
            Self::Address(AddressRefusal::Unknown) => lasting(S::NOT_FOUND, "address_unknown", "그런 배송지가 없습니다.", "there is no such address"),
            Self::Unlink(UnlinkRefusal::Unknown) => lasting(S::NOT_FOUND, "link_unknown", "연결되지 않은 계정입니다.", "there is no such link"),
            Self::Unlink(UnlinkRefusal::LastWay) => lasting(S::CONFLICT, "link_last_way", "먼저 이메일 주소를 확인해 주세요. 지금 연결을 끊으면 로그인할 수 없습니다.", "nobody could sign in to the account any more"),
            Self::SignInAgain | Self::Arrival(ArrivalRefusal::SignInAgain) => lasting(S::FORBIDDEN, "sign_in_again", "안전을 위해 다시 로그인한 뒤 15분 안에 해 주세요.", "this takes a session that was opened within 15 minutes: sign in again"),
            Self::Withdraw(WithdrawRefusal::InUse) => lasting(S::CONFLICT, "account_in_use", "끝나지 않은 주문이나 판매가 있어 지금은 탈퇴할 수 없습니다.", "the account has orders or deals that are not done yet"),
            Self::Arrival(ArrivalRefusal::Invalid) => lasting(S::GONE, "sign_in_flow_invalid", "로그인 시간이 지났거나 다른 브라우저에서 시작했습니다. 다시 시도해 주세요.", "the sign-in was begun too long ago or in another browser, or came back twice"),
            Self::Arrival(ArrivalRefusal::ProviderRefused) => lasting(S::FORBIDDEN, "provider_refused", "로그인 서비스에서 확인하지 못했습니다. 다시 시도해 주세요.", "the provider does not know the sign-in"),
            Self::Arrival(ArrivalRefusal::ProviderUnavailable) => passing(After(5), S::SERVICE_UNAVAILABLE, "provider_unavailable", "로그인 서비스에 연결할 수 없습니다. 잠시 후 다시 시도해 주세요.", "the provider cannot be reached"),
            Self::Arrival(ArrivalRefusal::LinkedElsewhere) => lasting(S::CONFLICT, "link_taken", "다른 계정에 연결되어 있습니다.", "that account is linked with another account here"),
            Self::Arrival(ArrivalRefusal::TooManyLinks) => lasting(S::CONFLICT, "links_too_many", "계정은 8개까지 연결할 수 있습니다.", "an account is linked with at most 8 others"),
            Self::Apply(ApplyRefusal::NotVerified) | Self::Appoint(AppointRefusal::NotVerified) => lasting(S::FORBIDDEN, "email_not_verified", "먼저 이메일 주소를 확인해 주세요.", "the account's e-mail address was not verified"),
            Self::Apply(ApplyRefusal::NumberTaken) => lasting(S::CONFLICT, "business_number_taken", "다른 계정에서 신청한 사업자등록번호입니다.", "another account has applied with this number"),
            Self::Apply(ApplyRefusal::Decided) => lasting(S::CONFLICT, "business_decided", "이미 심사가 끝난 사업자입니다.", "the business was approved or suspended already"),
            Self::Change(ChangeRefusal::NotDecided) => lasting(S::CONFLICT, "business_not_decided", "아직 승인되지 않은 사업자입니다. 다시 신청해 주세요.", "nobody has approved the business: apply again instead"),
            Self::Change(ChangeRefusal::Number) => lasting(S::CONFLICT, "business_number_fixed", "승인된 사업자의 등록번호는 바꿀 수 없습니다.", "the number of a business that was approved does not change"),
            Self::Change(ChangeRefusal::Suspended) => lasting(S::CONFLICT, "business_suspended", "판매가 중지된 동안에는 상호와 대표자를 바꿀 수 없습니다.", "a suspended business changes neither its name nor its representative"),
            Self::Decide(DecideRefusal::Own) => lasting(S::FORBIDDEN, "business_own", "자신의 사업자는 심사할 수 없습니다.", "an operator does not decide about their own business"),
            Self::Decide(DecideRefusal::ReasonMissing) => lasting(S::UNPROCESSABLE_ENTITY, "reason_missing", "이유를 적어 주세요.", "who may not sell is told the reason"),
            Self::Decide(DecideRefusal::Unknown) | Self::Change(ChangeRefusal::Unknown) => lasting(S::NOT_FOUND, "business_unknown", "그런 사업자가 없습니다.", "there is no such business"),
            Self::Decide(DecideRefusal::Changed) => lasting(S::CONFLICT, "business_changed", "그 사이에 사업자가 신청 내용을 바꾸었습니다. 다시 확인해 주세요.", "the business says something else of itself by now"),
            Self::Decide(DecideRefusal::WrongState) => lasting(S::CONFLICT, "business_state_wrong", "지금 상태에서는 할 수 없습니다.", "the business is in a state in which this cannot be decided"),
            Self::Decide(DecideRefusal::NotVerified) => lasting(S::CONFLICT, "business_not_verified", "국세청에서 하루 안에 확인한 사업자만 승인할 수 있습니다.", "the tax service has not confirmed within a day that the business is active"),
            Self::Deal(refusal) => refusal.row(),
            Self::Sell(SellRefusal::NotApproved) => lasting(S::FORBIDDEN, "business_not_approved", "승인된 사업자가 아닙니다.", "the business was not approved"),
            Self::OrderUnknown | Self::Begin(BeginRefusal::Unknown) | Self::GiveUp(CancelRefusal::Unknown) | Self::Refund(RefundRefusal::Unknown) | Self::Ship(ShipRefusal::Unknown) => lasting(S::NOT_FOUND, "order_unknown", "그런 주문이 없습니다.", "there is no such order"),
            Self::DealUnknown => lasting(S::NOT_FOUND, "deal_unknown", "그런 딜이 없습니다.", "there is no such deal"),
            Self::PassMissing => lasting(S::FORBIDDEN, "pass_missing", "대기열에서 입장한 뒤에 주문할 수 있습니다.", "an order takes the pass of an admission"),
            Self::RoomAway => passing(WithKey(1), S::SERVICE_UNAVAILABLE, "room_unavailable", "지금은 주문을 받을 수 없습니다. 잠시 후 다시 시도해 주세요.", "the waiting room does not answer right now"),
            Self::Door(DoorRefusal::PassForeign) => lasting(S::FORBIDDEN, "pass_foreign", "이 계정이 이 딜에 입장한 것이 아닙니다.", "the pass is not of this account for this deal"),
            Self::Door(DoorRefusal::PassOver) => lasting(S::FORBIDDEN, "pass_over", "입장 시간이 끝났습니다.", "the time of the admission is over"),
            Self::Door(DoorRefusal::PassUsed) => lasting(S::FORBIDDEN, "pass_used", "이미 주문에 쓴 입장입니다.", "the pass was used for an order"),
            Self::Door(DoorRefusal::NotOpen) | Self::Window(WindowRefusal::NotOpen) => lasting(S::CONFLICT, "not_open", "아직 열리지 않은 딜입니다.", "the deal has not opened"),
            Self::Door(DoorRefusal::Ended) | Self::Window(WindowRefusal::Ended) => lasting(S::CONFLICT, "ended", "끝난 딜입니다.", "the deal is over"),
            Self::Door(DoorRefusal::SoldOut) => lasting(S::CONFLICT, "sold_out", "남은 수량이 부족합니다.", "not enough units are left"),
            Self::Door(DoorRefusal::Limit) => lasting(S::CONFLICT, "limit_exceeded", "한 사람이 살 수 있는 수량을 넘었습니다.", "the deal sells no more units to one shopper"),
            Self::Door(DoorRefusal::TooMany) => lasting(S::CONFLICT, "too_many_purchases", "이 딜에서는 더 예약할 수 없습니다.", "the shopper has made as many reservations as one may"),
            Self::Place(PlaceRefusal::Unknown) => lasting(S::NOT_FOUND, "purchase_unknown", "예약한 수량이 없습니다.", "nothing is reserved under this name"),
            Self::Place(PlaceRefusal::Gone) => lasting(S::CONFLICT, "purchase_over", "예약 시간이 끝났습니다.", "the time to order these units is over"),
            Self::Place(PlaceRefusal::Lines | PlaceRefusal::Goods | PlaceRefusal::Amount) => lasting(S::CONFLICT, "order_unfit", "주문할 수 없는 수량이나 금액입니다.", "these goods cannot be one order"),
            Self::Begin(BeginRefusal::NotPending) | Self::GiveUp(CancelRefusal::NotPending) => lasting(S::CONFLICT, "order_not_pending", "결제를 기다리는 주문이 아닙니다.", "the order does not wait for its payment"),
            Self::Begin(BeginRefusal::Other) => lasting(S::CONFLICT, "payment_begun", "다른 결제 수단으로 결제를 시작했습니다.", "a payment was begun in another way"),
            Self::Begin(BeginRefusal::NoProvider) => lasting(S::CONFLICT, "gateway_unavailable", "지금은 쓸 수 없는 결제 수단입니다.", "this way to pay is not offered"),
            Self::Begin(BeginRefusal::Refused) => lasting(S::CONFLICT, "payment_refused", "결제사가 결제를 시작하지 않았습니다.", "the provider refused to begin the payment"),
            Self::Begin(BeginRefusal::Busy) => passing(After(2), S::SERVICE_UNAVAILABLE, "payment_busy", "결제사에 연결하고 있습니다. 잠시 후 다시 시도해 주세요.", "the payment could not be begun yet"),
            Self::Came(ReturnRefusal::Unknown) => lasting(S::NOT_FOUND, "payment_unknown", "그런 결제가 없습니다.", "there is no such payment"),
            Self::Refund(RefundRefusal::NotPaid) | Self::Ship(ShipRefusal::NotPaid) => lasting(S::CONFLICT, "order_not_paid", "결제된 주문이 아닙니다.", "the order is not paid"),
            Self::Refund(RefundRefusal::Shipped) => lasting(S::CONFLICT, "order_shipped", "이미 보낸 상품입니다. 먼저 반품해 주세요.", "the goods are on their way and have to be returned first"),
            Self::Refund(RefundRefusal::NothingLeft) => lasting(S::CONFLICT, "nothing_left", "이미 모두 환불했거나 환불하고 있습니다.", "all of the money is given back already"),
            Self::Refund(RefundRefusal::Amount) => lasting(S::UNPROCESSABLE_ENTITY, "refund_amount", "환불할 수 있는 금액이 아닙니다.", "the amount is not between one minor unit and what is left"),
            Self::Refund(RefundRefusal::Lines) => lasting(S::UNPROCESSABLE_ENTITY, "refund_lines", "환불할 수 있는 상품이 아닙니다.", "the order has no such goods left"),
            Self::Refund(RefundRefusal::Reason) | Self::SendBack(fulfilment::ReturnRefusal::Reason) => lasting(S::UNPROCESSABLE_ENTITY, "reason_invalid", "이유를 500자 안으로 적어 주세요.", "a reason has 1 to 500 characters"),
            Self::SendBack(fulfilment::ReturnRefusal::Unknown) => lasting(S::NOT_FOUND, "return_unknown", "그런 주문이 없거나 이미 결정되었습니다.", "there is no such order, or nothing to decide"),
            Self::SendBack(fulfilment::ReturnRefusal::NotShipped) | Self::Ship(ShipRefusal::NotShipped) => lasting(S::CONFLICT, "order_not_shipped", "아직 보내지 않은 상품입니다.", "the goods were not shipped"),
            Self::Ship(ShipRefusal::Delivered) => lasting(S::CONFLICT, "order_delivered", "이미 도착한 상품입니다.", "the goods have arrived"),
            Self::Grant(GrantRefusal::TooLong) => lasting(S::UNPROCESSABLE_ENTITY, "upload_length", "사진 한 장은 10MB까지 올릴 수 있습니다.", "an upload has 1 byte to 10 MiB"),
            Self::Grant(GrantRefusal::TooMany) => lasting(S::CONFLICT, "too_many_uploads", "쓰지 않은 사진이 너무 많습니다. 하루 뒤에 다시 올려 주세요.", "the account has as many unused pictures as anybody may"),
            Self::Upload(UploadRefusal::Unknown) => lasting(S::NOT_FOUND, "upload_unknown", "그런 사진이 없습니다.", "there is no such upload"),
            Self::Upload(UploadRefusal::Over) => lasting(S::GONE, "upload_over", "사진을 올릴 수 있는 시간이 지났습니다. 다시 올려 주세요.", "the upload was refused before, or its time is over"),
            Self::Upload(UploadRefusal::Absent) => lasting(S::CONFLICT, "upload_absent", "아직 올라온 파일이 없습니다.", "nothing was uploaded yet"),
            Self::Upload(UploadRefusal::Mislabelled) => lasting(S::UNPROCESSABLE_ENTITY, "picture_mislabelled", "파일의 형식이나 크기가 알려 준 것과 다릅니다.", "the file is not of the type or length that was said"),
            Self::Upload(UploadRefusal::TooManyPixels) => lasting(S::UNPROCESSABLE_ENTITY, "picture_too_large", "사진이 너무 큽니다. 2,400만 화소까지 올릴 수 있습니다.", "the picture has more than 24 megapixels, or a side of more than 16,000"),
            Self::Upload(UploadRefusal::Damaged) => lasting(S::UNPROCESSABLE_ENTITY, "picture_damaged", "사진 파일이 깨져 있습니다.", "the file is damaged"),
            Self::UploadTicket => lasting(S::FORBIDDEN, "upload_ticket_invalid", "이 주소로는 이 파일을 올릴 수 없습니다.", "the URL allows no file of this type and length, or its time is over"),
            Self::Files => passing(After(2), S::SERVICE_UNAVAILABLE, "files_unavailable", "지금은 사진을 저장할 수 없습니다. 잠시 후 다시 시도해 주세요.", "the place for files does not answer right now"),
            Self::NoticeUnknown => lasting(S::NOT_FOUND, "notification_unknown", "그런 알림이 없습니다.", "there is no such notification"),
            Self::Done(refusal) => refusal.row(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    /// The engine's description, of which the shop's is the other part.
    const ENGINE: &str = include_str!("../../../../api/openapi.json");

    /// Code and words of each row.
    fn rows() -> Vec<[&'static str; 3]> {
        let tables = [include_str!("table.rs"), include_str!("deals.rs"), include_str!("desk.rs")];
        let lines = tables.into_iter().flat_map(str::lines).map(str::trim);
        let rows = lines.filter(|line| line.starts_with("Self::") && line.contains("S::"));
        rows.map(|line| {
            let mut texts = line.split('"').skip(1).step_by(2);
            [(); 3].map(|()| texts.next().unwrap())
        })
        .collect()
    }

    fn codes(document: &str) -> BTreeSet<String> {
        let document: Value = serde_json::from_str(document).unwrap();
        let codes = &document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
        codes.as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_code_is_described_and_no_other() {
        let (engine, shop) = (codes(ENGINE), codes(crate::OPENAPI));
        let ours: BTreeSet<String> = rows().iter().map(|row| row[0].to_owned()).collect();
        assert_eq!(shop, ours.difference(&engine).cloned().collect());
    }

    #[test]
    fn every_row_has_a_sentence_in_both_languages() {
        let rows = rows();
        assert!(rows.len() > 40, "{}", rows.len());
        for [code, ko, en] in rows {
            let is_korean = ko.chars().any(|c| ('가'..='힣').contains(&c));
            assert!(is_korean && ko.ends_with('.'), "{code}: {ko}");
            assert!(en.is_ascii() && !en.ends_with('.'), "{code}: {en}");
        }
    }
}
