//! A chore as a list of named steps.
//!
//! Owns the headings, the clock and the closing table. Refuses to stop early, so that one run
//! shows everything that is wrong, except behind a gate: what depends on it would only fail for
//! the gate's reason. Invariant: every step given appears in the table, passed, failed or not run.

use std::{fmt, time::Duration};

use crate::{
    duration::spelled,
    failure::Failure,
    process::{self, Call},
    project::Project,
};

/// What a step does.
#[derive(Debug)]
pub(crate) enum Work {
    /// Programs to run one after the other until one fails.
    Calls(Vec<Call>),
    /// The same, with one more beside them that a later step calls again: it uses the processors while they
    /// wait. How it ends is for that step to say.
    CallsBeside(Vec<Call>, Box<Call>),
    /// A check of our own.
    Check(fn(&Project) -> Result<(), Failure>),
    /// More than that, with sizes of its own.
    Job(Box<dyn Job>),
    /// Nothing, for want of a program that this project can do without, and why.
    Unavailable(&'static str),
}

/// Work that knows what it needs.
pub(crate) trait Job: fmt::Debug {
    /// What its step is called.
    fn name(&self) -> String;

    /// Does it.
    fn run(&self, project: &Project) -> Result<(), Failure>;
}

/// Whether later steps make sense after this one failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// Later steps still tell something new.
    GoOn,
    /// Later steps stand on this one.
    Stop,
}

/// One line of the closing table.
#[derive(Debug)]
pub(crate) struct Step {
    name: String,
    work: Work,
    on_failure: OnFailure,
}

impl Step {
    pub(crate) fn new(name: impl Into<String>, work: Work) -> Self {
        Self { name: name.into(), work, on_failure: OnFailure::GoOn }
    }

    /// A step without which the later ones are not run.
    pub(crate) fn gate(name: impl Into<String>, work: Work) -> Self {
        Self { name: name.into(), work, on_failure: OnFailure::Stop }
    }

    /// A step that is a job.
    pub(crate) fn job(job: impl Job + 'static) -> Self {
        Self::new(job.name(), Work::Job(Box::new(job)))
    }

    fn run(&self, project: &Project) -> Outcome {
        let result = match &self.work {
            Work::Calls(calls) => calls.iter().try_for_each(Call::run),
            Work::CallsBeside(calls, other) => {
                beside(other, || calls.iter().try_for_each(Call::run))
            }
            Work::Check(check) => check(project),
            Work::Job(job) => job.run(project),
            Work::Unavailable(why) => return Outcome::Unavailable(why),
        };
        result.map_or_else(Outcome::Failed, |()| Outcome::Passed)
    }
}

/// Does something while a program runs, and waits for both.
fn beside(other: &Call, work: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    let running = other.start()?;
    let done = work();
    if let Err(failure) = running.finish() {
        println!("{failure}");
    }
    done
}

/// How a step ended.
#[derive(Debug)]
enum Outcome {
    Passed,
    Failed(Failure),
    /// Behind a failed gate.
    NotRun,
    /// Not run either, but optional: shown, and no failure.
    Unavailable(&'static str),
}

#[derive(Debug)]
struct Line {
    name: String,
    outcome: Outcome,
    elapsed: Duration,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mark, detail) = match &self.outcome {
            Outcome::Passed => ("ok", String::new()),
            Outcome::Failed(failure) => ("FAILED", format!("  {failure}")),
            Outcome::NotRun => ("NOT RUN", String::new()),
            Outcome::Unavailable(why) => ("NOT RUN", format!("  {why}")),
        };
        let elapsed = spelled(self.elapsed);
        write!(f, "{mark:<8} {elapsed:>9}  {}{detail}", self.name)
    }
}

/// Runs the steps in order and prints the table; fails if any did not pass.
pub(crate) fn run_all(project: &Project, steps: Vec<Step>) -> Result<(), Failure> {
    let started = process::now();
    let lines = run_each(project, steps);
    println!("\n== summary");
    for line in &lines {
        println!("{line}");
    }
    println!("{:<8} {:>9}", "total", spelled(started.elapsed()));

    let names: Vec<String> = lines
        .into_iter()
        .filter(|line| matches!(line.outcome, Outcome::Failed(_) | Outcome::NotRun))
        .map(|line| line.name)
        .collect();
    if names.is_empty() { Ok(()) } else { Err(Failure::Steps { names }) }
}

fn run_each(project: &Project, steps: Vec<Step>) -> Vec<Line> {
    let mut stopped = false;
    let mut lines = Vec::with_capacity(steps.len());
    for step in steps {
        if stopped {
            lines.push(Line { name: step.name, outcome: Outcome::NotRun, elapsed: Duration::ZERO });
            continue;
        }
        println!("\n== {}", step.name);
        let started = process::now();
        let outcome = step.run(project);
        let elapsed = started.elapsed();
        stopped = step.on_failure == OnFailure::Stop && matches!(outcome, Outcome::Failed(_));
        let line = Line { name: step.name, outcome, elapsed };
        println!("-- {line}");
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> Project {
        Project { root: ".".into(), target: "target".into() }
    }

    #[expect(clippy::unnecessary_wraps, reason = "the type of a check")]
    fn passes(_: &Project) -> Result<(), Failure> {
        Ok(())
    }

    fn fails(_: &Project) -> Result<(), Failure> {
        Err(Failure::Untidy { faults: 1 })
    }

    fn marks(lines: &[Line]) -> Vec<&'static str> {
        let mark = |line: &Line| match line.outcome {
            Outcome::Passed => "ok",
            Outcome::Failed(_) => "failed",
            Outcome::NotRun => "not run",
            Outcome::Unavailable(_) => "unavailable",
        };
        lines.iter().map(mark).collect()
    }

    #[test]
    fn a_failed_step_does_not_hide_the_later_ones() {
        let steps = vec![Step::new("a", Work::Check(fails)), Step::new("b", Work::Check(passes))];
        assert_eq!(marks(&run_each(&project(), steps)), ["failed", "ok"]);
    }

    #[test]
    fn behind_a_failed_gate_steps_are_named_as_not_run() {
        let steps = vec![Step::gate("a", Work::Check(fails)), Step::new("b", Work::Check(passes))];
        assert_eq!(marks(&run_each(&project(), steps)), ["failed", "not run"]);
    }

    #[test]
    fn what_did_not_pass_is_named_in_the_failure() {
        let steps = vec![
            Step::new("fine", Work::Check(passes)),
            Step::gate("broken", Work::Check(fails)),
            Step::new("behind", Work::Check(passes)),
        ];
        let failure = run_all(&project(), steps).unwrap_err();
        assert_eq!(failure.to_string(), "did not pass: broken, behind");
        assert!(run_all(&project(), vec![Step::new("fine", Work::Check(passes))]).is_ok());
    }

    #[test]
    fn the_first_failing_call_ends_its_step() {
        let calls = Work::Calls(vec![Call::new("true"), Call::new("false")]);
        assert!(matches!(Step::new("calls", calls).run(&project()), Outcome::Failed(_)));
    }

    #[test]
    fn what_runs_beside_a_step_is_waited_for_and_not_judged() {
        let beside = |call: &str, other: Call| {
            let work = Work::CallsBeside(vec![Call::new(call)], Box::new(other));
            marks(&run_each(&project(), vec![Step::new("both", work)]))
        };
        let started = process::now();
        assert_eq!(beside("true", Call::new("sleep").args(["0.2"])), ["ok"]);
        assert!(started.elapsed() >= Duration::from_millis(200));
        assert_eq!(beside("true", Call::new("false")), ["ok"]);
        assert_eq!(beside("false", Call::new("true")), ["failed"]);
    }

    #[test]
    fn what_is_optional_and_absent_is_shown_and_no_failure() {
        let step = || vec![Step::new("extra", Work::Unavailable("no such tool"))];
        let lines = run_each(&project(), step());
        assert_eq!(marks(&lines), ["unavailable"]);
        assert_eq!(lines[0].to_string(), "NOT RUN       0.0s  extra  no such tool");
        assert!(run_all(&project(), step()).is_ok());
    }
}
