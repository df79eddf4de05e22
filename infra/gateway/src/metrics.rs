//! What is counted, in the form that Prometheus reads.
//!
//! Invariant: labels come from the manifest (component, route template) and from fixed sets (status class), never from a
//! request; so their number is bounded and no personal data can be among them. Handles are looked up once at start; the
//! way of a request touches atomics only, and one short lock for the histogram.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds of the latency histogram in seconds: from a cached page to the default deadline.
const LATENCY_BOUNDS_S: [f64; 14] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];
/// Names of the status classes of final answers.
const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];
/// First digit of the first of [`CLASSES`].
const FIRST_CLASS: u16 = 2;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ComponentLabels {
    component: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    component: String,
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ClassLabels {
    component: String,
    route: String,
    class: &'static str,
}

/// All metrics of a gateway.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<ClassLabels, Counter>,
    latency: Family<RouteLabels, Histogram>,
    in_flight: Family<ComponentLabels, Gauge>,
    waiting: Family<ComponentLabels, Gauge>,
    rejected: Family<ComponentLabels, Counter>,
    traps: Family<ComponentLabels, Counter>,
    instances: Family<ComponentLabels, Gauge>,
    instances_created: Family<ComponentLabels, Counter>,
    instances_disposed: Family<ComponentLabels, Counter>,
    memory: Family<ComponentLabels, Gauge>,
    log_bytes_dropped: Family<ComponentLabels, Counter>,
    /// Open connections.
    pub connections: Gauge,
}

/// The metrics of one component.
#[derive(Clone, Debug, Default)]
pub struct ComponentMetrics {
    /// Requests in flight.
    pub in_flight: Gauge,
    /// Requests waiting for a place.
    pub waiting: Gauge,
    /// Requests turned away because the queue was full.
    pub rejected: Counter,
    /// Instances that trapped.
    pub traps: Counter,
    /// Instances alive.
    pub instances: Gauge,
    /// Instances ever made.
    pub instances_created: Counter,
    /// Instances that ended, for whatever reason.
    pub instances_disposed: Counter,
    /// Bytes of linear memory of all instances.
    pub memory_bytes: Gauge,
    /// Bytes of the component's own log that were dropped.
    pub log_bytes_dropped: Counter,
}

/// The metrics of one route.
#[derive(Clone, Debug)]
pub struct RouteMetrics {
    classes: [Counter<u64, AtomicU64>; CLASSES.len()],
    latency: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics with nothing counted yet.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("chudian");
        let latency: Family<RouteLabels, Histogram> =
            Family::new_with_constructor(|| Histogram::new(LATENCY_BOUNDS_S));
        let metrics = Self {
            requests: register(
                &mut registry,
                "requests",
                "Requests answered, by status class",
            ),
            latency: latency.clone(),
            in_flight: register(
                &mut registry,
                "requests_in_flight",
                "Requests that a component works on",
            ),
            waiting: register(
                &mut registry,
                "requests_waiting",
                "Requests that wait for a component",
            ),
            rejected: register(
                &mut registry,
                "requests_rejected",
                "Requests turned away because a component's queue was full",
            ),
            traps: register(&mut registry, "traps", "Instances that trapped"),
            instances: register(&mut registry, "instances", "Instances alive"),
            instances_created: register(&mut registry, "instances_created", "Instances made"),
            instances_disposed: register(
                &mut registry,
                "instances_disposed",
                "Instances that ended",
            ),
            memory: register(
                &mut registry,
                "memory_bytes",
                "Linear memory of a component's instances in bytes",
            ),
            log_bytes_dropped: register(
                &mut registry,
                "guest_log_bytes_dropped",
                "Bytes of a component's own log beyond its rate",
            ),
            connections: register(&mut registry, "connections", "Open connections"),
            registry: Registry::default(),
        };
        registry.register_with_unit(
            "request_duration",
            "Time from a request's arrival to the head of its answer",
            Unit::Seconds,
            latency,
        );
        Self {
            registry,
            ..metrics
        }
    }

    /// The handles of one component.
    pub fn component(&self, component: &str) -> ComponentMetrics {
        let labels = ComponentLabels {
            component: component.to_owned(),
        };
        ComponentMetrics {
            in_flight: self.in_flight.get_or_create_owned(&labels),
            waiting: self.waiting.get_or_create_owned(&labels),
            rejected: self.rejected.get_or_create_owned(&labels),
            traps: self.traps.get_or_create_owned(&labels),
            instances: self.instances.get_or_create_owned(&labels),
            instances_created: self.instances_created.get_or_create_owned(&labels),
            instances_disposed: self.instances_disposed.get_or_create_owned(&labels),
            memory_bytes: self.memory.get_or_create_owned(&labels),
            log_bytes_dropped: self.log_bytes_dropped.get_or_create_owned(&labels),
        }
    }

    /// The handles of one route. `component` is `gateway` for what the gateway answers itself.
    pub fn route(&self, component: &str, route: &str) -> RouteMetrics {
        let counter = |class| {
            self.requests.get_or_create_owned(&ClassLabels {
                component: component.to_owned(),
                route: route.to_owned(),
                class,
            })
        };
        RouteMetrics {
            classes: CLASSES.map(counter),
            latency: self.latency.get_or_create_owned(&RouteLabels {
                component: component.to_owned(),
                route: route.to_owned(),
            }),
        }
    }

    /// The text that Prometheus reads.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl RouteMetrics {
    /// Counts one answer.
    pub fn record(&self, status: StatusCode, elapsed: Duration) {
        let class = (status.as_u16() / 100).saturating_sub(FIRST_CLASS);
        if let Some(counter) = self.classes.get(usize::from(class)) {
            counter.inc();
        }
        self.latency.observe(elapsed.as_secs_f64());
    }
}

fn register<Metric: prometheus_client::registry::Metric + Clone + Default>(
    registry: &mut Registry,
    name: &str,
    help: &str,
) -> Metric {
    let metric = Metric::default();
    registry.register(name, help, metric.clone());
    metric
}
