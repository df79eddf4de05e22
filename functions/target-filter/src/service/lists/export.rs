//! The plain text of an export, page by page, before it is sealed.
//!
//! A line has the customer's pseudonym, batch, channel, region, the columns that the list carries, and the watermark's reference. Inside a
//! page lines stand in the watermark's order; pages keep the list's order.

use crate::lists::pages::{DamagedPage, MemberPage, StoredMember};
use crate::lists::table::{TableEncoding, push_line};
use crate::lists::watermark::Mark;
use chudian_vocabulary::pseudonym::CustomerPseudonym;

/// First columns of the table.
const HEAD: [&str; 4] = ["customer_id", "batch", "channel", "region"];

/// Last column of the table: the watermark.
const REFERENCE: &str = "reference";

/// How the lines of one export are written.
pub struct ExportTable {
    /// Encoding.
    pub encoding: TableEncoding,
    /// Watermark.
    pub mark: Mark,
    /// Names of channels, by number.
    pub channels: Vec<String>,
    /// Only this batch; all without.
    pub batch: Option<u32>,
}

impl ExportTable {
    /// The beginning of the file with the head of the table.
    pub fn head(&self, columns: &[String]) -> Vec<u8> {
        let mut line = String::new();
        let names = HEAD
            .into_iter()
            .chain(columns.iter().map(String::as_str))
            .chain([REFERENCE]);
        push_line(&mut line, names);
        let mut out = self.encoding.begin().to_vec();
        self.encoding.encode(&line, &mut out);
        out
    }

    /// The lines of a page of contacted members.
    ///
    /// # Errors
    /// When the page is damaged.
    pub fn lines(&self, page: &MemberPage, region: &str) -> Result<Vec<u8>, DamagedPage> {
        let mut members: Vec<(u64, usize, StoredMember)> = (0..page.len())
            .filter_map(|index| page.member(index).map(|member| (index, member)))
            .filter(|(_, member)| self.batch.is_none_or(|batch| member.batch == batch))
            .map(|(index, member)| (self.mark.sequence(&member.id), index, member))
            .collect();
        members.sort_unstable_by_key(|(sequence, index, _)| (*sequence, *index));
        let mut text = String::new();
        for (_, index, member) in members {
            let id = CustomerPseudonym(member.id).to_string();
            let batch = member.batch.to_string();
            let channel = self
                .channels
                .get(usize::from(member.channel))
                .map_or("", String::as_str);
            let reference = self.mark.reference(&member.id);
            let cells = page.cells(index)?;
            let head = [id.as_str(), batch.as_str(), channel, region];
            push_line(
                &mut text,
                head.into_iter().chain(cells).chain([reference.as_str()]),
            );
        }
        let mut out = Vec::with_capacity(text.len());
        self.encoding.encode(&text, &mut out);
        Ok(out)
    }
}
