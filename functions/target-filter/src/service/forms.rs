//! What requests hold.

use chudian_runtime::problem::FieldError;
use chudian_vocabulary::channel::Channel;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use chudian_dataset::expression::ast::Expression;

use crate::text::{self, Spans};
use crate::wire;
use crate::wire::exclusions::ExclusionSetJson;
use crate::wire::expression::{ExpressionJson, TermJson};

/// An expression as it was sent: a text, or the JSON form.
///
/// Any JSON value is taken here; [`ExpressionForm::read`] says everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ExpressionForm(pub Value);

impl<'de> Deserialize<'de> for ExpressionForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self)
    }
}

impl PartialSchema for ExpressionForm {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "The text form, in Chinese or English: `品牌 = 动感地带 且 月均消费 ≥ 80`.",
            ));
        let tree = Ref::from_schema_name(ExpressionJson::name());
        OneOfBuilder::new()
            .item(text)
            .item(tree)
            .description(Some("A condition on customers, as text or as JSON."))
            .into()
    }
}

impl ToSchema for ExpressionForm {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((
            ExpressionJson::name().into_owned(),
            ExpressionJson::schema(),
        ));
        ExpressionJson::schemas(schemas);
        // The expression contains itself, so its derivation collects no parts.
        schemas.push((TermJson::name().into_owned(), TermJson::schema()));
        TermJson::schemas(schemas);
    }
}

/// An expression with the way from a place in it to what the sender wrote.
#[derive(Clone, Debug)]
pub struct Written {
    /// The expression.
    pub expression: Expression,
    /// The text and its places, when it was sent as text.
    pub text: Option<(String, Spans)>,
}

impl ExpressionForm {
    /// Reads the expression; `pointer` is where it stands in the request.
    ///
    /// # Errors
    /// Every mistake of form in a JSON expression, the first one in a text.
    pub fn read(&self, pointer: &str) -> Result<Written, Vec<FieldError>> {
        match &self.0 {
            Value::String(text) => match text::parse(text) {
                Ok((expression, spans)) => Ok(Written {
                    expression,
                    text: Some((text.clone(), spans)),
                }),
                Err(error) => Err(vec![FieldError {
                    pointer: pointer.to_owned(),
                    code: error.code.to_owned(),
                    detail: error.detail,
                }]),
            },
            tree => Ok(Written {
                expression: wire::expression::read(tree, pointer)?,
                text: None,
            }),
        }
    }
}

/// What is sent to the customers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FilterMessageClass)]
pub enum ClassForm {
    /// An offer.
    #[default]
    Marketing,
    /// An invitation to use another channel; high-value customers are left out.
    Diversion,
    /// What a customer must be told: no exclusion touches it.
    Service,
}

/// Which exclusions hold: a stored set, or rules of the request's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExclusionChoice {
    /// Name of a stored set; `default` always exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
    /// A version of it; without one, the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Rules in place of a stored set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<ExclusionSetJson>,
}

/// What to do with a rule whose column the dataset lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissingColumns {
    /// Refuse the request: nobody is selected who should have been left out.
    #[default]
    Refuse,
    /// Apply what the columns that are there allow, and say in the answer what is missing. A refusal's column must be there all the same,
    /// or stand in `accept_missing`.
    Report,
}

/// Which customers are meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectionForm {
    /// The condition.
    pub expression: ExpressionForm,
    /// What is sent to them.
    #[serde(default)]
    pub class: ClassForm,
    /// The business that is offered: `[a-z][a-z0-9_]*`, as in the columns' names (`has_ring_tone` tells of `ring_tone`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business: Option<String>,
    /// The channels on which they are approached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
    /// Whom to leave out; nobody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusions: Option<ExclusionChoice>,
    /// What to do with a rule whose column the dataset lacks.
    #[serde(default)]
    pub missing_columns: MissingColumns,
    /// Columns of exclusions that may be missing, by name: whoever names one answers for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept_missing: Vec<String>,
    /// The day of the question, `YYYY-MM-DD`; today when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// A dataset version; the one in force when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
}
