//! Rows for a look at the data: ids shortened, telephone numbers masked (PR-2).

use chudian_dataset::value::Value;
use chudian_vocabulary::masking::mask_numbers;
use serde_json::Value as Json;

use crate::wire::value_json;

/// Characters of a pseudonym that stay: enough to tell rows apart, too few to look the customer up.
const ID_CHARACTERS_SHOWN: usize = 4;

/// A value as a preview shows it.
#[must_use]
pub fn masked(value: Option<&Value>) -> Json {
    match value {
        Some(Value::Identity(customer)) => {
            let text = customer.to_string();
            format!(
                "{}****",
                text.get(..ID_CHARACTERS_SHOWN).unwrap_or_default()
            )
            .into()
        }
        Some(Value::Word(word)) => mask_numbers(word).into(),
        // A number in a column of integers is a number all the same.
        Some(Value::Integer(number)) => {
            let text = number.to_string();
            let shown = mask_numbers(&text);
            if shown == text {
                (*number).into()
            } else {
                shown.into()
            }
        }
        other => value_json(other),
    }
}

#[cfg(test)]
mod tests {
    use chudian_vocabulary::pseudonym::CustomerPseudonym;

    use super::*;

    #[test]
    fn nobody_is_recognised_in_a_preview() {
        let id = CustomerPseudonym([7; 16]);
        let table = [
            (
                Value::Identity(id),
                Json::from(format!("{}****", &id.to_string()[..4])),
            ),
            (
                Value::Word("call 13812345678".to_owned()),
                "call 138****5678".into(),
            ),
            (Value::Integer(13_812_345_678), "138****5678".into()),
            (Value::Integer(5), 5.into()),
            (Value::Date(0), "1970-01-01".into()),
        ];
        for (value, shown) in table {
            assert_eq!(masked(Some(&value)), shown);
        }
        assert_eq!(masked(None), Json::Null);
    }
}
