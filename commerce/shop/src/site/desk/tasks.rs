//! Tasks that gave up, and whether they are tried again.

use axum::http::Method;
use pages::shop::{DeadTask, TasksPage};
use store::task::Dead;

use super::{
    super::{
        around::Around,
        business::moment,
        forms::{Wrong, done},
    },
    Sent, wrong_of,
};
use crate::{
    answer::Answer,
    api::desk::{DEAD_SHOWN_MAX, Fate, settle_task},
    authority::Operator,
    input::{Form, Pairs},
    routes::Routes,
    visit::Visit,
    wire::desk::noted,
};

const LIST: &str = "/shop/desk/tasks";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, LIST, list)
        .page(Method::POST, "/shop/desk/tasks/revive", revive)
        .page(Method::POST, "/shop/desk/tasks/dismiss", dismiss)
}

async fn list(visit: Visit, by: Operator, _: Pairs) -> Answer {
    shown(&visit, &by, None).await
}

async fn shown(visit: &Visit, by: &Operator, sent: Option<&Sent<'_>>) -> Answer {
    let around = Around::of(visit, Some(&by.session)).await?;
    let all: Vec<Dead> = visit.db()?.read().dead_tasks(DEAD_SHOWN_MAX).await?;
    let task = |task| {
        let Dead { kind, key, attempts, trouble, at }: &Dead = task;
        DeadTask {
            kind,
            key,
            attempts: u64::try_from(*attempts).unwrap_or_default(),
            at: moment(*at),
            error: trouble.as_deref().unwrap_or_default(),
        }
    };
    let wrong = wrong_of(sent);
    let html = TasksPage {
        frame: around.frame(),
        tasks: all.iter().map(task).collect(),
        typed: sent.map(Sent::typed),
        refusal: wrong.code,
        has_more: u32::try_from(all.len()).is_ok_and(|shown| shown >= DEAD_SHOWN_MAX),
    }
    .html();
    Ok(wrong.answer(html))
}

async fn revive(visit: Visit, by: Operator, form: Form) -> Answer {
    settled(&visit, &by, Fate::Again, ("started_again", "revive", &form)).await
}

async fn dismiss(visit: Visit, by: Operator, form: Form) -> Answer {
    settled(&visit, &by, Fate::Never, ("task_dismissed", "dismiss", &form)).await
}

async fn settled(
    visit: &Visit,
    by: &Operator,
    fate: Fate,
    (code, word, form): (&'static str, &str, &Form),
) -> Answer {
    let task = (form.get("kind"), form.get("key"));
    let settling = async { settle_task(visit, by, task, &noted(form.get("reason"))?, fate).await };
    let Err(refusal) = settling.await else { return Ok(done(visit, code, LIST)) };
    let of = form.get("key").to_owned();
    let sent = Sent { form: word, of, typed: form, wrong: Wrong::of(refusal)? };
    shown(visit, by, Some(&sent)).await
}
