//! The languages of the pages, and which one a reader wants.

/// A language the pages speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Korean.
    Korean,
    /// English, when nothing better is asked for.
    English,
}

impl Language {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Korean, Self::English];

    /// The language an `Accept-Language` header prefers; order breaks ties, `q=0` refuses.
    pub fn of_header(header: Option<&str>) -> Self {
        let mut best = (0.0_f32, Self::English);
        for part in header.unwrap_or_default().split(',').take(16) {
            let mut pieces = part.split(';').map(str::trim);
            let tag = pieces.next().unwrap_or_default().to_ascii_lowercase();
            let weight = pieces.find_map(|piece| piece.strip_prefix("q=")?.parse().ok());
            let Some(language) = tag.split('-').next().and_then(Self::of_tag) else { continue };
            let weight = weight.unwrap_or(1.0);
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }

    /// The language that `ko` or `en` names.
    pub fn of_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// The `lang` attribute.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Korean => "ko",
            Self::English => "en",
        }
    }

    /// The one that the language link leads to.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Korean => Self::English,
            Self::English => Self::Korean,
        }
    }

    /// What its speakers call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Korean => "한국어",
            Self::English => "English",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language_is_spoken() {
        for (header, language) in [
            (None, Language::English),
            (Some(""), Language::English),
            (Some("ko-KR,ko;q=0.9,en-US;q=0.8"), Language::Korean),
            (Some("fr, en;q=0.5, ko;q=0.4"), Language::English),
            (Some("en;q=0.1, KO;q=0.2"), Language::Korean),
            (Some("ko;q=0"), Language::English),
            (Some("ko;q=NaN,,;;"), Language::English),
        ] {
            assert_eq!(Language::of_header(header), language, "{header:?}");
        }
    }
}
