//! Words around every page of the shop.

use super::words;

words! {
    /// What stands around the pages, and what many of them say.
    FrameWords {
        menu = "주 메뉴" / "Main";
        home = "오늘의 딜" / "Today";
        home_short = "오늘" / "Today";
        deals = "모든 딜" / "All deals";
        deals_short = "딜" / "Deals";
        likes = "관심 딜" / "Saved deals";
        likes_short = "관심" / "Saved";
        orders = "주문 내역" / "Orders";
        orders_short = "주문" / "Orders";
        me = "내 정보" / "Account";
        me_short = "나" / "You";
        search = "딜 찾기" / "Search deals";
        inbox = "알림" / "Notifications";
        inbox_unread = "알림, 읽지 않은 것 {n}개" / "Notifications, {n} unread";
        account_menu = "내 메뉴" / "Your menu";
        sign_in = "로그인" / "Sign in";
        sign_out = "로그아웃" / "Sign out";
        signed_in_as = "{n} 님으로 로그인했습니다" / "Signed in as {n}";
        business = "판매자 페이지" / "Seller pages";
        become_business = "판매 시작하기" / "Sell here";
        desk = "운영 페이지" / "Operator pages";
        zone = "모든 시각은 한국 시간(KST)입니다." / "All times are Korean time (KST, UTC+9).";
        terms = "이용약관" / "Terms";
        privacy = "개인정보 처리방침" / "Privacy";
        company = "상호" / "Company";
        representative = "대표자" / "Representative";
        business_number = "사업자등록번호" / "Business registration no.";
        mail_order_number = "통신판매업 신고번호" / "Mail-order licence no.";
        address = "주소" / "Address";
        email = "이메일" / "Email";
        phone = "전화" / "Phone";
        fictional = "시연을 위해 지어낸 상점입니다. 회사도 상품도 실제로 있는 것이 아닙니다." / "This shop is made up for a demonstration. Neither the company nor the goods exist.";
        intermediary = "이 상점은 통신판매중개자입니다. 상품과 배송은 각 판매자가 책임집니다." / "The shop is an intermediary. Each seller answers for their goods and their delivery.";
        optional = "선택" / "optional";
        required = "필수" / "Required";
        read = "내용 보기" / "Read it";
        error_title = "오류: {n}" / "Error: {n}";
        check_these = "확인할 것이 {n}개 있습니다" / "There is {n} thing to check|There are {n} things to check";
        not_done = "처리하지 못했습니다" / "That was not done";
        more = "더 보기" / "Show more";
        back = "이전" / "Back";
        save = "저장하기" / "Save";
        remove = "삭제하기" / "Delete";
        all = "전체" / "All";
        units = "{n}개" / "{n} unit|{n} units";
        discount = "할인" / "Discount";
        list_price = "정가" / "List price";
        // Errors.
        lost = "페이지를 찾을 수 없습니다" / "Page not found";
        lost_text = "주소가 바뀌었거나, 볼 수 없는 페이지입니다." / "The address has changed, or the page is not yours to see.";
        busy = "지금은 상점이 바쁩니다" / "The shop is busy right now";
        busy_text = "주문도, 줄에 선 자리도 그대로입니다. 이미 결제했다면 다시 결제하지 말고 주문 내역에서 확인해 주십시오." / "Your orders and your place in line are safe. If you have already paid, do not pay again: your orders show where things stand.";
        forbidden = "볼 수 없는 페이지입니다" / "This page is not open to you";
        try_again = "다시 시도하기" / "Try again";
        to_home = "오늘의 딜 보기" / "See today’s deals";
        to_orders = "주문 내역 보기" / "See your orders";
        retry_after = "{n}초 뒤에 다시 시도할 수 있습니다." / "You can try again in {n} second.|You can try again in {n} seconds.";
        reference = "{n} · 문의 번호 {m}" / "{n} · reference {m}";
        // Categories.
        fashion = "패션" / "Fashion";
        beauty = "뷰티" / "Beauty";
        food = "식품" / "Food";
        appliance = "가전" / "Appliances";
        sports = "스포츠" / "Sports";
        living = "생활용품" / "Home";
        pet = "반려용품" / "Pets";
        travel = "여행" / "Travel";
        // Deals' states.
        pending = "작성 중" / "Draft";
        rejected = "반려" / "Turned down";
        scheduled = "예정" / "Coming";
        open = "판매 중" / "On sale";
        paused = "잠시 멈춤" / "Paused";
        sold_out = "품절" / "Sold out";
        ended = "종료" / "Ended";
        cancelled = "취소됨" / "Cancelled";
    }
}
