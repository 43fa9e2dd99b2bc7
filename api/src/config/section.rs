//! A section: its keys with their kinds, defaults and words, declared once.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// One key, as the manual and the example file show it.
#[cfg(test)]
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// Its name in the section.
    pub(crate) name: &'static str,
    /// What is allowed; empty where its words say it all.
    pub(crate) range: String,
    /// What it means, in lines; the first is enough for the example file.
    pub(crate) words: &'static [&'static str],
    /// A value to show where there is no default.
    pub(crate) example: Option<&'static str>,
    /// What happens where there is no default.
    pub(crate) otherwise: Option<&'static str>,
}

/// What the reader has to know of a key when its value is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// What is allowed, in words for operators.
    pub(crate) allowed: String,
    /// Its value must not be shown, whatever it is.
    pub(crate) is_secret: bool,
}

/// The keys that begin with one name.
pub(crate) trait Section: DeserializeOwned + Serialize + Default {
    /// The section's name.
    const NAME: &'static str;

    /// What it is about, in a sentence.
    #[cfg(test)]
    const ABOUT: &'static str;

    /// What may stand at a key; `None` for a key that it does not have.
    fn facts(key: &str) -> Option<Facts>;

    /// Its keys in order, for the manual and the example file.
    #[cfg(test)]
    fn keys() -> Vec<Key>;
}

/// Declares a section: each key with its words (the first line is for the example file too), its kind
/// and its default. A key without a default has an example in brackets, and words for the manual's column
/// of defaults if there is more to say than that it has none.
macro_rules! section {
    (
        #[doc = $about:literal]
        $name:ident = $section:literal {
            $( $(#[doc = $words:literal])+ $key:ident $(($example:literal $(, $otherwise:literal)?))? : $kind:ty = $default:expr, )+
        }
    ) => {
        #[doc = $about]
        #[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $( $(#[doc = $words])+ pub $key: $kind, )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $key: $default, )+ }
            }
        }

        impl $crate::config::section::Section for $name {
            const NAME: &'static str = $section;

            #[cfg(test)]
            const ABOUT: &'static str = $about;

            fn facts(key: &str) -> Option<$crate::config::section::Facts> {
                $(
                    if key == stringify!($key) {
                        return Some($crate::config::section::Facts {
                            allowed: <$kind as $crate::config::kinds::Kind>::allowed(),
                            is_secret: <$kind as $crate::config::kinds::Kind>::IS_SECRET,
                        });
                    }
                )+
                None
            }

            #[cfg(test)]
            fn keys() -> Vec<$crate::config::section::Key> {
                vec![ $( $crate::config::section::Key {
                    name: stringify!($key),
                    range: <$kind as $crate::config::kinds::Kind>::range(),
                    words: &[ $( $words, )+ ],
                    example: [ $( Some($example), )? None ][0],
                    otherwise: [ $( $( Some($otherwise), )? )? None ][0],
                }, )+ ]
            }
        }
    };
}

pub(crate) use section;
