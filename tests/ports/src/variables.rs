//! `spin:variables`: its one function.

use axum::Json;

use crate::bindings::variables;
use crate::script::{Answers, told};

/// Asks for each of the names.
pub(crate) async fn run(Json(names): Json<Vec<String>>) -> Answers {
    let mut answers = Vec::with_capacity(names.len());
    for name in names {
        answers.push(told(variables::get(name).await)?);
    }
    Ok(Json(answers))
}
