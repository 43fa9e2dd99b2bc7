//! What a refusal's code means to a person, in each language.

use super::words::Language;

/// The words for a code of the API. `None` for a code that no page meets: a notice comes back from
/// the browser, so only what stands here is ever shown.
pub(super) fn said(language: Language, code: &str) -> Option<&'static str> {
    let (english, korean) = words(code).or_else(|| words_of_identity(code))?;
    Some(match language {
        Language::English => english,
        Language::Korean => korean,
    })
}

fn words(code: &str) -> Option<(&'static str, &'static str)> {
    Some(match code {
        "ticket_expired" => {
            ("Your place in line has expired.", "줄에서 받은 자리가 만료되었습니다.")
        }
        "ticket_left" => ("You have left the line.", "줄에서 나왔습니다."),
        "ticket_invalid" => {
            ("You have no place in this line yet.", "아직 이 줄에 자리가 없습니다.")
        }
        "pass_invalid" | "pass_expired" => (
            "You can buy only during your turn, and it is not your turn now.",
            "차례가 된 동안에만 구매할 수 있습니다. 지금은 차례가 아닙니다.",
        ),
        "sold_out" => (
            "There are not enough left. Nothing was reserved.",
            "남은 수량이 부족하여 예약하지 못했습니다.",
        ),
        "limit_exceeded" => (
            "That is more than one person can buy in this sale. Nothing was reserved.",
            "한 사람이 살 수 있는 수량을 넘어 예약하지 못했습니다.",
        ),
        "sale_not_open" => ("The sale is not open right now.", "지금은 판매 중이 아닙니다."),
        "idempotency_mismatch" => (
            "You already sent this form with a different quantity. Go back to the room to see what you \
             reserved, then choose again there.",
            "이 화면에서 이미 다른 수량으로 예약했습니다. 대기실로 돌아가 예약을 확인하고 다시 골라 주십시오.",
        ),
        "wrong_state" => (
            "That is no longer possible because your purchase has changed. Its current state is below.",
            "구매 상태가 바뀌어 처리하지 못했습니다. 아래에서 지금 상태를 확인해 주십시오.",
        ),
        "too_many_requests" => (
            "Your connection has sent too many requests. Please wait a moment and try again.",
            "짧은 시간에 요청이 너무 많았습니다. 잠시 후 다시 시도해 주십시오.",
        ),
        "overloaded"
        | "backend_stalled"
        | "identity_unavailable"
        | "arbiter_unavailable"
        | "storage_full"
        | "shutting_down"
        | "deadline_exceeded"
        | "internal"
        | "request_timeout" => (
            "We could not do that just now. Your place is kept. Please try again in a moment.",
            "지금은 처리하지 못했습니다. 자리는 그대로 있습니다. 잠시 후 다시 시도해 주십시오.",
        ),
        "forbidden" => (
            "This request did not come from our page, so we did nothing. Please go back to the room \
             and use the button there.",
            "이 요청은 저희 페이지에서 보낸 것이 아니어서 처리하지 않았습니다. 대기실로 돌아가 버튼을 다시 눌러 주십시오.",
        ),
        "not_found" => (
            "This page does not exist, or the sale has been removed.",
            "주소가 잘못되었거나 판매가 없어졌습니다.",
        ),
        "method_not_allowed" => (
            "This address works only from a button in the waiting room.",
            "이 주소는 대기실의 버튼으로만 이용할 수 있습니다.",
        ),
        "bad_request" | "bad_body" | "body_too_large" | "invalid_request" => (
            "The form was incomplete. Please go back to the room and try again.",
            "보낸 내용이 올바르지 않습니다. 대기실로 돌아가 다시 시도해 주십시오.",
        ),
        _ => return None,
    })
}

/// What is wrong with who somebody says they are.
fn words_of_identity(code: &str) -> Option<(&'static str, &'static str)> {
    Some(match code {
        "identity_invalid" => (
            "Please sign in at the shop first, then come back to this page.",
            "먼저 쇼핑몰에 로그인한 다음 이 페이지로 돌아와 주십시오.",
        ),
        "identity_expired" | "identity_revoked" => (
            "Your sign-in has ended. Please sign in at the shop again, then come back to this page.",
            "로그인이 만료되었습니다. 쇼핑몰에서 다시 로그인한 다음 이 페이지로 돌아와 주십시오.",
        ),
        _ => return None,
    })
}
