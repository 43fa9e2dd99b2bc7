//! Tasks that failed too often.

use askama::Template;

use crate::{
    format::Moment,
    shop::{form::Faults, frame::ShopFrame, pages, words::DeskWords},
};

/// A task that is not tried any more.
#[derive(Clone, Copy, Debug)]
pub struct DeadTask<'a> {
    /// Its id.
    pub task: &'a str,
    /// What kind.
    pub kind: &'a str,
    /// What it is about.
    pub key: &'a str,
    /// How often it was tried.
    pub attempts: u64,
    /// When it was tried last.
    pub at: Moment,
    /// What went wrong then.
    pub error: &'a str,
}

/// Tasks that failed too often. Posts nothing to `tasks/{task}/again`.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/desk/tasks.html", whitespace = "minimize")]
pub struct TasksPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// Those, the last to stop first.
    pub tasks: Vec<DeadTask<'a>>,
    /// The code by which the last form was refused.
    pub refusal: Option<&'a str>,
    /// The address of the next page, if there are more.
    pub next: Option<&'a str>,
}

pages! { TasksPage: Elsewhere, "tasks"; }

impl TasksPage<'_> {
    const fn w(&self) -> &'static DeskWords {
        DeskWords::of(self.frame.page.language)
    }

    const fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal)
    }
}
