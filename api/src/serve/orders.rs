//! Who takes the order events of this process: the sinks of the configuration, and the guest's.

use std::sync::Arc;
use std::time::Duration;

use engine::{Engine, clock::Clock, id::SinkName, outlet::Offers, sink::Sink};

use super::listening::StartFailure;
use crate::{
    config::{self, Config},
    mount::Guest,
    outbound::Backoff,
    pipeline::{self, Handle, LogOptions, OrderLog, RedisStream, Watcher, Webhook},
};

/// Where in the data directory the order log lies.
const ORDERS_DIRECTORY: &str = "orders";

/// How long a sink that is near is left alone at most. A command or a transaction more is no burden for it,
/// and shoppers may be refused while it takes nothing.
const NEAR_PAUSE_MAX: Duration = Duration::from_secs(2);

/// The names of all sinks: those of the configuration in its order, then the guest's.
pub(super) fn names(config: &Config, guest: Option<&Guest>) -> Result<Vec<SinkName>, StartFailure> {
    let configured = config.pipeline.sinks().into_iter().map(|sink| sink.name());
    let mut names: Vec<SinkName> = configured.collect();
    if let Some(own) = guest.and_then(|guest| guest.sink) {
        if names.contains(&own) {
            return Err(
                format!("the mounted service calls its sink {own}, as another is called").into()
            );
        }
        names.push(own);
    }
    if names.is_empty() {
        return Err("pipeline.sink: found an empty list; order events need a sink".into());
    }
    Ok(names)
}

/// A sink, and how the pipeline deals with it.
type Delivery = (Arc<dyn Sink>, pipeline::Options);

/// The pipelines of all sinks.
pub(super) struct Orders(Vec<Handle>);

impl Orders {
    /// Starts delivering: to the sinks of the configuration, then to the guest's, as they were named.
    pub(super) fn deliver(
        offers: Vec<Offers>,
        config: &Config,
        own: Option<Arc<dyn Sink>>,
        engine: &Engine,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, StartFailure> {
        let configured = config.pipeline.sinks();
        let configured = configured.into_iter().map(|sink| delivery(sink, config, clock));
        let mut deliveries = configured.collect::<Result<Vec<Delivery>, _>>()?;
        deliveries.extend(own.map(|own| (own, near())));
        assert_eq!(offers.len(), deliveries.len(), "every sink was named");
        let run = |(offers, (sink, options))| pipeline::run(offers, engine.clone(), sink, options);
        let handles = offers.into_iter().zip(deliveries).map(run);
        Ok(Self(handles.collect::<Result<_, _>>()?))
    }

    /// To look at them.
    pub(super) fn watchers(&self) -> Vec<Watcher> {
        self.0.iter().map(Handle::watcher).collect()
    }

    /// Stops them all at once, and waits; see [`Handle::stop`].
    pub(super) fn stop(self) {
        self.0.iter().for_each(Handle::request_stop);
        self.0.into_iter().for_each(Handle::stop);
    }
}

fn delivery(
    sink: config::Sink,
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> Result<Delivery, StartFailure> {
    Ok(match sink {
        config::Sink::Log => {
            let directory = config.data.dir.0.join(ORDERS_DIRECTORY);
            let log = OrderLog::open(LogOptions::in_directory(directory))?;
            (Arc::new(log), pipeline::Options::default())
        }
        config::Sink::Webhook { options, attempts_max } => {
            let webhook = Webhook::new(options, Arc::clone(clock))?;
            (Arc::new(webhook), pipeline::Options { attempts_max, ..pipeline::Options::default() })
        }
        config::Sink::RedisStream(options) => {
            let stream = Arc::new(RedisStream::new(options)?);
            // Beside everything else: shoppers do not wait for Redis.
            tokio::spawn(Arc::clone(&stream).greet());
            (stream, near())
        }
    })
}

fn near() -> pipeline::Options {
    let defaults = pipeline::Options::default();
    let backoff = Backoff { max: NEAR_PAUSE_MAX, ..defaults.backoff };
    pipeline::Options { backoff, ..defaults }
}
