//! Forms: what was typed, what is wrong with it, and how a field is drawn.
//!
//! A form that was refused comes back with all that was typed and with a sentence at each field that
//! was not taken; above it stands a list of them with links. A refusal is a code, and the words for it
//! stand in [`super::words`].

use askama::Template;

use super::words;
use crate::{
    format::{Html, Phrase},
    language::Language,
};

/// A field of a form.
#[derive(Clone, Copy, Debug, Default)]
pub struct Field<'a> {
    /// What was typed, or what it is now.
    pub value: &'a str,
    /// The code of the refusal that concerns it.
    pub error: Option<&'a str>,
}

impl<'a> Field<'a> {
    /// A field with a value and nothing wrong with it.
    pub const fn of(value: &'a str) -> Self {
        Self { value, error: None }
    }

    /// A field that was refused.
    pub const fn refused(value: &'a str, code: &'a str) -> Self {
        Self { value, error: Some(code) }
    }
}

/// A box to tick.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tick<'a> {
    /// Whether it is ticked.
    pub is_on: bool,
    /// The code of the refusal that concerns it.
    pub error: Option<&'a str>,
}

/// What is wrong with a form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults<'a> {
    refusal: Option<&'a str>,
    fields: Vec<(&'static str, &'a str)>,
}

impl<'a> Faults<'a> {
    /// Those of a form that was refused as a whole, if it was.
    pub(crate) const fn of(refusal: Option<&'a str>) -> Self {
        Self { refusal, fields: Vec::new() }
    }

    /// And of a field, by its name.
    pub(crate) fn and(mut self, name: &'static str, error: Option<&'a str>) -> Self {
        self.fields.extend(error.map(|code| (name, code)));
        self
    }

    pub(crate) const fn are_none(&self) -> bool {
        self.refusal.is_none() && self.fields.is_empty()
    }

    /// What the tab is called: a refused form says so first.
    pub(crate) fn title(&self, language: Language, title: impl std::fmt::Display) -> String {
        let title = format!("{title} · Rushgate");
        if self.are_none() {
            title
        } else {
            words::FrameWords::of(language).error_title.with(title)
        }
    }

    /// What is wrong, above the form; nothing if nothing is.
    pub(crate) fn shown(&self, language: Language) -> Html {
        if self.are_none() {
            return Html::default();
        }
        let sentence = |code: &str| words::sentence(language, code);
        let heading = match u64::try_from(self.fields.len()) {
            Ok(fields) if fields > 0 => words::FrameWords::of(language).check_these.counted(fields),
            _ => words::FrameWords::of(language).not_done.to_string(),
        };
        let fields = self.fields.iter().map(|(name, code)| (*name, sentence(code))).collect();
        crate::frame::part(&Errors { heading, refusal: self.refusal.map(sentence), fields })
    }
}

#[derive(Template)]
#[template(path = "shop/errors.html", whitespace = "minimize")]
struct Errors {
    heading: String,
    refusal: Option<&'static str>,
    fields: Vec<(&'static str, &'static str)>,
}

/// How a box to tick is drawn.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/tick.html", whitespace = "minimize")]
pub(crate) struct TickBox<'a> {
    language: Language,
    name: &'static str,
    label: Phrase,
    tick: Tick<'a>,
    is_needed: bool,
    link: Option<&'static str>,
}

impl<'a> TickBox<'a> {
    pub(crate) const fn new(
        language: Language,
        name: &'static str,
        label: Phrase,
        tick: Tick<'a>,
    ) -> Self {
        Self { language, name, label, tick, is_needed: false, link: None }
    }

    /// The form is not taken without it.
    pub(crate) const fn needed(mut self) -> Self {
        self.is_needed = true;
        self
    }

    /// Where what is agreed to can be read.
    pub(crate) const fn link(mut self, to: &'static str) -> Self {
        self.link = Some(to);
        self
    }

    fn error(&self) -> Option<&'static str> {
        self.tick.error.map(|code| words::sentence(self.language, code))
    }

    const fn w(&self) -> &'static words::FrameWords {
        words::FrameWords::of(self.language)
    }
}

impl askama::filters::HtmlSafe for TickBox<'_> {}

/// How a field is drawn. In a template: `{{ frame.input("email", w.email, email).kind("email") }}`.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/input.html", whitespace = "minimize")]
pub(crate) struct Input<'a> {
    language: Language,
    name: &'static str,
    label: Phrase,
    field: Field<'a>,
    kind: &'static str,
    fill: &'static str,
    mode: &'static str,
    max: usize,
    is_optional: bool,
    hint: Option<String>,
    unit: Option<Phrase>,
    choices: Vec<Choice>,
}

/// An option of a list.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
}

impl<'a> Input<'a> {
    pub(crate) const fn new(
        language: Language,
        name: &'static str,
        label: Phrase,
        field: Field<'a>,
    ) -> Self {
        Self {
            language,
            name,
            label,
            field,
            kind: "text",
            fill: "",
            mode: "",
            max: 0,
            is_optional: false,
            hint: None,
            unit: None,
            choices: Vec::new(),
        }
    }

    /// Its type; `area` is a text of several lines.
    pub(crate) const fn kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    /// What a browser may fill in.
    pub(crate) const fn fill(mut self, fill: &'static str) -> Self {
        self.fill = fill;
        self
    }

    /// A number, typed on a keyboard of digits.
    pub(crate) const fn digits(mut self) -> Self {
        self.mode = "numeric";
        self
    }

    /// The most characters it takes.
    pub(crate) const fn max(mut self, max: usize) -> Self {
        self.max = max;
        self
    }

    /// It may stay empty.
    pub(crate) const fn optional(mut self) -> Self {
        self.is_optional = true;
        self
    }

    /// What to know before one types.
    pub(crate) fn hint(mut self, hint: impl std::fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// What stands behind the number.
    pub(crate) const fn unit(mut self, unit: &Phrase) -> Self {
        self.unit = Some(*unit);
        self
    }

    /// One of these.
    pub(crate) fn choices(mut self, choices: Vec<Choice>) -> Self {
        self.choices = choices;
        self.kind = "select";
        self
    }

    fn error(&self) -> Option<&'static str> {
        self.field.error.map(|code| words::sentence(self.language, code))
    }

    fn described_by(&self) -> Option<String> {
        let hint = self.hint.as_ref().map(|_| format!("{}-h", self.name));
        let error = self.field.error.map(|_| format!("{}-e", self.name));
        match (hint, error) {
            (Some(hint), Some(error)) => Some(format!("{hint} {error}")),
            (hint, error) => hint.or(error),
        }
    }

    fn optional_word(&self) -> Phrase {
        words::FrameWords::of(self.language).optional
    }

    /// A password is never sent back.
    fn value(&self) -> &'a str {
        if self.kind == "password" { "" } else { self.field.value }
    }
}

impl askama::filters::HtmlSafe for Input<'_> {}
