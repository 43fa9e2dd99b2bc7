//! What texts are made of, for the index and for what is typed.
//!
//! A text is cut into runs of one sort of characters. A run of syllables (Hangul, and what else is written
//! without spaces) has a token for each two that follow each other, and one for its last: `미스트` has `미스`,
//! `스트`, `트`. So a part of a word is found by its pairs, and a single syllable as the beginning of a token.
//! A run of letters and digits is one token, found by its beginning.
//!
//! Titles have more: pairs across a space (`무선 이어폰` is found as `무선이어폰`), the same tokens of their
//! initial consonants (`ㅁㅅ`, `ㅅㅌ`, `ㅌ`), and their whole words behind `=`. Tags stand behind `#`.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization as _;

use crate::limits::{
    QUERY_CHARS_MAX, QUERY_SHORTEST_MAX, QUERY_TERMS_MAX, SEARCH_TAG_BYTES_MAX,
    SEARCH_TEXT_CHARS_MAX, SEARCH_TOKENS_MAX, SEARCH_WORD_CHARS_MAX,
};

/// What a token counts that stands in the title, as a word of it, and in the text.
const IN_TITLE: i64 = 10;
const WORD_OF_TITLE: i64 = 20;
const IN_TEXT: i64 = 1;

/// The tokens of a document, and how much each counts.
pub(super) type Tokens = BTreeMap<String, i64>;

/// One thing that has to be found, or that makes a document fit better.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Term {
    /// This token has to be there.
    Token(String),
    /// A token has to be there that begins so.
    Beginning(String),
    /// If this token is there, the document fits better.
    Better(String),
}

impl Term {
    /// Whether it is the beginning of a token by one character.
    fn is_shortest(&self) -> bool {
        matches!(self, Self::Beginning(text) if text.trim_start_matches('=').chars().count() <= 1)
    }
}

/// A sort of characters that a run is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// Written without spaces, or in words with endings: found by pairs.
    Syllables,
    /// Korean consonants by themselves, as initials are typed.
    Initials,
    /// Words of letters and digits.
    Letters,
}

#[derive(Debug, PartialEq, Eq)]
struct Run {
    sort: Sort,
    chars: Vec<char>,
}

/// The tokens of a document.
pub(super) fn tokens(title: &str, text: &str, tags: &[&str]) -> Tokens {
    let mut tokens = Tokens::new();
    for tag in tags {
        tokens.insert(tag_token(tag), 0);
    }
    let title_runs = runs(title, SEARCH_TEXT_CHARS_MAX);
    let initials: Vec<Run> = title_runs.iter().filter_map(initials).collect();
    for runs in [&title_runs, &initials] {
        for run in runs {
            note(&mut tokens, format!("={}", word(run)), WORD_OF_TITLE);
        }
        note_runs(&mut tokens, runs, IN_TITLE);
        for pair in runs.windows(2).filter(|pair| pair.iter().all(Run::is_paired)) {
            if let (Some(last), Some(first)) = (pair[0].chars.last(), pair[1].chars.first()) {
                note(&mut tokens, String::from_iter([last, first]), IN_TITLE);
            }
        }
    }
    note_runs(&mut tokens, &runs(text, SEARCH_TEXT_CHARS_MAX), IN_TEXT);
    tokens
}

/// What has to be found for what somebody typed; nothing if nothing can be.
pub(super) fn terms(text: &str, tags: &[&str]) -> Option<Vec<Term>> {
    let typed = runs(text, QUERY_CHARS_MAX);
    let all: Vec<Term> = typed.iter().flat_map(wanted).collect();
    if all.is_empty() && !text.trim().is_empty() {
        return None;
    }
    let better = typed.iter().map(|run| Term::Better(format!("={}", word(run))));
    Some(limited(all, better, tags))
}

/// The same while it is typed: the last word may be the beginning of one in the title.
pub(super) fn terms_so_far(text: &str) -> Option<Vec<Term>> {
    let mut typed = runs(text, QUERY_CHARS_MAX);
    let last = typed.pop()?;
    let mut all: Vec<Term> = vec![Term::Beginning(format!("={}", word(&last)))];
    all.extend(typed.iter().flat_map(wanted));
    Some(limited(all, std::iter::empty(), &[]))
}

fn limited(mut all: Vec<Term>, better: impl Iterator<Item = Term>, tags: &[&str]) -> Vec<Term> {
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|term| seen.insert(term.clone()));
    // Each goes through a large part of the index.
    let mut shortest = 0;
    all.retain(|term| {
        shortest += usize::from(term.is_shortest());
        !term.is_shortest() || shortest <= QUERY_SHORTEST_MAX
    });
    all.truncate(QUERY_TERMS_MAX);
    let better: std::collections::BTreeSet<Term> = better.take(QUERY_TERMS_MAX).collect();
    let tags: std::collections::BTreeSet<Term> =
        tags.iter().map(|tag| Term::Token(tag_token(tag))).collect();
    all.into_iter().chain(better).chain(tags).collect()
}

/// What has to be found for a run that somebody typed.
fn wanted(run: &Run) -> Vec<Term> {
    match run.sort {
        Sort::Letters => vec![Term::Beginning(word(run))],
        Sort::Syllables | Sort::Initials if run.chars.len() == 1 => {
            vec![Term::Beginning(run.chars.iter().collect())]
        }
        Sort::Syllables | Sort::Initials => {
            run.chars.windows(2).map(|pair| Term::Token(pair.iter().collect())).collect()
        }
    }
}

fn note_runs(tokens: &mut Tokens, runs: &[Run], weight: i64) {
    for run in runs {
        if run.is_paired() {
            for pair in run.chars.windows(2) {
                note(tokens, pair.iter().collect(), weight);
            }
            note(tokens, run.chars.last().into_iter().collect(), weight);
        } else {
            note(tokens, word(run), weight);
        }
    }
}

fn note(tokens: &mut Tokens, token: String, weight: i64) {
    if let Some(known) = tokens.get_mut(&token) {
        *known = weight.max(*known);
    } else if tokens.len() < SEARCH_TOKENS_MAX {
        tokens.insert(token, weight);
    }
}

fn tag_token(tag: &str) -> String {
    let end = tag.floor_char_boundary(SEARCH_TAG_BYTES_MAX);
    format!("#{}", tag[..end].replace('\0', ""))
}

/// A run as one token.
fn word(run: &Run) -> String {
    run.chars.iter().take(SEARCH_WORD_CHARS_MAX).collect()
}

impl Run {
    fn is_paired(&self) -> bool {
        self.sort != Sort::Letters
    }
}

/// The runs of a text, of which so many characters count.
fn runs(text: &str, chars_max: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut sort_before = None;
    let chars = text.nfc().take(chars_max).map(narrow).flat_map(char::to_lowercase);
    for char in chars.flat_map(apart) {
        let sort = sort_of(char);
        match (sort, runs.last_mut()) {
            (Some(sort), Some(run)) if sort_before == Some(sort) => run.chars.push(char),
            (Some(sort), _) => runs.push(Run { sort, chars: vec![char] }),
            (None, _) => {}
        }
        sort_before = sort;
    }
    runs
}

fn sort_of(char: char) -> Option<Sort> {
    match char {
        'ㄱ'..='ㅎ' => Some(Sort::Initials),
        // Hangul; Hiragana and Katakana; Han.
        '가'..='힣' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' => Some(Sort::Syllables),
        other => other.is_alphanumeric().then_some(Sort::Letters),
    }
}

/// Two consonants that a keyboard has put together, as it does with initials that are typed one after the other.
fn apart(char: char) -> impl Iterator<Item = char> {
    let (first, second) = match char {
        'ㄳ' => ('ㄱ', Some('ㅅ')),
        'ㄵ' => ('ㄴ', Some('ㅈ')),
        'ㄶ' => ('ㄴ', Some('ㅎ')),
        'ㄺ' => ('ㄹ', Some('ㄱ')),
        'ㄻ' => ('ㄹ', Some('ㅁ')),
        'ㄼ' => ('ㄹ', Some('ㅂ')),
        'ㄽ' => ('ㄹ', Some('ㅅ')),
        'ㄾ' => ('ㄹ', Some('ㅌ')),
        'ㄿ' => ('ㄹ', Some('ㅍ')),
        'ㅀ' => ('ㄹ', Some('ㅎ')),
        'ㅄ' => ('ㅂ', Some('ㅅ')),
        other => (other, None),
    };
    [first].into_iter().chain(second)
}

/// A character of full width as the one of the keyboard.
fn narrow(char: char) -> char {
    match char {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(char) - 0xfee0).unwrap_or(char),
        other => other,
    }
}

/// The initial consonants of a run of Hangul; nothing of any other.
fn initials(run: &Run) -> Option<Run> {
    const INITIALS: [char; 19] = [
        'ㄱ', 'ㄲ', 'ㄴ', 'ㄷ', 'ㄸ', 'ㄹ', 'ㅁ', 'ㅂ', 'ㅃ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅉ', 'ㅊ',
        'ㅋ', 'ㅌ', 'ㅍ', 'ㅎ',
    ];
    // Each initial begins 21 vowels with 28 endings.
    let initial = |&char: &char| {
        let offset = u32::from(char).checked_sub(u32::from('가'))?;
        INITIALS.get(usize::try_from(offset / (21 * 28)).ok()?).copied()
    };
    let chars = run.chars.iter().map(initial).collect::<Option<Vec<char>>>()?;
    Some(Run { sort: Sort::Initials, chars })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn has(title: &str, token: &str) -> Option<i64> {
        tokens(title, "", &[]).get(token).copied()
    }

    /// Whether a title is found by what somebody types.
    fn finds(typed: &str, title: &str) -> bool {
        is_found(&terms(typed, &[]).unwrap_or_default(), &tokens(title, "", &[]))
    }

    fn is_found(terms: &[Term], tokens: &Tokens) -> bool {
        let found = |term: &Term| match term {
            Term::Token(token) => tokens.contains_key(token),
            Term::Beginning(beginning) => tokens.keys().any(|token| token.starts_with(beginning)),
            Term::Better(_) => true,
        };
        !terms.is_empty() && terms.iter().all(found)
    }

    #[test]
    fn korean_is_found_by_any_part_however_it_is_spaced() {
        let title = "무선 이어폰, 노이즈캔슬링";
        for typed in
            ["무선", "이어폰", "어폰", "무선이어폰", "이어폰 무선", "폰", "캔슬", "노이즈 캔슬링"]
        {
            assert!(finds(typed, title), "{typed}");
        }
        for typed in ["유선", "폰이어", "이어링", "무선 마우스"] {
            assert!(!finds(typed, title), "{typed}");
        }
        // As a Mac writes it.
        let apart: String = "이어폰".nfd().collect();
        assert!(apart != "이어폰" && finds(&apart, title));
    }

    #[test]
    fn titles_are_found_by_their_initials() {
        let title = "촉촉한 미스트 100ml";
        for typed in ["ㅁㅅㅌ", "ㅁㅅ", "ㅁ", "ㅊㅊㅎ", "ㅎㅁㅅㅌ", "미스ㅌ", "ㅁㅅㅌ 100"]
        {
            assert!(finds(typed, title), "{typed}");
        }
        for typed in ["ㄳㅋㄹ", "ㄳ", "ㅅㅋ"] {
            assert!(finds(typed, "건성크림"), "{typed}");
        }
        for typed in ["ㅁㅌ", "ㅅㅁ", "ㅋ", "미ㅋ"] {
            assert!(!finds(typed, title), "{typed}");
        }
        let in_text = tokens("", "미스트", &[]);
        assert!(!is_found(&terms("ㅁㅅㅌ", &[]).unwrap(), &in_text));
        assert!(is_found(&terms("미스트", &[]).unwrap(), &in_text));
    }

    #[test]
    fn letters_are_found_by_their_beginning() {
        let title = "Galaxy S24울트라 ＸＬ Café";
        for typed in ["galaxy", "GAL", "s24", "S24 울트라", "xl", "cafe\u{301}", "울트라 gal"]
        {
            assert!(finds(typed, title), "{typed}");
        }
        for typed in ["alaxy", "s245", "24"] {
            assert!(!finds(typed, title), "{typed}");
        }
    }

    #[test]
    fn of_single_letters_only_some_are_searched_for() {
        let typed = terms("a b c d e f g h", &[]).unwrap();
        let needed = typed.iter().filter(|term| matches!(term, Term::Beginning(_)));
        assert_eq!(needed.count(), QUERY_SHORTEST_MAX);
        assert!(finds("a b c galaxy", "galaxy a b"));
    }

    #[test]
    fn a_word_of_the_title_counts_most() {
        assert_eq!(has("미스트", "=미스트"), Some(WORD_OF_TITLE));
        assert_eq!(has("미스트", "=ㅁㅅㅌ"), Some(WORD_OF_TITLE));
        assert_eq!(has("미스트", "스트"), Some(IN_TITLE));
        let both = tokens("미스트", "미스트 토너", &["category:beauty"]);
        assert_eq!(both["미스"], IN_TITLE);
        assert_eq!(both["토너"], IN_TEXT);
        assert_eq!(both["#category:beauty"], 0);
        let typed = terms("미스트", &["open"]).unwrap();
        let expected = [
            Term::Token("미스".to_owned()),
            Term::Token("스트".to_owned()),
            Term::Better("=미스트".to_owned()),
            Term::Token("#open".to_owned()),
        ];
        assert_eq!(typed, expected);
    }

    #[test]
    fn what_has_no_word_in_it_finds_nothing() {
        for typed in ["!!!", "%", "*", "'", "\" OR 1=1", "-", "#open", "=x"] {
            let found = terms(typed, &[]);
            assert!(
                found.is_none_or(|terms| terms.iter().all(|term| match term {
                    Term::Token(token) | Term::Beginning(token) => !token.starts_with(['#', '=']),
                    Term::Better(_) => true,
                })),
                "{typed}"
            );
        }
        assert_eq!(terms("  ", &[]), Some(Vec::new()), "everything");
        assert_eq!(terms("!", &[]), None);
        assert_eq!(terms_so_far(" "), None);
    }

    proptest! {
        #[test]
        fn a_part_of_a_title_always_finds_it(
            title in "[가-힣a-z0-9ぁ-ん一-十 .,!]{2,60}", from in 0_usize..60, length in 2_usize..20,
        ) {
            let chars: Vec<char> = title.chars().collect();
            let part: String = chars.iter().skip(from).take(length).collect();
            // Letters are found from their beginning on.
            let is_cut = |&at: &usize| {
                let around = [at.checked_sub(1).and_then(|before| chars.get(before)), chars.get(at)];
                around.iter().flatten().filter(|char| char.is_ascii_alphanumeric()).count() == 2
            };
            prop_assume!(!is_cut(&from));
            let terms = terms(&part, &[]);
            let terms = terms.filter(|terms| !terms.is_empty());
            let tokens = tokens(&title, "", &[]);
            prop_assert!(terms.is_none_or(|terms| is_found(&terms, &tokens)), "{part} of {title}");
        }

        #[test]
        fn any_text_has_bounded_tokens(text in "\\PC{0,400}", typed in ".{0,200}") {
            let tokens = tokens(&text, &text.repeat(30), &[&typed]);
            prop_assert!(tokens.len() <= SEARCH_TOKENS_MAX);
            prop_assert!(tokens.keys().all(|token| token.len() <= 4 * SEARCH_WORD_CHARS_MAX + 1));
            let terms = terms(&typed, &[]).unwrap_or_default();
            prop_assert!(terms.len() <= 2 * QUERY_TERMS_MAX);
        }
    }
}
