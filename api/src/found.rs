//! The sale that a call names. One that is on is there at once. An archived one may have to be unpacked first,
//! which takes as long as its purchases are many: one at a time, beside the runtime, and only for a caller who may
//! ask for it.

use std::sync::Arc;

use engine::{id::SaleName, view::SaleView};
use hyper::Response;

use crate::{
    app::{App, or_refusal},
    error::ApiError,
    server::{Answer, Body},
};

/// A sale by the name of a call.
#[derive(Debug)]
pub enum Found {
    /// Its view is there.
    Shown(Arc<SaleView>),
    /// It is archived, and its view has to be made.
    Archived(SaleName),
}

impl Found {
    /// The sale of this name, if there is one.
    pub fn find(app: &App, name: &str) -> Option<Self> {
        if let Some(sale) = app.engine.sale_at_once(name) {
            return Some(Self::Shown(sale));
        }
        let name = SaleName::parse(name).filter(|_| app.engine.is_archived(name))?;
        Some(Self::Archived(name))
    }

    /// Its name, which says whose tickets and passes are for it.
    pub fn name(&self) -> &SaleName {
        match self {
            Self::Shown(sale) => sale.name(),
            Self::Archived(name) => name,
        }
    }

    /// Its view, for a caller who may ask for it.
    pub async fn view(self, app: &App) -> Result<Arc<SaleView>, ApiError> {
        let name = match self {
            Self::Shown(sale) => return Ok(sale),
            Self::Archived(name) => name,
        };
        let unpacked = app.unpacking.view(&app.engine, name).await;
        unpacked.map_err(|_| ApiError::Internal)?.ok_or(ApiError::NotFound)
    }

    /// Answers with its view: at once, if that is there.
    pub fn answer(
        self,
        app: &Arc<App>,
        answer: impl FnOnce(&App, &SaleView) -> Result<Response<Body>, ApiError> + Send + 'static,
    ) -> Answer {
        if let Self::Shown(sale) = &self {
            return Answer::Now(or_refusal(answer(app, sale)));
        }
        let app = Arc::clone(app);
        Answer::later(async move {
            or_refusal(self.view(&app).await.and_then(|sale| answer(&app, &sale)))
        })
    }
}
