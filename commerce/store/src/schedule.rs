//! Schedules: regular jobs, once over all nodes.
//!
//! A schedule is a row with the time of its next tick. Whoever moves it on assigns the tick's task in
//! the same transaction, so two nodes cannot both do it, and a tick that was moved on is never lost.
//! After a downtime there is one tick, not one for each that was missed.

use std::{collections::BTreeMap, time::Duration};

use base::moment::Moment;
use sea_orm::{ConnectionTrait as _, DbErr, QueryResult};
use serde::{Deserialize, Serialize};

use crate::{
    db::{Db, Reader},
    sql::{execute, statement},
};

/// A regular job.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Its name, and the kind of its ticks' tasks.
    pub name: &'static str,
    /// From one tick to the next.
    pub every: Duration,
    /// Where in each period the tick is: every hour at half past is `every` an hour, `offset` half of it.
    pub offset: Duration,
}

/// What the task of a tick holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// When it was due, in milliseconds since 1970.
    pub at: i64,
}

const ALL: &str = "SELECT name, next_at FROM schedule";
const FIRST: &str =
    "INSERT INTO schedule (name, next_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
const MOVE: &str = "UPDATE schedule SET next_at = $3 WHERE name = $1 AND next_at = $2";

impl Schedule {
    /// The first tick after a moment.
    pub fn next_after(&self, now: Moment) -> Moment {
        let every = i64::try_from(self.every.as_millis()).unwrap_or(i64::MAX).max(1);
        let offset = i64::try_from(self.offset.as_millis()).unwrap_or(0);
        let since = now.0.saturating_sub(offset).rem_euclid(every);
        Moment(now.0.saturating_sub(since).saturating_add(every))
    }
}

impl Reader<'_> {
    /// When each schedule ticks next.
    async fn next_ticks(&self) -> Result<BTreeMap<String, Moment>, DbErr> {
        let rows = self.query_all_raw(statement(self, ALL, [])).await?;
        let next =
            |row: &QueryResult| Ok((row.try_get("", "name")?, Moment(row.try_get("", "next_at")?)));
        rows.iter().map(next).collect()
    }
}

impl Db {
    /// Assigns the tasks of the ticks that are due, and says when the next one is, if there is any.
    pub(crate) async fn tick(&self, schedules: &[Schedule]) -> Result<Option<Moment>, DbErr> {
        if schedules.is_empty() {
            return Ok(None);
        }
        let known = self.read().next_ticks().await?;
        let mut earliest = None::<Moment>;
        for schedule in schedules {
            let due = known.get(schedule.name).copied();
            let next = schedule.next_after(self.now());
            // A tick beyond the next one is of a clock that was ahead, or of a longer period.
            let next = match due {
                Some(due) if due > self.now() && due <= next => due,
                _ => self.move_on(schedule, due).await?,
            };
            earliest = Some(earliest.map_or(next, |known| known.min(next)));
        }
        Ok(earliest)
    }

    async fn move_on(&self, schedule: &Schedule, due: Option<Moment>) -> Result<Moment, DbErr> {
        self.write(async |tx| {
            let next = schedule.next_after(tx.now());
            let name = schedule.name;
            let Some(due) = due else {
                execute(tx, FIRST, [name.into(), next.0.into()]).await?;
                return Ok(next);
            };
            let moved = execute(tx, MOVE, [name.into(), due.0.into(), next.0.into()]).await? > 0;
            if moved && due <= tx.now() {
                tx.assign_as(name, "tick".to_owned(), serde_json::json!(Tick { at: due.0 }), due);
            }
            Ok(next)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_lie_at_their_offset_in_every_period() {
        let hourly =
            Schedule { name: "x", every: Duration::from_hours(1), offset: Duration::from_mins(30) };
        let minute = |minute: i64| Moment(minute * 60_000);
        assert_eq!(hourly.next_after(minute(0)), minute(30));
        assert_eq!(hourly.next_after(minute(29)), minute(30));
        assert_eq!(hourly.next_after(minute(30)), minute(90));
        assert_eq!(hourly.next_after(minute(-31)), minute(-30));
    }
}
