//! `spin:variables@3.0.0`: values that the gateway resolved at start.

use chudian_manifest::ComponentVariables;
use wasmtime::component::{Accessor, Linker};

use crate::bindings::variables::{self, Error, Host, HostWithStore};
use crate::host::{Ports, SpinContextView, SpinView};

/// Adds the interface to a linker.
pub fn add_to_linker<T: SpinView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    variables::add_to_linker::<T, Ports>(linker, T::spin)
}

impl Host for SpinContextView<'_> {}

impl<T: Send> HostWithStore<T> for Ports {
    async fn get(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        Ok(accessor.with(|mut access| lookup(&access.get().context.ports.variables, &name)))
    }
}

fn lookup(variables: &ComponentVariables, name: &str) -> Result<String, Error> {
    match variables.get(name) {
        Some(value) => Ok(value.to_owned()),
        None if ComponentVariables::is_name(name) => Err(Error::Undefined(format!(
            "no variable `{name}` for this component"
        ))),
        None => Err(Error::InvalidName(format!(
            "`{name}` is not a variable name"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use chudian_manifest::ComponentVariables;

    use super::{Error, lookup};

    #[test]
    fn a_missing_variable_is_told_from_an_impossible_one() {
        let variables: ComponentVariables = [("api_host".to_owned(), "example".to_owned())]
            .into_iter()
            .collect();
        assert_eq!(lookup(&variables, "api_host").unwrap(), "example");
        assert!(matches!(
            lookup(&variables, "other"),
            Err(Error::Undefined(_))
        ));
        assert!(matches!(
            lookup(&variables, "API"),
            Err(Error::InvalidName(_))
        ));
        assert!(matches!(lookup(&variables, ""), Err(Error::InvalidName(_))));
    }
}
