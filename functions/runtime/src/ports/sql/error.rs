//! What a database refuses, by class: the guard, the retry and the status of an answer hang on it.

/// Why a statement failed. Texts are for the log; none of them may reach a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// A row with the same key is there already.
    #[error("unique constraint violated: {0}")]
    UniqueViolation(String),
    /// Another constraint (foreign key, check, not null) refused the row.
    #[error("constraint violated: {0}")]
    ConstraintViolation(String),
    /// Others hold what this statement needs; the whole transaction may be tried again.
    #[error("database is busy: {0}")]
    Busy(String),
    /// The database has no room left.
    #[error("database is full: {0}")]
    Full(String),
    /// No connection, or it was lost.
    #[error("database is unavailable: {0}")]
    Unavailable(String),
    /// The statement is wrong, or the schema is not the one it was written for: our own defect.
    #[error("statement failed: {0}")]
    Statement(String),
    /// A row is not of the shape that the caller reads.
    #[error("row has another shape: {0}")]
    Shape(String),
}

impl SqlError {
    /// Sorts a message of SQLite, for hosts that pass on only its text.
    pub fn from_sqlite_message(message: &str) -> Self {
        let has = |part: &str| message.contains(part);
        let text = message.to_owned();
        if has("UNIQUE constraint failed") || has("PRIMARY KEY") {
            Self::UniqueViolation(text)
        } else if has("constraint failed") {
            Self::ConstraintViolation(text)
        } else if has("database is locked") || has("table is locked") || has("SQLITE_BUSY") {
            Self::Busy(text)
        } else if has("database or disk is full") {
            Self::Full(text)
        } else if has("disk I/O error") || has("unable to open database") {
            Self::Unavailable(text)
        } else {
            Self::Statement(text)
        }
    }

    /// Sorts an error of PostgreSQL by its SQLSTATE (PostgreSQL manual, appendix A).
    pub fn from_postgres_code(code: &str, message: &str) -> Self {
        let text = format!("{message} (SQLSTATE {code})");
        match code {
            "23505" => Self::UniqueViolation(text),
            // Serialization failure, deadlock, lock not available, too many connections.
            "40001" | "40P01" | "55P03" | "53300" => Self::Busy(text),
            "53100" | "53200" => Self::Full(text),
            _ if code.starts_with("23") => Self::ConstraintViolation(text),
            // Connection exceptions, and the operator's shutdown of the server.
            _ if code.starts_with("08") || code.starts_with("57P") => Self::Unavailable(text),
            _ => Self::Statement(text),
        }
    }

    /// Whether the connection is still good: the database answered, and only this statement was refused.
    pub(super) const fn leaves_connection_usable(&self) -> bool {
        match self {
            Self::UniqueViolation(_)
            | Self::ConstraintViolation(_)
            | Self::Busy(_)
            | Self::Shape(_) => true,
            Self::Full(_) | Self::Unavailable(_) | Self::Statement(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: pin which class each host message falls in, since the guard, the retry and the answer's status hang on it.
    #[test]
    fn messages_fall_in_their_class() {
        let sqlite = [
            ("UNIQUE constraint failed: access_key.key_id", "unique"),
            (
                "error returned from database: (code: 1555) UNIQUE constraint failed: t.id",
                "unique",
            ),
            ("NOT NULL constraint failed: t.a", "constraint"),
            ("FOREIGN KEY constraint failed", "constraint"),
            ("database is locked", "busy"),
            ("(code: 6) database table is locked: t", "busy"),
            ("database or disk is full", "full"),
            ("unable to open database file", "unavailable"),
            ("no such table: t", "statement"),
        ];
        for (message, class) in sqlite {
            assert_eq!(
                class_of(&SqlError::from_sqlite_message(message)),
                class,
                "{message}"
            );
        }
        let postgres = [
            ("23505", "unique"),
            ("23503", "constraint"),
            ("40001", "busy"),
            ("40P01", "busy"),
            ("53100", "full"),
            ("08006", "unavailable"),
            ("57P01", "unavailable"),
            ("42P01", "statement"),
        ];
        for (code, class) in postgres {
            assert_eq!(
                class_of(&SqlError::from_postgres_code(code, "text")),
                class,
                "{code}"
            );
        }
    }

    fn class_of(error: &SqlError) -> &'static str {
        match error {
            SqlError::UniqueViolation(_) => "unique",
            SqlError::ConstraintViolation(_) => "constraint",
            SqlError::Busy(_) => "busy",
            SqlError::Full(_) => "full",
            SqlError::Unavailable(_) => "unavailable",
            SqlError::Statement(_) => "statement",
            SqlError::Shape(_) => "shape",
        }
    }
}
