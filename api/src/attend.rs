//! Attending to a shopper who is heard of: how their place stands, and its claim when it is called.

use std::sync::Arc;

use engine::{Engine, Failure, clock::Millis, sale::TicketRef, standing::Standing, view::SaleView};

use crate::{error::ApiError, wait_estimates::WaitEstimates};

/// Whether a place that this node does not know may be one that another has just given out.
pub fn is_late(engine: &Engine, sale: &SaleView, ticket: TicketRef) -> bool {
    let is_of_sale = ticket.epoch == sale.epoch();
    engine.is_shared() && is_of_sale && ticket.number > sale.line().issued()
}

/// A sale, and how a place stands in it, once this node has heard what the others had done. The sale may
/// be another than it was: one that was taken over has a view of its own.
pub async fn met(
    engine: &Engine,
    mut sale: Arc<SaleView>,
    ticket: TicketRef,
) -> Result<(Arc<SaleView>, Standing), ApiError> {
    if is_late(engine, &sale, ticket) {
        // Until that can be heard, nobody is told that a genuine ticket is none.
        engine.refresh(&sale).await?;
        sale = engine.live_sale(sale.name().as_str()).ok_or(ApiError::NotFound)?;
    }
    let standing = sale.standing(ticket, engine.now());
    Ok((sale, standing))
}

/// Claims the place if it is called. When that cannot be decided now, it stays called.
pub async fn claim(
    (engine, wait_estimates): (&Engine, &WaitEstimates),
    sale: &SaleView,
    ticket: TicketRef,
    called: Standing,
) -> Standing {
    if !matches!(called, Standing::Called { .. }) {
        return called;
    }
    match engine.claim(sale, ticket).await {
        Ok(session) => {
            if let Standing::Called { deadline } = called {
                let called_at = deadline.0.saturating_sub(sale.settings().spec.claim_window_ms);
                wait_estimates.settle(sale.tag(), ticket.number, Millis(called_at));
            }
            Standing::Admitted { claimed_at: session.since, expires_at: session.deadline }
        }
        Err(Failure::Refused(_)) => sale.standing(ticket, engine.now()),
        Err(Failure::Busy(_) | Failure::Unavailable | Failure::Stopped) => called,
    }
}

/// Refuses who is not, or no longer, in the room.
pub fn check_here(standing: Standing) -> Result<(), ApiError> {
    match standing {
        Standing::Left => Err(ApiError::TicketLeft),
        Standing::Expired => Err(ApiError::TicketExpired),
        Standing::Unknown => Err(ApiError::TicketInvalid),
        Standing::Waiting { .. }
        | Standing::SoldOut { .. }
        | Standing::Closed { .. }
        | Standing::Called { .. }
        | Standing::Admitted { .. } => Ok(()),
    }
}
