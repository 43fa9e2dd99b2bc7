//! What one Rust file names, outside its tests.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, LexError, TokenStream, TokenTree};

/// One name that a `use` brings in.
#[derive(Debug)]
pub(super) struct Import {
    /// The whole path; its last part is `*` for everything.
    pub(super) path: Vec<String>,
    /// The name it has here.
    pub(super) name: String,
    /// Whether others may name it through this file.
    pub(super) is_public: bool,
}

/// A file as far as it matters for who stands on whom.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) uses: Vec<Import>,
    /// Names that stand anywhere but in a `use`.
    pub(super) names: BTreeSet<String>,
    /// Paths of more than one part that stand anywhere but in a `use`.
    pub(super) paths: Vec<Vec<String>>,
    /// Modules that are files of their own.
    pub(super) children: BTreeSet<String>,
    /// Those that are there for tests only.
    pub(super) tests: BTreeSet<String>,
    /// Items of this file.
    pub(super) defined: BTreeSet<String>,
}

/// Words before the name of an item.
const ITEMS: [&str; 8] = ["struct", "enum", "trait", "type", "const", "static", "fn", "union"];

impl Source {
    pub(super) fn read(text: &str) -> Result<Self, LexError> {
        let mut source = Self::default();
        source.walk(text.parse()?, 0);
        Ok(source)
    }

    /// Reads a sequence of tokens, `depth` modules inside the file's own.
    fn walk(&mut self, tokens: TokenStream, depth: usize) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at = match token {
                TokenTree::Punct(mark)
                    if mark.as_char() == '#' && is_for_tests(&tokens[at + 1..]) =>
                {
                    self.skip(&tokens, at + 2)
                }
                TokenTree::Group(group) => {
                    self.walk(group.stream(), depth);
                    at + 1
                }
                TokenTree::Ident(word) if word == "use" && !is_mark(tokens.get(at + 1), '<') => {
                    self.import(&tokens, at, depth)
                }
                TokenTree::Ident(word) if word == "mod" => self.module(&tokens, at, depth),
                // A path behind `pub` says who may see the item, and names nothing that it stands on.
                TokenTree::Ident(word) if word == "pub" && is_parenthesis(tokens.get(at + 1)) => {
                    at + 2
                }
                TokenTree::Ident(_) => self.name(&tokens, at, depth),
                TokenTree::Punct(_) | TokenTree::Literal(_) => at + 1,
            };
        }
    }

    /// The token after an item, or part of one, that is compiled for tests only.
    fn skip(&mut self, tokens: &[TokenTree], from: usize) -> usize {
        let (mut at, mut ends_in_braces, mut ends_in_comma) = (from, true, true);
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                TokenTree::Punct(mark) if mark.as_char() == '#' => at += 1,
                TokenTree::Punct(mark) if mark.as_char() == ';' => break,
                TokenTree::Punct(mark) if mark.as_char() == ',' && ends_in_comma => break,
                TokenTree::Group(group)
                    if group.delimiter() == Delimiter::Brace && ends_in_braces =>
                {
                    break;
                }
                TokenTree::Ident(word) => {
                    let word = word.to_string();
                    if word == "mod"
                        && let Some(TokenTree::Ident(name)) = tokens.get(at)
                    {
                        self.tests.insert(name.to_string());
                    }
                    let is_statement =
                        ["use", "const", "static", "type", "let"].contains(&word.as_str());
                    let is_item = is_statement || ITEMS.contains(&word.as_str());
                    ends_in_comma &= !(is_item || ["impl", "mod"].contains(&word.as_str()));
                    // A `const fn` ends in braces after all.
                    ends_in_braces = (ends_in_braces && !is_statement) || word == "fn";
                }
                TokenTree::Group(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
        at
    }

    fn import(&mut self, tokens: &[TokenTree], at: usize, depth: usize) -> usize {
        let end = (at..tokens.len()).find(|&end| is_mark(tokens.get(end), ';'));
        let end = end.unwrap_or(tokens.len());
        let before = |back: usize| at.checked_sub(back).and_then(|before| tokens.get(before));
        let is_public = match before(1) {
            Some(TokenTree::Group(_)) => is_word(before(2), "pub"),
            token => is_word(token, "pub"),
        };
        let mut names = Vec::new();
        read_use(&tokens[at + 1..end], &[], &mut names);
        for (path, name) in names {
            if let Some(path) = from_file(path, depth) {
                self.uses.push(Import { path, name, is_public });
            }
        }
        end + 1
    }

    fn module(&mut self, tokens: &[TokenTree], at: usize, depth: usize) -> usize {
        let Some(TokenTree::Ident(name)) = tokens.get(at + 1) else { return at + 1 };
        if let Some(TokenTree::Group(inside)) = tokens.get(at + 2) {
            self.walk(inside.stream(), depth + 1);
        } else if depth == 0 {
            self.children.insert(name.to_string());
        }
        at + 3
    }

    /// A name, with what follows it if it begins a path.
    fn name(&mut self, tokens: &[TokenTree], at: usize, depth: usize) -> usize {
        let mut path = Vec::new();
        let mut next = at;
        while let Some(TokenTree::Ident(part)) = tokens.get(next) {
            path.push(part.to_string());
            next += 1;
            if !(is_mark(tokens.get(next), ':') && is_mark(tokens.get(next + 1), ':')) {
                break;
            }
            next += 2;
        }
        let first = path[0].clone();
        if ITEMS.contains(&first.as_str())
            && let Some(TokenTree::Ident(item)) = tokens.get(at + 1)
        {
            self.defined.insert(item.to_string());
        }
        self.names.insert(first);
        if path.len() > 1
            && let Some(path) = from_file(path, depth)
        {
            self.paths.push(path);
        }
        next.max(at + 1)
    }
}

/// A path as the file's own module would write it; `None` if it stays within the file.
fn from_file(mut path: Vec<String>, depth: usize) -> Option<Vec<String>> {
    let ups = path.iter().take_while(|part| *part == "super").count();
    let is_own = depth > 0 && (ups > 0 && ups <= depth || path[0] == "self");
    path.drain(..ups.min(depth));
    (!is_own).then_some(path)
}

fn read_use(tokens: &[TokenTree], prefix: &[String], names: &mut Vec<(Vec<String>, String)>) {
    let mut path = prefix.to_vec();
    let mut alias = None;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                inside
                    .split(|token| is_mark(Some(token), ','))
                    .filter(|one| !one.is_empty())
                    .for_each(|one| read_use(one, &path, names));
                return;
            }
            TokenTree::Ident(word) if word == "as" => {
                alias = tokens.get(at + 1).map(ToString::to_string);
                break;
            }
            TokenTree::Ident(word) => path.push(word.to_string()),
            TokenTree::Punct(mark) if mark.as_char() == '*' => path.push("*".to_owned()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    if let Some(last) = path.last().cloned() {
        names.push((path, alias.unwrap_or(last)));
    }
}

/// Whether an attribute, without its `#`, leaves what follows to tests.
fn is_for_tests(tokens: &[TokenTree]) -> bool {
    let Some(TokenTree::Group(attribute)) = tokens.first() else { return false };
    let text: String = attribute.stream().to_string().split_whitespace().collect();
    text == "cfg(test)" || text.starts_with("cfg(all(test,")
}

fn is_mark(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(found)) if found.as_char() == mark)
}

fn is_parenthesis(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis)
}

fn is_word(token: Option<&TokenTree>, word: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(found)) if found == word)
}
