//! Words of the sellers' pages.

use super::words;

words! {
    /// Applying, registering deals, and what came of them.
    BusinessWords {
        menu = "판매자 메뉴" / "Seller menu";
        own_deals = "내 딜" / "Your deals";
        new_deal = "딜 등록" / "Register a deal";
        sales = "판매 내역" / "Sales";
        invoices = "임대료" / "Rent";
        company = "회사 정보" / "Company";
        // Apply.
        apply = "판매 신청" / "Apply to sell";
        apply_say = "판매 수수료는 없습니다. 딜을 여는 시간만큼 임대료를 냅니다." / "There is no commission. You pay rent for the hours of your deals.";
        apply_unverified = "이메일을 먼저 확인해 주십시오" / "Confirm your email first";
        apply_unverified_text = "심사 결과를 그 주소로 알려 드립니다." / "We write to that address when the application is decided.";
        company_name = "상호" / "Company name";
        number = "사업자등록번호" / "Business registration number";
        number_hint = "10자리 숫자. 국세청에 등록된 상태를 확인합니다." / "10 digits. We check it with the National Tax Service.";
        representative = "대표자" / "Representative";
        email = "업무용 이메일" / "Business email";
        phone = "대표 전화" / "Business phone";
        shown_note = "상호, 대표자, 등록번호, 연락처는 법에 따라 딜 페이지에 표시됩니다." / "The law has these details shown beside your deals.";
        change_note = "이메일과 전화는 바로 바뀝니다. 상호나 대표자를 바꾸면 다시 심사를 받습니다." / "Email and phone change at once. Another name or representative is reviewed again.";
        send = "신청하기" / "Apply";
        send_again = "고쳐서 다시 신청하기" / "Apply again";
        // State of the application.
        pending = "심사하고 있습니다" / "Your application is being reviewed";
        pending_text = "국세청 확인을 마치면 운영자가 결정합니다. 보통 하루 안에 끝나며 알림으로 알려 드립니다." / "An operator decides once the tax service has answered. It usually takes less than a day; you will be notified.";
        approved = "판매할 수 있습니다" / "You can sell";
        approved_text = "딜을 등록하면 바로 공개됩니다." / "Deals you register are published at once.";
        rejected = "승인되지 않았습니다" / "Your application was turned down";
        rejected_text = "내용을 고쳐 다시 신청할 수 있습니다." / "You can correct it and apply again.";
        suspended = "판매가 중지되었습니다" / "You cannot sell for now";
        suspended_text = "새 딜을 등록할 수 없습니다. 이미 받은 주문은 그대로 처리해 주십시오." / "You cannot register deals. Orders you already have still need to be fulfilled.";
        closed = "닫힌 사업자입니다" / "This business is closed";
        reason_is = "이유: {n}" / "Reason: {n}";
        applied_on = "신청" / "Applied";
        decided_on = "결정" / "Decided";
        tax_service = "국세청" / "Tax service";
        verdict_none = "확인을 기다립니다" / "Not answered yet";
        verdict_active = "계속사업자" / "Active business";
        verdict_dormant = "휴업자" / "Dormant business";
        verdict_closed = "폐업자" / "Closed business";
        verdict_unregistered = "등록되지 않은 번호" / "Unregistered number";
        tag_pending = "심사 중" / "In review";
        tag_approved = "승인" / "Approved";
        tag_rejected = "반려" / "Turned down";
        tag_suspended = "중지" / "Suspended";
        tag_closed = "닫힘" / "Closed";
        // Register a deal.
        register_say = "판매 수수료는 없습니다. 시간당 임대료 {n}만 냅니다." / "No commission: only the rent of {n} an hour.";
        goods = "상품" / "Goods";
        title = "이름" / "Title";
        description = "설명" / "Description";
        description_hint = "줄을 바꾸면 문단이 나뉩니다. 첫 문단은 가격 위에 나옵니다." / "A new line is a new paragraph. The first stands above the price.";
        category = "분류" / "Category";
        pictures = "사진" / "Pictures";
        pictures_hint = "JPEG, PNG, WebP 사진을 8장까지, 한 장에 10MB까지 올릴 수 있습니다. 첫 사진이 대표 사진이 되며 정사각형이 좋습니다." / "Up to 8 pictures of 10 MB as JPEG, PNG or WebP. The first one stands for the deal; square is best.";
        remove_picture = "{n}번 사진 빼기" / "Leave out picture {n}";
        price_and_stock = "가격과 수량" / "Price and stock";
        list_price = "정가" / "List price";
        percent = "할인율" / "Discount";
        stock = "수량" / "Units";
        per_person = "1인 한도" / "Limit per person";
        won = "원" / "won";
        percent_sign = "%" / "%";
        pieces = "개" / "units";
        sold_at = "판매가 {n}" / "Sold at {n}";
        hours = "시간" / "Hours";
        hours_say = "이어진 시간을 고르십시오. 2시간부터 예약할 수 있습니다." / "Choose hours in a row, two at least.";
        hours_day = "{n}의 시간" / "Hours of {n}";
        hour_label = "{n}시부터 {m}시" / "{n}:00 to {m}:00";
        hour_taken = ", 예약됨" / ", taken";
        taken_key = "예약된 시간" / "taken";
        picked = "{n}시간" / "{n} hour|{n} hours";
        picked_none = "고른 시간이 없습니다" / "No hours chosen";
        week = "날짜" / "Day";
        week_taken = ", 예약된 시간 {n}시간" / ", {n} hour taken|, {n} hours taken";
        rent = "임대료" / "Rent";
        rent_each = "시간당" / "An hour";
        rent_of = "임대료 {n}시간" / "Rent for {n} hour|Rent for {n} hours";
        commission = "판매 수수료" / "Commission";
        register = "등록하기" / "Register";
        register_note = "등록하면 시간이 예약되고 딜이 공개됩니다. 시작하기 전에 취소하면 임대료를 내지 않습니다." / "Registering books the hours and publishes the deal. No rent is due if you cancel before it opens.";
        save = "바꾼 내용 저장하기" / "Save the changes";
        // Own deals.
        no_deals = "등록한 딜이 없습니다" / "No deals yet";
        no_deals_text = "비어 있는 시간을 골라 첫 딜을 등록할 수 있습니다." / "Choose free hours and register your first one.";
        sold_of = "{m}개 중 {n}개 판매" / "{n} of {m} sold";
        edit = "고치기" / "Edit";
        watch = "지켜보기" / "Watch";
        withdraw = "등록 취소" / "Withdraw";
        withdraw_warning = "예약한 시간이 다시 비고, 되돌릴 수 없습니다." / "Its hours become free again. This cannot be undone.";
        // Watch.
        live_note = "이 페이지는 {n}초마다 새로 고칩니다." / "This page reloads every {n} seconds.";
        sold = "판매" / "Sold";
        held = "예약 중" / "Reserved";
        left = "남음" / "Left";
        revenue = "판매 금액" / "Revenue";
        in_line = "줄에 선 사람" / "In line";
        funnel = "줄에서 결제까지" / "From the line to payment";
        joined = "줄을 섰습니다" / "Got in line";
        admitted = "입장했습니다" / "Got in";
        reserved = "예약했습니다" / "Reserved";
        paid = "결제했습니다" / "Paid";
        saved_by = "저장한 사람" / "Saved it";
        sold_by_time = "5분마다 판매" / "Sold every 5 minutes";
        most_at = "{n}부터 5분 동안 {m}개로 가장 많이 팔렸습니다." / "Most were sold from {n}: {m} in 5 minutes.";
        none_sold = "아직 팔린 것이 없습니다." / "None sold yet.";
        see_public = "딜 페이지 보기" / "See the public page";
        control = "이 딜 다루기" / "Run this deal";
        pause = "입장 멈추기" / "Pause entry";
        resume = "다시 입장시키기" / "Let people in again";
        close_early = "일찍 마감하기" / "Close early";
        close_warning = "더 팔지 않습니다. 이미 산 것은 그대로 보내야 하며, 되돌릴 수 없습니다." / "Nothing more is sold. What was bought still has to be sent. This cannot be undone.";
        call_off = "딜 취소하기" / "Call the deal off";
        call_off_warning = "결제된 주문을 모두 환불하며, 되돌릴 수 없습니다." / "Every paid order is refunded. This cannot be undone.";
        reason = "이유 (손님에게 보입니다)" / "Reason, which shoppers see";
        save_draft = "작성 중으로 저장하기" / "Save as a draft";
        // Sales.
        period = "기간" / "Period";
        show = "보기" / "Show";
        csv = "CSV 받기" / "Download CSV";
        units_sold = "판매 수량" / "Units sold";
        refunded = "환불" / "Refunded";
        net = "받을 금액" / "To be paid out";
        deals_count = "딜 {n}개" / "{n} deal|{n} deals";
        no_sales = "이 기간에 판매한 것이 없습니다" / "Nothing was sold in this period";
        col_deal = "딜" / "Deal";
        col_state = "상태" / "State";
        col_sold = "판매" / "Sold";
        col_refunded = "환불" / "Refunded";
        col_amount = "금액" / "Amount";
        units = "{n}개" / "{n} unit|{n} units";
        // Invoices.
        due_total = "낼 금액" / "To pay";
        no_invoices = "임대료 청구가 없습니다" / "No rent invoices";
        no_invoices_text = "딜을 등록하면 여기에 청구서가 생깁니다." / "One appears here when you register a deal.";
        col_invoice = "청구서" / "Invoice";
        col_hours = "시간" / "Hours";
        due_on = "{n}까지" / "due {n}";
        inv_due = "납부 전" / "Due";
        inv_paid = "납부함" / "Paid";
        inv_waived = "면제" / "Waived";
        inv_cancelled = "취소" / "Cancelled";
    }
}
