//! Lists between the domain and the edge: what a request says, where the candidates come from, what a file holds and how it is sealed.

pub mod collect;
pub mod export;
pub mod forms;
pub mod layout;
pub mod seal;
