//! Chooses the trigger for a request path, and tells everything that the `spin-*` headers of the request need.
//!
//! Invariant: for any set of routes and any path the choice is that of stock Spin; private triggers are never chosen.

use std::borrow::Cow;
use std::net::SocketAddr;

use crate::finding::{Finding, Message, message};
use crate::route::{Captures, Pattern};
use crate::trigger::{HttpTrigger, TriggerRoute};

/// What `spin-base-path` says: since manifest version 2 an application has no base of its own.
pub const BASE_PATH: &str = "/";

/// Paths below this prefix belong to the host (`health`, `info`) and never reach a component.
pub const WELL_KNOWN_PREFIX: &str = "/.well-known/spin/";

/// Routes in the order in which they are tried.
#[derive(Clone, Debug, Default)]
pub struct Router {
    routes: Vec<RoutedTrigger>,
}

/// One public route and the trigger that it leads to.
#[derive(Clone, Debug)]
pub struct RoutedTrigger {
    /// Index of the trigger in the list given to [`Router::build`].
    pub trigger_index: usize,
    raw_route: String,
    based_route: String,
    parameter_headers: Vec<String>,
    pattern: Pattern,
}

/// A path that found its route.
#[derive(Debug)]
pub struct RouteMatch<'router, 'path> {
    route: &'router RoutedTrigger,
    captures: Captures<'path>,
    ends_with_slash: bool,
}

impl Router {
    /// Builds the router over the triggers in the order of the manifest. The second value warns of routes that can
    /// never be reached: duplicates (the last one wins) and those under [`WELL_KNOWN_PREFIX`].
    ///
    /// Routes that [`crate::Manifest::load`] let through always parse; should one not, it is reported and left out.
    pub fn build<'trigger>(
        triggers: impl IntoIterator<Item = &'trigger HttpTrigger>,
    ) -> (Self, Vec<Finding>) {
        let mut routes: Vec<RoutedTrigger> = Vec::new();
        let mut warnings = Vec::new();
        for (trigger_index, trigger) in triggers.into_iter().enumerate() {
            let TriggerRoute::Pattern(raw_route) = &trigger.route else {
                continue;
            };
            let routed = match RoutedTrigger::new(trigger_index, raw_route) {
                Ok(routed) => routed,
                Err(message) => {
                    warnings.push(Finding::at(trigger.place(), message));
                    continue;
                }
            };
            if routed.based_route.starts_with(WELL_KNOWN_PREFIX) {
                warnings.push(Finding::at(
                    trigger.place(),
                    message!(
                        "route `{raw_route}` lies under `{WELL_KNOWN_PREFIX}`, which the host answers itself: it will never be reached",
                        "路由 `{raw_route}` 位于由宿主自己应答的 `{WELL_KNOWN_PREFIX}` 之下，永远不会被访问到"
                    ),
                ));
            }
            // The written form decides what is a duplicate, as in Spin; the winner takes the place of the first.
            match routes
                .iter_mut()
                .find(|earlier| earlier.raw_route == *raw_route)
            {
                Some(earlier) => {
                    warnings.push(Finding::at(
                        trigger.place(),
                        message!(
                            "route `{raw_route}` was given before; this last one is used",
                            "路由 `{raw_route}` 前面已经给出，以最后这一条为准"
                        ),
                    ));
                    *earlier = routed;
                }
                None => routes.push(routed),
            }
        }
        Self::insert_in_order(&mut routes);
        (Self { routes }, warnings)
    }

    /// The route for `path`, which is the request's path without the query.
    pub fn route<'router, 'path>(
        &'router self,
        path: &'path str,
    ) -> Option<RouteMatch<'router, 'path>> {
        self.routes.iter().find_map(|route| {
            let captures = route.pattern.matches(path)?;
            Some(RouteMatch {
                route,
                captures,
                ends_with_slash: path.ends_with('/'),
            })
        })
    }

    /// All public routes in the order in which they are tried.
    pub fn routes(&self) -> &[RoutedTrigger] {
        &self.routes
    }

    /// A stable insertion sort: each route goes behind every earlier one that is tried no later than it. Written out,
    /// because the precedence of patterns is not a total order (dot equals slash, yet only one of them beats a literal),
    /// and the library sorts may reorder or refuse such input.
    fn insert_in_order(routes: &mut Vec<RoutedTrigger>) {
        let mut ordered: Vec<RoutedTrigger> = Vec::with_capacity(routes.len());
        for route in routes.drain(..) {
            let place = ordered
                .iter()
                .position(|earlier| route.pattern.precedence(&earlier.pattern).is_lt())
                .unwrap_or(ordered.len());
            ordered.insert(place, route);
        }
        *routes = ordered;
    }
}

impl RoutedTrigger {
    fn new(trigger_index: usize, raw_route: &str) -> Result<Self, Message> {
        let based_route = absolute_without_trailing_slash(raw_route);
        let pattern = Pattern::parse(&based_route)?;
        let parameter_headers = pattern
            .parameter_names()
            .map(|name| {
                format!(
                    "spin-path-match-{}",
                    name.replace('_', "-").to_ascii_lowercase()
                )
            })
            .collect();
        Ok(Self {
            trigger_index,
            raw_route: raw_route.to_owned(),
            based_route,
            parameter_headers,
            pattern,
        })
    }

    /// The route as the manifest writes it: `spin-raw-component-route`.
    pub fn raw_route(&self) -> &str {
        &self.raw_route
    }

    /// The route without a trailing wildcard: `spin-component-route`.
    pub fn component_route(&self) -> &str {
        self.raw_route
            .strip_suffix("/...")
            .unwrap_or(&self.raw_route)
    }

    /// The route as matched: `spin-matched-route`. Empty for the route `/`, as in Spin.
    pub fn matched_route(&self) -> &str {
        &self.based_route
    }
}

impl<'router, 'path> RouteMatch<'router, 'path> {
    /// Index of the trigger in the list given to [`Router::build`].
    pub fn trigger_index(&self) -> usize {
        self.route.trigger_index
    }

    /// The route that matched.
    pub fn route(&self) -> &'router RoutedTrigger {
        self.route
    }

    /// What lies behind the route's prefix: `spin-path-info`. Keeps a trailing slash, which the matcher itself ignores.
    pub fn path_info(&self) -> Cow<'path, str> {
        match (self.captures.wildcard, self.ends_with_slash) {
            (None, _) | (Some(""), false) => Cow::Borrowed(""),
            (Some(""), true) => Cow::Borrowed("/"),
            (Some(rest), false) => Cow::Owned(format!("/{rest}")),
            (Some(rest), true) => Cow::Owned(format!("/{rest}/")),
        }
    }

    /// Header name and value of each parameter: `spin-path-match-<name>`. Of two parameters with one name the last wins,
    /// so a caller that sets headers in order ends as Spin does.
    pub fn parameters(&self) -> impl Iterator<Item = (&'router str, &'path str)> {
        self.route
            .parameter_headers
            .iter()
            .map(String::as_str)
            .zip(self.captures.parameters.iter().copied())
    }

    /// Every `spin-*` header for this request, in Spin's order.
    ///
    /// `scheme_and_host` is for example `http://localhost:3000` (`localhost` when the client named no host);
    /// `path_and_query` is what the client asked for.
    pub fn headers(
        &self,
        scheme_and_host: &str,
        path_and_query: &str,
        client: SocketAddr,
    ) -> Vec<(&'router str, Cow<'router, str>)>
    where
        'path: 'router,
    {
        let mut headers = vec![
            ("spin-path-info", self.path_info()),
            (
                "spin-full-url",
                Cow::Owned(format!("{scheme_and_host}{path_and_query}")),
            ),
            (
                "spin-matched-route",
                Cow::Borrowed(self.route.matched_route()),
            ),
            ("spin-base-path", Cow::Borrowed(BASE_PATH)),
            (
                "spin-raw-component-route",
                Cow::Borrowed(self.route.raw_route()),
            ),
            (
                "spin-component-route",
                Cow::Borrowed(self.route.component_route()),
            ),
            ("spin-client-addr", Cow::Owned(client.to_string())),
        ];
        headers.extend(
            self.parameters()
                .map(|(name, value)| (name, Cow::Borrowed(value))),
        );
        headers
    }
}

fn absolute_without_trailing_slash(route: &str) -> String {
    let slash = if route.starts_with('/') { "" } else { "/" };
    let route = format!("{slash}{route}");
    route.strip_suffix('/').map(str::to_owned).unwrap_or(route)
}
