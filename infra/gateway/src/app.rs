//! The application as it is served: routes with what answers them, components, other gateways.
//!
//! Invariant: made once at start from a checked manifest and never changed after; what could fail has failed before the
//! first request.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use chudian_manifest::{HttpTrigger, Router, StaticResponse, TriggerRoute, TriggerTarget};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Uri};

use crate::component::Component;
use crate::metrics::{Metrics, RouteMetrics};
use crate::own;
use crate::settings::Limits;

/// See the module.
pub struct App {
    /// Name in the manifest.
    pub name: String,
    /// Version in the manifest; may be empty.
    pub version: String,
    /// Chooses the trigger for a path.
    pub router: Router,
    /// What the trigger of the same index leads to.
    pub triggers: Vec<Trigger>,
    /// The components that run here.
    pub components: Vec<Arc<Component>>,
    /// Route of each component's own API document, by component id; for those that run elsewhere too.
    pub documents: BTreeMap<String, String>,
    /// Everything that answers to an id: components here, and other gateways.
    pub places: BTreeMap<String, Place>,
    /// The gateway's limits.
    pub limits: Arc<Limits>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is counted of the gateway's own answers.
    pub own_metrics: RouteMetrics,
    /// Whether every request is logged, not only those that fail or are slow.
    pub access_log: bool,
    /// Whether `/openapi.json` and `/docs` are the gateway's own.
    pub owns_documents: bool,
    /// The merged API document, once every component has given its own.
    pub merged_document: OnceLock<Bytes>,
    stopping: AtomicBool,
}

/// What answers a trigger.
pub struct Trigger {
    /// Where requests go.
    pub place: Place,
    /// Whose metrics and log lines they are.
    pub component: String,
    /// The route as the manifest writes it: what metrics and logs show in place of a path.
    pub template: String,
    /// What is counted of it.
    pub metrics: RouteMetrics,
    /// `spin-matched-route`, `spin-raw-component-route` and `spin-component-route`, which do not change.
    pub fixed_headers: Vec<(HeaderName, HeaderValue)>,
}

/// Where requests go.
#[derive(Clone)]
pub enum Place {
    /// A component that runs here, by its index in [`App::components`].
    Here(usize),
    /// Another gateway.
    Elsewhere(Upstream),
    /// A response that the manifest holds.
    Written(Arc<WrittenResponse>),
}

/// Another gateway that serves a component.
#[derive(Clone, Debug)]
pub struct Upstream {
    scheme: Scheme,
    authority: Authority,
}

/// A response that the manifest holds.
#[derive(Debug)]
pub struct WrittenResponse {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

/// A part of the manifest or the command line that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// `--upstream` is not `component=http://host:port`.
    #[error("`--upstream {0}`: write component=http://host:port, without a path")]
    Upstream(String),
    /// A static response that is no valid response.
    #[error("the static response of route `{0}` has an invalid status or header")]
    StaticResponse(String),
}

impl Upstream {
    /// Reads `component=http://host:port`.
    ///
    /// # Errors
    /// [`AppError::Upstream`] when it is anything else.
    pub fn parse(text: &str) -> Result<(String, Self), AppError> {
        let parsed = text.split_once('=').and_then(|(component, address)| {
            let parts = address
                .trim_end_matches('/')
                .parse::<Uri>()
                .ok()?
                .into_parts();
            let bare = parts
                .path_and_query
                .as_ref()
                .is_none_or(|path| path.as_str() == "/");
            let upstream = Self {
                scheme: parts
                    .scheme
                    .filter(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS)?,
                authority: parts.authority?,
            };
            (bare && !component.is_empty()).then(|| (component.to_owned(), upstream))
        });
        parsed.ok_or_else(|| AppError::Upstream(text.to_owned()))
    }

    /// The address of `uri`'s path on this gateway.
    pub fn address(&self, uri: &Uri) -> Option<Uri> {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()
            .ok()
    }
}

impl WrittenResponse {
    fn new(route: &str, declared: &StaticResponse) -> Result<Self, AppError> {
        let refused = || AppError::StaticResponse(route.to_owned());
        let status = StatusCode::from_u16(declared.status_code).map_err(|_| refused())?;
        let mut headers = HeaderMap::new();
        for (name, value) in &declared.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
            headers.append(name, HeaderValue::from_str(value).map_err(|_| refused())?);
        }
        Ok(Self {
            status,
            headers,
            body: Bytes::from(declared.body.clone()),
        })
    }

    /// The response.
    pub fn response(&self) -> Response<Bytes> {
        let mut response = Response::new(self.body.clone());
        *response.status_mut() = self.status;
        response.headers_mut().clone_from(&self.headers);
        response
    }
}

/// What [`App::assemble`] needs.
pub struct AppParts<'parts> {
    /// Name in the manifest.
    pub name: String,
    /// Version in the manifest.
    pub version: String,
    /// The triggers to serve.
    pub triggers: &'parts [HttpTrigger],
    /// The components that run here.
    pub components: Vec<Arc<Component>>,
    /// Routes of API documents by component id.
    pub documents: BTreeMap<String, String>,
    /// Components that run elsewhere, by id.
    pub upstreams: BTreeMap<String, Upstream>,
    /// Limits.
    pub limits: Arc<Limits>,
    /// Metrics.
    pub metrics: Arc<Metrics>,
    /// Whether every request is logged.
    pub access_log: bool,
}

impl App {
    /// Puts the application together.
    ///
    /// # Errors
    /// See [`AppError`].
    pub fn assemble(parts: AppParts<'_>) -> Result<Self, AppError> {
        let (router, warnings) = Router::build(parts.triggers);
        for warning in warnings {
            tracing::warn!(%warning, "manifest");
        }
        let mut places: BTreeMap<String, Place> = parts
            .upstreams
            .into_iter()
            .map(|(id, upstream)| (id, Place::Elsewhere(upstream)))
            .collect();
        for (index, component) in parts.components.iter().enumerate() {
            places
                .entry(component.id.clone())
                .or_insert(Place::Here(index));
        }
        let triggers = parts
            .triggers
            .iter()
            .map(|trigger| Trigger::new(trigger, &router, &places, &parts.metrics))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            name: parts.name,
            version: parts.version,
            router,
            triggers,
            components: parts.components,
            documents: parts.documents,
            places,
            limits: parts.limits,
            own_metrics: parts.metrics.route("gateway", ""),
            metrics: parts.metrics,
            access_log: parts.access_log,
            owns_documents: own::owns_documents(
                parts.triggers.iter().map(|trigger| trigger.route.clone()),
            ),
            merged_document: OnceLock::new(),
            stopping: AtomicBool::new(false),
        })
    }

    /// Whether the gateway is about to stop.
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Says that it is.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

impl Trigger {
    fn new(
        declared: &HttpTrigger,
        router: &Router,
        places: &BTreeMap<String, Place>,
        metrics: &Metrics,
    ) -> Result<Self, AppError> {
        let template = match &declared.route {
            TriggerRoute::Pattern(pattern) => pattern.clone(),
            TriggerRoute::Private => "private".to_owned(),
        };
        let (place, component) = match &declared.target {
            TriggerTarget::Static(response) => (
                Place::Written(Arc::new(WrittenResponse::new(&template, response)?)),
                "static".to_owned(),
            ),
            // The manifest names no component that it does not hold, and each that it holds was loaded or is elsewhere.
            TriggerTarget::Component { id, .. } => (
                places.get(id).cloned().unwrap_or(Place::Here(usize::MAX)),
                id.clone(),
            ),
        };
        let fixed_headers = router
            .routes()
            .iter()
            .find(|routed| matches!(&declared.route, TriggerRoute::Pattern(pattern) if routed.raw_route() == pattern))
            .map(|routed| {
                let fixed = [
                    ("spin-matched-route", routed.matched_route()),
                    ("spin-base-path", chudian_manifest::BASE_PATH),
                    ("spin-raw-component-route", routed.raw_route()),
                    ("spin-component-route", routed.component_route()),
                ];
                fixed.into_iter().filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))).collect()
            })
            .unwrap_or_default();
        Ok(Self {
            metrics: metrics.route(&component, &template),
            place,
            component,
            template,
            fixed_headers,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: an address that could not work is refused at start.
    #[test]
    fn upstreams_are_addresses_without_a_path() {
        for refused in [
            "",
            "a",
            "a=",
            "=http://b",
            "a=b",
            "a=ftp://b",
            "a=http://b/path",
        ] {
            assert!(Upstream::parse(refused).is_err(), "{refused}");
        }
        let (component, upstream) =
            Upstream::parse("tariff-simulation=http://10.0.0.7:3000/").unwrap();
        assert_eq!(component, "tariff-simulation");
        let address = upstream
            .address(&Uri::from_static("http://me:1/tariff/v1?x=1"))
            .unwrap();
        assert_eq!(address.to_string(), "http://10.0.0.7:3000/tariff/v1?x=1");
    }
}
