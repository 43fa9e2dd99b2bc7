//! Which sales there are: the one key that all sales share.

use engine::id::SaleName;
use fred::{
    interfaces::ClientLike as _,
    types::{ClusterHash, CustomCommand, Value},
};

use super::{Store, StoreError, call::call_options};

impl Store {
    /// Says that a sale is in the store.
    pub async fn announce(&self, sale: &SaleName) -> Result<(), StoreError> {
        self.of_sales("SADD", Some(sale)).await.map(drop)
    }

    /// The sales that were announced and not forgotten. What is no sale's name is passed over.
    pub async fn sales(&self) -> Result<Vec<SaleName>, StoreError> {
        let names = self.of_sales("SMEMBERS", None).await?.into_array();
        Ok(names
            .iter()
            .filter_map(|name| SaleName::parse(std::str::from_utf8(name.as_bytes()?).ok()?))
            .collect())
    }

    /// Takes back that a sale is in the store.
    pub async fn forget(&self, sale: &SaleName) -> Result<(), StoreError> {
        self.of_sales("SREM", Some(sale)).await.map(drop)
    }

    async fn of_sales(
        &self,
        command: &'static str,
        sale: Option<&SaleName>,
    ) -> Result<Value, StoreError> {
        let command = CustomCommand::new_static(command, ClusterHash::FirstKey, false);
        let key = self.key_of_sales();
        let pool = Box::pin(self.pool(&key)).await?;
        let name = sale.map(|sale| Value::from(sale.as_str()));
        let all: Vec<Value> = [Value::from(key)].into_iter().chain(name).collect();
        let client = pool.with_options(&call_options(self.deadline));
        self.within(Box::pin(client.custom(command, all))).await
    }
}
