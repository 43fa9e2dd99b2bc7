//! The figures as they stand in `docs/benchmarks.md`, between two marks.

use std::fs;

use super::{Figures, Sizes, durable::Durable, http::Figure};
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
    let requests: String = figures.http.iter().map(request_row).collect();
    let Sizes { pairs, seconds, waiting, crowd, .. } = sizes;
    format!(
        "| | |\n|---|---|\n{setting}\n\
         ### Requests a second\n\n\
         Medians of {pairs} pairs of {seconds} s, ours and bare hyper in turns; {waiting} shoppers \
         in line. Processor time is the server's alone; the client runs beside it on the same \
         cores.\n\n\
         | call | answers | connections | ours/s | bare hyper/s | share | ours, CPU µs | hyper, CPU µs | ours p50, p99 ms |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|\n{requests}\n\
         ### Memory and recovery, {crowd} waiting\n\n\
         {memory}\n\
         ### The engine alone, one hot SKU\n\n\
         {reservations}",
        memory = memory(&figures.durable),
        reservations = reservations(&figures.durable),
    )
}

fn request_row(figure: &Figure) -> String {
    let (ours, ceiling) = figure.medians(|report| report.rps);
    let (cpu, cpu_ceiling) = figure.medians(|report| report.cpu_us);
    let (p50, _) = figure.medians(|report| report.p50_us / 1_000.0);
    let (p99, _) = figure.medians(|report| report.p99_us / 1_000.0);
    let (bytes, _) = figure.medians(|report| report.response_bytes);
    let (name, status, share) = (figure.name, figure.status, figure.share());
    let connections = figure.connections;
    format!(
        "| {name} | {status}, {bytes:.0} bytes | {connections} | {} | {} | {share:.2} | \
         {cpu:.1} | {cpu_ceiling:.1} | {p50:.2}, {p99:.2} |\n",
        grouped(ours),
        grouped(ceiling),
    )
}

fn memory(durable: &Durable) -> String {
    let mut text = "| entered | RSS bytes each | after 3 s | journal bytes each |\n\
                    |---|---:|---:|---:|\n"
        .to_owned();
    for crowd in &durable.crowds {
        let (name, bytes, settled) = (crowd.name, crowd.bytes, crowd.bytes_settled);
        let journal = crowd.journal_bytes;
        text += &format!("| {name} | {bytes:.0} | {settled:.0} | {journal:.0} |\n");
    }
    text += "\n| entered | started from | records | seconds to listening | records/s |\n\
             |---|---|---:|---:|---:|\n";
    for crowd in &durable.crowds {
        for recovery in &crowd.recoveries {
            let (records, seconds) = (grouped(recovery.records), recovery.seconds);
            let rate = grouped(recovery.records / recovery.seconds);
            let (name, from) = (crowd.name, recovery.from);
            text += &format!("| {name} | {from} | {records} | {seconds:.2} | {rate} |\n");
        }
    }
    text
}

fn reservations(durable: &Durable) -> String {
    let mut text = "| reservations to a sync | durable reservations/s | one sync, ms | share of time in it |\n\
                    |---:|---:|---:|---:|\n"
        .to_owned();
    for row in &durable.reservations {
        let (batch, rps, ms, share) = (row.batch, grouped(row.rps), row.sync_ms, row.sync_share);
        text += &format!("| {batch} | {rps} | {ms:.2} | {share:.2} |\n");
    }
    text
}

/// Whole thousands apart: 1,234,567.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
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
    fn thousands_stand_apart() {
        assert_eq!(grouped(0.4), "0");
        assert_eq!(grouped(999.0), "999");
        assert_eq!(grouped(1_000.0), "1,000");
        assert_eq!(grouped(1_234_567.2), "1,234,567");
    }

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let page = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let expected = format!("a\n{BEGIN}\n\nnew\n\n{END}\nb\n");
        assert_eq!(replaced(&page, "new\n").unwrap(), expected);
        assert!(replaced("no marks", "new").is_none());
    }
}
