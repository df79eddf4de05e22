//! The JSON forms of customers and requests; `docs/reference/tariff-api.md` defines them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::FieldError;
use crate::wire::usage::{
    CustomerJson, FamilyMemberJson, HeldAddOnJson, MonthUsageJson, UsageJson,
};

/// Identifier under which a customer that is described in a request is read: such a customer has none.
const NAMELESS: &str = "inline";

/// Usage of a customer, month by month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageForm {
    /// Always `chudian-usage/1`.
    pub schema: String,
    /// One to twelve months, ascending, without gaps.
    pub months: Vec<MonthUsageJson>,
}

/// Writes a form with the facts that both forms of a customer have, between the members that are its own.
macro_rules! form_with_facts {
    ($(#[$attribute:meta])* $name:ident { $($first:tt)* } facts { $($last:tt)* }) => {
        $(#[$attribute])*
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($first)*
            /// Brand, when it is not that of the present plan.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub brand: Option<String>,
            /// Customer type.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub customer_type: Option<String>,
            /// Present plan. Absent: a new customer, nothing to compare with.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub plan_id: Option<String>,
            /// Day on which the present plan began, `YYYY-MM-DD`. Absent: long ago.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schema(format = "date")]
            pub plan_since: Option<String>,
            /// Add-ons held with the present plan.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub add_ons: Vec<HeldAddOnJson>,
            /// First day of the running contract, `YYYY-MM-DD`. Absent: no contract runs.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schema(format = "date")]
            pub contract_since: Option<String>,
            /// Other services held.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub services: Vec<String>,
            /// Members of the family who could share a plan.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub family: Vec<FamilyMemberJson>,
            $($last)*
        }
    };
}

form_with_facts! {
    /// What is known of a customer besides the usage.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
    ProfileForm {
        /// Region.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub region: Option<String>,
    }
    facts {}
}

form_with_facts! {
    /// A customer as it is stored, and as one line of an import.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
    CustomerForm {
        /// Pseudonym; needed in an import, in a `PUT` it stands in the path.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub customer_id: Option<String>,
        /// Region: who may see the customer.
        pub region: String,
    }
    facts {
        /// Usage, month by month.
        pub usage: UsageForm,
    }
}

impl CustomerForm {
    /// The two parts that an inline request has.
    pub fn into_parts(self) -> (ProfileForm, UsageForm) {
        let profile = ProfileForm {
            region: Some(self.region),
            brand: self.brand,
            customer_type: self.customer_type,
            plan_id: self.plan_id,
            plan_since: self.plan_since,
            add_ons: self.add_ons,
            contract_since: self.contract_since,
            services: self.services,
            family: self.family,
        };
        (profile, self.usage)
    }
}

/// Where the customer of a request was described, and so what the pointers of its errors begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Described {
    /// In the request, as `profile` and `usage`.
    Inline,
    /// In a stored document, or in one that is to be stored.
    Stored,
}

/// The usage document of a customer that is described in these two parts.
pub fn usage_document(profile: ProfileForm, usage: UsageForm) -> UsageJson {
    UsageJson {
        schema: usage.schema,
        customer: CustomerJson {
            id: NAMELESS.to_owned(),
            plan: profile.plan_id,
            plan_since: profile.plan_since,
            add_ons: profile.add_ons,
            brand: profile.brand,
            region: profile.region,
            customer_type: profile.customer_type,
            contract_since: profile.contract_since,
            services: profile.services,
        },
        months: usage.months,
        family: profile.family,
    }
}

/// Moves errors of a usage document to the places where its parts were written.
pub fn relocated(mut errors: Vec<FieldError>, described: Described) -> Vec<FieldError> {
    for error in &mut errors {
        error.pointer = relocated_pointer(&error.pointer, described);
    }
    errors
}

fn relocated_pointer(pointer: &str, described: Described) -> String {
    let profile = match described {
        Described::Inline => "/profile",
        Described::Stored => "",
    };
    if let Some(rest) = pointer.strip_prefix("/customer") {
        // The usage document calls the present plan `plan`, the forms here `plan_id`.
        let rest = if rest == "/plan" { "/plan_id" } else { rest };
        format!("{profile}{rest}")
    } else if pointer.starts_with("/family") {
        format!("{profile}{pointer}")
    } else {
        format!("/usage{pointer}")
    }
}

/// Whether an error concerns usage, and not what is known of the customer.
pub fn concerns_usage(error: &FieldError) -> bool {
    error.pointer.starts_with("/usage") || error.pointer.contains("/months/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_lead_to_where_a_part_was_written() {
        let table = [
            ("/customer/plan", "/plan_id", "/profile/plan_id"),
            ("/customer/plan_since", "/plan_since", "/profile/plan_since"),
            (
                "/customer/add_ons/0/id",
                "/add_ons/0/id",
                "/profile/add_ons/0/id",
            ),
            (
                "/family/1/months/0/month",
                "/family/1/months/0/month",
                "/profile/family/1/months/0/month",
            ),
            (
                "/months/0/lines/2/kb",
                "/usage/months/0/lines/2/kb",
                "/usage/months/0/lines/2/kb",
            ),
            ("/schema", "/usage/schema", "/usage/schema"),
        ];
        for (pointer, stored, inline) in table {
            assert_eq!(relocated_pointer(pointer, Described::Stored), stored);
            assert_eq!(relocated_pointer(pointer, Described::Inline), inline);
        }
    }
}
