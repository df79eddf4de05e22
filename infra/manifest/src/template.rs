//! Strings with `{{ variable }}` in them, as Spin writes them in component variables and allowed hosts.

use crate::finding::{Message, message};

/// A string with zero or more references to application variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable(String),
}

impl Template {
    /// Splits `text` at its `{{ … }}`. Spaces inside the braces do not matter; an opening pair without its closing
    /// pair is refused, a lone `}}` is text.
    pub fn parse(text: &str) -> Result<Self, Message> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            let (literal, from_open) = rest.split_at(open);
            let inside = &from_open[2..];
            let Some(close) = inside.find("}}") else {
                return Err(message!(
                    "`{text}` opens `{{{{` without `}}}}`",
                    "`{text}` 中的 `{{{{` 没有对应的 `}}}}`"
                ));
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            parts.push(Part::Variable(inside[..close].trim().to_owned()));
            rest = &inside[close + 2..];
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The names of the variables in the order they stand.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// The text itself when it refers to no variable.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The text with each variable replaced; the error is the name of the first variable that `value_of` lacks.
    pub fn expand<'value>(
        &self,
        value_of: impl Fn(&str) -> Option<&'value str>,
    ) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Variable(name) => text.push_str(value_of(name).ok_or_else(|| name.clone())?),
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::Template;

    #[test]
    fn templates_expand() {
        let value_of = |name: &str| match name {
            "host" => Some("db"),
            "port" => Some("5432"),
            _ => None,
        };
        for (text, expected) in [
            ("", Ok("")),
            ("plain", Ok("plain")),
            ("{{ host }}", Ok("db")),
            (
                "postgres://{{host}}:{{  port  }}/x",
                Ok("postgres://db:5432/x"),
            ),
            ("a }} b", Ok("a }} b")),
            ("{{ nothing }}", Err("nothing")),
        ] {
            let expanded = Template::parse(text).unwrap().expand(value_of);
            assert_eq!(
                expanded.as_deref().map_err(String::as_str),
                expected,
                "{text}"
            );
        }
        assert!(Template::parse("{{ matched }} {{ unmatched").is_err());
        assert_eq!(Template::parse("a{{b}}").unwrap().as_literal(), None);
        assert_eq!(Template::parse("").unwrap().as_literal(), Some(""));
    }
}
