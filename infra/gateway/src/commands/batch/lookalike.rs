//! `chudian batch lookalike`: the score of a lookalike run (TF-6) becomes columns of the dataset.
//!
//! The function counts the points, segment by segment; this program publishes them. The layer is named by what it holds, so the same
//! command after an interruption goes on with what was sent, and a second run of it finds what is there.

use chudian_dataset::column::ColumnData;
use chudian_dataset::column::builder::ColumnBuilder;
use chudian_dataset::contact::Business;
use chudian_dataset::manifest::segment_count;
use chudian_dataset::schema::{Column, ColumnName, Kind, Unit};
use chudian_import::state::hexadecimal;
use chudian_vocabulary::Name;
use chudian_vocabulary::pseudonym::CustomerPseudonym;
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;

use super::layer::{self, Layer, Values};
use super::tariff::{bar, get};
use crate::commands::client::{Client, Purpose};
use crate::commands::print_json;
use crate::language::Language;

/// Where runs are.
const RUNS: &str = "/filter/v1/lookalikes";
/// What the names of the columns begin with, and what the second ends with.
const COLUMN: (&str, &str) = ("lookalike_", "_share");
/// Characters of the digest that name the layer.
const KEY_CHARACTERS: usize = 40;

/// What the batch wants of the system.
const PURPOSE: Purpose = Purpose {
    forbidden: super::tariff::PURPOSE.forbidden,
    missing: (
        "the address serves no target filter or no customer dataset; `chudian modules` lists what runs there",
        "该地址没有目标筛选或客户数据集服务；可用 `chudian modules` 查看",
    ),
    unreadable: super::tariff::PURPOSE.unreadable,
};

/// Publish the score of a lookalike run as columns of the dataset / 将相似人群分析的评分发布为数据集的列
#[derive(Debug, Args)]
pub(super) struct Lookalike {
    /// The run, `fk_…`, as `POST /filter/v1/lookalikes` named it / 分析标识 `fk_…`
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The business in the columns' names: `ring_tone` makes `lookalike_ring_tone` / 列名中的业务名，如 `ring_tone`
    #[arg(long, value_name = "BUSINESS")]
    pub name: String,
    /// Address of the running system / 系统地址
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000")]
    pub to: String,
    /// File that holds the access key and nothing else; otherwise CHUDIAN_KEY / 访问密钥文件，默认读取 CHUDIAN_KEY
    #[arg(long)]
    pub key_file: Option<PathBuf>,
    /// Certificates (PEM) to trust in place of the public ones, for https / https 时代替公共根证书的证书文件（PEM）
    #[arg(long)]
    pub ca_file: Option<PathBuf>,
    /// Say what was done as one line of JSON / 以一行 JSON 输出结果
    #[arg(long)]
    pub json: bool,
}

#[derive(Deserialize)]
struct Run {
    score: Option<Score>,
}

#[derive(Deserialize)]
struct Score {
    bands: Vec<Band>,
}

/// A band of points, with the share of users to expect.
#[derive(Deserialize)]
struct Band {
    points_min: i64,
    expected_share: f64,
}

#[derive(Deserialize)]
struct Current {
    id: String,
    version: String,
    rows: u64,
}

#[derive(Deserialize)]
struct Points {
    points: Vec<i64>,
}

/// The points of every customer, segment by segment.
struct Scored {
    segments: Vec<Vec<i64>>,
    bands: Vec<Band>,
}

impl Scored {
    /// The share of users to expect with so many points: that of the last band that begins at or below them.
    fn share(&self, points: i64) -> Option<f64> {
        let mut bands = self.bands.iter();
        let found = bands.rfind(|band| band.points_min <= points);
        found.or(self.bands.first()).map(|band| band.expected_share)
    }
}

impl Values for Scored {
    fn of_segment(
        &mut self,
        segment: usize,
        customers: &[CustomerPseudonym],
    ) -> anyhow::Result<Vec<ColumnData>> {
        let points = self.segments.get(segment).map_or(&[][..], Vec::as_slice);
        anyhow::ensure!(
            points.len() == customers.len(),
            "segment {segment} has {} customers and {} scores",
            customers.len(),
            points.len()
        );
        let mut columns = [
            ColumnBuilder::new(Kind::Integer),
            ColumnBuilder::new(Kind::Score),
        ];
        let [of_points, of_shares] = &mut columns;
        for points in points {
            of_points.push_integer(*points)?;
            match self.share(*points) {
                Some(share) => of_shares.push_score(share)?,
                None => of_shares.push_null()?,
            }
        }
        Ok(columns.into_iter().map(ColumnBuilder::finish).collect())
    }
}

impl Lookalike {
    /// Counts the points of everybody, and publishes them.
    ///
    /// # Errors
    /// When the run has no score or the system is not as it should be.
    pub(super) fn run(self, language: Language) -> anyhow::Result<()> {
        let business = Business::new(self.name.clone()).map_err(|error| {
            anyhow::anyhow!(language.pick(
                format!("--name: {error}"),
                format!("--name：业务名应为 1 至 40 个字符，限 a-z 0-9 _，以字母开头（{error}）"),
            ))
        })?;
        let client = Client::new(
            &self.to,
            self.key_file.as_deref(),
            self.ca_file.as_deref(),
            language,
            PURPOSE,
        )?;
        let run: Run = get(&client, &format!("{RUNS}/{}", self.run))?;
        let Some(Score { mut bands }) = run.score else {
            anyhow::bail!(language.pick(
                "the run found no score: nothing that it looked at sets users apart",
                "这次分析没有得出评分：所看的列都不能区分用户",
            ));
        };
        bands.sort_by_key(|band| band.points_min);
        let current: Current = get(&client, "/dataset/v1/snapshots/current")?;
        let columns = self.columns(&business)?;
        let mut digest = Sha256::new();
        digest.update(json!([&current.id, &columns]).to_string());
        let segments = segment_count(current.rows);
        let progress = bar(segments, language.pick("segments scored", "已评分分段"))?;
        let mut scored = Scored {
            segments: Vec::with_capacity(segments),
            bands,
        };
        // In a query a plus is a space.
        let version = current.version.replace('+', "%2B");
        for segment in 0..segments {
            let path = format!(
                "{RUNS}/{}/segments/{segment}/points?dataset={version}",
                self.run
            );
            let Points { points } = get(&client, &path)?;
            for points in &points {
                digest.update(points.to_le_bytes());
            }
            scored.segments.push(points);
            progress.inc(1);
        }
        progress.finish_and_clear();
        let mut key = hexadecimal(&digest.finalize());
        key.truncate(KEY_CHARACTERS);
        let layer = Layer {
            key: &key,
            snapshot: &current.id,
            rows: current.rows,
            columns: &columns,
            source: ("lookalike", &self.run),
        };
        let progress = bar(
            layer.steps(),
            language.pick("parts published", "已发布部分"),
        )?;
        let version = layer::publish(&client, &layer, &mut scored, || progress.inc(1))?;
        progress.finish_and_clear();
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let customers = current.rows;
        if self.json {
            print_json(&json!({
                "run": self.run, "snapshot": current.id, "columns": names, "customers": customers, "published_version": version,
            }));
            return Ok(());
        }
        let names = names.join(", ");
        println!(
            "{}",
            language.pick(
                format!(
                    "{customers} customers scored; columns {names} are in dataset version {version}"
                ),
                format!("已为 {customers} 名客户评分；列 {names} 已发布到数据集版本 {version}"),
            )
        );
        Ok(())
    }

    /// The columns: points, and the share to expect.
    fn columns(&self, business: &Business) -> anyhow::Result<[Column; 2]> {
        let (begin, end) = COLUMN;
        let business = business.as_str();
        let named = |name: String, kind, zh: &str, en: &str| -> anyhow::Result<Column> {
            let mut column = Column::new(ColumnName::new(name)?, kind);
            column.title = Name::new(format!("{zh}（{business}）"), format!("{en}, {business}"));
            column.source.clone_from(&self.run);
            Ok(column)
        };
        let mut points = named(
            format!("{begin}{business}"),
            Kind::Integer,
            "相似度得分",
            "Lookalike points",
        )?;
        points.unit = Unit::Points;
        let share = named(
            format!("{begin}{business}{end}"),
            Kind::Score,
            "预计用户占比",
            "Share of users to expect",
        )?;
        Ok([points, share])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the share of a band holds from its first point on; points outside all bands take the nearest.
    #[test]
    fn points_have_the_share_of_their_band() {
        let band = |points_min, expected_share| Band {
            points_min,
            expected_share,
        };
        let scored = Scored {
            segments: vec![vec![-50, 9, 10, 99]],
            bands: vec![band(-20, 0.01), band(10, 0.2)],
        };
        for (points, share) in [(-50, 0.01), (-20, 0.01), (9, 0.01), (10, 0.2), (99, 0.2)] {
            assert_eq!(scored.share(points), Some(share), "{points}");
        }
        let mut scored = scored;
        let customers = [CustomerPseudonym([1; 16]); 4];
        let columns = scored.of_segment(0, &customers).unwrap();
        let shares: Vec<_> = (0..4).map(|row| columns[1].value(row)).collect();
        let expected =
            [0.01, 0.01, 0.2, 0.2].map(|share| Some(chudian_dataset::value::Value::Score(share)));
        assert_eq!(shares, expected);
        assert!(scored.of_segment(0, &customers[..3]).is_err());
        assert!(scored.of_segment(1, &customers).is_err());
    }
}
