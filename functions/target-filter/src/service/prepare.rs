//! A selection made ready: expression and exclusions bound to one dataset version, and evaluated a segment at a time.
//!
//! Invariants: the caller's region is part of what is evaluated, not of what is shown afterwards; one [`Prepared`] answers from one dataset
//! version, one day and fixed versions of groups and exclusions, however long it is used.

use std::collections::BTreeMap;
use std::sync::Arc;

use chudian_dataset::bitmap::Bitmap;
use chudian_dataset::column::ColumnData;
use chudian_dataset::contact::Business;
use chudian_dataset::expression::ast::{Expression, GroupReference};
use chudian_dataset::expression::bind::{BindError, Binding, Context, Fault, Notice, bind};
use chudian_dataset::expression::bound::{BoundTerm, Predicate, WordTest};
use chudian_dataset::expression::canonical::canonical;
use chudian_dataset::expression::evaluate::narrow;
use chudian_dataset::expression::limits::TERMS_MAX;
use chudian_dataset::expression::plan::Plan;
use chudian_dataset::schema::{Column, Kind, Purpose};
use chudian_dataset::version::DatasetVersion;
use chudian_runtime::dataset::{SnapshotReader, Snapshots};
use chudian_runtime::http::auth::Caller;
use chudian_runtime::problem::{FieldError, Problem, catalogue};
use chudian_vocabulary::{Date, Name, check_identifier};
use serde_json::Value;

use super::forms::{ClassForm, ExclusionChoice, MissingColumns, SelectionForm, Written};
use crate::exclusions::{self, Campaign, Exclusion, ExclusionSet, MessageClass, Moot, Rule};
use crate::store::Store;
use crate::wire;
use crate::wire::expression::pointer_of;
use crate::wire::faults::fault_text;

/// Name of the set that exists without being stored: the defaults of TF-3, until a province stores its own.
pub const DEFAULT_SET: &str = "default";

/// A rule that leaves customers out, ready.
pub struct PreparedExclusion {
    /// The rule.
    pub rule: Rule,
    /// Who is left out, as written and as bound.
    pub condition: Expression,
    /// The condition bound.
    pub binding: Binding,
    plan: Plan,
}

/// Why a rule that is set was not applied, or not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotApplied {
    /// It says nothing about this campaign.
    Moot(Moot),
    /// The dataset lacks these columns.
    Missing(Vec<String>),
    /// The dataset lacks these columns; what the others say was applied.
    MissingInPart(Vec<String>),
}

/// A selection made ready.
pub struct Prepared {
    /// Reads the dataset version.
    pub reader: SnapshotReader,
    /// The columns that places in bindings refer to.
    pub columns: Vec<Column>,
    /// The canonical expression, its groups with the versions that hold: asked again, it means the same.
    pub expression: Expression,
    /// The expression bound.
    pub binding: Binding,
    /// Rules that leave customers out, in the order of the waterfall.
    pub exclusions: Vec<PreparedExclusion>,
    /// Rules that are set and were not applied, or not whole.
    pub not_applied: Vec<(Rule, NotApplied)>,
    /// The exclusion set's version, `default@3`; `default@0` is the built-in one.
    pub exclusion_set: Option<String>,
    /// What the campaign is about.
    pub campaign: Campaign,
    /// The intervals of the exclusion set in force, for the estimate of reach.
    pub set: ExclusionSet,
    /// The day of the question.
    pub today: Date,
    scope: Plan,
    plan: Plan,
}

/// Finds selections ready to be evaluated.
#[derive(Clone)]
pub struct Filter {
    /// Groups and exclusion sets.
    pub store: Store,
    /// The dataset.
    pub snapshots: Snapshots,
}

/// Groups that an expression leads to.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    /// Their expressions, by the references as they are written.
    pub bodies: BTreeMap<GroupReference, Expression>,
    /// Versions that references without one came to.
    pub latest: BTreeMap<String, u32>,
}

impl Groups {
    /// `expression` with a version in each reference. Groups are saved in this form, so that a group never changes by a change of another.
    #[must_use]
    pub fn pin(&self, expression: &Expression) -> Expression {
        let all = |parts: &[Expression]| parts.iter().map(|part| self.pin(part)).collect();
        match expression {
            Expression::All(parts) => Expression::All(all(parts)),
            Expression::Any(parts) => Expression::Any(all(parts)),
            Expression::Not(part) => Expression::Not(Box::new(self.pin(part))),
            Expression::Term(_) => expression.clone(),
            Expression::Group(reference) => {
                let version = reference
                    .version
                    .or_else(|| self.latest.get(&reference.name).copied());
                Expression::Group(GroupReference {
                    name: reference.name.clone(),
                    version,
                })
            }
        }
    }
}

impl Filter {
    /// Makes the selection of `form` ready for `caller`. Errors point into the form, which stands at `pointer` of the request.
    ///
    /// # Errors
    /// A problem with everything that is wrong with the form, or that the dataset or the database is not there.
    pub async fn prepare(
        &self,
        form: &SelectionForm,
        caller: &Caller,
        pointer: &str,
    ) -> Result<Prepared, Problem> {
        let reader = self.reader(form.dataset.as_deref(), pointer).await?;
        let today = self.today(form.as_of.as_deref(), pointer)?;
        let campaign = campaign(form, pointer)?;
        let columns: Vec<Column> = reader.columns().cloned().collect();
        let scope = scope(&columns, caller)?;
        let at = format!("{pointer}/expression");
        let written = form.expression.read(&at).map_err(expression_invalid)?;
        let groups = self.groups(&written.expression, caller).await?;
        let context = Context {
            columns: &columns,
            groups: &groups.bodies,
            today: today.unix_days(),
        };
        let binding = bind(&written.expression, &context)
            .map_err(|errors| unbound(&errors, &written, &at))?;
        let (exclusion_set, set) = self
            .exclusion_set(form.exclusions.as_ref(), caller, pointer)
            .await?;
        let applied = exclusions::apply(&set, &campaign);
        let mut not_applied: Vec<(Rule, NotApplied)> = applied
            .moot
            .into_iter()
            .map(|(rule, moot)| (rule, NotApplied::Moot(moot)))
            .collect();
        let mut prepared = Vec::new();
        for exclusion in applied.exclusions {
            let rule = exclusion.rule;
            let (ready, missing) = prepare_exclusion(exclusion, &context)?;
            if !missing.is_empty() {
                let reason = match &ready {
                    None => NotApplied::Missing(missing),
                    Some(_) => NotApplied::MissingInPart(missing),
                };
                not_applied.push((rule, reason));
            }
            prepared.extend(ready);
        }
        refuse_missing(&not_applied, form)?;
        let plan = Plan::of(&binding.bound);
        Ok(Prepared {
            reader,
            expression: groups.pin(&canonical(&written.expression, &columns)),
            columns,
            binding,
            exclusions: prepared,
            not_applied,
            exclusion_set,
            campaign,
            set,
            today,
            scope,
            plan,
        })
    }

    /// The exclusions and the campaign of a form, without the dataset.
    ///
    /// # Errors
    /// When the form is wrong, or the set does not exist for the caller.
    pub async fn exclusions_of(
        &self,
        form: &SelectionForm,
        caller: &Caller,
    ) -> Result<(ExclusionSet, Campaign), Problem> {
        let campaign = campaign(form, "")?;
        let (_, set) = self
            .exclusion_set(form.exclusions.as_ref(), caller, "")
            .await?;
        Ok((set, campaign))
    }

    /// Reads the dataset version that a request names, or the one in force.
    ///
    /// # Errors
    /// When there is none, or the text names none.
    pub async fn reader(
        &self,
        version: Option<&str>,
        pointer: &str,
    ) -> Result<SnapshotReader, Problem> {
        match version {
            None => Ok(self.snapshots.open_current().await?),
            Some(text) => {
                let version: DatasetVersion = text.parse().map_err(|_| {
                    let detail = Name::new(
                        "不是数据集版本；版本见数据集列表。",
                        "Not a dataset version; the list of snapshots names them.",
                    );
                    invalid(format!("{pointer}/dataset"), detail)
                })?;
                Ok(self.snapshots.open(&version).await?)
            }
        }
    }

    fn today(&self, as_of: Option<&str>, pointer: &str) -> Result<Date, Problem> {
        match as_of {
            None => self
                .store
                .today()
                .ok_or_else(|| Problem::internal("the clock is outside the calendar")),
            Some(text) => Date::parse(text).map_err(|_| {
                invalid(
                    format!("{pointer}/as_of"),
                    Name::new("日期应为 YYYY-MM-DD。", "A date has the form YYYY-MM-DD."),
                )
            }),
        }
    }

    /// Every group that `expression` leads to, with the references as they are written there and as versions. Groups that do not exist for the
    /// caller are left out; binding reports them with their place. The walk ends because groups are fetched once each and their
    /// number is bounded.
    ///
    /// # Errors
    /// When the database fails or a stored group cannot be read.
    pub async fn groups(
        &self,
        expression: &Expression,
        caller: &Caller,
    ) -> Result<Groups, Problem> {
        let mut found = Groups::default();
        let mut asked: Vec<GroupReference> = expression.groups().into_iter().cloned().collect();
        while let Some(reference) = asked.pop() {
            if found.bodies.contains_key(&reference) || found.bodies.len() > TERMS_MAX {
                continue;
            }
            let stored = self.store.group(&reference.name, reference.version).await?;
            let Some(stored) = stored.filter(|stored| stored.is_visible_to(caller)) else {
                continue;
            };
            let document: Value = serde_json::from_str(&stored.document)
                .map_err(|error| Problem::internal(error.to_string()))?;
            let body = wire::expression::read(&document, "").map_err(|_| {
                Problem::internal(format!("the stored group {} cannot be read", stored.name))
            })?;
            asked.extend(body.groups().into_iter().cloned());
            if reference.version.is_none() {
                found.latest.insert(stored.name, stored.version);
            }
            found.bodies.insert(reference, body);
        }
        Ok(found)
    }

    async fn exclusion_set(
        &self,
        choice: Option<&ExclusionChoice>,
        caller: &Caller,
        pointer: &str,
    ) -> Result<(Option<String>, ExclusionSet), Problem> {
        let Some(choice) = choice else {
            return Ok((None, ExclusionSet::default()));
        };
        let at = format!("{pointer}/exclusions");
        if let Some(rules) = &choice.rules {
            if choice.set.is_some() || choice.version.is_some() {
                let detail = Name::new(
                    "rules 与 set 只能给出一个。",
                    "Give either `rules` or `set`.",
                );
                return Err(invalid(at, detail));
            }
            let set = wire::exclusions::read(rules).map_err(|mistakes| {
                let prefixed = mistakes.into_iter().map(|mut mistake| {
                    mistake.pointer = format!("{at}/rules{}", mistake.pointer);
                    mistake
                });
                Problem::of_kind(catalogue::EXCLUSION_SET_INVALID).with_errors(prefixed)
            })?;
            return Ok((None, set));
        }
        let name = choice.set.as_deref().unwrap_or(DEFAULT_SET);
        let version = choice.version;
        let stored = match version {
            Some(0) => None,
            // What no set can be called, the database is not asked for: PostgreSQL takes no U+0000.
            _ if check_identifier(name).is_err() => None,
            version => self.store.exclusion_set(name, version).await?,
        };
        match stored.filter(|stored| stored.is_visible_to(caller)) {
            Some(stored) => {
                let json = serde_json::from_str(&stored.document)
                    .map_err(|error| Problem::internal(error.to_string()))?;
                let set = wire::exclusions::read(&json).map_err(|_| {
                    Problem::internal(format!("the stored exclusion set {name} cannot be read"))
                })?;
                Ok((Some(format!("{name}@{}", stored.version)), set))
            }
            None if name == DEFAULT_SET && version.unwrap_or(0) == 0 => Ok((
                Some(format!("{DEFAULT_SET}@0")),
                ExclusionSet::default_of_tf3(),
            )),
            None => {
                let detail = Name::new(
                    "没有这个排除规则集或版本。",
                    "There is no such exclusion set or version.",
                );
                Err(Problem::new(catalogue::EXCLUSION_SET_UNKNOWN, detail))
            }
        }
    }
}

/// One segment of a selection.
pub struct SegmentRows {
    /// Whom the expression selects, in the caller's region.
    pub selected: Bitmap,
    /// Those of them that no exclusion removes.
    pub remaining: Bitmap,
    /// What each exclusion removes of what those before it left, in their order.
    pub removed: Vec<u64>,
    /// What each exclusion would remove alone; empty when not asked for.
    pub removed_alone: Vec<u64>,
}

impl Prepared {
    /// The expression within the caller's region.
    #[must_use]
    pub fn scoped(&self, plan: &Plan) -> Plan {
        Plan::all([self.scope.clone(), plan.clone()])
    }

    /// The plan of the whole expression.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What remains of `plan` in a segment after its statistics were looked at.
    #[must_use]
    pub fn pruned(&self, plan: &Plan, segment: usize) -> Plan {
        plan.pruned(&|place| {
            let column = self.columns.get(place)?;
            self.reader
                .segment_statistics(column.name.as_str(), segment)
        })
    }

    /// Keeps of `mask` the rows of a segment that `plan` selects.
    ///
    /// # Errors
    /// When a column cannot be read.
    pub async fn narrow(
        &self,
        plan: &Plan,
        segment: usize,
        mask: &mut Bitmap,
    ) -> Result<(), Problem> {
        let plan = self.pruned(plan, segment);
        let mut data: BTreeMap<usize, Arc<ColumnData>> = BTreeMap::new();
        for place in plan.columns() {
            let column = self
                .columns
                .get(place)
                .ok_or_else(|| Problem::internal("a plan names a place without column"))?;
            data.insert(
                place,
                self.reader.column(segment, column.name.as_str()).await?,
            );
        }
        narrow(&plan, mask, &|place| data.get(&place).map(Arc::as_ref))
            .map_err(|error| Problem::internal(error.to_string()))
    }

    /// The rows of a segment that the expression selects in the caller's region.
    ///
    /// # Errors
    /// When a column cannot be read.
    pub async fn selected(&self, segment: usize) -> Result<Bitmap, Problem> {
        let mut mask = Bitmap::ones(self.reader.segment_rows(segment));
        self.narrow(&self.scoped(&self.plan), segment, &mut mask)
            .await?;
        Ok(mask)
    }

    /// The rows of a segment after the exclusions. With `alone`, what each would remove by itself is counted too.
    ///
    /// # Errors
    /// When a column cannot be read.
    pub async fn rows(&self, segment: usize, alone: bool) -> Result<SegmentRows, Problem> {
        let selected = self.selected(segment).await?;
        let mut remaining = selected.clone();
        let (mut removed, mut removed_alone) = (Vec::new(), Vec::new());
        for exclusion in &self.exclusions {
            let mut hit = if alone {
                selected.clone()
            } else {
                remaining.clone()
            };
            if hit.count() > 0 {
                self.narrow(&exclusion.plan, segment, &mut hit).await?;
            }
            if alone {
                removed_alone.push(hit.count() as u64);
                hit.and_with(&remaining);
            }
            removed.push(hit.count() as u64);
            remaining.and_not_with(&hit);
        }
        Ok(SegmentRows {
            selected,
            remaining,
            removed,
            removed_alone,
        })
    }

    /// Customers that exist for the caller.
    ///
    /// # Errors
    /// When the region's column cannot be read.
    pub async fn customers(&self) -> Result<u64, Problem> {
        if self.scope == Plan::Everybody {
            return Ok(self.reader.rows());
        }
        let mut customers = 0;
        for segment in 0..self.reader.segment_count() {
            let mut mask = Bitmap::ones(self.reader.segment_rows(segment));
            self.narrow(&self.scope, segment, &mut mask).await?;
            customers += mask.count() as u64;
        }
        Ok(customers)
    }

    /// What is doubtful in the expression.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.binding.notices
    }
}

/// The condition that keeps a caller within its region.
fn scope(columns: &[Column], caller: &Caller) -> Result<Plan, Problem> {
    let Some(region) = &caller.region else {
        return Ok(Plan::Everybody);
    };
    let place = columns
        .iter()
        .rposition(|column| column.purpose == Some(Purpose::Region) && column.kind == Kind::Word);
    match place {
        Some(column) => {
            let test = WordTest::OneOf(vec![region.as_str().to_owned()]);
            Ok(Plan::Term(BoundTerm {
                column,
                predicate: Predicate::Words { test, inside: true },
            }))
        }
        None => {
            let detail = Name::new(
                "数据集没有标明地区列，限定地区的密钥无法使用。请在导入映射中指定地区列。",
                "The dataset names no column as the region, so a key of one region cannot use it; name it in the import's mapping.",
            );
            Err(Problem::new(catalogue::COLUMN_UNKNOWN, detail))
        }
    }
}

fn campaign(form: &SelectionForm, pointer: &str) -> Result<Campaign, Problem> {
    let class = match form.class {
        ClassForm::Marketing => MessageClass::Marketing,
        ClassForm::Diversion => MessageClass::Diversion,
        ClassForm::Service => MessageClass::Service,
    };
    let business = form
        .business
        .as_deref()
        .map(Business::new)
        .transpose()
        .map_err(|error| {
            let detail = Name::new(
                "业务名称应为 1 至 40 个 a-z、0-9、_ 字符，以字母开头。",
                format!("{error}."),
            );
            invalid(format!("{pointer}/business"), detail)
        })?;
    Ok(Campaign {
        class,
        business,
        channels: form.channels.clone(),
    })
}

/// A rule as far as the dataset has its columns, and those that it has not.
fn prepare_exclusion(
    exclusion: Exclusion,
    context: &Context<'_>,
) -> Result<(Option<PreparedExclusion>, Vec<String>), Problem> {
    let ready = |exclusion: Exclusion, binding: Binding| PreparedExclusion {
        rule: exclusion.rule,
        plan: Plan::of(&binding.bound),
        condition: exclusion.condition,
        binding,
    };
    let errors = match bind(&exclusion.condition, context) {
        Ok(binding) => return Ok((Some(ready(exclusion, binding)), Vec::new())),
        Err(errors) => errors,
    };
    let missing = columns_missing(&errors).ok_or_else(|| unbindable(exclusion.rule))?;
    let Some(rest) = exclusion.without(&missing) else {
        return Ok((None, missing));
    };
    let binding = bind(&rest.condition, context).map_err(|_| unbindable(rest.rule))?;
    Ok((Some(ready(rest, binding)), missing))
}

/// A rule whose condition fails for another reason than a column: a defect, and not one to go on with.
fn unbindable(rule: Rule) -> Problem {
    Problem::internal(format!("the exclusion {} cannot be bound", rule.word()))
}

/// The columns that are missing, or hold something else than the rule asks for; nothing when something else is wrong.
fn columns_missing(errors: &[BindError]) -> Option<Vec<String>> {
    let name = |error: &BindError| match &error.fault {
        Fault::UnknownColumn { name, .. } => Some(name.clone()),
        Fault::WrongKind { column, .. } => Some(column.clone()),
        _ => None,
    };
    let mut names: Vec<String> = errors.iter().map(name).collect::<Option<_>>()?;
    names.sort();
    names.dedup();
    Some(names)
}

/// Refuses a selection whose exclusions lack columns that nobody has answered for.
fn refuse_missing(not_applied: &[(Rule, NotApplied)], form: &SelectionForm) -> Result<(), Problem> {
    let is_answered_for = |rule: Rule, column: &String| {
        let is_reported = form.missing_columns == MissingColumns::Report && !rule.is_refusal();
        is_reported || form.accept_missing.contains(column)
    };
    let missing: Vec<FieldError> = not_applied
        .iter()
        .filter_map(|(rule, reason)| match reason {
            NotApplied::Moot(_) => None,
            NotApplied::Missing(columns) | NotApplied::MissingInPart(columns) => {
                let left: Vec<&str> = columns
                    .iter()
                    .filter(|column| !is_answered_for(*rule, column))
                    .map(String::as_str)
                    .collect();
                (!left.is_empty()).then(|| column_missing(*rule, &left.join(", ")))
            }
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let detail = Name::new(
        "部分排除规则所需的列不在数据集中。请发布接触特征层，或取消该规则，或把 missing_columns 设为 report；拒绝营销规则的列还须在 accept_missing 中逐一写明。",
        "The dataset lacks columns that exclusions need. Publish a layer of contact features, unset the rule, or set `missing_columns` to `report`; \
         columns of refusals must be named in `accept_missing` besides.",
    );
    Err(Problem::new(catalogue::EXCLUSION_COLUMNS_MISSING, detail).with_errors(missing))
}

fn column_missing(rule: Rule, columns: &str) -> FieldError {
    FieldError {
        pointer: format!("/exclusions/{}", rule.word()),
        code: "column-missing".to_owned(),
        detail: Name::new(
            format!("“{}”需要列 {columns}，当前数据集没有。", rule.title().zh),
            format!(
                "\"{}\" needs the columns {columns}, which the dataset lacks.",
                rule.title().en
            ),
        ),
    }
}

/// An expression that could not be read.
#[must_use]
pub fn expression_invalid(errors: Vec<FieldError>) -> Problem {
    Problem::of_kind(catalogue::EXPRESSION_INVALID).with_errors(errors)
}

/// An expression that could not be bound: each error at its place in what the sender wrote.
#[must_use]
pub fn unbound(errors: &[BindError], written: &Written, pointer: &str) -> Problem {
    expression_invalid(
        errors
            .iter()
            .map(|error| field_error(error, written, pointer))
            .collect(),
    )
}

fn field_error(error: &BindError, written: &Written, pointer: &str) -> FieldError {
    let (code, text) = fault_text(&error.fault);
    let (pointer, detail) = match &written.text {
        None => (pointer_of(&written.expression, &error.place, pointer), text),
        Some((source, spans)) => {
            let column = crate::text::column_of(source, spans.at(&error.place).start);
            let detail = Name::new(
                format!("第 {column} 个字符：{}", text.zh),
                format!("At character {column}: {}", text.en),
            );
            (pointer.to_owned(), detail)
        }
    };
    FieldError {
        pointer,
        code: code.to_owned(),
        detail,
    }
}

fn invalid(pointer: String, detail: Name) -> Problem {
    let error = FieldError {
        pointer,
        code: "value-not-allowed".to_owned(),
        detail,
    };
    Problem::of_kind(catalogue::INVALID_BODY).with_errors([error])
}
