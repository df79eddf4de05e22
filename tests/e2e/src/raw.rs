//! HTTP/1.1 by hand, for what a well-behaved client cannot do: half a body, a body that never ends, a head that lies.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use chudian_test_support::http::Answer;

/// How long an answer may take; beyond it a case fails rather than hangs.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

/// Largest line of an answer's head.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// A connection to the host under test.
pub struct Connection {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Connection {
    /// Connects to `http://host:port`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn open(base_url: &str) -> Result<Self> {
        let address = base_url
            .strip_prefix("http://")
            .context("only plain http:// can be spoken by hand")?;
        let stream =
            TcpStream::connect(address).with_context(|| format!("nobody listens at {address}"))?;
        stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
        stream.set_write_timeout(Some(ANSWER_TIME_MAX))?;
        let reader = BufReader::new(stream.try_clone()?);
        Ok(Self { stream, reader })
    }

    /// Sends a head; `lines` are header fields without the line end.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send_head(&mut self, method: &str, path: &str, lines: &[String]) -> Result<()> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: e2e.example\r\n");
        for line in lines {
            head.push_str(line);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        self.send(head.as_bytes())
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream
            .write_all(bytes)
            .context("the connection broke while sending")
    }

    /// Sends `count` blocks, or as many as the host takes; an answer in the middle of a body is no error of the client.
    pub fn send_many(&mut self, block: &[u8], count: usize) {
        for _ in 0..count {
            if self.stream.write_all(block).is_err() {
                return;
            }
        }
    }

    /// Says that nothing more will be sent; an answer can still come.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn finish_sending(&self) -> Result<()> {
        self.stream
            .shutdown(Shutdown::Write)
            .context("the connection broke")
    }

    /// Reads one answer.
    ///
    /// # Errors
    /// When the connection ends before the answer does, or the answer cannot be understood.
    pub fn answer(&mut self) -> Result<Answer> {
        let status_line = self.line().context("no answer came")?;
        let status = status_line
            .split(' ')
            .nth(1)
            .with_context(|| format!("no status in {status_line:?}"))?
            .parse()?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line
                .split_once(':')
                .with_context(|| format!("no header: {line:?}"))?;
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = Answer {
            status,
            headers,
            body: Vec::new(),
        };
        answer.body = self.body(&answer)?;
        Ok(answer)
    }

    /// Whether the host has closed its side without a word.
    ///
    /// # Errors
    /// When neither an end nor a word comes in time.
    pub fn is_closed(&mut self) -> Result<bool> {
        match self.reader.fill_buf() {
            Ok(rest) => Ok(rest.is_empty()),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(true),
            Err(error) => Err(error).context("the host neither answers nor closes"),
        }
    }

    fn body(&mut self, answer: &Answer) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        if let Some(length) = answer.header("content-length") {
            body.resize(length.parse()?, 0);
            self.reader
                .read_exact(&mut body)
                .context("the answer broke off")?;
        } else if answer.header("transfer-encoding") == Some("chunked") {
            loop {
                let size =
                    usize::from_str_radix(self.line()?.split(';').next().unwrap_or_default(), 16)?;
                let begin = body.len();
                body.resize(begin + size, 0);
                self.reader
                    .read_exact(&mut body[begin..])
                    .context("the answer broke off")?;
                self.line()?;
                if size == 0 {
                    break;
                }
            }
        } else if !matches!(answer.status, 100..=199 | 204 | 304) {
            self.reader
                .read_to_end(&mut body)
                .context("the answer broke off")?;
        }
        Ok(body)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        (&mut self.reader)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)?;
        ensure!(line.ends_with(b"\n"), "the answer broke off");
        let text = String::from_utf8(line).context("an answer's head is not text")?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }
}
