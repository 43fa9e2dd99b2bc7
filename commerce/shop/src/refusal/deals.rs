//! Refusals of deals, and the rows of them.

use axum::http::StatusCode as S;
use commons::like::LikeRefusal;
use trade::deal::{DecideRefusal, DeleteRefusal, DraftRefusal, EditRefusal, PublishRefusal};

use super::words::{Row, lasting};

/// Why something is not done with a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DealRefusal {
    /// Of one more draft.
    Draft(DraftRefusal),
    /// Of publishing it.
    Publish(PublishRefusal),
    /// Of changing it.
    Edit(EditRefusal),
    /// Of deciding about it.
    Decide(DecideRefusal),
    /// Of deleting a draft.
    Delete(DeleteRefusal),
    /// Of one more like.
    Like(LikeRefusal),
}

impl DealRefusal {
    /// The row of a refusal.
    #[rustfmt::skip]
    pub(super) const fn row(self) -> Row {
        match self {
            Self::Draft(DraftRefusal::TooMany) => lasting(S::CONFLICT, "too_many_drafts", "작성 중인 딜은 100개까지 둘 수 있습니다.", "the business has 100 drafts, as many as it may"),
            Self::Draft(DraftRefusal::PictureUnknown) | Self::Edit(EditRefusal::PictureUnknown) => lasting(S::UNPROCESSABLE_ENTITY, "picture_unknown", "그런 사진이 없습니다.", "there is no such picture"),
            Self::Draft(DraftRefusal::PictureNotReady) | Self::Edit(EditRefusal::PictureNotReady) => lasting(S::UNPROCESSABLE_ENTITY, "picture_not_ready", "아직 올리지 않은 사진이 있습니다.", "the upload of a picture was not completed"),
            Self::Publish(PublishRefusal::Unknown) | Self::Edit(EditRefusal::Unknown) | Self::Decide(DecideRefusal::Unknown) | Self::Delete(DeleteRefusal::Unknown) => lasting(S::NOT_FOUND, "deal_unknown", "그런 딜이 없습니다.", "there is no such deal"),
            Self::Decide(DecideRefusal::NotAnOperator) => lasting(S::FORBIDDEN, "not_an_operator", "운영자 계정이 아닙니다.", "the account does not run the platform"),
            Self::Publish(PublishRefusal::NotADraft) | Self::Delete(DeleteRefusal::NotADraft) => lasting(S::CONFLICT, "deal_published", "이미 공개한 딜입니다.", "the deal was published already"),
            Self::Publish(PublishRefusal::SlotTaken) => lasting(S::CONFLICT, "slot_taken", "다른 딜이 예약한 시간이 들어 있습니다.", "another deal has booked one of these hours"),
            Self::Publish(PublishRefusal::SlotPast) => lasting(S::UNPROCESSABLE_ENTITY, "slot_past", "이미 지난 시간입니다.", "the hours have begun"),
            Self::Publish(PublishRefusal::SlotTooFarAhead) => lasting(S::UNPROCESSABLE_ENTITY, "slot_too_far_ahead", "시간은 1년 앞까지 예약할 수 있습니다.", "hours are booked a year ahead at most"),
            Self::Edit(EditRefusal::Over) | Self::Decide(DecideRefusal::Over) => lasting(S::CONFLICT, "deal_over", "이미 끝난 딜입니다.", "the deal is over"),
            Self::Edit(EditRefusal::HoursFixed) => lasting(S::CONFLICT, "deal_hours_fixed", "공개한 딜의 시간은 바꿀 수 없습니다. 취소하고 새로 등록해 주세요.", "the hours of a published deal stay as they are: cancel it and write another"),
            Self::Edit(EditRefusal::Fixed) => lasting(S::CONFLICT, "deal_fixed", "시작하기 10분 전부터는 설명과 사진, 수량만 바꿀 수 있습니다.", "ten minutes before a deal opens, all but its description, pictures and stock is fixed"),
            Self::Decide(DecideRefusal::Draft) => lasting(S::CONFLICT, "deal_draft", "아직 공개하지 않은 딜입니다.", "the deal is a draft: it can be published or deleted"),
            Self::Decide(DecideRefusal::PausedByOthers) => lasting(S::CONFLICT, "deal_paused_by_others", "운영자가 멈춘 딜입니다.", "the platform has paused the deal"),
            Self::Like(LikeRefusal::TooMany) => lasting(S::CONFLICT, "too_many_likes", "관심 딜이 너무 많습니다. 몇 개를 빼고 다시 시도해 주세요.", "the person likes as many things as anybody may"),
        }
    }
}
