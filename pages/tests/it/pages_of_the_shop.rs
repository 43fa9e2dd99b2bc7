//! What is true of every page.

use std::collections::HashSet;

use pages::Language;

use crate::samples::{self, Sample, Values};

fn every(values: Values) -> Vec<(Language, Sample)> {
    let of =
        |language| samples::all(language, values).into_iter().map(move |page| (language, page));
    Language::ALL.into_iter().flat_map(of).collect()
}

/// The values of an attribute.
fn values_of<'h>(html: &'h str, attribute: &str) -> Vec<&'h str> {
    let start = format!(" {attribute}=\"");
    html.split(&start).skip(1).map(|rest| rest.split_once('"').unwrap().0).collect()
}

#[test]
fn a_page_says_its_language_its_title_and_one_heading() {
    for (language, Sample { name, html }) in every(Values::Full) {
        assert!(html.contains(&format!("<html lang=\"{}\">", language.tag())), "{name}");
        let title = html.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0;
        assert!(
            title.ends_with(" · Rushgate") && title.len() > " · Rushgate".len(),
            "{name}: {title}"
        );
        assert_eq!(html.matches("<h1").count(), 1, "{name}");
        assert_eq!(html.matches("<main id=\"main\"").count(), 1, "{name}");
    }
}

#[test]
fn what_somebody_typed_is_never_html() {
    for (_, Sample { name, html }) in every(Values::Hostile) {
        for bad in ["<script>", "'1'", "\u{7}", "&\"", "alert('"] {
            assert!(!html.contains(bad), "{name}: {bad}");
        }
    }
}

#[test]
fn nothing_is_inline_and_nothing_comes_from_elsewhere() {
    for (_, Sample { name, html }) in every(Values::Full) {
        for inline in
            ["<style", "style=", "<script>", "onclick", "onchange", "javascript:", "=\"data:"]
        {
            assert!(!html.contains(inline), "{name}: {inline}");
        }
        for src in values_of(&html, "src") {
            assert!(src.starts_with('/'), "{name}: {src}");
        }
        for action in values_of(&html, "action") {
            assert!(action.starts_with("/shop"), "{name}: {action}");
        }
    }
}

#[test]
fn every_id_is_one_and_every_label_and_link_finds_its_own() {
    for (_, Sample { name, html }) in every(Values::Full) {
        let ids = values_of(&html, "id");
        let known: HashSet<_> = ids.iter().copied().collect();
        assert_eq!(ids.len(), known.len(), "{name}: an id stands twice");
        let mut named = values_of(&html, "for");
        named.extend(values_of(&html, "aria-labelledby"));
        named.extend(values_of(&html, "aria-describedby").iter().flat_map(|ids| ids.split(' ')));
        named.extend(values_of(&html, "href").iter().filter_map(|href| href.strip_prefix('#')));
        for id in named {
            assert!(known.contains(id), "{name}: nothing is {id}");
        }
    }
}

#[test]
fn a_refused_form_keeps_what_was_typed_and_says_so_in_its_title() {
    for (language, Sample { name, html }) in every(Values::Full) {
        if !name.ends_with("-refused") {
            continue;
        }
        let start = match language {
            Language::Korean => "<title>오류: ",
            Language::English => "<title>Error: ",
        };
        assert!(html.contains(start) && html.contains("id=\"errors\""), "{name}");
    }
    let sign_up = |language| {
        let samples = samples::all(language, Values::Full);
        samples.into_iter().find(|page| page.name == "sign-up-refused").unwrap().html
    };
    let html = sign_up(Language::English);
    assert!(html.contains("value=\"jiwoo@\"") && html.contains("value=\"Jiwoo Kim\""), "{html}");
    assert!(html.contains("8 characters or more.</a>"), "the list names it: {html}");
    assert!(!html.contains("secret"), "a password is not sent back: {html}");
    assert!(
        html.contains("aria-invalid=\"true\" aria-describedby") || html.contains("aria-invalid")
    );
}

#[test]
fn a_page_is_light() {
    for values in [Values::Full, Values::Hostile] {
        for (_, Sample { name, html }) in every(values) {
            assert!(html.len() < 64 * 1_024, "{name} has {} bytes", html.len());
        }
    }
}

#[test]
fn each_page_has_all_of_its_words_in_its_language() {
    for Sample { name, html } in samples::all(Language::English, Values::Full) {
        let (_, body) = html.split_once("<main").unwrap();
        let (body, _) = body.split_once("</main>").unwrap();
        let korean = body.chars().find(|c| ('가'..='힣').contains(c));
        assert!(korean.is_none(), "{name}: {korean:?}");
        assert!(!html.contains("{n}") && !html.contains("{m}") || html.contains("data-"), "{name}");
    }
}
