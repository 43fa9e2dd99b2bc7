//! Words of the storefront.

use super::words;

words! {
    /// Deals, lists of them, saved ones and news.
    StoreWords {
        // Home.
        today = "오늘의 딜" / "Today’s deals";
        timetable = "오늘의 시간표" / "Today’s timetable";
        week = "이번 주" / "This week";
        week_today = "오늘" / "Today";
        week_deals = ", 딜 {n}개" / ", {n} deal|, {n} deals";
        nothing_today = "오늘은 딜이 없습니다" / "No deals today";
        nothing_today_text = "위의 주간 표에서 다른 날을 볼 수 있습니다." / "The bar above shows the days that have some.";
        now_open = "지금 열려 있습니다" / "Open now";
        next_up = "다음 딜" / "Up next";
        see_deal = "딜 보기" / "See the deal";
        categories = "분류" / "Categories";
        // Lists.
        results_of = "‘{n}’ 찾은 결과" / "Results for “{n}”";
        deals_of_day = "{n}의 딜" / "Deals on {n}";
        with_ended = "끝난 딜도 보기" / "Include ended deals";
        without_ended = "끝난 딜 빼기" / "Leave out ended deals";
        nothing_found = "찾는 딜이 없습니다" / "No deals found";
        nothing_found_text = "다른 말로 찾거나 분류를 바꿔 볼 수 있습니다." / "Try another word, or another category.";
        clear = "조건 지우기" / "Clear the filters";
        search_label = "찾을 말" / "Search for";
        search_now = "찾기" / "Search";
        // A deal on a card.
        opens_today = "{n} 시작" / "Opens {n}";
        left = "{n}개 남음" / "{n} left|{n} left";
        of_total = "{m}개 중 {n}개 남음" / "{n} of {m} left";
        in_line = "대기 {n}명" / "{n} person in line|{n} people in line";
        saved_by = "관심 {n}명" / "saved by {n}|saved by {n}";
        total = "{n}개" / "{n} unit|{n} units";
        sold_out_mark = "품절" / "SOLD OUT";
        over_mark = "종료" / "ENDED";
        cancelled_mark = "취소" / "CANCELLED";
        // A deal.
        until_opening = "시작까지" / "Opens in";
        until_closing = "마감까지" / "Closes in";
        opens_at = "{n}에 시작합니다" / "Opens {n}";
        closes_at = "{n}에 마감합니다" / "Closes {n}";
        closed_at = "{n}에 끝났습니다" / "Ended {n}";
        time_left = "남은 판매 시간" / "Time left in the deal";
        time_gone = "시작까지 남은 시간" / "Time until it opens";
        stock = "남은 수량" / "Units left";
        stock_total = "판매 수량" / "Units";
        held = "{n}개는 예약 중입니다. 결제되지 않으면 다시 나옵니다." / "{n} is reserved. It comes back if it is not paid for.|{n} are reserved. Those not paid for come back.";
        all_held = "지금은 모두 예약되었습니다. 결제되지 않은 수량은 다시 나옵니다." / "All are reserved right now. Those not paid for come back.";
        get_in_line = "줄 서기" / "Get in line";
        to_place = "내 자리로 가기" / "Go to your place";
        wait_about = "약 {n}분" / "about {n} min";
        wait_range = "약 {n}–{m}분" / "about {n}–{m} min";
        save_deal = "관심 딜에 넣기" / "Save the deal";
        unsave_deal = "관심 딜에서 빼기" / "Remove from saved deals";
        save_to_hear = "시작하기 전에 알림 받기" / "Notify me before it opens";
        saved_to_hear = "시작하기 전에 알려 드립니다" / "You will be told before it opens";
        paused = "입장을 잠시 멈췄습니다" / "Entry is paused";
        paused_text = "줄에 선 자리는 그대로입니다. 다시 시작하면 순서대로 입장합니다." / "Places in line are kept. Entry goes on in the same order.";
        sold_out = "모두 판매되었습니다" / "Sold out";
        sold_out_text = "결제되지 않거나 환불된 수량이 나오면 다시 열립니다." / "It opens again if units are freed or refunded.";
        ended = "판매가 끝났습니다" / "The deal is over";
        cancelled = "취소된 딜입니다" / "This deal was cancelled";
        cancelled_text = "이미 결제한 금액은 모두 돌려드립니다." / "Everything that was paid is given back.";
        preview = "손님에게는 아직 보이지 않습니다" / "Shoppers do not see this yet";
        not_offered = "판매되지 않습니다" / "Not on sale";
        delivery = "배송" / "Delivery";
        delivery_free = "무료, 결제한 다음 날 발송" / "Free, sent the day after payment";
        limit = "수량 제한" / "Limit";
        limit_each = "1인당 {n}개까지" / "{n} per person|{n} per person";
        payment = "결제" / "Payment";
        payment_ways = "카카오페이, 신용·체크카드" / "KakaoPay, cards";
        returns = "반품" / "Returns";
        returns_within = "받은 날부터 7일 안" / "Within 7 days of delivery";
        window = "판매 시간" / "On sale";
        about = "상품 설명" / "About it";
        seller = "판매자 정보" / "The seller";
        more_of_category = "{n} 딜 더 보기" / "More in {n}";
        // Likes.
        likes = "관심 딜" / "Saved deals";
        likes_say = "시작하기 전에 알려 드립니다." / "We tell you before they open.";
        no_likes = "아직 저장한 딜이 없습니다" / "No saved deals yet";
        no_likes_text = "하트를 누르면 여기에 모이고, 시작하기 전에 알려 드립니다." / "Press the heart of a deal to keep it here and be told before it opens.";
        alert_settings = "알림 설정" / "Alert settings";
        // Inbox.
        inbox = "알림" / "Notifications";
        unread = "읽지 않음" / "unread";
        read_all = "모두 읽음으로 표시" / "Mark all as read";
        no_news = "받은 알림이 없습니다" / "No notifications";
        no_news_text = "관심 딜과 주문 소식이 여기에 옵니다." / "News of saved deals and of your orders arrives here.";
        today_heading = "오늘" / "Today";
        yesterday = "어제" / "Yesterday";
        all_news = "전체" / "All";
        news_published = "새 딜: {n}" / "New deal: {n}";
        news_opens_hours = "{n}시간 뒤에 시작합니다" / "Opens in {n} hour|Opens in {n} hours";
        news_opens_minutes = "{n}분 뒤에 시작합니다" / "Opens in {n} minute|Opens in {n} minutes";
        unread_news = "읽지 않은 것" / "Unread";
    }
}
