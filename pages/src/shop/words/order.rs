//! Words of the checkout and of orders.

use super::words;

words! {
    /// Paying, and what became of it.
    OrderWords {
        // Checkout.
        checkout = "주문과 결제" / "Checkout";
        held_until = "{n}까지 예약되었습니다" / "Reserved until {n}";
        time_left = "남은 시간" / "Time left";
        held_say = "그때까지 결제하지 않으면 예약이 풀리고, 결제되는 금액은 없습니다." / "Unpaid by then, it goes back on sale and nothing is charged.";
        deliver_to = "배송지" / "Deliver to";
        another_address = "새 배송지" / "Another address";
        receiver = "받는 분" / "Recipient";
        phone = "휴대전화" / "Phone";
        phone_hint = "배송 기사가 연락할 때만 쓰입니다." / "Only for the courier.";
        zip = "우편번호" / "Postal code";
        road = "도로명 주소" / "Street address";
        detail = "상세 주소" / "Flat, floor, company";
        keep_address = "내 배송지에 저장합니다" / "Save it to your addresses";
        pay_by = "결제 수단" / "Pay with";
        kakaopay = "카카오페이" / "KakaoPay";
        kakaopay_say = "다음 화면에서 카카오톡으로 승인합니다" / "You approve it in KakaoTalk";
        card = "신용·체크카드" / "Card";
        card_say = "카드사 화면에서 승인합니다" / "You approve it with your bank";
        summary = "주문 내용" / "Your order";
        each = "{n}개 · 개당 {m}" / "{n} × {m}";
        goods = "상품 금액" / "Goods";
        discount = "할인" / "Discount";
        delivery = "배송비" / "Delivery";
        free = "무료" / "Free";
        to_pay = "결제할 금액" / "To pay";
        total = "합계" / "Total";
        agree = "주문 내용을 확인했으며 구매 조건에 동의합니다" / "I have checked the order and agree to the terms of purchase";
        pay = "{n} 결제하기" / "Pay {n}";
        pay_once = "버튼을 두 번 눌러도 한 번만 결제됩니다." / "Pressing twice charges once.";
        give_up = "예약 취소하기" / "Give up the reservation";
        // To the provider.
        going = "{n} 화면으로 이동합니다" / "Taking you to {n}";
        going_say = "잠시 뒤 자동으로 넘어갑니다. 넘어가지 않으면 버튼을 눌러 주십시오." / "It opens by itself in a moment. If it does not, use the button.";
        go = "{n}에서 결제하기" / "Pay with {n}";
        go_on = "{n}(으)로 계속하기" / "Continue to {n}";
        // Result.
        paid_title = "주문이 확정되었습니다" / "Your order is confirmed";
        paid_text = "판매자가 상품을 준비합니다. 보내면 알려 드립니다." / "The seller prepares it now. We tell you when it is sent.";
        confirming_tag = "확인 중" / "Being confirmed";
        confirming = "결제를 확인하고 있습니다" / "We are confirming your payment";
        confirming_text = "{n}의 답을 기다립니다. 보통 1분 안에 끝나며, 이 페이지를 닫아도 됩니다." / "We are waiting for {n}. It usually takes less than a minute, and you may close this page.";
        confirming_note = "두 번 결제되지 않습니다. 확인되지 않으면 예약을 풀고 결제를 자동으로 취소합니다." / "You are never charged twice. If it cannot be confirmed, the reservation ends and the payment is undone.";
        failed = "결제되지 않았습니다" / "The payment did not go through";
        failed_text = "{n}에서 승인하지 않았습니다. 결제된 금액은 없습니다." / "{n} did not approve it. Nothing was charged.";
        cancelled = "결제를 취소했습니다" / "You cancelled the payment";
        cancelled_text = "결제된 금액은 없습니다." / "Nothing was charged.";
        expired = "결제 시간이 지났습니다" / "The time to pay is over";
        expired_text = "예약이 풀려 다시 판매됩니다. 결제된 금액은 없습니다." / "The units are on sale again. Nothing was charged.";
        owed = "결제 금액을 돌려드리고 있습니다" / "Your money is on its way back";
        owed_text = "결제는 되었지만 예약이 먼저 풀려 상품을 확보하지 못했습니다. 따로 신청하지 않아도 전액을 돌려드립니다." / "You paid, but the reservation had ended by then. You get all of it back without asking.";
        still_held = "{n}까지 예약되어 있어 다시 결제할 수 있습니다." / "It is reserved until {n}, so you can try again.";
        pay_again = "다시 결제하기" / "Try again";
        check_again = "지금 다시 확인하기" / "Check again now";
        see_order = "주문 상세 보기" / "See the order";
        see_deal = "딜로 돌아가기" / "Back to the deal";
        refreshes = "이 페이지는 {n}초마다 새로 고칩니다." / "This page reloads every {n} seconds.";
        // Steps.
        step_reserved = "예약했습니다" / "Reserved";
        step_asked = "결제를 요청했습니다" / "Payment asked for";
        step_approved = "결제사의 확인을 기다립니다" / "Waiting for the payment provider";
        step_paid = "결제했습니다" / "Paid";
        step_confirmed = "주문이 확정됩니다" / "Order confirmed";
        step_preparing = "상품을 준비합니다" / "Being prepared";
        step_shipped = "상품을 보냅니다" / "Sent";
        step_delivered = "배송을 마칩니다" / "Delivered";
        step_cancelled = "취소했습니다" / "Cancelled";
        step_expired = "예약이 풀렸습니다" / "Reservation ended";
        step_refund_asked = "환불을 신청했습니다" / "Refund asked for";
        step_refunded = "환불을 마칩니다" / "Refunded";
        // Lists.
        orders = "주문 내역" / "Orders";
        no_orders = "아직 주문이 없습니다" / "No orders yet";
        no_orders_text = "딜에서 주문하면 여기에 나타납니다." / "What you order in a deal appears here.";
        number = "주문 번호" / "Order no.";
        number_of = "주문 번호 {n}" / "Order no. {n}";
        pay_until = "{n}까지 결제" / "Pay by {n}";
        // States, as tags.
        waiting_tag = "결제 전" / "Not paid";
        paying_tag = "결제 중" / "Paying";
        paid_tag = "결제 완료" / "Paid";
        preparing_tag = "준비 중" / "Being prepared";
        shipped_tag = "배송 중" / "On its way";
        delivered_tag = "배송 완료" / "Delivered";
        part_refunded_tag = "일부 환불" / "Part refunded";
        refunding_tag = "환불 중" / "Refund under way";
        refunded_tag = "환불 완료" / "Refunded";
        cancelled_tag = "취소됨" / "Cancelled";
        doubt_tag = "확인 중" / "Being checked";
        // Order, by its state.
        h_waiting = "결제를 기다립니다" / "Waiting to be paid";
        h_paying = "결제가 진행되고 있습니다" / "A payment is under way";
        h_confirming = "결제를 확인하고 있습니다" / "The payment is being confirmed";
        h_paid = "주문이 확정되었습니다" / "The order is confirmed";
        h_preparing = "상품을 준비하고 있습니다" / "The seller is preparing it";
        h_shipped = "배송하고 있습니다" / "It is on its way";
        h_delivered = "배송을 마쳤습니다" / "It was delivered";
        h_part_refunded = "일부를 환불했습니다" / "Part of it was refunded";
        h_refunding = "환불하고 있습니다" / "The refund is under way";
        h_refunded = "환불을 마쳤습니다" / "It was refunded";
        h_cancelled = "취소된 주문입니다" / "The order was cancelled";
        h_doubt = "담당자가 확인하고 있습니다" / "We are looking into it";
        t_cancelled = "결제된 금액은 없습니다." / "Nothing was charged.";
        t_doubt = "결제와 상품 기록이 서로 달라 사람이 직접 확인합니다. 결과를 알림으로 알려 드립니다." / "The records of the payment and of the goods differ, so a person looks at them. You will be notified.";
        t_refunding = "결제한 수단으로 돌아가며, 카드는 며칠 걸릴 수 있습니다." / "It goes back the way you paid. A card can take a few days.";
        // Order, its parts.
        items = "상품" / "Items";
        courier = "{n} {m}" / "{n} {m}";
        track = "배송 조회" / "Track it";
        payment = "결제" / "Payment";
        paid_with = "{n} · {m}" / "{n} · {m}";
        receipt = "영수증 보기" / "See the receipt";
        refunds = "환불 내역" / "Refunds";
        refund_under_way = "환불 중" / "under way";
        refund_done = "환불 완료" / "done";
        // Order, what can be done.
        cancel = "주문 취소하기" / "Cancel the order";
        cancel_warning = "예약한 수량은 바로 다시 판매됩니다. 결제된 금액은 없습니다." / "The units go back on sale at once. Nothing was charged.";
        cancel_now = "취소하기" / "Cancel it";
        refund = "취소하고 환불받기" / "Cancel and get a refund";
        refund_say = "아직 보내기 전이라 바로 환불됩니다. 일부만 취소할 수도 있습니다." / "It has not been sent, so the refund is made at once. You can also cancel a part.";
        refund_units = "취소할 수량" / "Units to cancel";
        refund_choice = "{n}개 · {m}" / "{n} · {m}";
        refund_warning = "{n}(으)로 돌려드립니다. 신청한 뒤에는 되돌릴 수 없습니다." / "The money goes back to {n}. This cannot be undone.";
        refund_now = "환불받기" / "Get the refund";
        give_back = "반품 신청하기" / "Return it";
        give_back_say = "{n}까지 신청할 수 있습니다. 받은 상품이 판매자에게 도착하면 환불됩니다." / "You can ask until {n}. The refund follows when the goods reach the seller.";
        give_back_whole = "주문한 물건을 모두 돌려보내고 {n}을 돌려받습니다." / "All of the order goes back, and {n} is refunded.";
        give_back_now = "신청하기" / "Ask for the return";
        reason = "이유" / "Reason";
        changed_mind = "마음이 바뀌었습니다" / "Changed my mind";
        defective = "상품에 문제가 있습니다" / "Something is wrong with it";
        wrong_item = "다른 상품이 왔습니다" / "It is not what I ordered";
        late = "너무 늦게 왔습니다" / "It came too late";
        other = "다른 이유" / "Another reason";
        received = "잘 받았습니다" / "I have received it";
        nothing_to_do = "지금 하실 일은 없습니다." / "There is nothing you need to do.";
    }
}
