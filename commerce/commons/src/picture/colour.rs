//! The colour that most of a picture has.

use std::{collections::BTreeMap, fmt, str::FromStr};

use image::DynamicImage;
use serde::{Deserialize, Serialize};

/// How many pixels are looked at, along each side.
const SAMPLES: u32 = 32;

/// Red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Colour(pub [u8; 3]);

impl Colour {
    const WHITE: Self = Self([u8::MAX; 3]);

    /// Of the colours that differ little, taken together, the one that most pixels have: their mean.
    pub(super) fn of(image: &DynamicImage) -> Self {
        let samples = image.thumbnail_exact(SAMPLES, SAMPLES).into_rgba8();
        let mut alike: BTreeMap<[u8; 3], (u32, [u32; 3])> = BTreeMap::new();
        for [red, green, blue, alpha] in samples.pixels().map(|pixel| pixel.0) {
            if alpha > u8::MAX / 2 {
                let rgb = [red, green, blue];
                let (count, sums) = alike.entry(rgb.map(|part| part >> 5)).or_default();
                *count += 1;
                for (sum, part) in sums.iter_mut().zip(rgb) {
                    *sum += u32::from(part);
                }
            }
        }
        let most = alike.into_values().max_by_key(|(count, _)| *count);
        most.map_or(Self::WHITE, |(count, sums)| {
            Self(sums.map(|sum| u8::try_from(sum / count).unwrap_or(u8::MAX)))
        })
    }
}

impl fmt::Display for Colour {
    /// As a style sheet has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// A text that is no colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoColour;

impl fmt::Display for NoColour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a colour: allowed is # with six hexadecimal digits")
    }
}

impl FromStr for Colour {
    type Err = NoColour;

    fn from_str(text: &str) -> Result<Self, NoColour> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or(NoColour)?;
        let number = u32::from_str_radix(digits, 16).map_err(|_| NoColour)?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.to_string()
    }
}

impl TryFrom<String> for Colour {
    type Error = NoColour;

    fn try_from(text: String) -> Result<Self, NoColour> {
        text.parse()
    }
}
