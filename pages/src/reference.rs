//! The API reference people read, from plain values that the caller took out of the OpenAPI document.

use askama::Template;

use crate::{Frame, frame};

/// The reference of the whole API.
#[derive(Clone, Debug, Template)]
#[template(path = "reference.html", whitespace = "minimize")]
pub struct ReferencePage<'a> {
    /// What is around it.
    pub frame: Frame<'a>,
    /// The API's name.
    pub title: &'a str,
    /// What it is about.
    pub description: Prose<'a>,
    /// Its calls.
    pub sections: Vec<Section<'a>>,
    /// The codes of its problems.
    pub errors: Vec<ErrorRow<'a>>,
}

/// Calls that belong together.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    /// Its name, also its anchor.
    pub name: &'a str,
    /// What it is about.
    pub description: Prose<'a>,
    /// Its calls.
    pub calls: Vec<Call<'a>>,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Its anchor.
    pub id: &'a str,
    /// Its method.
    pub method: &'a str,
    /// Its path.
    pub path: &'a str,
    /// What it does, in a line.
    pub summary: Prose<'a>,
    /// What it does.
    pub description: Prose<'a>,
    /// Who may ask, as a list in words; empty for everyone.
    pub bearers: String,
    /// What it takes besides a body.
    pub parameters: Vec<Parameter<'a>>,
    /// The body it takes and the answers it gives.
    pub bodies: Vec<Example<'a>>,
    /// The problems it may answer with, by status.
    pub problems: Vec<(&'a str, Vec<&'a str>)>,
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it stands, and whether it must.
    pub place: &'a str,
    /// Whether it must be there.
    pub is_required: bool,
    /// What it means.
    pub description: Prose<'a>,
}

/// A body with examples of it.
#[derive(Clone, Debug)]
pub struct Example<'a> {
    /// The status it comes with; empty for what is sent.
    pub status: &'a str,
    /// What it is.
    pub heading: Prose<'a>,
    /// Media type and text of each example.
    pub texts: Vec<(&'a str, String)>,
}

/// One code of a problem.
#[derive(Clone, Copy, Debug)]
pub struct ErrorRow<'a> {
    /// The code; the row's anchor is `error-` and the code, to which problem documents lead.
    pub code: &'a str,
    /// Its status.
    pub status: u64,
    /// What it means.
    pub meaning: Prose<'a>,
    /// What to do about it.
    pub advice: Prose<'a>,
}

/// Text in which what stands between backticks is code.
#[derive(Clone, Copy, Debug, Default)]
pub struct Prose<'a>(pub &'a str);

impl<'a> Prose<'a> {
    /// Its parts, and whether each is code.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (bool, &'a str)> {
        self.0.split('`').enumerate().map(|(at, part)| (at % 2 == 1, part))
    }
}

impl ReferencePage<'_> {
    /// The page as HTML.
    pub fn html(&self) -> String {
        frame::html(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_backticks_is_code() {
        let parts: Vec<_> = Prose("ask `GET /x` & wait").parts().collect();
        assert_eq!(parts, [(false, "ask "), (true, "GET /x"), (false, " & wait")]);
    }
}
