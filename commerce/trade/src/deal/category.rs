//! What deals sell.

use store::sea_orm::{self, DeriveActiveEnum, EnumIter};

/// What a deal sells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Category {
    /// 패션
    #[sea_orm(string_value = "fashion")]
    Fashion,
    /// 뷰티
    #[sea_orm(string_value = "beauty")]
    Beauty,
    /// 식품
    #[sea_orm(string_value = "food")]
    Food,
    /// 가전
    #[sea_orm(string_value = "appliance")]
    Appliance,
    /// 스포츠
    #[sea_orm(string_value = "sports")]
    Sports,
    /// 생활용품
    #[sea_orm(string_value = "living")]
    Living,
    /// 반려용품
    #[sea_orm(string_value = "pet")]
    Pet,
    /// 여행
    #[sea_orm(string_value = "travel")]
    Travel,
}

impl Category {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::Fashion,
        Self::Beauty,
        Self::Food,
        Self::Appliance,
        Self::Sports,
        Self::Living,
        Self::Pet,
        Self::Travel,
    ];

    /// What programs know it by.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Fashion => "fashion",
            Self::Beauty => "beauty",
            Self::Food => "food",
            Self::Appliance => "appliance",
            Self::Sports => "sports",
            Self::Living => "living",
            Self::Pet => "pet",
            Self::Travel => "travel",
        }
    }

    /// Reads a code, in capitals or not.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code().eq_ignore_ascii_case(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_is_read_in_capitals_or_not() {
        for category in Category::ALL {
            assert_eq!(Category::parse(&category.code().to_uppercase()), Some(category));
        }
        assert_eq!(Category::parse("none"), None);
    }
}
