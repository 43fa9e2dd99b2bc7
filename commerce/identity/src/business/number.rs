//! Business registration numbers of South Korea: ten digits, the last of which checks the others.

use std::fmt;

store::refusals! {
    /// Why a text is not taken for a business number.
    pub NumberRefusal {
        /// Not ten digits.
        NotTenDigits = "business_number_not_ten_digits":
            "a business number has ten digits, such as 123-45-67890",
        /// Ten digits, mistyped: the last one does not fit.
        CheckDigit = "business_number_check_digit":
            "the number was mistyped: its last digit does not fit the others",
    }
}

/// What each of the first nine digits counts.
const WEIGHTS: [u32; 9] = [1, 3, 7, 1, 3, 7, 1, 3, 5];

/// A number whose digits fit each other. Whether it is a business's the tax service knows.
#[derive(Clone, PartialEq, Eq)]
pub struct BusinessNumber(String);

impl BusinessNumber {
    /// Reads a number, with hyphens or without.
    pub fn parse(text: &str) -> Result<Self, NumberRefusal> {
        let digits: String = text.trim().chars().filter(|c| *c != '-').collect();
        let values: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(10)).collect();
        if values.len() != 10 || digits.len() != 10 {
            return Err(NumberRefusal::NotTenDigits);
        }
        let weighted: u32 = values.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
        let sum = weighted + values[8] * 5 / 10;
        if (10 - sum % 10) % 10 != values[9] {
            return Err(NumberRefusal::CheckDigit);
        }
        Ok(Self(digits))
    }

    /// What a table kept.
    pub(super) const fn kept(digits: String) -> Self {
        Self(digits)
    }

    /// The ten digits, as the tax service is asked.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// As people read it: `123-45-67890`.
    pub fn grouped(&self) -> String {
        let digits = &self.0;
        [&digits[..3], &digits[3..5], &digits[5..]].join("-")
    }
}

impl fmt::Debug for BusinessNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_last_digit_fits_the_others() {
        for good in ["9990000016", "999-00-00020"] {
            assert!(BusinessNumber::parse(good).is_ok(), "{good}");
        }
        let fitting =
            (0..10).filter(|last| BusinessNumber::parse(&format!("999000001{last}")).is_ok());
        assert_eq!(fitting.collect::<Vec<_>>(), [6]);
        assert_eq!(BusinessNumber::parse("1234567890"), Err(NumberRefusal::CheckDigit));
        for bad in ["", "999000001", "99900000166", "999000001x", "９９９０００００１６"]
        {
            assert_eq!(BusinessNumber::parse(bad), Err(NumberRefusal::NotTenDigits), "{bad}");
        }
        assert_eq!(BusinessNumber::parse("9990000016").unwrap().grouped(), "999-00-00016");
    }
}
