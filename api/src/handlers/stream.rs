//! `GET /v1/sales/{sale}/stream`: the place as server-sent events, until the shopper is let in.
//!
//! A [`Seat`] says that there is something to tell, and the [`Watch`] renders the place as it is when
//! the connection asks for it. Nothing is queued.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use engine::{sale::TicketRef, standing::Standing, view::SaleView};
use hyper::{Request, Response, header::HeaderName};
use web::{request_id::RequestId, respond};

use super::{
    authority::{self, Shown},
    only_looks, render,
};
use crate::{
    app::{App, or_refusal},
    attend,
    error::ApiError,
    server::{Answer, Body, Peer, Pieces},
    streams::{Due, Gist, Seat},
};

/// What a client is told to wait before it comes back after a break: each its own time, so that a
/// crowd whose node went down does not come back at once.
const RETRY_MS: std::ops::RangeInclusive<u32> = 2_000..=6_000;
/// The same for a stream that a newer one of its ticket took over from: with more tabs open than a
/// ticket has streams, they take turns this often.
const REPLACED_RETRY_MS: std::ops::RangeInclusive<u32> = 30_000..=60_000;
/// The last word to an admitted shopper: nothing more comes here. A browser that comes back anyway
/// says so by its `Last-Event-ID` and is answered 204, at which it stops.
const REST: &[u8] = b"id: admitted\nretry: 300000\n\n";
const ADMITTED_ID: &[u8] = b"admitted";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Keeps a silent connection alive.
const COMMENT: &[u8] = b": still here\n\n";
/// An event with a place: about 450 bytes without a message and a pass.
const EVENT_BYTES: usize = 512;

/// Opens a stream, if there is room for it.
pub fn open<B>(
    app: &Arc<App>,
    sale: Arc<SaleView>,
    request: &Request<B>,
    peer: &Arc<Peer>,
) -> Answer {
    let headers = request.headers();
    let ticket = match authority::ticket_or_cookie(app, &sale, headers) {
        Ok((ticket, shown)) => (authority::place_of(&ticket), shown),
        Err(refusal) => return Answer::Now(refusal.respond()),
    };
    if only_looks(request) {
        // No one will read this stream, so it is not opened, and no other of the ticket's ends for it.
        let here = attend::check_here(sale.standing(ticket.0, app.engine.now()));
        return Answer::Now(or_refusal(here.map(|()| respond::event_stream(Body::empty()))));
    }
    let returns = headers.get(LAST_EVENT_ID).is_some_and(|id| id.as_bytes() == ADMITTED_ID);
    if !attend::is_late(&app.engine, &sale, ticket.0) {
        let standing = sale.standing(ticket.0, app.engine.now());
        if returns && matches!(standing, Standing::Admitted { .. }) {
            return Answer::Now(respond::no_content());
        }
        return Answer::Now(or_refusal(try_open(app, sale, ticket, standing, peer)));
    }
    let (app, peer) = (Arc::clone(app), Arc::clone(peer));
    Answer::later(async move {
        let met = attend::met(&app.engine, sale, ticket.0).await;
        or_refusal(met.and_then(|(sale, now)| try_open(&app, sale, ticket, now, &peer)))
    })
}

fn try_open(
    app: &Arc<App>,
    sale: Arc<SaleView>,
    (ticket, shown): (TicketRef, Shown),
    standing: Standing,
    peer: &Peer,
) -> Result<Response<Body>, ApiError> {
    attend::check_here(standing)?;
    let seat = app.streams.join(&sale, ticket, peer)?;
    let (app, stage) = (Arc::clone(app), Stage::Opening);
    let watch = Watch { app, sale, ticket, shown, seat, told: None, stage };
    Ok(respond::event_stream(Body::stream(watch)))
}

/// One watcher's response.
struct Watch {
    app: Arc<App>,
    sale: Arc<SaleView>,
    ticket: TicketRef,
    shown: Shown,
    seat: Seat,
    /// What was told last.
    told: Option<Gist>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Opening,
    Watching,
    Over,
}

impl Pieces for Watch {
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.stage == Stage::Over {
            return Poll::Ready(None);
        }
        if self.stage == Stage::Opening {
            self.stage = Stage::Watching;
            let place = self.look(Due::Look).unwrap_or_default();
            return Poll::Ready(Some(Bytes::from([retry(RETRY_MS).into_bytes(), place].concat())));
        }
        loop {
            let Some(due) = self.seat.slot.take(context.waker()) else { return Poll::Pending };
            let piece = match due {
                Due::Comment => Some(COMMENT.to_vec()),
                Due::Look | Due::Claimed => self.look(due),
                Due::Replaced => Some(self.over(REPLACED_RETRY_MS)),
                Due::Drain => Some(self.over(RETRY_MS)),
            };
            if let Some(piece) = piece {
                return Poll::Ready(Some(Bytes::from(piece)));
            }
        }
    }
}

impl Watch {
    /// The end of the stream, with the time after which to come back.
    fn over(&mut self, range: std::ops::RangeInclusive<u32>) -> Vec<u8> {
        self.stage = Stage::Over;
        retry(range).into_bytes()
    }

    /// The event for the place as it is now, unless it was told like this before.
    fn look(&mut self, due: Due) -> Option<Vec<u8>> {
        let now = self.app.engine.now();
        let standing = self.sale.standing(self.ticket, now);
        if let Err(refusal) = attend::check_here(standing) {
            self.stage = Stage::Over;
            let code = refusal.facts().code;
            return Some(format!("event: gone\ndata: {{\"code\":\"{code}\"}}\n\n").into_bytes());
        }
        if matches!(standing, Standing::Called { .. }) && due != Due::Claimed {
            // The hub is about to claim the place, and then there is more to tell.
            return None;
        }
        let gist = Gist::of(&self.sale, standing);
        if self.told.replace(gist) == Some(gist) {
            return None;
        }
        let mut event = Vec::with_capacity(EVENT_BYTES);
        if matches!(standing, Standing::Admitted { .. }) {
            self.stage = Stage::Over;
            event.extend_from_slice(REST);
        }
        event.extend_from_slice(b"event: place\ndata: ");
        let ticket = (self.ticket, self.shown);
        render::write_standing(&self.app, &self.sale, ticket, standing, now, &mut event);
        event.extend_from_slice(b"\n\n");
        Some(event)
    }
}

/// A hint of when to come back, different for each stream.
fn retry(range: std::ops::RangeInclusive<u32>) -> String {
    let (least, most) = (range.start(), range.end());
    let ms = least + RequestId::next().spread(most - least + 1);
    format!("retry: {ms}\n\n")
}
