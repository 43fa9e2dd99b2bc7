//! Which sales there are: the two keys that all sales share. Archived ones stand apart, for nobody looks
//! through them all the time.

use engine::id::SaleName;
use fred::{
    interfaces::ClientLike as _,
    types::{ClusterHash, CustomCommand, Value},
};

use super::{Store, StoreError, call::call_options};

impl Store {
    /// Says that a sale is in the store.
    pub async fn announce(&self, sale: &SaleName) -> Result<(), StoreError> {
        self.of_sales("SADD", self.key_of_sales(), Some(sale)).await.map(drop)
    }

    /// Says that a sale is in the store, archived.
    pub async fn announce_archived(&self, sale: &SaleName) -> Result<(), StoreError> {
        // In this order, so that it is on one of the lists at any time.
        self.of_sales("SADD", self.key_of_archived(), Some(sale)).await?;
        self.of_sales("SREM", self.key_of_sales(), Some(sale)).await.map(drop)
    }

    /// The sales that were announced and not forgotten. What is no sale's name is passed over.
    pub async fn sales(&self) -> Result<Vec<SaleName>, StoreError> {
        self.of_sales("SMEMBERS", self.key_of_sales(), None).await.map(names)
    }

    /// The archived ones.
    pub async fn archived_sales(&self) -> Result<Vec<SaleName>, StoreError> {
        self.of_sales("SMEMBERS", self.key_of_archived(), None).await.map(names)
    }

    /// How many archived ones there are.
    pub async fn count_archived(&self) -> Result<u64, StoreError> {
        let count = self.of_sales("SCARD", self.key_of_archived(), None).await?;
        count.as_u64().ok_or(StoreError::Reply("no number of archived sales"))
    }

    /// Takes back that a sale is in the store.
    pub async fn forget(&self, sale: &SaleName) -> Result<(), StoreError> {
        self.of_sales("SREM", self.key_of_sales(), Some(sale)).await?;
        self.of_sales("SREM", self.key_of_archived(), Some(sale)).await.map(drop)
    }

    /// Takes back that there is an archived sale of this name; what the other list says stays.
    pub async fn forget_archived(&self, sale: &SaleName) -> Result<(), StoreError> {
        self.of_sales("SREM", self.key_of_archived(), Some(sale)).await.map(drop)
    }

    async fn of_sales(
        &self,
        command: &'static str,
        key: String,
        sale: Option<&SaleName>,
    ) -> Result<Value, StoreError> {
        let command = CustomCommand::new_static(command, ClusterHash::FirstKey, false);
        let pool = Box::pin(self.pool(&key)).await?;
        let name = sale.map(|sale| Value::from(sale.as_str()));
        let all: Vec<Value> = [Value::from(key)].into_iter().chain(name).collect();
        let client = pool.with_options(&call_options(self.deadline));
        self.within(Box::pin(client.custom(command, all))).await
    }
}

fn names(listed: Value) -> Vec<SaleName> {
    let names = listed.into_array();
    names
        .iter()
        .filter_map(|name| SaleName::parse(std::str::from_utf8(name.as_bytes()?).ok()?))
        .collect()
}
