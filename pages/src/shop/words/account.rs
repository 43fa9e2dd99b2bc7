//! Words of the pages about oneself.

use super::words;

words! {
    /// Signing up and in, and what a person has of themselves here.
    AccountWords {
        // Sign up.
        sign_up = "회원 가입" / "Create an account";
        sign_up_say = "딜을 저장하고, 줄을 서고, 주문할 수 있습니다." / "Save deals, get in line and order.";
        email = "이메일" / "Email";
        send_proof = "확인 메일 받기" / "Get the mail";
        email_hint = "확인 메일을 이 주소로 보냅니다." / "We send a mail there to confirm it.";
        password = "비밀번호" / "Password";
        password_hint = "8자 이상이면 무엇이든 됩니다. 긴 문장이 안전합니다." / "Anything of 8 characters or more. A long sentence is safest.";
        name = "이름" / "Name";
        name_hint = "주문과 배송에 쓰입니다." / "Used for orders and deliveries.";
        agree = "동의" / "Consent";
        agree_terms = "이용약관에 동의합니다" / "I agree to the terms of use";
        agree_privacy = "개인정보 수집과 이용에 동의합니다" / "I agree to the collection and use of my data";
        agree_news = "새로운 딜 소식을 메일로 받겠습니다" / "Send me news of deals by mail";
        have_account = "이미 가입했다면" / "If you have an account";
        // Sign in.
        sign_in = "로그인" / "Sign in";
        sign_in_say = "줄에 선 자리는 로그인해도 그대로입니다." / "Signing in keeps your place in line.";
        sign_in_seller = "판매자 로그인" / "Seller sign-in";
        sign_in_seller_say = "쇼핑할 때와 같은 계정으로, 따로 로그인합니다." / "The same account as for shopping, with a sign-in of its own.";
        sign_in_operator = "운영자 로그인" / "Operator sign-in";
        sign_in_operator_say = "플랫폼을 운영하는 계정으로만 들어올 수 있습니다." / "Only accounts that run the platform get in here.";
        as_shopper = "쇼핑하러 로그인" / "Sign in to shop";
        as_seller = "판매자로 로그인" / "Sign in as a seller";
        forgot = "비밀번호를 잊었습니다" / "Forgot your password";
        or_with = "또는" / "or";
        with_kakao = "카카오로 계속하기" / "Continue with Kakao";
        with_google = "Google로 계속하기" / "Continue with Google";
        kakao = "카카오" / "Kakao";
        google = "Google" / "Google";
        // Verify.
        verify = "이메일 확인" / "Confirm your email";
        verify_sent = "메일을 확인해 주십시오" / "Check your mail";
        verify_sent_text = "{n} 주소로 메일을 보냈습니다. 하루 안에 메일에 있는 링크를 열면 확인이 끝납니다." / "We sent a mail to {n}. Open the link in it within a day.";
        verify_spam = "메일이 오지 않았다면 스팸함을 살펴본 뒤 다시 받을 수 있습니다." / "If nothing arrives, look in your spam folder, then have it sent again.";
        verify_again = "메일 다시 받기" / "Send it again";
        verify_confirm = "이 주소가 맞습니까" / "Is this your address?";
        verify_confirm_text = "버튼을 누르면 {n} 주소가 이 계정의 것으로 확인됩니다." / "Press the button to confirm {n} for this account.";
        verify_now = "확인하기" / "Confirm";
        verified = "이메일을 확인했습니다" / "Your email is confirmed";
        verified_text = "이제 주문하고, 알림을 받고, 판매를 신청할 수 있습니다." / "You can now order, get notifications and apply to sell.";
        verify_invalid = "쓸 수 없는 링크입니다" / "This link no longer works";
        verify_invalid_text = "이미 썼거나 하루가 지났습니다. 메일을 다시 받을 수 있습니다." / "It was used, or is more than a day old. You can have a new one sent.";
        // Reset.
        reset = "비밀번호 다시 정하기" / "Set a new password";
        reset_say = "가입한 이메일로 링크를 보내 드립니다." / "We send a link to the address you signed up with.";
        reset_send = "링크 받기" / "Send the link";
        reset_sent = "메일을 확인해 주십시오" / "Check your mail";
        reset_sent_text = "이 주소로 가입한 계정이 있다면, 한 시간 동안 쓸 수 있는 링크를 보냈습니다." / "If this address has an account, a link is on its way. It holds for one hour.";
        reset_new = "새 비밀번호" / "New password";
        reset_new_say = "정하고 나면 모든 기기에서 로그아웃하고, 카카오와 Google 연결도 끊습니다." / "Afterwards you are signed out everywhere, and links to Kakao and Google are removed.";
        reset_invalid = "쓸 수 없는 링크입니다" / "This link no longer works";
        reset_invalid_text = "이미 썼거나 한 시간이 지났습니다." / "It was used, or is more than an hour old.";
        reset_again = "링크 다시 받기" / "Ask for a new link";
        // Me.
        me = "내 정보" / "Your account";
        unnamed = "이름 없음" / "No name yet";
        unverified = "확인되지 않음" / "not confirmed";
        verified_tag = "확인됨" / "confirmed";
        no_email_note = "등록된 이메일이 없습니다" / "There is no email yet";
        no_email_note_text = "주문 소식을 받고 판매를 신청하려면 이메일이 필요합니다." / "News of your orders and an application to sell need one.";
        add_email = "이메일 등록" / "Add an email";
        verify_note = "이메일이 아직 확인되지 않았습니다" / "Your email is not confirmed yet";
        verify_note_text = "확인해야 판매를 신청하고, 비밀번호를 잊어도 되찾을 수 있습니다." / "Confirm it to apply to sell, and to recover your account.";
        orders = "주문 내역" / "Orders";
        orders_say = "결제, 배송, 환불" / "Payments, deliveries, refunds";
        likes = "관심 딜" / "Saved deals";
        likes_say = "시작하기 전에 알려 드립니다" / "We tell you before they open";
        profile = "프로필과 로그인" / "Profile and sign-in";
        profile_say = "이름, 비밀번호, 연결된 계정, 기기" / "Name, password, linked accounts, devices";
        addresses = "배송지" / "Addresses";
        addresses_say = "주문할 때 고를 수 있습니다" / "To choose from when you order";
        alerts = "알림 설정" / "Alerts";
        alerts_say = "어떤 소식을 어떻게 받을지" / "Which news you get, and how";
        withdraw = "탈퇴" / "Close your account";
        withdraw_say = "계정과 개인정보를 지웁니다" / "Erases the account and your data";
        // Profile.
        about_you = "나에 대해" / "About you";
        phone = "휴대전화" / "Phone";
        phone_hint = "배송 기사가 연락할 때만 쓰입니다." / "Only for the courier.";
        change_password = "비밀번호 바꾸기" / "Change the password";
        set_password = "비밀번호 정하기" / "Set a password";
        password_ends = "바꾸면 다른 기기에서는 로그아웃됩니다." / "Other devices are signed out.";
        current_password = "지금 비밀번호" / "Current password";
        new_password = "새 비밀번호" / "New password";
        links = "연결된 계정" / "Linked accounts";
        links_say = "비밀번호 없이 로그인할 수 있는 곳입니다." / "Where you can sign in without a password.";
        link_now = "{n} 연결하기" / "Link {n}";
        linked_since = "{n}부터" / "since {n}";
        unlink = "연결 끊기" / "Remove the link";
        unlink_warning = "{n} 계정으로는 더 로그인할 수 없게 됩니다." / "You will not be able to sign in with {n} any more.";
        last_way = "로그인할 방법이 이것뿐이라 끊을 수 없습니다." / "It is your only way to sign in, so it stays.";
        sessions = "로그인한 기기" / "Signed-in devices";
        this_device = "이 기기" / "this device";
        seen_at = "마지막 사용 {n}" / "last used {n}";
        end_session = "로그아웃" / "Sign out";
        unknown_device = "알 수 없는 기기" / "Unknown device";
        // Addresses.
        new_address = "새 배송지" / "New address";
        edit_address = "배송지 고치기" / "Edit the address";
        edit = "고치기" / "Edit";
        no_addresses = "저장한 배송지가 없습니다" / "No saved addresses";
        no_addresses_text = "하나 저장해 두면 주문할 때 바로 고를 수 있습니다." / "Save one to have it at hand when you order.";
        addresses_full = "배송지는 20개까지 저장할 수 있습니다." / "You can save up to 20 addresses.";
        default_address = "기본 배송지" / "Default";
        make_default = "기본으로 정하기" / "Make it the default";
        make_default_tick = "기본 배송지로 씁니다" / "Use it as the default";
        remove_address = "{n} 배송지 삭제하기" / "Delete the address of {n}";
        remove_warning = "이미 한 주문의 배송지는 바뀌지 않습니다." / "Orders you have placed keep theirs.";
        receiver = "받는 분" / "Recipient";
        zip = "우편번호" / "Postal code";
        zip_hint = "5자리 숫자" / "5 digits";
        road = "도로명 주소" / "Street address";
        road_hint = "예: 서울 중구 세종대로 110" / "For example: 110 Sejong-daero, Jung-gu, Seoul";
        detail = "상세 주소" / "Flat, floor, company";
        // Alerts.
        alert_categories = "새 딜" / "New deals";
        alert_categories_say = "고른 분류에 딜이 올라오면 한 번 알려 드립니다." / "One notification when a deal in these categories is announced.";
        alert_keywords = "제목에 있는 말" / "Words in titles";
        alert_keywords_hint = "쉼표로 나누어 20개까지, 하나에 2자에서 20자까지 적습니다." / "Up to 20, divided by commas, of 2 to 20 characters each.";
        alert_reminders = "관심 딜의 시작" / "Saved deals opening";
        alert_reminders_say = "저장한 딜이 시작하기 전에 알려 드립니다." / "A notification before a saved deal opens.";
        hours_before = "{n}시간 전" / "{n} hour before|{n} hours before";
        alert_channels = "받는 방법" / "How";
        alert_inbox_say = "모든 소식은 늘 알림함에 남습니다." / "Everything is always kept in your inbox.";
        alert_mail = "메일" / "Mail";
        alert_push = "푸시" / "Push";
        alert_push_say = "알림을 허용한 기기 {n}대" / "{n} device that allows it|{n} devices that allow it";
        alert_mail_unverified = "이메일을 확인하면 켤 수 있습니다." / "Confirm your email to turn it on.";
        // Withdraw.
        withdraw_title = "계정을 닫습니다" / "Close your account";
        withdraw_what = "이렇게 됩니다" / "What happens";
        withdraw_gone = "이름, 이메일, 전화번호, 배송지, 관심 딜, 알림을 모두 지웁니다." / "Your name, email, phone, addresses, saved deals and notifications are erased.";
        withdraw_kept = "주문 기록은 법에 따라 5년 동안 보관하며, 이름 없이 남습니다." / "Orders are kept for 5 years, as the law asks, without your name.";
        withdraw_out = "모든 기기에서 로그아웃되고, 되돌릴 수 없습니다." / "You are signed out everywhere. There is no way back.";
        withdraw_open = "아직 끝나지 않은 주문이 {n}건 있습니다" / "{n} order is not finished yet|{n} orders are not finished yet";
        withdraw_open_text = "배송과 환불이 끝난 뒤에 닫을 수 있습니다." / "You can close the account when they are delivered or refunded.";
        withdraw_selling = "진행 중이거나 예정된 딜이 있습니다" / "You have deals that are open or coming";
        withdraw_selling_text = "딜이 끝나고 정산된 뒤에 닫을 수 있습니다." / "You can close the account when they are over and settled.";
        withdraw_password = "본인인지 확인하기 위해 비밀번호를 넣어 주십시오." / "Your password, to be sure it is you.";
        withdraw_agree = "되돌릴 수 없다는 것을 알고 있습니다" / "I know that there is no way back";
        withdraw_now = "계정 닫기" / "Close the account";
        export = "내 정보 내려받기" / "Download your data";
    }
}
