//! What every page has around it.

use askama::Template;

use crate::{format::Html, language::Language, words::Words};

/// What the frame of a page needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The language to speak.
    pub language: Language,
    /// The address of the page itself, without a query: the link to the other language leads there.
    pub here: &'a str,
}

impl Frame<'_> {
    pub(crate) const fn words(&self) -> &'static Words {
        self.language.words()
    }

    pub(crate) const fn other(&self) -> Language {
        self.language.other()
    }
}

/// The page of a template. Writing into memory does not fail; if it did, the page would be empty.
pub(crate) fn html(template: &impl Template) -> String {
    let html = template.render();
    debug_assert!(html.is_ok(), "a template writes into memory");
    html.unwrap_or_default()
}

/// A part of a page that has a template of its own.
pub(crate) fn part(template: &impl Template) -> Html {
    Html::trusted(html(template))
}
