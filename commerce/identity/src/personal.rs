//! Rows with something personal in them, which debug output does not show: it ends up in logs.

/// Writes the `Debug` of a row that shows its key alone.
macro_rules! shown_by_key {
    ($key:ident of $($row:ident),+) => {
        $(impl ::std::fmt::Debug for $row {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let mut row = f.debug_struct(stringify!($row));
                row.field(stringify!($key), &self.$key).finish_non_exhaustive()
            }
        })+
    };
}

pub(crate) use shown_by_key;

#[cfg(test)]
mod tests {
    struct Row {
        id: u32,
        name: &'static str,
    }

    shown_by_key!(id of Row);

    #[test]
    fn a_row_shows_its_key_alone() {
        let row = Row { id: 7, name: "Kim Hana" };
        assert!(!format!("{row:?}").contains(row.name));
        assert_eq!(format!("{row:?}"), "Row { id: 7, .. }");
    }
}
