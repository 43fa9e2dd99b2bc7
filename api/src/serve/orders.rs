//! Who takes the order events of this process: the sinks of the configuration, and the guest's.

use std::sync::Arc;
use std::time::Duration;

use engine::{Engine, clock::Clock, id::SinkName, outlet::Offers, sink::Sink};
use outbound::Backoff;

use super::listening::StartFailure;
use crate::{
    config::{self, Config},
    mount::Guest,
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
    named(configured.collect(), guest.and_then(|guest| guest.sink)).map_err(StartFailure::from)
}

/// The same, by their names. A guest's sink is none of the built-in ones, chosen or not: it would go on
/// where that one was.
fn named(mut names: Vec<SinkName>, own: Option<SinkName>) -> Result<Vec<SinkName>, String> {
    if let Some(own) = own {
        let built_in = config::BUILT_IN_SINKS;
        if built_in.contains(&own.as_str()) {
            let built_in = built_in.join(", ");
            return Err(format!(
                "the mounted service calls its sink {own}; allowed: any name but {built_in}"
            ));
        }
        names.push(own);
    }
    if names.is_empty() {
        return Err("pipeline.sink: found an empty list; order events need a sink".to_owned());
    }
    Ok(names)
}

/// A sink, and how the pipeline deals with it.
type Delivery = (Arc<dyn Sink>, pipeline::Options);

/// The pipelines of all sinks.
pub(super) struct Orders {
    handles: Vec<Handle>,
    /// What is offered to the guest's sink, until the guest has opened.
    of_guest: Option<Offers>,
}

impl Orders {
    /// Starts delivering to the sinks of the configuration, which were named first.
    pub(super) fn deliver(
        offers: Vec<Offers>,
        config: &Config,
        engine: &Engine,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, StartFailure> {
        let configured = config.pipeline.sinks();
        let configured = configured.into_iter().map(|sink| delivery(sink, config, clock));
        let deliveries = configured.collect::<Result<Vec<Delivery>, _>>()?;
        let mut offers = offers.into_iter();
        let run = |((sink, options), offers)| pipeline::run(offers, engine.clone(), sink, options);
        let handles = deliveries.into_iter().zip(offers.by_ref()).map(run);
        let handles = handles.collect::<Result<_, _>>()?;
        Ok(Self { handles, of_guest: offers.next() })
    }

    /// Starts delivering to the guest's sink, if it named one.
    pub(super) fn deliver_to_guest(
        &mut self,
        own: Option<Arc<dyn Sink>>,
        engine: &Engine,
    ) -> Result<(), StartFailure> {
        assert_eq!(self.of_guest.is_some(), own.is_some(), "a guest has a sink if it named one");
        if let Some((offers, own)) = self.of_guest.take().zip(own) {
            self.handles.push(pipeline::run(offers, engine.clone(), own, near())?);
        }
        Ok(())
    }

    /// To look at them.
    pub(super) fn watchers(&self) -> Vec<Watcher> {
        self.handles.iter().map(Handle::watcher).collect()
    }

    /// Stops them all at once, and waits; see [`Handle::stop`].
    pub(super) fn stop(self) {
        self.handles.iter().for_each(Handle::request_stop);
        self.handles.into_iter().for_each(Handle::stop);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn sinks<const N: usize>(names: [&str; N]) -> Vec<SinkName> {
        names.map(|name| SinkName::parse(name).unwrap()).to_vec()
    }

    #[test]
    fn a_guests_sink_comes_last_and_has_no_built_in_ones_name() {
        let own = |name| Some(SinkName::parse(name).unwrap());
        assert_eq!(named(sinks(["log"]), own("shop")), Ok(sinks(["log", "shop"])));
        assert_eq!(named(sinks([]), own("shop")), Ok(sinks(["shop"])));
        for name in ["log", "webhook", "redis_stream"] {
            let said = named(sinks(["log"]), own(name)).unwrap_err();
            assert!(said.contains("any name but log, webhook, redis_stream"), "{said}");
        }
        assert!(named(sinks([]), None).unwrap_err().contains("pipeline.sink"));
    }
}
