//! The sale that a call names. One that is on is there at once. An archived one may have to be unpacked first,
//! which takes as long as its purchases are many: one at a time, beside the runtime, and only for a caller who may
//! ask for it. Nor does anyone else keep it unpacked.

use std::sync::Arc;

use engine::{id::SaleName, view::SaleView};
use hyper::Response;

use crate::{
    app::{App, or_refusal},
    archiving::Asker,
    error::ApiError,
    server::{Answer, Body},
};

/// A sale by the name of a call.
#[derive(Debug)]
pub enum Found {
    /// It is on.
    Shown(Arc<SaleView>),
    /// It is archived, and its view may have to be made.
    Archived(SaleName),
}

impl Found {
    /// The sale of this name, if there is one.
    pub fn find(app: &App, name: &str) -> Option<Self> {
        if let Some(sale) = app.engine.live_sale(name) {
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
    pub async fn view(self, app: &App, asker: Asker) -> Result<Arc<SaleView>, ApiError> {
        match self.at_once(app) {
            Ok(sale) => Ok(sale),
            Err(name) => {
                let unpacked = app.unpacking.view(&app.engine, name, asker).await?;
                unpacked.ok_or(ApiError::NotFound)
            }
        }
    }

    /// Answers a caller who may ask with its view: at once, if that is there.
    pub fn answer(
        self,
        app: &Arc<App>,
        asker: Asker,
        answer: impl FnOnce(&App, &SaleView) -> Result<Response<Body>, ApiError> + Send + 'static,
    ) -> Answer {
        let archived = match self.at_once(app) {
            Ok(sale) => return Answer::Now(or_refusal(answer(app, &sale))),
            Err(name) => Self::Archived(name),
        };
        let app = Arc::clone(app);
        Answer::later(async move {
            or_refusal(archived.view(&app, asker).await.and_then(|sale| answer(&app, &sale)))
        })
    }

    /// Its view, if that is there; else its name.
    fn at_once(self, app: &App) -> Result<Arc<SaleView>, SaleName> {
        match self {
            Self::Shown(sale) => Ok(sale),
            Self::Archived(name) => app.engine.sale_at_once(name.as_str()).ok_or(name),
        }
    }
}
