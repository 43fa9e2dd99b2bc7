//! The report as one HTML page.
//!
//! Owns the page's order and markup. The page is complete by itself: no script, no outside
//! resource, light and dark by the reader's choice, every chart with a table for readers who cannot see
//! it. It is written as XML too, so that a test can parse it. To add a part, write a function that
//! returns a [`Section`] and name it in [`sections`].

use std::fmt;

use super::chart::{Escaped, Key, STYLE};
use super::figure::{Figure, Table, figures};
use super::number::{grouped, milliseconds, rate};
use super::schedule::BOUND;
use super::text::{behind, visits};
use super::{Report, Schedule};
use crate::audit::Foresight;
use crate::measure::Percentiles;
use crate::timeline::seconds;

const PAGE_STYLE: &str = include_str!("page.css");

/// A part of the page under its own heading.
struct Section {
    title: &'static str,
    body: String,
}

/// The page.
pub(super) struct Page<'a>(pub(super) &'a Report);

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        let title = format!("{} - {}", report.setting.sale, report.verdict());
        // Style sheets hold no markup; escaping would break their selectors in HTML.
        write!(
            f,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\
             <title>{}</title><style>\n{STYLE}{PAGE_STYLE}</style></head>\n<body><main>\n",
            Escaped(&title)
        )?;
        header(f, report)?;
        for Section { title, body } in sections(report) {
            writeln!(f, "<section><h2>{}</h2>\n{body}</section>", Escaped(title))?;
        }
        f.write_str("</main></body></html>\n")
    }
}

/// Every part, in reading order; what a run does not have is left out.
fn sections(report: &Report) -> Vec<Section> {
    let parts = [
        percentiles(report),
        Some(schedule(report)),
        Some(charts(report)),
        kills(report),
        Some(estimated(report)),
        Some(audit(report)),
        Some(setting(report)),
    ];
    parts.into_iter().flatten().collect()
}

fn header(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    let (class, sign) = if report.passed { ("good", "\u{2713}") } else { ("bad", "\u{2717}") };
    let setting = &report.setting;
    writeln!(
        f,
        "<header><h1>{}: load test of {}</h1>\n\
         <p class=\"verdict {class}\"><span aria-hidden=\"true\">{sign} </span>{}</p>\n\
         <p>{} shoppers over {:.1} s for {} units, {} let in per second, seed {}, {:.1} s in \
         all.</p>",
        Escaped(&report.scenario),
        Escaped(&setting.sale),
        Escaped(&report.verdict()),
        grouped(setting.shoppers as u64),
        setting.over_seconds,
        grouped(setting.stock),
        rate(setting.admission_per_second),
        setting.seed,
        report.elapsed_seconds,
    )?;
    let broken = report.verdicts.iter().filter(|verdict| !verdict.ok);
    for verdict in broken {
        let (rule, seen) = (Escaped(verdict.rule), Escaped(&verdict.seen));
        writeln!(f, "<p class=\"broken\"><b>FAILED</b> {rule}: {seen}</p>")?;
    }
    if report.is_generator_bound() {
        writeln!(f, "<p class=\"broken\"><b>GENERATOR BOUND</b> {}</p>", Escaped(BOUND))?;
    }
    f.write_str("<ul class=\"tiles\">")?;
    for (name, value) in tiles(report) {
        write!(f, "<li><b>{}</b> {}</li>", Escaped(&value), Escaped(name))?;
    }
    f.write_str("</ul></header>\n")
}

/// The few numbers one looks for first.
fn tiles(report: &Report) -> Vec<(&'static str, String)> {
    let slices = &report.timeline.slices;
    let line = slices.iter().filter_map(|slice| slice.reading?.line_length).max();
    let sold = slices.iter().filter_map(|slice| slice.reading?.units).next_back();
    let unknown = || "-".to_owned();
    let latency = |p: Percentiles| {
        if report.is_generator_bound() {
            return "withheld".to_owned();
        }
        milliseconds(p.p99_ms)
    };
    vec![
        ("units sold", sold.map_or_else(unknown, |units| grouped(units.sold))),
        ("in line at most", line.map_or_else(unknown, grouped)),
        ("answers per second", rate(report.traffic.answered_per_second)),
        ("unanswered", grouped(report.traffic.unanswered)),
        ("ms to enter, p99", latency(report.latency.enter)),
        ("ms to buy, p99", latency(report.latency.purchase)),
    ]
}

/// Nothing when the generator was late: the header says why.
fn percentiles(report: &Report) -> Option<Section> {
    if report.is_generator_bound() {
        return None;
    }
    let row = |(name, p): (&str, Percentiles)| {
        let values = [p.p50_ms, p.p90_ms, p.p99_ms, p.p999_ms, p.max_ms].map(milliseconds);
        [name.to_owned(), grouped(p.count)].into_iter().chain(values).collect()
    };
    let table = Table {
        head: vec!["ms", "count", "p50", "p90", "p99", "p99.9", "max"],
        rows: report.latency.kinds().map(row).into(),
    };
    let note = "<p class=\"note\">From the moment a request was meant to its acknowledgement, \
                with every retry and wait inside; a stream until its first event.</p>";
    Some(Section { title: "Latency", body: format!("{}{note}", Rows(&table)) })
}

fn schedule(report: &Report) -> Section {
    let Schedule { count, p50_ms, p99_ms, max_ms, limit_ms, generator_bound } = report.schedule;
    let judged = if generator_bound { "p99 over the limit" } else { "in time" };
    // Microseconds matter here, and limits may be as small.
    let values = [p50_ms, p99_ms, max_ms, limit_ms].map(|ms| format!("{ms:.3}"));
    let row = ["schedule error".to_owned(), grouped(count)].into_iter().chain(values);
    let table = Table {
        head: vec!["ms", "requests", "p50", "p99", "max", "limit for p99", ""],
        rows: vec![row.chain([judged.to_owned()]).collect()],
    };
    let note = "<p class=\"note\">How much later than intended requests left, by the load \
                generator's own doing. Over the limit, no latency is shown.</p>";
    Section { title: "Schedule", body: format!("{}{note}", Rows(&table)) }
}

/// How well the server estimated the waits.
fn estimated(report: &Report) -> Section {
    let Foresight { count, p50_seconds, p90_seconds, within_range_share } = report.eta;
    let known = |text: String| if count == 0 { "-".to_owned() } else { text };
    let row = vec![
        "error of estimated waits".to_owned(),
        grouped(count),
        known(format!("{:.0} %", within_range_share * 1e2)),
        known(format!("{p50_seconds:.1}")),
        known(format!("{p90_seconds:.1}")),
    ];
    let table =
        Table { head: vec!["s", "waits", "within their range", "p50", "p90"], rows: vec![row] };
    let note = "<p class=\"note\">Of shoppers who were told how long they would wait and were let \
                in: how far the wait was from the range first shown to them.</p>";
    Section { title: "Estimated waits", body: format!("{}{note}", Rows(&table)) }
}

fn charts(report: &Report) -> Section {
    let figures = figures(report);
    let figures: Vec<String> = figures.iter().map(|figure| Card(figure).to_string()).collect();
    let kills = if report.kills.is_empty() {
        ""
    } else {
        " K1, K2 and so on mark the kills, from the signal until the server listened again."
    };
    let slice = report.timeline.slice_seconds;
    let note = format!("<p class=\"note\">In slices of {slice} s.{kills}</p>");
    Section {
        title: "Over time",
        body: format!("{note}<div class=\"cards\">\n{}</div>\n", figures.join("\n")),
    }
}

fn kills(report: &Report) -> Option<Section> {
    if report.kills.is_empty() {
        return None;
    }
    let row = |(index, kill): (usize, &crate::server::Kill)| {
        vec![
            format!("K{}", index + 1),
            format!("{:.2}", seconds(kill.at)),
            format!("{:.0}", kill.back.since(kill.at).as_secs_f64() * 1e3),
            grouped(kill.in_flight as u64),
            grouped(kill.answered),
        ]
    };
    let table = Table {
        head: vec!["kill", "at, s", "back after, ms", "requests cut off", "answers before"],
        rows: report.kills.iter().enumerate().map(row).collect(),
    };
    Some(Section { title: "Kills", body: Rows(&table).to_string() })
}

fn audit(report: &Report) -> Section {
    let items = report.verdicts.iter().map(|verdict| {
        let (class, sign, word) =
            if verdict.ok { ("good", "\u{2713}", "ok") } else { ("bad", "\u{2717}", "FAILED") };
        let examples = verdict.examples.iter();
        let examples =
            examples.map(|example| format!("<li><code>{}</code></li>", Escaped(example)));
        let examples = examples.collect::<String>();
        let examples = if examples.is_empty() { examples } else { format!("<ul>{examples}</ul>") };
        format!(
            "<li><span class=\"{class}\"><span aria-hidden=\"true\">{sign}</span> {word}</span> \
             <span>{}<small>{}</small>{examples}</span></li>\n",
            Escaped(verdict.rule),
            Escaped(&verdict.seen)
        )
    });
    let body = format!("<ul class=\"audit\">\n{}</ul>\n", items.collect::<String>());
    Section { title: "Audit", body }
}

fn setting(report: &Report) -> Section {
    let setting = &report.setting;
    let tau = |tau: Option<f64>| tau.map_or_else(|| "-".to_owned(), |tau| format!("{tau:.4}"));
    let entries = [
        ("scenario", Some(report.scenario.clone())),
        ("server", Some(setting.server.clone())),
        ("sale", Some(setting.sale.clone())),
        ("seed", Some(setting.seed.to_string())),
        ("sockets", Some(grouped(setting.connections as u64))),
        ("server data", setting.data.clone()),
        ("visits", Some(visits(&report.outcomes))),
        ("tau of arrival and number", Some(tau(report.agreement.arrival_and_number))),
        (
            "tau of acknowledgement and number",
            Some(tau(report.agreement.acknowledgement_and_number)),
        ),
        ("nodes", report.lag.as_ref().map(behind)),
        ("tau of number and admission", Some(tau(report.agreement.number_and_admission))),
    ];
    let spelled = entries.into_iter().filter_map(|(name, value)| {
        Some(format!("<dt>{}</dt><dd>{}</dd>\n", Escaped(name), Escaped(&value?)))
    });
    Section {
        title: "Setting and outcome",
        body: format!("<dl>\n{}</dl>\n", spelled.collect::<String>()),
    }
}

/// A figure with title, legend, drawing and table.
struct Card<'a>(&'a Figure);

impl fmt::Display for Card<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figure { chart, note, table } = self.0;
        write!(f, "<figure><figcaption><h3>{}</h3><p class=\"key\">", Escaped(&chart.title))?;
        for layer in chart.legend() {
            write!(
                f,
                "<span><svg class=\"chart\" viewBox=\"0 0 18 12\" aria-hidden=\"true\">{}</svg> \
                 {}</span> ",
                Key(layer),
                Escaped(layer.name)
            )?;
        }
        write!(f, "</p></figcaption>\n{chart}\n<p class=\"note\">{}</p>", Escaped(note))?;
        write!(f, "<details><summary>Table</summary>{}</details></figure>", Rows(table))
    }
}

/// A table that scrolls by itself when it is wider than the page.
struct Rows<'a>(&'a Table);

impl fmt::Display for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<div class=\"rows\" tabindex=\"0\"><table><thead><tr>")?;
        for head in &self.0.head {
            write!(f, "<th scope=\"col\">{}</th>", Escaped(head))?;
        }
        f.write_str("</tr></thead><tbody>\n")?;
        for row in &self.0.rows {
            f.write_str("<tr>")?;
            for (index, cell) in row.iter().enumerate() {
                let cell = Escaped(cell);
                if index == 0 {
                    write!(f, "<th scope=\"row\">{cell}</th>")?;
                } else {
                    write!(f, "<td>{cell}</td>")?;
                }
            }
            f.write_str("</tr>\n")?;
        }
        f.write_str("</tbody></table></div>")
    }
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document, Node, ParsingOptions};

    use super::*;
    use crate::report::sample;

    fn parse(page: &str) -> Document<'_> {
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        Document::parse_with_options(page, options).unwrap()
    }

    fn has_class(node: &Node<'_, '_>, class: &str) -> bool {
        node.attribute("class").is_some_and(|all| all.split(' ').any(|one| one == class))
    }

    #[test]
    fn every_chart_has_a_title_a_description_and_a_table_and_every_id_is_unique() {
        let text = Page(&sample::report()).to_string();
        let page = parse(&text);
        let figures: Vec<_> = page.descendants().filter(|n| n.has_tag_name("figure")).collect();
        assert_eq!(figures.len(), 11);
        for figure in figures {
            let svg = figure.children().find(|node| node.has_tag_name("svg")).unwrap();
            let word = |name| svg.children().find(|node| node.has_tag_name(name)).unwrap();
            for word in [word("title"), word("desc")] {
                assert!(!word.text().unwrap().is_empty());
                let named = svg.attribute("aria-labelledby").unwrap();
                assert!(named.contains(word.attribute("id").unwrap()), "{named}");
            }
            assert!(svg.attribute("viewBox").is_some(), "it grows with the page");
            let table = figure.descendants().find(|node| node.has_tag_name("table")).unwrap();
            assert!(table.ancestors().any(|node| node.has_tag_name("details")));
            let rows = table.descendants().filter(|node| node.has_tag_name("tr")).count();
            assert!(rows > 1, "{:?}", svg.attribute("aria-labelledby"));
        }
        let mut ids: Vec<_> = page.descendants().filter_map(|node| node.attribute("id")).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn the_page_needs_nothing_from_outside_and_runs_nothing() {
        let text = Page(&sample::report()).to_string();
        let page = parse(&text);
        for node in page.descendants() {
            for name in ["script", "link", "img", "iframe", "object", "image", "use"] {
                assert!(!node.has_tag_name(name), "<{name}>");
            }
            for attribute in node.attributes() {
                let name = attribute.name();
                assert!(!["src", "href"].contains(&name) && !name.starts_with("on"), "{name}");
            }
        }
        assert!(!text.contains("@import") && !text.contains("url("));
    }

    #[test]
    fn names_and_findings_from_outside_stay_text() {
        let mut report = sample::report();
        report.setting.sale = "</title><script>alert('1')</script>".to_owned();
        report.verdicts[0].ok = false;
        report.verdicts[0].seen = "<img src=x onerror=alert(1)>".to_owned();
        report.verdicts[0].examples = vec!["a & b </li>".to_owned()];
        report.passed = false;
        let text = Page(&report).to_string();
        let page = parse(&text);
        assert!(!text.contains("<script") && !text.contains("<img"));
        let verdict = page.descendants().find(|node| has_class(node, "verdict")).unwrap();
        assert_eq!(verdict.last_child().unwrap().text(), Some("FAILED: 1 of 1 rules broken"));
        assert!(page.descendants().any(|node| node.text() == Some("a & b </li>")));
    }

    #[test]
    fn a_late_generator_is_told_at_the_top_and_no_latency_is_shown() {
        let mut report = sample::report();
        let text = Page(&report).to_string();
        assert!(!text.contains("GENERATOR BOUND"));
        assert!(text.contains("<h2>Latency</h2>") && text.contains("Latency: enter"));

        report.schedule.generator_bound = true;
        let text = Page(&report).to_string();
        let page = parse(&text);
        let header = page.descendants().find(|node| node.has_tag_name("header")).unwrap();
        let warned = header.descendants().any(|node| node.text() == Some("GENERATOR BOUND"));
        assert!(warned && header.descendants().any(|node| node.text() == Some("withheld")));
        assert!(!text.contains("<h2>Latency</h2>") && !text.contains("Latency: enter"));
        assert!(text.contains("<h2>Schedule</h2>") && text.contains("p99 over the limit"));
        assert_eq!(text.matches("<figure>").count(), 6);
    }

    #[test]
    fn estimated_waits_have_their_errors_or_a_dash() {
        let mut report = sample::report();
        assert!(Page(&report).to_string().contains("<td>80</td><td>75 %</td><td>0.0</td><td>1.5<"));
        report.eta.count = 0;
        assert!(Page(&report).to_string().contains("<td>0</td><td>-</td><td>-</td><td>-<"));
    }

    #[test]
    fn a_run_that_measured_nothing_still_has_a_page() {
        let mut report = sample::report();
        report.timeline = crate::timeline::Timeline::default();
        report.order = crate::timeline::Order::default();
        report.kills.clear();
        let text = Page(&report).to_string();
        parse(&text);
        assert_eq!(text.matches("nothing was recorded").count(), 11);
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        assert!(!text.contains("<h2>Kills</h2>"));
    }
}
