//! Deciding a batch in the store.

use engine::{
    clock::Millis,
    command::Ask,
    id::{Epoch, NodeName, SaleTag},
    stream::Point,
};
use fred::{
    clients::Client,
    interfaces::ClientLike as _,
    types::{ClusterHash, CustomCommand, Value},
};

use super::{
    NodeNote, Store, StoreError,
    answer::{self, Decision},
    call::{Keys, Writes, bytes, call_options, number},
    commands, notes,
    options::Replicas,
};

/// A batch for one sale.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Which sale.
    pub sale: SaleTag,
    /// Which node sends it. One that does not serve joins with it, and is told so until all others have
    /// journaled that.
    pub node: &'a NodeName,
    /// The epoch this node believes the sale's stream is in.
    pub epoch: Epoch,
    /// The last entry of the stream that this node has.
    pub after: &'a Point,
    /// Whether new holds are refused, because this node's backend does not keep up.
    pub stalled: bool,
    /// What the node itself tells, taken before the commands. A node that parts itself asks nothing.
    pub notes: &'a [NodeNote<'a>],
    /// What shoppers and the backend ask; none is a tick.
    pub asks: &'a [Ask],
    /// The last entry that this node has journaled: no later than `after`.
    pub journaled: &'a Point,
    /// What this node takes the sale's time to be: a wall clock of the store's that leaps ahead moves
    /// it no further. `None` sets no bound.
    pub now: Option<Millis>,
}

impl Batch<'_> {
    /// The batch as arguments of a call.
    fn arguments(&self) -> Vec<Value> {
        let mut arguments = vec![number(self.epoch.0)];
        arguments.extend(answer::point_arguments(self.after));
        arguments.push(number(u64::from(self.stalled)));
        arguments.push(Value::from(self.node.as_str()));
        arguments.push(bytes(&notes::joined(self.sale, self.node)));
        arguments.push(bytes(&notes::encode(self.sale, self.notes)));
        arguments.push(bytes(&commands::encode(self.asks)));
        arguments.push(self.now.map_or_else(|| Value::from(""), |now| number(now.0)));
        arguments.extend([number(self.journaled.epoch.0), number(self.journaled.seq)]);
        arguments
    }
}

impl Store {
    /// Decides a batch, and brings the facts since the point this node had.
    pub async fn decide(&self, batch: &Batch<'_>) -> Result<Decision, StoreError> {
        let arguments = batch.arguments();
        // One connection: replicas are waited for by what was written on it before.
        let pool = Box::pin(self.pool(&self.key(batch.sale, "meta"))).await?;
        let client = pool.next();
        let keys = Keys::Of(batch.sale);
        let call = Box::pin(self.call_on(client, "decide", keys, arguments, Writes::Yes));
        let asks = !batch.asks.is_empty() || !batch.notes.is_empty();
        let Some(replicas) = self.replicas.filter(|_| asks) else {
            return answer::decision(call.await?, batch.asks);
        };
        let (value, present) = tokio::join!(call, Box::pin(self.wait(client, replicas)));
        let mut decision = answer::decision(value?, batch.asks)?;
        decision.replicated = present.is_ok_and(|present| present >= u64::from(replicas.count));
        Ok(decision)
    }

    /// Decides batches that ask nothing, of sales on one server: as [`Self::decide`] for each, in one call.
    /// `None` for a sale at which the function failed, which a call of its own finds out about.
    pub async fn decide_each(
        &self,
        batches: &[Batch<'_>],
    ) -> Result<Vec<Option<Result<Decision, StoreError>>>, StoreError> {
        let (mut keys, mut arguments) = (Vec::new(), Vec::new());
        for batch in batches {
            keys.extend(self.keys(batch.sale).map(Value::from));
            arguments.extend(batch.arguments());
        }
        let Some(first) = batches.first() else { return Ok(Vec::new()) };
        let pool = Box::pin(self.pool(&self.key(first.sale, "meta"))).await?;
        let call = self.call_with(pool.next(), "decide_each", keys, arguments, Writes::Yes);
        let answers = Box::pin(call).await?.into_array();
        if answers.len() != batches.len() {
            return Err(StoreError::Reply("more or fewer answers than sales"));
        }
        let read = |(answer, batch): (Value, &Batch<'_>)| {
            let is_failed = answer.is_null() || answer.array_len() == Some(0);
            (!is_failed).then(|| answer::decision(answer, batch.asks))
        };
        Ok(answers.into_iter().zip(batches).map(read).collect())
    }

    /// How many replicas have all that was written on a connection.
    async fn wait(&self, client: &Client, replicas: Replicas) -> Result<u64, StoreError> {
        let timeout = u64::try_from(replicas.timeout.as_millis()).unwrap_or(u64::MAX);
        let command = CustomCommand::new_static("WAIT", ClusterHash::FirstKey, false);
        let arguments = vec![number(replicas.count), number(timeout)];
        let options = call_options(self.deadline + replicas.timeout);
        let answer = client.with_options(&options).custom::<u64, _>(command, arguments).await;
        answer.map_err(StoreError::of_call)
    }
}
