//! What the codes of refusals and notices mean to a person.

use crate::language::Language;

/// For a code that is not in the table.
const UNKNOWN: (&str, &str) = (
    "지금은 처리할 수 없습니다. 내용을 확인하고 다시 시도해 주십시오.",
    "That cannot be done now. Check what you entered and try again.",
);

/// Code, Korean, English.
pub(super) const ALL: &[(&str, &str, &str)] = &[
    // Signing up and in.
    ("required", "비워 둘 수 없습니다.", "This cannot be left empty."),
    (
        "email_invalid",
        "이메일 주소를 name@shop.example처럼 적어 주십시오.",
        "Enter an email address such as name@shop.example.",
    ),
    (
        "email_taken",
        "이미 가입한 이메일입니다. 로그인하거나 비밀번호를 다시 정할 수 있습니다.",
        "This address has an account. You can sign in or set a new password.",
    ),
    (
        "email_present",
        "이 계정에는 이미 확인된 이메일이 있습니다.",
        "The account already has a confirmed address.",
    ),
    ("email_not_verified", "먼저 이메일을 확인해 주십시오.", "Confirm your email address first."),
    (
        "password_too_short",
        "비밀번호는 8자 이상이어야 합니다.",
        "The password needs 8 characters or more.",
    ),
    ("password_too_long", "비밀번호가 너무 깁니다.", "The password is too long."),
    ("password_wrong", "비밀번호가 맞지 않습니다.", "That is not the password."),
    (
        "name_invalid",
        "이름은 60자까지 한 줄로 적어 주십시오.",
        "Enter a name of up to 60 characters on one line.",
    ),
    ("consent_missing", "가입하려면 동의가 필요합니다.", "Your consent is needed."),
    (
        "credentials_wrong",
        "이메일이나 비밀번호가 맞지 않습니다.",
        "The email or the password is not right.",
    ),
    (
        "sign_in_busy",
        "로그인하는 사람이 많습니다. 잠시 뒤에 다시 시도해 주십시오.",
        "Many people are signing in. Try again in a moment.",
    ),
    ("sign_in_needed", "로그인이 필요한 페이지입니다.", "Sign in to see this page."),
    (
        "session_over",
        "로그인이 만료되었습니다. 다시 로그인해 주십시오.",
        "You were signed out. Sign in again.",
    ),
    ("session_unknown", "이미 로그아웃된 기기입니다.", "That device is signed out already."),
    ("not_an_operator", "운영자 계정이 아닙니다.", "This account does not run the platform."),
    ("account_gone", "탈퇴했거나 없는 계정입니다.", "There is no such account, or it was closed."),
    (
        "sign_in_flow_invalid",
        "로그인 시간이 지났습니다. 처음부터 다시 시도해 주십시오.",
        "The sign-in took too long. Start it again.",
    ),
    (
        "provider_refused",
        "로그인을 허용하지 않았거나 취소했습니다.",
        "The sign-in was refused or cancelled there.",
    ),
    (
        "provider_unavailable",
        "지금은 그곳에서 로그인할 수 없습니다. 잠시 뒤에 다시 시도해 주십시오.",
        "That sign-in cannot be reached now. Try again in a moment.",
    ),
    ("link_taken", "다른 계정에 연결되어 있습니다.", "It is linked with another account here."),
    (
        "links_too_many",
        "계정은 8개까지 연결할 수 있습니다.",
        "An account is linked with at most 8 others.",
    ),
    ("link_unknown", "이미 끊은 연결입니다.", "That link is gone already."),
    (
        "link_last_way",
        "로그인할 방법이 이것뿐이라 끊을 수 없습니다.",
        "It is your only way to sign in, so it stays.",
    ),
    (
        "operator_session_needed",
        "운영자로 로그인한 뒤에 연결할 수 있습니다.",
        "Sign in as an operator to link it.",
    ),
    ("proof_invalid", "이미 썼거나 기한이 지난 링크입니다.", "The link was used, or is too old."),
    (
        "proof_too_soon",
        "방금 메일을 보냈습니다. 1분 뒤에 다시 받을 수 있습니다.",
        "A mail was sent a moment ago. Wait a minute before the next.",
    ),
    (
        "proof_too_many",
        "하루에 다섯 번까지 보낼 수 있습니다. 내일 다시 시도해 주십시오.",
        "Five mails were sent today. Try again tomorrow.",
    ),
    ("address_missing", "이 계정에는 이메일이 없습니다.", "The account has no email address."),
    (
        "sign_in_guessed",
        "잘못된 비밀번호가 여러 번 들어왔습니다. 15분 뒤에 다시 시도하거나 비밀번호를 다시 정할 수 있습니다.",
        "There were many wrong passwords. Try again in 15 minutes, or set a new password.",
    ),
    (
        "sign_in_again",
        "안전을 위해 다시 로그인한 뒤 15분 안에 할 수 있습니다.",
        "To be safe, sign in again and do this within 15 minutes.",
    ),
    (
        "account_in_use",
        "끝나지 않은 주문이나 딜이 있어 닫을 수 없습니다.",
        "Orders or deals are not finished, so the account stays open.",
    ),
    // Phones and addresses.
    ("phone_no_number", "전화번호를 숫자로 적어 주십시오.", "Enter a phone number in digits."),
    (
        "phone_prefix_unknown",
        "국내 전화번호가 아닙니다. 010이나 지역 번호로 시작해야 합니다.",
        "That is not a Korean number. It starts with 010 or an area code.",
    ),
    (
        "phone_length_wrong",
        "전화번호의 자릿수가 맞지 않습니다.",
        "The number has too few or too many digits.",
    ),
    (
        "phone_invalid",
        "02-123-4567처럼 국내 전화번호를 적어 주십시오.",
        "Enter a Korean phone number such as 02-123-4567.",
    ),
    (
        "receiver_invalid",
        "받는 분의 이름을 60자까지 적어 주십시오.",
        "Enter the recipient’s name, up to 60 characters.",
    ),
    (
        "zip_old",
        "여섯 자리 옛 우편번호입니다. 다섯 자리 번호를 적어 주십시오.",
        "That is an old code of six digits. Enter the one of five.",
    ),
    ("zip_invalid", "우편번호는 숫자 다섯 자리입니다.", "A postal code has five digits."),
    (
        "road_invalid",
        "도로명 주소를 200자까지 적어 주십시오.",
        "Enter the street address, up to 200 characters.",
    ),
    (
        "detail_invalid",
        "상세 주소는 100자까지 적을 수 있습니다.",
        "The flat or floor has up to 100 characters.",
    ),
    (
        "addresses_too_many",
        "배송지는 20개까지 저장할 수 있습니다.",
        "You can save up to 20 addresses.",
    ),
    (
        "address_unknown",
        "없는 배송지입니다. 다시 골라 주십시오.",
        "That address is gone. Choose another.",
    ),
    // Businesses.
    (
        "company_name_invalid",
        "상호를 100자까지 한 줄로 적어 주십시오.",
        "Enter the company’s name, up to 100 characters.",
    ),
    (
        "business_number_not_ten_digits",
        "사업자등록번호는 123-45-67890처럼 숫자 열 자리입니다.",
        "A business number has ten digits, such as 123-45-67890.",
    ),
    (
        "business_number_check_digit",
        "사업자등록번호가 잘못 적혔습니다. 숫자를 확인해 주십시오.",
        "The business number was mistyped. Check its digits.",
    ),
    (
        "business_number_taken",
        "이미 다른 계정이 신청한 번호입니다.",
        "Another account has applied with this number.",
    ),
    (
        "representative_invalid",
        "대표자의 이름을 60자까지 적어 주십시오.",
        "Enter the representative’s name, up to 60 characters.",
    ),
    (
        "business_decided",
        "이미 심사가 끝났습니다. 바꾸려면 운영자에게 문의해 주십시오.",
        "It has been decided. Ask an operator for changes.",
    ),
    (
        "business_own",
        "자신의 사업자는 심사할 수 없습니다.",
        "You cannot decide about your own business.",
    ),
    ("business_unknown", "없는 사업자입니다.", "There is no such business."),
    (
        "business_state_wrong",
        "그사이에 상태가 바뀌어 결정하지 않았습니다.",
        "Its state has changed, so nothing was decided.",
    ),
    (
        "business_not_verified",
        "국세청이 하루 안에 계속사업자라고 확인해야 승인할 수 있습니다.",
        "The tax service must have called it active within a day.",
    ),
    (
        "business_not_approved",
        "승인된 사업자만 딜을 등록할 수 있습니다.",
        "Only approved businesses can register deals.",
    ),
    ("reason_missing", "이유를 200자까지 적어 주십시오.", "Give a reason of up to 200 characters."),
    (
        "business_changed",
        "그사이에 신청 내용이 바뀌어 결정하지 않았습니다. 새 내용을 확인해 주십시오.",
        "The application has changed meanwhile, so nothing was decided. Look at it again.",
    ),
    ("company_saved", "회사 정보를 저장했습니다.", "The company’s details were saved."),
    // Deals.
    (
        "title_invalid",
        "이름을 60자까지 한 줄로 적어 주십시오.",
        "Enter a title of up to 60 characters.",
    ),
    (
        "description_invalid",
        "설명을 4,000자까지 적어 주십시오.",
        "Enter a description of up to 4,000 characters.",
    ),
    ("category_invalid", "분류를 골라 주십시오.", "Choose a category."),
    ("price_invalid", "정가는 1원 이상이어야 합니다.", "The list price is ₩1 or more."),
    ("discount_invalid", "할인율은 0에서 100까지입니다.", "The discount is from 0 to 100."),
    (
        "discount_too_much",
        "할인한 가격은 1원 이상이어야 합니다.",
        "The deal has to cost ₩1 or more.",
    ),
    ("stock_invalid", "수량은 1개 이상이어야 합니다.", "There has to be at least one unit."),
    (
        "per_shopper_max_invalid",
        "1인 한도는 1개 이상, 전체 수량 이하여야 합니다.",
        "The limit is from one unit to all of them.",
    ),
    ("picture_missing", "사진을 한 장 이상 올려 주십시오.", "Add at least one picture."),
    (
        "picture_invalid",
        "JPEG, PNG, WebP 사진만 올릴 수 있습니다.",
        "Only JPEG, PNG and WebP pictures are taken.",
    ),
    (
        "picture_too_large",
        "사진은 한 장에 10MB까지 올릴 수 있습니다.",
        "A picture has at most 10 MB.",
    ),
    ("pictures_too_many", "사진은 8장까지 올릴 수 있습니다.", "A deal has at most 8 pictures."),
    ("slot_missing", "시간을 골라 주십시오.", "Choose the hours."),
    ("hours_too_few", "더 긴 시간을 이어서 골라 주십시오.", "Choose more hours in a row."),
    ("hours_too_many", "딜은 24시간까지 열 수 있습니다.", "A deal lasts 24 hours at most."),
    ("hours_not_whole", "딜은 정시에 시작하고 끝납니다.", "A deal begins and ends on the hour."),
    (
        "hours_out_of_order",
        "끝나는 시간이 시작하는 시간보다 늦어야 합니다.",
        "A deal ends after it begins.",
    ),
    (
        "slot_too_far_ahead",
        "시간은 1년 앞까지 예약할 수 있습니다.",
        "Hours are booked a year ahead at most.",
    ),
    ("media_invalid", "사진은 20장까지 넣을 수 있습니다.", "A deal has 20 pictures at most."),
    (
        "picture_unknown",
        "없는 사진입니다. 다시 올려 주십시오.",
        "There is no such picture. Add it again.",
    ),
    (
        "picture_not_ready",
        "아직 올라오지 않은 사진이 있습니다.",
        "A picture was not uploaded completely.",
    ),
    (
        "too_many_drafts",
        "작성 중인 딜은 100개까지 둘 수 있습니다.",
        "You can have 100 drafts at most.",
    ),
    (
        "too_many_likes",
        "관심 딜이 너무 많습니다. 몇 개를 빼고 다시 시도해 주십시오.",
        "You have saved as many deals as anybody may. Remove some first.",
    ),
    ("deal_published", "이미 공개한 딜입니다.", "The deal was published already."),
    ("deal_over", "이미 끝난 딜입니다.", "The deal is over."),
    (
        "deal_hours_fixed",
        "공개한 딜의 시간은 바꿀 수 없습니다.",
        "The hours of a published deal stay as they are.",
    ),
    (
        "deal_fixed",
        "시작하기 10분 전부터는 설명과 사진, 수량만 바꿀 수 있습니다.",
        "From ten minutes before a deal opens, only its description, pictures and stock can change.",
    ),
    ("deal_draft", "아직 공개하지 않은 딜입니다.", "The deal was not published yet."),
    ("deal_paused_by_others", "운영자가 멈춘 딜입니다.", "An operator has paused the deal."),
    ("slot_gap", "고른 시간이 이어져 있지 않습니다.", "The hours are not in a row."),
    (
        "slot_taken",
        "그사이에 예약된 시간이 있습니다. 다른 시간을 골라 주십시오.",
        "Some of these hours were taken meanwhile. Choose others.",
    ),
    ("slot_past", "이미 지난 시간입니다.", "These hours are over."),
    ("deal_unknown", "없는 딜입니다.", "There is no such deal."),
    (
        "deal_state_wrong",
        "그사이에 딜의 상태가 바뀌었습니다.",
        "The deal’s state has changed meanwhile.",
    ),
    (
        "rate_invalid",
        "초당 입장은 1에서 10,000까지입니다.",
        "Entries a second are from 1 to 10,000.",
    ),
    (
        "keywords_invalid",
        "2자에서 20자까지의 말을 쉼표로 나누어 적어 주십시오.",
        "Enter words of 2 to 20 characters, divided by commas.",
    ),
    ("too_many_keywords", "20개까지 적을 수 있습니다.", "There are at most 20 of them."),
    ("news_read", "모두 읽음으로 표시했습니다.", "All were marked as read."),
    // Orders.
    ("order_unknown", "없는 주문입니다.", "There is no such order."),
    (
        "order_state_wrong",
        "그사이에 주문의 상태가 바뀌었습니다. 지금 상태를 확인해 주십시오.",
        "The order’s state has changed. See how it stands now.",
    ),
    (
        "hold_over",
        "예약이 풀려 결제할 수 없습니다. 결제된 금액은 없습니다.",
        "The reservation is over. Nothing was charged.",
    ),
    (
        "payment_under_way",
        "이미 결제가 진행되고 있습니다. 결과를 기다려 주십시오.",
        "A payment is already under way. Wait for its result.",
    ),
    (
        "order_not_pending",
        "결제를 기다리는 주문이 아닙니다. 지금 상태를 확인해 주십시오.",
        "The order does not wait for a payment any more. See how it stands now.",
    ),
    (
        "payment_begun",
        "다른 결제 수단으로 이미 결제를 시작했습니다.",
        "A payment was begun in another way.",
    ),
    (
        "payment_refused",
        "결제사가 결제를 시작하지 않았습니다. 결제된 금액은 없습니다.",
        "The provider did not begin the payment. Nothing was charged.",
    ),
    (
        "payment_busy",
        "결제사에 연결하지 못했습니다. 잠시 뒤에 다시 시도해 주십시오.",
        "The provider cannot be reached. Try again in a moment.",
    ),
    (
        "room_unavailable",
        "지금은 주문을 받을 수 없습니다. 잠시 뒤에 다시 시도해 주십시오.",
        "Orders cannot be taken now. Try again in a moment.",
    ),
    (
        "purchase_unknown",
        "예약이 풀렸거나 없는 예약입니다. 결제된 금액은 없습니다.",
        "The reservation is over, or there is none. Nothing was charged.",
    ),
    (
        "purchase_over",
        "예약이 풀려 주문할 수 없습니다. 결제된 금액은 없습니다.",
        "The reservation is over. Nothing was charged.",
    ),
    ("order_not_paid", "결제된 주문이 아닙니다.", "The order is not paid."),
    (
        "order_shipped",
        "이미 보낸 상품입니다. 받은 뒤에 반품할 수 있습니다.",
        "It was sent already. You can return it once it has arrived.",
    ),
    ("nothing_left", "이미 모두 환불했습니다.", "All of it was refunded already."),
    ("refund_amount", "환불할 수 있는 금액이 아닙니다.", "That is more than is left."),
    ("refund_lines", "환불할 수 있는 수량이 아닙니다.", "There are not that many left."),
    ("order_not_shipped", "아직 보내지 않은 상품입니다.", "It was not sent yet."),
    ("gateway_invalid", "결제 수단을 골라 주십시오.", "Choose how to pay."),
    (
        "gateway_unavailable",
        "지금은 이 결제 수단을 쓸 수 없습니다. 다른 수단을 고를 수 있습니다.",
        "This way to pay cannot be reached now. You can choose another.",
    ),
    ("agreement_missing", "구매 조건에 동의해 주십시오.", "Agree to the terms of purchase."),
    ("quantity_invalid", "수량을 다시 골라 주십시오.", "Choose the number of units again."),
    (
        "refund_too_much",
        "이미 환불된 수량이 있어 그만큼은 환불할 수 없습니다.",
        "Some of it was refunded already, so this is too much.",
    ),
    ("return_over", "반품할 수 있는 기간이 지났습니다.", "The time for returns is over."),
    (
        "orders_open",
        "끝나지 않은 주문이 있어 닫을 수 없습니다.",
        "Some orders are not finished yet.",
    ),
    // Anything.
    ("forbidden", "이 페이지를 볼 수 있는 계정이 아닙니다.", "This account cannot see that page."),
    (
        "too_many_requests",
        "짧은 시간에 요청이 너무 많았습니다. 잠시 뒤에 다시 시도해 주십시오.",
        "There were too many requests. Try again in a moment.",
    ),
    (
        "overloaded",
        "지금은 요청이 많아 처리하지 못했습니다. 잠시 뒤에 다시 시도해 주십시오.",
        "The shop is busy. Try again in a moment.",
    ),
    (
        "idempotency_mismatch",
        "이미 다른 내용으로 보낸 화면입니다. 새로 열어 다시 시도해 주십시오.",
        "This form was sent with other content. Open the page again.",
    ),
    (
        "internal",
        "저희 쪽에 문제가 생겼습니다. 처리되었는지 확인한 다음 다시 시도해 주십시오.",
        "Something went wrong on our side. See whether it was done, then try again.",
    ),
    ("unauthorized", "로그인이 필요합니다.", "Sign in first."),
    ("token_invalid", "다시 로그인해 주십시오.", "Sign in again."),
    (
        "token_expired",
        "로그인한 지 오래되었습니다. 다시 로그인해 주십시오.",
        "You signed in a while ago. Sign in again.",
    ),
    ("refresh_invalid", "다시 로그인해 주십시오.", "Sign in again."),
    (
        "refresh_reused",
        "안전을 위해 로그아웃했습니다. 다시 로그인해 주십시오.",
        "You were signed out to be safe. Sign in again.",
    ),
    (
        "business_not_decided",
        "아직 승인되지 않은 사업자입니다. 다시 신청해 주십시오.",
        "The business was not approved yet. Apply again instead.",
    ),
    (
        "business_number_fixed",
        "승인된 사업자의 등록번호는 바꿀 수 없습니다.",
        "The number of an approved business does not change.",
    ),
    (
        "business_suspended",
        "판매가 중지된 동안에는 상호와 대표자를 바꿀 수 없습니다.",
        "A suspended business changes neither its name nor its representative.",
    ),
    ("business_session_needed", "판매자로 로그인해야 합니다.", "Sign in as a seller."),
    ("provider_unknown", "이 방법으로는 로그인할 수 없습니다.", "This shop has no such sign-in."),
    (
        "provider_denied",
        "로그인을 허용하지 않았거나 취소했습니다.",
        "The sign-in was refused or cancelled there.",
    ),
    (
        "shop_unavailable",
        "지금은 처리할 수 없습니다. 잠시 뒤에 다시 시도해 주십시오.",
        "That cannot be done right now. Try again in a moment.",
    ),
    (
        "foreign_form",
        "다른 사이트에서 보낸 요청이라 처리하지 않았습니다. 이 페이지에서 다시 눌러 주십시오.",
        "The request came from another site and was not done. Press the button here again.",
    ),
    (
        "not_found",
        "주소가 바뀌었거나, 볼 수 없는 페이지입니다.",
        "The address has changed, or the page is not yours to see.",
    ),
    (
        "method_not_allowed",
        "이 주소는 버튼으로만 이용할 수 있습니다.",
        "This address is for a button only.",
    ),
    (
        "bad_request",
        "보낸 내용이 올바르지 않습니다. 다시 시도해 주십시오.",
        "What was sent is not right. Try again.",
    ),
    (
        "bad_body",
        "보낸 내용이 끝까지 오지 않았습니다. 다시 시도해 주십시오.",
        "What was sent did not arrive whole. Try again.",
    ),
    ("body_too_large", "보낸 내용이 너무 큽니다.", "What was sent is too large."),
    ("invalid_request", "입력한 내용을 확인해 주십시오.", "Check what you entered."),
    // What was done.
    (
        "signed_up",
        "가입했습니다. 확인 메일을 보냈습니다.",
        "Your account is ready. A mail to confirm your address is on its way.",
    ),
    ("signed_out", "로그아웃했습니다.", "You are signed out."),
    ("mail_sent", "메일을 보냈습니다.", "The mail was sent."),
    (
        "password_changed",
        "비밀번호를 바꿨습니다. 다른 기기에서는 로그아웃되었습니다.",
        "The password was changed. Other devices were signed out.",
    ),
    ("profile_saved", "프로필을 저장했습니다.", "Your profile was saved."),
    ("link_added", "계정을 연결했습니다.", "The account was linked."),
    ("link_removed", "연결을 끊었습니다.", "The link was removed."),
    ("company_saved", "사업자 정보를 저장했습니다.", "The company's details were saved."),
    ("session_ended", "그 기기에서 로그아웃했습니다.", "That device was signed out."),
    ("address_saved", "배송지를 저장했습니다.", "The address was saved."),
    ("address_removed", "배송지를 삭제했습니다.", "The address was deleted."),
    ("alerts_saved", "알림 설정을 저장했습니다.", "Your alerts were saved."),
    (
        "withdrawn",
        "계정을 닫았습니다. 그동안 고마웠습니다.",
        "Your account is closed. Thank you for having been here.",
    ),
    ("liked", "관심 딜에 넣었습니다.", "The deal was saved."),
    ("unliked", "관심 딜에서 뺐습니다.", "The deal was removed from your saved ones."),
    ("all_read", "모두 읽음으로 표시했습니다.", "All are marked as read."),
    (
        "order_cancelled",
        "주문을 취소했습니다. 결제된 금액은 없습니다.",
        "The order was cancelled. Nothing was charged.",
    ),
    ("refund_asked", "환불을 신청했습니다.", "The refund was asked for."),
    ("return_asked", "반품을 신청했습니다.", "The return was asked for."),
    ("order_received", "받은 것으로 표시했습니다.", "The order is marked as received."),
    (
        "applied",
        "신청했습니다. 결과를 알림으로 알려 드립니다.",
        "You have applied. You will be notified of the decision.",
    ),
    (
        "deal_registered",
        "딜을 등록했습니다. 심사가 끝나면 알려 드립니다.",
        "The deal was registered. You will be notified of the review.",
    ),
    ("deal_saved", "바꾼 내용을 저장했습니다.", "The changes were saved."),
    ("deal_withdrawn", "딜 등록을 취소했습니다.", "The deal was withdrawn."),
    (
        "decided",
        "결정을 저장하고 판매자에게 알렸습니다.",
        "The decision was saved and the seller notified.",
    ),
    ("deal_paused", "입장을 멈췄습니다.", "Entry is paused."),
    ("deal_resumed", "다시 입장시킵니다.", "Entry goes on."),
    (
        "deal_cancelled",
        "딜을 취소했습니다. 결제된 주문을 환불합니다.",
        "The deal was cancelled. Paid orders are refunded.",
    ),
    ("deal_closed", "딜을 마감했습니다.", "The deal was closed."),
    ("deal_drafted", "작성 중으로 저장했습니다.", "The draft was saved."),
    ("rate_saved", "초당 입장을 바꿨습니다.", "The entry rate was changed."),
    ("asked_again", "결제사에 다시 묻습니다.", "The provider is asked again."),
    ("settled", "확인한 것으로 마쳤습니다.", "It was closed as checked."),
    ("started_again", "작업을 다시 시작했습니다.", "The task was started again."),
];

fn find(code: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    ALL.iter().find(|(known, ..)| *known == code)
}

/// Whether there are words for a code. A notice comes back from the browser, so only what stands in the
/// table is ever shown.
pub(crate) fn is_known(code: &str) -> bool {
    find(code).is_some()
}

/// What a code means; a general sentence for one that is not known.
pub(crate) fn sentence(language: Language, code: &str) -> &'static str {
    let (korean, english) = find(code).map_or(UNKNOWN, |(_, korean, english)| (*korean, *english));
    match language {
        Language::Korean => korean,
        Language::English => english,
    }
}
