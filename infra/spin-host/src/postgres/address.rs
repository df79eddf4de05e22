//! A server's address as components write it: a URL or `key=value` words.
//!
//! Read here rather than by the driver, because the driver also takes files, sockets and environment variables of the host
//! from it, which are no business of a component.

use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// The usual port of PostgreSQL.
const PORT_DEFAULT: u16 = 5432;

/// Where to connect and as whom.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    user: String,
    password: String,
    database: Option<String>,
    application_name: Option<String>,
    encryption: Encryption,
}

/// `sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl std::fmt::Debug for Address {
    /// Without user and password.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "postgres://{}:{}", self.host, self.port)
    }
}

impl Address {
    /// Reads `postgres://user:password@host:port/database?sslmode=…` or `host=… user=… password=… dbname=…`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let mut address = Self {
            host: String::new(),
            port: PORT_DEFAULT,
            user: "postgres".to_owned(),
            password: String::new(),
            database: None,
            application_name: None,
            encryption: Encryption::Prefer,
        };
        match text
            .strip_prefix("postgres://")
            .or_else(|| text.strip_prefix("postgresql://"))
        {
            Some(rest) => address.read_url(rest)?,
            None => address.read_words(text)?,
        }
        if address.host.is_empty() {
            return Err("the address names no host".to_owned());
        }
        if address.host.contains(['/', ',']) {
            return Err(
                "the address must name one host; sockets and lists are not offered".to_owned(),
            );
        }
        Ok(address)
    }

    /// The driver's options for this address, connecting to `host` (the name, or an address that it resolved to).
    pub(crate) fn options(
        &self,
        host: &str,
        ca_root: Option<&str>,
        statements_cached_max: usize,
    ) -> PgConnectOptions {
        let mode = match self.encryption {
            Encryption::Disable => PgSslMode::Disable,
            // Whoever gives a root certificate wants the server checked against it.
            Encryption::Prefer | Encryption::Require if ca_root.is_some() => PgSslMode::VerifyFull,
            Encryption::Prefer => PgSslMode::Prefer,
            Encryption::Require => PgSslMode::Require,
            Encryption::VerifyCa => PgSslMode::VerifyCa,
            Encryption::VerifyFull => PgSslMode::VerifyFull,
        };
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(host)
            .port(self.port)
            .username(&self.user)
            .password(&self.password)
            .ssl_mode(mode)
            .statement_cache_capacity(statements_cached_max)
            .application_name(self.application_name.as_deref().unwrap_or("chudian"))
            .database(self.database.as_deref().unwrap_or(&self.user));
        if let Some(certificate) = ca_root {
            options = options.ssl_root_cert_from_pem(certificate.as_bytes().to_vec());
        }
        options
    }

    /// Whether the server proves its name by a certificate, so that the name decides and not the address behind it.
    pub(crate) fn verifies_name(&self, ca_root: Option<&str>) -> bool {
        self.encryption == Encryption::VerifyFull
            || (ca_root.is_some()
                && matches!(self.encryption, Encryption::Prefer | Encryption::Require))
    }

    fn read_url(&mut self, rest: &str) -> Result<(), String> {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        // A password may hold `/`, so the last `@` before the query ends it.
        let (user_info, rest) = rest
            .rsplit_once('@')
            .map_or((None, rest), |(user, rest)| (Some(user), rest));
        if let Some(user_info) = user_info {
            let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
            self.user = decode_percent(user)?;
            self.password = decode_percent(password)?;
        }
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        if !database.is_empty() {
            self.database = Some(decode_percent(database)?);
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let host = decode_percent(host)?;
        self.host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .map(str::to_owned)
            .unwrap_or(host);
        if let Some(port) = port.filter(|port| !port.is_empty()) {
            self.port = port
                .parse()
                .map_err(|_| format!("`{port}` is not a port"))?;
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if matches!(key, "host" | "port") {
                return Err(format!("`{key}` must stand before the `?`"));
            }
            self.set(&decode_percent(key)?, decode_percent(value)?)?;
        }
        Ok(())
    }

    fn read_words(&mut self, text: &str) -> Result<(), String> {
        let mut rest = text;
        while !rest.is_empty() {
            let (key, after) = rest
                .split_once('=')
                .ok_or("the address is neither a postgres:// URL nor key=value words")?;
            let (value, after) = read_word(after.trim_start())?;
            self.set(key.trim(), value)?;
            rest = after.trim_start();
        }
        Ok(())
    }

    fn set(&mut self, key: &str, value: String) -> Result<(), String> {
        match key {
            "host" => self.host = value,
            "port" => {
                self.port = value
                    .parse()
                    .map_err(|_| format!("`{value}` is not a port"))?
            }
            "user" => self.user = value,
            "password" => self.password = value,
            "dbname" => self.database = Some(value),
            "application_name" => self.application_name = Some(value),
            "sslmode" => {
                self.encryption = match value.as_str() {
                    "disable" => Encryption::Disable,
                    "allow" | "prefer" => Encryption::Prefer,
                    "require" => Encryption::Require,
                    "verify-ca" => Encryption::VerifyCa,
                    "verify-full" => Encryption::VerifyFull,
                    _ => return Err(format!("`{value}` is not an sslmode")),
                }
            }
            // The host has its own limit for this.
            "connect_timeout" => {}
            _ => return Err(format!("`{key}` is not offered in an address")),
        }
        Ok(())
    }
}

/// One value of `key=value` words: up to a space, or in single quotes with `\` before what is meant literally.
fn read_word(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let quoted = text.starts_with('\'');
    let mut letters = text.char_indices().skip(usize::from(quoted));
    while let Some((index, letter)) = letters.next() {
        match letter {
            '\\' => value.extend(letters.next().map(|(_, literal)| literal)),
            '\'' if quoted => return Ok((value, &text[index + 1..])),
            letter if !quoted && letter.is_whitespace() => return Ok((value, &text[index..])),
            letter => value.push(letter),
        }
    }
    if quoted {
        Err("a quote is not closed".to_owned())
    } else {
        Ok((value, ""))
    }
}

fn decode_percent(text: &str) -> Result<String, String> {
    let fault = || "the address holds a broken % escape".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [
            rest.next().ok_or_else(fault)?,
            rest.next().ok_or_else(fault)?,
        ];
        let digits = std::str::from_utf8(&digits).map_err(|_| fault())?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| fault())?);
    }
    String::from_utf8(bytes).map_err(|_| fault())
}

#[cfg(test)]
mod tests {
    use super::{Address, Encryption};

    #[test]
    fn addresses_are_read_in_both_forms() {
        let url =
            Address::parse("postgres://an%40na:p%2Fw:d@db.example:5433/billing?sslmode=require")
                .unwrap();
        assert_eq!(
            (
                url.host.as_str(),
                url.port,
                url.user.as_str(),
                url.password.as_str()
            ),
            ("db.example", 5433, "an@na", "p/w:d")
        );
        assert_eq!(
            (url.database.as_deref(), url.encryption),
            (Some("billing"), Encryption::Require)
        );
        let words = Address::parse(r"host=db.example port=5433 user='an@na' password='p/w:d' dbname=billing sslmode=require").unwrap();
        assert!(words == url);
        let short = Address::parse("postgresql://localhost").unwrap();
        assert_eq!(
            (short.port, short.user.as_str(), short.encryption),
            (5432, "postgres", Encryption::Prefer)
        );
        assert_eq!(
            Address::parse("postgres://[::1]:6000/x").unwrap().host,
            "::1"
        );
        assert_eq!(format!("{url:?}"), "postgres://db.example:5433");
    }

    #[test]
    fn what_would_reach_the_host_is_refused() {
        for bad in [
            "",
            "localhost",
            "postgres:///x",
            "postgres://localhost/x?host=/var/run/postgresql",
            "postgres://localhost?sslrootcert=/etc/passwd",
            "postgres://%2Fvar%2Frun/x",
            "host=/var/run/postgresql",
            "host=a,b",
            "postgres://localhost:port/x",
            "host='open",
            "postgres://h/%zz",
            "postgres://localhost?options=-c%20statement_timeout%3D0",
            "hostaddr=10.0.0.1 host=x",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}
