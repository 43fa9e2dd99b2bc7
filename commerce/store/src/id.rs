//! Typed ids: one type for each kind of thing, kept as text.

/// Makes a type around [`base::id::Id`] that columns, JSON and paths can have.
///
/// ```
/// store::id! {
///     /// Which account.
///     pub AccountId
/// }
/// let id = AccountId::new(base::moment::Moment(1_700_000_000_000));
/// assert_eq!(id.to_string().parse(), Ok(id));
/// ```
#[macro_export]
macro_rules! id {
    ($(#[$doc:meta])* $vis:vis $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis struct $name(pub $crate::Id);

        impl $name {
            /// A new id.
            $vis fn new(now: $crate::Moment) -> Self {
                Self($crate::Id::new(now))
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::NoId;

            fn from_str(text: &str) -> ::std::result::Result<Self, $crate::NoId> {
                text.parse().map(Self)
            }
        }

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(
                &self,
                to: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                to.collect_str(&self.0)
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(
                from: D,
            ) -> ::std::result::Result<Self, D::Error> {
                let text = <::std::borrow::Cow<'de, str>>::deserialize(from)?;
                text.parse().map_err($crate::serde::de::Error::custom)
            }
        }

        impl ::std::convert::From<$name> for $crate::sea_orm::Value {
            fn from(id: $name) -> Self {
                id.to_string().into()
            }
        }

        impl $crate::sea_orm::TryGetable for $name {
            fn try_get_by<I: $crate::sea_orm::ColIdx>(
                row: &$crate::sea_orm::QueryResult,
                index: I,
            ) -> ::std::result::Result<Self, $crate::sea_orm::TryGetError> {
                let text = <String as $crate::sea_orm::TryGetable>::try_get_by(row, index)?;
                text.parse().map_err(|_| {
                    let what = format!("{text:?} is not the id of a {}", stringify!($name));
                    $crate::sea_orm::TryGetError::DbErr($crate::sea_orm::DbErr::Type(what))
                })
            }
        }

        impl $crate::sea_orm::sea_query::ValueType for $name {
            fn try_from(
                value: $crate::sea_orm::Value,
            ) -> ::std::result::Result<Self, $crate::sea_orm::sea_query::ValueTypeErr> {
                let text = <String as $crate::sea_orm::sea_query::ValueType>::try_from(value)?;
                text.parse().map_err(|_| $crate::sea_orm::sea_query::ValueTypeErr)
            }

            fn type_name() -> String {
                stringify!($name).to_owned()
            }

            fn array_type() -> $crate::sea_orm::sea_query::ArrayType {
                $crate::sea_orm::sea_query::ArrayType::String
            }

            fn column_type() -> $crate::sea_orm::sea_query::ColumnType {
                $crate::sea_orm::sea_query::ColumnType::Text
            }
        }

        impl $crate::sea_orm::sea_query::Nullable for $name {
            fn null() -> $crate::sea_orm::Value {
                $crate::sea_orm::Value::String(None)
            }
        }

        impl $crate::sea_orm::IntoActiveValue<$name> for $name {
            fn into_active_value(self) -> $crate::sea_orm::ActiveValue<$name> {
                $crate::sea_orm::ActiveValue::Set(self)
            }
        }

        // A primary key must say how it is made of a number, which no id is.
        impl $crate::sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> ::std::result::Result<Self, $crate::sea_orm::DbErr> {
                Err($crate::sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    };
}
