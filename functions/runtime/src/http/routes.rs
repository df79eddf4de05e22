//! A function's routes, each with its description, gathered from the handlers' annotations.
//!
//! Natively they carry the OpenAPI document that the annotations make, so that it can be tested and written to a file. A component
//! only answers with that file: there the routes are a plain router, and the code that describes them is not linked.
//!
//! Invariant: path and method of a route are those of its annotation, natively and in a component.

use axum::Router;
#[cfg(target_family = "wasm")]
use axum::Router as Inner;
#[cfg(not(target_family = "wasm"))]
use utoipa_axum::router::{OpenApiRouter as Inner, UtoipaMethodRouter as Handlers};

#[cfg(target_family = "wasm")]
pub use component::Handlers;

/// Routes under the paths of their annotations.
#[derive(Clone)]
pub struct Routes<S>(pub(super) Inner<S>);

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Inner::new())
    }

    /// With the handlers that [`routes!`](crate::routes) names.
    #[must_use]
    pub fn routes(self, handlers: Handlers<S>) -> Self {
        #[cfg(not(target_family = "wasm"))]
        let inner = self.0.routes(handlers);
        #[cfg(target_family = "wasm")]
        let inner = handlers.served_by(self.0);
        Self(inner)
    }

    /// With those of `other`.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self(self.0.merge(other.0))
    }

    /// Gives the handlers what they share.
    #[must_use]
    pub fn with_state<S2>(self, state: S) -> Routes<S2> {
        Routes(self.0.with_state(state))
    }

    /// The router under a base path, if there is one.
    #[cfg(target_family = "wasm")]
    pub(super) fn under(self, base_path: &str) -> Router<S> {
        nested(Inner::new(), base_path, self.0)
    }

    /// The router under a base path, if there is one, and its description.
    #[cfg(not(target_family = "wasm"))]
    pub(super) fn under(
        self,
        base_path: &str,
        info: utoipa::openapi::Info,
    ) -> (Router<S>, utoipa::openapi::OpenApi) {
        let document = utoipa::openapi::OpenApi::new(info, utoipa::openapi::Paths::new());
        nested(Inner::with_openapi(document), base_path, self.0).split_for_parts()
    }
}

fn nested<S: Clone + Send + Sync + 'static>(
    whole: Inner<S>,
    base_path: &str,
    routes: Inner<S>,
) -> Inner<S> {
    if base_path.is_empty() {
        whole.merge(routes)
    } else {
        whole.nest(base_path, routes)
    }
}

/// What [`routes!`](crate::routes) needs in a component.
#[cfg(target_family = "wasm")]
mod component {
    use axum::Router;
    use axum::handler::Handler;
    use axum::routing::MethodRouter;
    use utoipa::Path;
    use utoipa_axum::PathItemExt as _;

    /// Handlers of one path or several.
    pub struct Handlers<S> {
        paths: Vec<String>,
        router: MethodRouter<S>,
    }

    impl<S: Clone + Send + Sync + 'static> Handlers<S> {
        /// None yet.
        #[expect(clippy::new_without_default, reason = "only the macro makes one")]
        pub fn new() -> Self {
            Self {
                paths: Vec::new(),
                router: MethodRouter::new(),
            }
        }

        /// With one more, under the methods and the path of its annotation `P`.
        pub fn with<P: Path, H: Handler<T, S>, T: 'static>(mut self, handler: H) -> Self {
            let path = P::path();
            if !self.paths.contains(&path) {
                self.paths.push(path);
            }
            self.router = P::methods().iter().fold(self.router, |router, method| {
                router.on(method.to_method_filter(), handler.clone())
            });
            self
        }

        pub(super) fn served_by(self, router: Router<S>) -> Router<S> {
            self.paths.iter().fold(router, |router, path| {
                let path = if path.is_empty() { "/" } else { path };
                router.route(path, self.router.clone())
            })
        }
    }
}

/// Handlers with `#[utoipa::path]`, in a component: without their descriptions. Natively it is the macro of `utoipa_axum`, whose
/// form it has.
#[cfg(target_family = "wasm")]
#[macro_export]
macro_rules! routes {
    ($($($part:ident)::+),+ $(,)?) => {
        $crate::http::routes::Handlers::new()
            $(.with::<$crate::routes!(@annotation [] $($part)+), _, _>($($part)::+))+
    };
    // The annotation of `module::handler` is the type `module::__path_handler`.
    (@annotation [$($module:ident)*] $handler:ident) => {
        $crate::http::routes::paste! { $($module::)* [<__path_ $handler>] }
    };
    (@annotation [$($module:ident)*] $next:ident $($rest:ident)+) => {
        $crate::routes!(@annotation [$($module)* $next] $($rest)+)
    };
}

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub use utoipa_axum::paste;
