//! The figures as they stand in `docs/benchmarks.md`, between two marks.

use std::fs;

use super::{
    alone,
    compare::{Comparison, OURS, Side, Span, median},
    crowd::{Crowd, Recovery},
    drive::Report,
    figures::Figures,
    nodes::{Commands, Nodes},
    number::{grouped, grouped_count},
    pace,
    sizes::Sizes,
    storm::{Peak, Storm},
    tail::Tail,
    targets,
    watchers::{Delays, Turn, Watchers},
};
use crate::{failure::Failure, project::Project};

const BEGIN: &str = "<!-- figures: begin; written by `cargo xtask bench` -->";
const END: &str = "<!-- figures: end -->";

/// The part between the marks.
pub(super) fn render(
    setting: &[(&'static str, String)],
    sizes: &Sizes,
    figures: &Figures,
) -> String {
    let setting = setting.iter().map(|(name, value)| format!("| {name} | {value} |\n"));
    let setting: String = setting.collect();
    let targets = targets::table(&targets::rows(figures));
    let parts = [
        format!("| | |\n|---|---|\n{setting}"),
        format!("### Figures and targets\n\nThe median of the turns, and their span.\n\n{targets}"),
        calls(
            sizes,
            &figures
                .calls
                .iter()
                .chain(figures.sales.iter().flat_map(|sales| &sales.calls))
                .chain(&figures.busy_shop)
                .collect::<Vec<_>>(),
        ),
        figures.alone.as_ref().map_or_else(String::new, engine),
        tails(sizes, &figures.tails),
        figures.storm.as_ref().map_or_else(String::new, storm),
        crowds(&figures.crowds.iter().chain(&figures.crowds_large).collect::<Vec<_>>()),
        figures.watchers.as_ref().map_or_else(String::new, watchers),
        figures.nodes.as_ref().map_or_else(String::new, |found| nodes(sizes, found)),
        figures.pace.as_ref().map_or_else(String::new, generator),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn calls(sizes: &Sizes, calls: &[&Comparison]) -> String {
    if calls.is_empty() {
        return String::new();
    }
    let rows: String =
        calls.iter().flat_map(|call| call.sides.iter().map(|s| row(call, s))).collect();
    let Sizes { pairs, seconds, waiting, .. } = sizes;
    let waiting = grouped_count(*waiting);
    format!(
        "### Requests a second\n\nMedians of {pairs} turns of {seconds} s, all sides in turns; \
         {waiting} shoppers in line for positions. Processor time is the server's alone, with its \
         Redis or its workers; the client runs beside it on the same cores. The last column is \
         ours over that side, turn by turn: the median and the span. A wide one means a busy \
         machine. Among many sales and beside a busy shop there are twice as many turns, each at servers of its own.\n\n\
         | call | answers | connections × depth | side | requests/s | p50, p99 ms | CPU µs | ours over it |\n\
         |---|---|---:|---|---:|---:|---:|---:|\n{rows}"
    )
}

fn row(call: &Comparison, side: &Side) -> String {
    let Comparison { name, status, connections, depth, .. } = call;
    let bytes = side.median(|report| report.response_bytes);
    let rps = grouped(side.median(|report| report.rps));
    let (p50, p99) = (side.median(|report| report.p50_us), side.median(|report| report.p99_us));
    let (p50, p99) = (p50 / 1_000.0, p99 / 1_000.0);
    let cpu = side.median(|report| report.cpu_us);
    let ratio = if side.name == OURS { None } else { call.ratio(side.name, |report| report.rps) };
    let ratio = ratio.map_or_else(String::new, |span| spanned(span, 2));
    let side = side.name;
    format!(
        "| {name} | {status}, {bytes:.0} bytes | {connections} × {depth} | {side} | {rps} | \
         {p50:.2}, {p99:.2} | {cpu:.1} | {ratio} |\n"
    )
}

fn engine(alone: &alone::Alone) -> String {
    let rows = alone.reservations.iter().map(|row| {
        let (rps, ms, share) = (grouped(row.rps.median), row.sync_ms, row.sync_share);
        format!("| {} | {rps} | {ms:.2} | {share:.2} |\n", row.batch)
    });
    let lines = alone.lines.iter().map(|line| {
        let ns = median(line.nanoseconds.iter().copied());
        format!("| {} | {ns:.1} |\n", grouped_count(line.length))
    });
    let (rows, lines): (String, String) = (rows.collect(), lines.collect());
    format!(
        "### The engine alone\n\n\
         | reservations to a sync | durable reservations/s | one sync, ms | share of time in it |\n\
         |---:|---:|---:|---:|\n{rows}\n\
         | in line | nanoseconds a position |\n|---:|---:|\n{lines}"
    )
}

fn tails(sizes: &Sizes, tails: &[Tail]) -> String {
    if tails.is_empty() {
        return String::new();
    }
    let rows = tails.iter().map(|tail| {
        let Tail { name, maximum_rps, offered_rps, done, p50_ms, p99_ms } = tail;
        let (maximum, offered) = (grouped(maximum_rps.median), grouped(offered_rps.median));
        let done = done.median * 100.0;
        let (p50, p99) = (spanned(*p50_ms, 2), spanned(*p99_ms, 2));
        format!("| {name} | {maximum} | {offered} | {done:.2} % | {p50} | {p99} |\n")
    });
    let rows: String = rows.collect();
    let Sizes { pairs, seconds, .. } = sizes;
    format!(
        "### Waits at half load\n\n\
         Open loop for {seconds} s, {pairs} times, each on a fresh server after a closed loop that \
         found its maximum. Shoppers come by chance (Poisson); times run from the moment they \
         came.\n\n\
         | call | maximum/s | offered/s | done | p50 ms | p99 ms |\n\
         |---|---:|---:|---:|---:|---:|\n{rows}"
    )
}

fn storm(storm: &Storm) -> String {
    let Storm {
        before,
        after,
        crowded,
        hyper,
        cpu_us,
        connections,
        seconds,
        kept,
        calm_ms,
        calm_after_ms,
        recovery,
    } = storm;
    let peak_rps = storm.peak_rps();
    let peak = |peak: &Peak| format!("{}, {:.1} µs each", grouped(peak.rps), peak.cpu_us);
    let times = |rps: f64| format!("{} ({:.1} × the peak)", grouped(rps), rps / peak_rps);
    let outcomes = kept.outcomes.iter().map(|(what, count)| format!("{} {what}", grouped(*count)));
    let outcomes = outcomes.collect::<Vec<_>>().join(", ");
    let recovery =
        recovery.map_or_else(|| "never".to_owned(), |d| format!("{:.1} s", d.as_secs_f64()));
    format!(
        "### Ten times too many\n\n\
         Entries for {seconds} s, server and driver on one core each. Every entry is a shopper of \
         its own who gives up after one second and does not come again. The driver has \
         {connections} connections with one entry under way on each, so the server holds as many \
         at once. **The others find no connection and are lost outside: what reached the server is in \
         a row of its own.**\n\n\
         | | |\n|---|---:|\n\
         | peak of the closed loop before, entries/s and server's processor time | {before} |\n\
         | the same after | {after} |\n\
         | the closed loop over {connections} connections | {crowded} |\n\
         | bare hyper, the fewer connections and {connections} | {few}; {many} |\n\
         | done in the storm over the closed loop of as many connections | {alike:.2} |\n\
         | offered/s | {offered} |\n\
         | sent after it was due, p99 of what was sent | {late:.2} ms |\n\
         | reached the server/s | {sent} |\n\
         | done within a second/s | {good} |\n\
         | the same in the worst second | {worst} |\n\
         | server's processor time an entry done in the storm | {cpu_us:.1} µs |\n\
         | outcomes | {outcomes} |\n\
         | p99 in calm, before | {calm_ms:.2} ms |\n\
         | p99 in calm, after | {calm_after_ms:.2} ms |\n\
         | calm again after | {recovery} |\n",
        before = peak(before),
        after = peak(after),
        crowded = peak(crowded),
        few = peak(&hyper[0]),
        many = peak(&hyper[1]),
        alike = kept.good_rps / crowded.rps,
        offered = times(kept.offered_rps),
        late = kept.sent_late_p99_ms,
        sent = times(kept.sent_rps),
        good = times(kept.good_rps),
        worst = times(kept.good_worst_second),
    )
}

fn crowds(crowds: &[&Crowd]) -> String {
    let memory = |crowd: &&Crowd| {
        let (people, name) = (grouped_count(crowd.waiting), crowd.entered.name());
        let (bytes, settled, journal) = (crowd.bytes, crowd.bytes_settled, crowd.journal_bytes);
        format!("| {people} | {name} | {bytes:.0} | {settled:.0} | {journal:.0} |\n")
    };
    let recovered = |crowd: &&Crowd| {
        let (people, name) = (grouped_count(crowd.waiting), crowd.entered.name());
        let row = |recovery: &Recovery| {
            let Recovery { from, records, seconds } = recovery;
            let (rate, records) = (grouped(records / seconds.median), grouped(*records));
            let seconds = spanned(*seconds, 2);
            format!("| {people} | {name} | {from} | {records} | {seconds} | {rate} |\n")
        };
        crowd.recoveries.iter().map(row).collect::<String>()
    };
    let (rows, recoveries): (String, String) =
        (crowds.iter().map(memory).collect(), crowds.iter().map(recovered).collect());
    if rows.is_empty() {
        return rows;
    }
    format!(
        "### Memory and recovery\n\n\
         | waiting | entered | RSS bytes each | after 3 s | journal bytes each |\n\
         |---:|---|---:|---:|---:|\n{rows}\n\
         | waiting | entered | started from | records | seconds to listening | records/s |\n\
         |---:|---|---|---:|---:|---:|\n{recoveries}"
    )
}

fn watchers(found: &Watchers) -> String {
    let of = |quantity: &dyn Fn(&Turn) -> f64| {
        found.span(quantity).map_or_else(String::new, |span| spanned(span, 0))
    };
    let delays = |what: &str, of_turn: fn(&Turn) -> &Delays| {
        let [p50, p99, max] = [
            of(&|turn| of_turn(turn).p50),
            of(&|turn| of_turn(turn).p99),
            of(&|turn| of_turn(turn).max),
        ];
        format!("| {what} | {p50} | {p99} | {max} |\n")
    };
    let rows = [
        delays("a message for everyone", |turn| &turn.message),
        delays("a gate that moves 20 times a second", |turn| &turn.gate),
        delays("a position meanwhile", |turn| &turn.position_gate),
        delays("a position before, nobody being told", |turn| &turn.position_quiet),
    ];
    format!(
        "### Event streams\n\n\
         {count} watchers on one node, {turns} turns, each on a fresh server. A delay counts from the \
         first change that a watcher had not been told.\n\n\
         | what changed | p50 ms | p99 ms | last ms |\n|---|---:|---:|---:|\n{rows}\n\
         | | |\n|---|---:|\n\
         | memory of a watcher, bytes | {bytes} |\n\
         | memory of an idle keep-alive connection, bytes | {idle:.0} |\n\
         | bytes of an event | {event} |\n\
         | server's processor time an event, µs | {cpu} |\n",
        count = grouped_count(found.count),
        turns = found.turns.len(),
        rows = rows.concat(),
        bytes = of(&|turn| turn.bytes),
        idle = found.idle_connection_bytes,
        event = of(&|turn| turn.event_bytes),
        cpu = of(&|turn| turn.message_cpu_us),
    )
}

fn nodes(sizes: &Sizes, found: &Nodes) -> String {
    let row = |call: &Comparison, side: &Side| {
        let Comparison { name, connections, .. } = call;
        let [rps, p50, p99, cpu, redis] = [
            side.median(|report| report.rps),
            side.median(|report| report.p50_us / 1_000.0),
            side.median(|report| report.p99_us / 1_000.0),
            side.median(|report| report.cpu_us - report.redis_cpu_us),
            side.median(|report| report.redis_cpu_us),
        ];
        let over = |of: fn(&Report) -> f64| {
            let ratio = if side.name == OURS { None } else { call.ratio(side.name, of) };
            ratio.map_or_else(String::new, |span| spanned(span, 2))
        };
        let (rps_over, redis_over) =
            (over(|report| report.rps), over(|report| report.redis_cpu_us));
        let (rps, side) = (grouped(rps), side.name);
        format!(
            "| {name} | {connections} | {side} | {rps} | {p50:.2}, {p99:.2} | {cpu:.1} | {redis:.1} | \
             {rps_over} | {redis_over} |\n"
        )
    };
    let rows = [&found.enters, &found.positions].into_iter();
    let rows: String =
        rows.flat_map(|call| call.sides.iter().map(|side| row(call, side))).collect();
    let commands = found.commands.iter().map(|commands| {
        let of = |value: fn(&Commands) -> f64| grouped(median(commands.turns.iter().map(value)));
        let (quiet, polled) = (of(|turn| turn.quiet), of(|turn| turn.polled));
        let (side, polls) = (commands.name, of(|turn| turn.polls));
        format!("| {side} | {quiet} | {polls} | {polled} |\n")
    });
    let commands: String = commands.collect();
    let Sizes { pairs, seconds, waiting, .. } = sizes;
    let waiting = grouped_count(*waiting);
    format!(
        "### A node of many\n\n\
         One node whose Redis decides, beside the classic design, each with a Redis of its own on a \
         unix socket. Medians of {pairs} turns of {seconds} s, all sides in turns; {waiting} shoppers \
         in line for positions. *Ours* and *classic* are equally durable: a node answers an entry when \
         its own journal has it on disk and trusts no Redis that was restarted, so its Redis keeps no \
         file; the classic has it on disk only with `appendfsync always`. Beside them both with the \
         other's setting; positions are asked without a file on either side. The last columns are *ours* \
         over that side.\n\n\
         | call | connections | side | requests/s | p50, p99 ms | CPU µs without Redis | CPU µs of \
         Redis | requests/s | CPU of Redis |\n\
         |---|---:|---|---:|---:|---:|---:|---:|---:|\n{rows}\n\
         | side | its Redis' commands/s without polls | polls/s | its Redis' commands/s meanwhile |\n\
         |---|---:|---:|---:|\n{commands}"
    )
}

fn generator(found: &pace::Pace) -> String {
    let (rate, late) = (pace::RATE, spanned(found.late_p99_ms, 3));
    format!(
        "### The load generator\n\n\
         At {rate} positions a second, one request in a hundred left {late} ms late or later; \
         answered within {answer:.2} ms (p99) of the intended moment.\n",
        answer = found.answer_p99_ms
    )
}

fn spanned(span: Span, digits: usize) -> String {
    let Span { median, least, most } = span;
    format!("{median:.digits$} ({least:.digits$} to {most:.digits$})")
}

/// Puts the figures between the marks of the page.
pub(super) fn publish(project: &Project, figures: &str) -> Result<(), Failure> {
    let path = project.root.join("docs/benchmarks.md");
    let failed = |source| Failure::Disk { path: path.clone(), source };
    let page = fs::read_to_string(&path).map_err(failed)?;
    let Some(page) = replaced(&page, figures) else {
        let what = format!("{} has no place for figures", path.display());
        return Err(Failure::Unexpected { call: "bench".to_owned(), what });
    };
    fs::write(&path, page).map_err(failed)?;
    println!("written to {}", path.display());
    Ok(())
}

fn replaced(page: &str, figures: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{figures}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let page = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let expected = format!("a\n{BEGIN}\n\nnew\n\n{END}\nb\n");
        assert_eq!(replaced(&page, "new\n").unwrap(), expected);
        assert!(replaced("no marks", "new").is_none());
    }
}
