//! Words of the operators' pages.

use super::words;

words! {
    /// Deciding, looking into, mending.
    DeskWords {
        menu = "운영 메뉴" / "Operator menu";
        applicants = "사업자" / "Businesses";
        deals = "딜" / "Deals";
        orders = "주문" / "Orders";
        doubts = "확인할 결제" / "Payments to check";
        refunds = "환불" / "Refunds";
        tasks = "멈춘 작업" / "Stopped tasks";
        all = "전체" / "All";
        reason = "이유" / "Reason";
        reason_hint = "판매자에게 그대로 보입니다." / "Shown to the seller as it is.";
        reason_is = "이유: {n}" / "Reason: {n}";
        nothing = "할 일이 없습니다" / "Nothing to do";
        nothing_text = "새로운 것이 생기면 여기에 나타납니다." / "What comes up appears here.";
        // Businesses.
        applicants_say = "국세청이 하루 안에 계속사업자라고 답한 신청만 승인할 수 있습니다." / "Only applications that the tax service called active within a day can be approved.";
        pending = "심사할 신청" / "To review";
        approved = "판매 중" / "Selling";
        suspended = "중지" / "Suspended";
        rejected = "반려" / "Turned down";
        approve = "승인하기" / "Approve";
        reject = "반려하기" / "Turn down";
        suspend = "판매 중지하기" / "Suspend";
        suspend_warning = "새 딜을 등록하지 못하게 됩니다. 이미 열린 딜은 따로 멈춰야 합니다." / "They cannot register deals. Deals that are open have to be paused on their own.";
        reinstate = "다시 허용하기" / "Reinstate";
        number = "등록번호" / "Number";
        tax_service = "국세청" / "Tax service";
        applied = "신청" / "Applied";
        contact = "연락처" / "Contact";
        // Deals.
        deals_pending = "심사할 딜" / "To review";
        deals_open = "열린 딜" / "Open";
        deals_coming = "예정" / "Coming";
        publish = "승인하고 공개하기" / "Approve and publish";
        pause = "입장 멈추기" / "Pause entry";
        resume = "다시 입장시키기" / "Resume entry";
        cancel = "딜 취소하기" / "Cancel the deal";
        cancel_of = "{n} 취소하기" / "Cancel {n}";
        cancel_warning = "판매를 끝내고, 결제된 주문을 모두 환불합니다. 되돌릴 수 없습니다." / "Ends the sale and refunds every paid order. This cannot be undone.";
        see = "페이지 보기" / "See the page";
        rate = "초당 입장" / "Entries a second";
        rate_set = "바꾸기" / "Set";
        sold_held = "판매 {n} · 예약 {m}" / "{n} sold · {m} reserved";
        // Orders.
        find_order = "주문 번호나 계정 번호" / "Order or account id";
        find = "찾기" / "Find";
        col_order = "주문" / "Order";
        col_goods = "상품" / "Goods";
        col_state = "상태" / "State";
        col_amount = "금액" / "Amount";
        no_orders = "찾는 주문이 없습니다" / "No orders found";
        // Doubts.
        doubts_say = "결제사의 기록과 우리 기록이 다르거나, 답을 끝내 듣지 못한 결제입니다. 다시 묻게 하거나, 사람이 확인한 결과를 적습니다." / "Payments whose records differ from the provider’s, or of which it never told. Have it asked again, or note what a person found out.";
        d_amount = "금액이 다릅니다" / "Another amount than was due";
        d_units = "돈을 받지 않았는데 상품이 나갔습니다" / "Units sold, but no payment known";
        d_silence = "결제사의 답을 듣지 못했습니다" / "The provider never answered";
        d_refund = "환불을 거절당했습니다" / "The provider refuses to give back";
        d_contradiction = "결제사의 답이 서로 다릅니다" / "The provider’s answers contradict each other";
        since = "{n}부터" / "since {n}";
        expected = "받을 금액" / "Due";
        heard = "결제사 기록" / "At the provider";
        unknown = "알 수 없음" / "unknown";
        ask_again = "결제사에 다시 묻기" / "Ask the provider again";
        give_back = "전액 돌려주기" / "Give all of it back";
        give_back_warning = "받은 금액을 모두 돌려주고 수량을 다시 판매합니다. 되돌릴 수 없습니다." / "Gives back what was taken and puts the units back on sale. This cannot be undone.";
        settle = "확인한 것으로 마치기" / "Close as checked";
        settle_note = "무엇을 확인했는지" / "What was found out";
        history = "기록 {n}개" / "{n} record|{n} records";
        // Refunds.
        r_waits = "반품 대기" / "Waits for the goods";
        r_asked = "요청함" / "Asked";
        r_done = "완료" / "Done";
        r_failed = "거절됨" / "Refused";
        waiting = "기다리는 것" / "Open";
        done = "끝난 것" / "Done";
        arrived = "상품 도착, 환불하기" / "Goods arrived: refund";
        try_again = "다시 요청하기" / "Ask again";
        // Tasks.
        tasks_say = "여러 번 실패해 더는 시도하지 않는 작업입니다. 원인을 고친 뒤 다시 시작하십시오." / "Tasks that failed too often to be tried again. Mend the cause, then start them again.";
        attempts = "{n}번 시도" / "{n} attempt|{n} attempts";
        run_again = "다시 시작하기" / "Start again";
        last_error = "마지막 오류" / "Last error";
    }
}
