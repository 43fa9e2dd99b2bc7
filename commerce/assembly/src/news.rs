//! Notices in words, for devices and mailboxes.

use base::{language::Language, moment::Moment};
use commons::{
    delivery::{Said, Say},
    notice::Notice,
};
use pages::shop::{News, to};

use crate::options::Site;

/// Says them, with links to the site.
#[derive(Clone, Debug)]
pub(crate) struct Teller(pub(crate) Site);

impl Say for Teller {
    fn say(&self, notice: &Notice, language: Language) -> Option<Said> {
        let language = match language {
            Language::Korean => pages::Language::Korean,
            Language::English => pages::Language::English,
        };
        let value = |name: &str| notice.values.get(name).map(String::as_str);
        let news = News::of(notice.kind.as_str(), value)?;
        let (title, body) = news.said(moment(notice.made_at()), language);
        let link = format!("{}{}", self.0.get()?, to::deal(&notice.subject.id.to_string()));
        Some(Said { title, body, link: Some(link), image: None })
    }
}

/// The moment as pages have it.
fn moment(at: Moment) -> pages::Moment {
    pages::Moment(u64::try_from(at.0).unwrap_or(0))
}
