//! What changes between two modules of one package, and whom it breaks.
//!
//! Shown by `rcc deploy` and `rcc diff` before anything is sent, and enforced by the engine when the deployment is
//! applied: a breaking change is refused and nothing changes. Names identify; order in the source means nothing.

use crate::Cost;
use crate::interface::{Command, CommandKind, Guard, GuardKind, Interface};
use crate::layout::{Record, Shape, Shapes, Sum};
use crate::module::Module;
use std::collections::BTreeMap;
use std::fmt;

/// One difference, in words that stand alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: ChangeKind,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    Added,
    Changed,
    /// Taken where the data allows it, which the engine asks when the module is to go live.
    Asked,
    /// Refused by the engine.
    Broken,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.kind {
            ChangeKind::Added => "+",
            ChangeKind::Changed => "~",
            ChangeKind::Asked => "?",
            ChangeKind::Broken => "!",
        };
        write!(f, "{sign} {}", self.text)
    }
}

/// Changes from `old` to `new`, in a fixed order: data, what is kept of it, commands, events.
pub fn compare(old: &Module, new: &Module) -> Vec<Change> {
    let mut changes = Vec::new();
    changes.extend(goes_back(old, new));
    compare_regions(old, new, &mut changes);
    compare_guards(old, new, &mut changes);
    compare_commands(&old.interface, &new.interface, &mut changes);
    compare_retired(old, new, &mut changes);
    compare_events(&old.interface, &new.interface, &mut changes);
    compare_routes(&old.interface, &new.interface, &mut changes);
    changes
}

/// All of a first deployment is new.
pub fn additions(new: &Module) -> Vec<Change> {
    compare(
        &Module {
            page_shift: new.page_shift,
            ..Module::default()
        },
        new,
    )
}

fn push(changes: &mut Vec<Change>, kind: ChangeKind, text: String) {
    changes.push(Change { kind, text });
}

fn compare_regions(old: &Module, new: &Module, changes: &mut Vec<Change>) {
    if old.page_shift != new.page_shift {
        push(
            changes,
            ChangeKind::Broken,
            format!(
                "page size 2^{} becomes 2^{}",
                old.page_shift, new.page_shift
            ),
        );
    }
    let before: BTreeMap<&str, u64> = old
        .regions
        .iter()
        .map(|region| (region.name.as_str(), region.layout_hash))
        .collect();
    for region in &new.regions {
        match before.get(region.name.as_str()) {
            // The rows of an older version, where there never were any.
            None if !region.writable => {}
            None if old.regions.is_empty() => push(changes, ChangeKind::Added, data(&region.name)),
            None => match added_to_existing(&region.name, &before) {
                Some(table) => push(
                    changes,
                    ChangeKind::Asked,
                    format!(
                        "{} is new over table {table}: it goes live only while {table} has no rows",
                        data(&region.name)
                    ),
                ),
                None => match takes_place_of(&region.name, old, new) {
                    Some(origin) => {
                        let (newer, origin) = (data(&region.name), data(origin));
                        let text = format!(
                            "{newer} takes the place of {origin}: it goes live only while {origin} has no rows"
                        );
                        push(changes, ChangeKind::Asked, text);
                    }
                    None => push(changes, ChangeKind::Added, data(&region.name)),
                },
            },
            Some(hash) if *hash != region.layout_hash => {
                push(changes, ChangeKind::Broken, layout_break(&region.name))
            }
            Some(_) => {}
        }
    }
    for region in &old.regions {
        let kept = new.regions.iter().any(|kept| kept.name == region.name);
        // What was kept of an older version's rows ends with them, and nothing read those of a version before.
        let superseded = version_of(&region.name)
            .zip(newest_rows(new, &region.name))
            .is_some_and(|((_, version), newest)| newest > version);
        if !kept && !superseded && region.writable {
            push(
                changes,
                ChangeKind::Changed,
                format!(
                    "{} is no longer used (its data is kept)",
                    data(&region.name)
                ),
            );
        }
    }
}

/// The existing version of a table that a new derived region (an index, an aggregate) belongs to: names are `Table/part@1`.
fn added_to_existing<'a>(name: &str, before: &BTreeMap<&'a str, u64>) -> Option<&'a str> {
    let owner = version_of(name)?;
    let known = before.keys().filter_map(|known| version_of(known));
    let mut known = known.filter(|known| *known == owner);
    known.next().map(|(table, _)| table)
}

/// The table and its version that a region is part of: `Account` and 2 of `Account/by_owner@2`.
pub fn version_of(region: &str) -> Option<(&str, u32)> {
    let (table, part) = region.split_once('/')?;
    let version = part.rsplit_once('@');
    let version = version.and_then(|(_, version)| version.parse().ok());
    Some((table, version.unwrap_or(1)))
}

fn is_rows(region: &str) -> bool {
    region.contains("/rows@")
}

/// The newest version of a region's table whose rows the module writes.
fn newest_rows(module: &Module, region: &str) -> Option<u32> {
    let (table, _) = version_of(region)?;
    let rows = module.regions.iter();
    let rows = rows.filter(|known| known.writable && is_rows(&known.name));
    rows.filter_map(|known| version_of(&known.name))
        .filter(|(owner, _)| *owner == table)
        .map(|(_, version)| version)
        .max()
}

/// The region of the rows, written so far, that become rows of this one.
fn takes_place_of<'m>(region: &str, old: &'m Module, new: &Module) -> Option<&'m str> {
    let (table, version) = version_of(region).filter(|_| is_rows(region))?;
    let written = old.regions.iter().filter(|known| known.writable);
    let mut written = written.map(|known| known.name.as_str());
    written.find(|name| {
        let of_older = is_rows(name)
            && version_of(name).is_some_and(|(owner, older)| owner == table && older < version);
        let mut read = new.regions.iter();
        of_older && read.any(|known| known.name == **name && !known.writable)
    })
}

/// Tables that would be an older version again, so that rows of the newer one were out of sight. `old` is any earlier module of the
/// package, live or not.
pub fn goes_back(old: &Module, new: &Module) -> Vec<Change> {
    let mut changes = Vec::new();
    for region in &new.regions {
        let written = version_of(&region.name).filter(|_| region.writable && is_rows(&region.name));
        let (Some((table, version)), Some(newest)) = (written, newest_rows(old, &region.name))
        else {
            continue;
        };
        if newest > version {
            let text = format!(
                "table {table} goes back from version {newest} to {version}, which does not see the rows of version {newest}: keep `table {table}@{newest}`"
            );
            push(&mut changes, ChangeKind::Broken, text);
        }
    }
    changes
}

/// What a region is called in the source.
pub fn data(region: &str) -> String {
    let (name, version) = region.rsplit_once('@').unwrap_or((region, "1"));
    let version = match version {
        "1" => String::new(),
        version => format!("@{version}"),
    };
    match name.split_once('/') {
        Some((table, "rows")) => format!("table {table}{version}"),
        Some((table, part)) => match part.strip_prefix("aggregate.") {
            Some(aggregate) => format!("aggregate {aggregate} of table {table}{version}"),
            None => format!("{part} of table {table}{version}"),
        },
        None => match name.strip_prefix("state.") {
            Some(state) => format!("state {state}"),
            None => format!("data {region}"),
        },
    }
}

/// Why data that is there cannot be read by code with another layout, and what to do.
pub fn layout_break(region: &str) -> String {
    let what = data(region);
    if let Some(job) = region
        .split_once('/')
        .and_then(|(table, _)| table.strip_suffix(".waiting"))
        // The containers of a table's rows begin with its name.
        .filter(|job| !job.starts_with(char::is_uppercase))
    {
        return format!(
            "job {job} takes other parameters or goes in another order, and runs of it may wait: give it another name"
        );
    }
    let way = match region.split_once('/') {
        Some((_, part)) if part.starts_with("rows@") => {
            let (table, version) = version_of(region).unwrap_or((region, 1));
            return format!(
                "{what} changes its layout: keep it as it was and add `table {table}@{} from {table}@{version}`, which goes live while there are no rows, or a table of another name, to which a command moves them",
                version.saturating_add(1)
            );
        }
        Some(_) => "give it another name, which goes live while the table has no rows",
        None => "keep it as it was, and add a state of another name",
    };
    format!("{what} changes its layout, and has data: {way}")
}

/// The texts of what is asked of all data, and of each row by the region of the rows.
fn compare_guards(old: &Module, new: &Module, changes: &mut Vec<Change>) {
    let superseded = |guard: &&Guard| {
        let mut regions = new.regions.iter();
        regions.any(|region| region.name == guard.subject && !region.writable)
    };
    let (old, code) = (&old.interface, &new.interface);
    let holds = |interface: &Interface| -> Vec<String> {
        let guards = interface.guards.iter();
        guards
            .filter(|guard| guard.kind == GuardKind::Holds)
            .map(|guard| guard.subject.clone())
            .collect()
    };
    let (before, after) = (holds(old), holds(code));
    for text in after.iter().filter(|text| !before.contains(text)) {
        let text = format!("invariant {text}: it goes live only where it holds");
        push(changes, ChangeKind::Asked, text);
    }
    for text in before.iter().filter(|text| !after.contains(text)) {
        let text = format!("invariant {text} is no longer kept");
        push(changes, ChangeKind::Changed, text);
    }
    for guard in code.guards.iter().filter(|guard| !superseded(guard)) {
        let Some(known) = old.guards.iter().find(|known| {
            known.kind == GuardKind::Empty
                && guard.kind == GuardKind::Empty
                && known.subject == guard.subject
        }) else {
            continue;
        };
        let table = data(&guard.subject);
        for (text, _) in new_rules(known, guard) {
            let text = format!(
                "invariant {text} is new of {table}: it goes live only while there are no rows"
            );
            push(changes, ChangeKind::Asked, text);
        }
        for (text, _) in new_rules(guard, known) {
            let text = format!("invariant {text} of {table} is no longer kept");
            push(changes, ChangeKind::Changed, text);
        }
    }
}

/// What rows keep by `after` that they did not by `before`: by what it means, not by how it is written.
pub fn new_rules<'a>(
    before: &'a Guard,
    after: &'a Guard,
) -> impl Iterator<Item = &'a (String, u64)> {
    let kept = |meaning: &u64| before.rules.iter().any(|(_, known)| known == meaning);
    after
        .rules
        .iter()
        .filter(move |(_, meaning)| !kept(meaning))
}

/// Names that meant something else before: a version of a command that was retired and is back, an event that is back.
/// `old` is any earlier module of the package, live or not.
pub fn returns_changed(old: &Interface, new: &Interface) -> Vec<Change> {
    let mut changes = Vec::new();
    for command in &new.commands {
        let before = old
            .commands
            .iter()
            .find(|known| known.name == command.name && known.version == command.version);
        if let Some(before) = before
            && let Some(reason) = signature_break(old, before, new, command)
        {
            let text = format!(
                "{} was there before, and {reason}: give it a version that was never used",
                label(command)
            );
            push(&mut changes, ChangeKind::Broken, text);
        }
    }
    for event in &new.events {
        let before = old
            .events
            .iter()
            .find(|known| known.record.name == event.record.name);
        if let Some(before) = before
            && !same_record(&old.shapes, &before.record, &new.shapes, &event.record)
        {
            let text = format!(
                "event {} was there before with other fields, and old ones stay readable: give it another name",
                event.record.name
            );
            push(&mut changes, ChangeKind::Broken, text);
        }
    }
    changes
}

fn label(command: &Command) -> String {
    let kind = match command.kind {
        CommandKind::Command => "command",
        CommandKind::Query => "query",
        CommandKind::Report => "report",
        CommandKind::Step => return format!("job {}", written_name(command)),
    };
    format!("{kind} {}@{}", command.name, command.version)
}

/// The derived path stays whatever a package chooses, so nobody is cut off from a command; who used the other one is told.
fn compare_routes(old: &Interface, new: &Interface, changes: &mut Vec<Change>) {
    let served = |interface: &Interface| -> BTreeMap<String, String> {
        let routes = interface.routes.iter();
        routes
            .filter_map(|route| {
                let command = interface.commands.get(route.command as usize)?;
                Some((route.to_string(), label(command)))
            })
            .collect()
    };
    let (before, after) = (served(old), served(new));
    for (route, command) in &after {
        match before.get(route) {
            None => push(
                changes,
                ChangeKind::Added,
                format!("{route} calls {command}"),
            ),
            Some(known) if known != command => push(
                changes,
                ChangeKind::Changed,
                format!("{route} calls {command} (was {known})"),
            ),
            Some(_) => {}
        }
    }
    for (route, command) in &before {
        if !after.contains_key(route) {
            push(
                changes,
                ChangeKind::Changed,
                format!("{route} is no longer served ({command} keeps its derived path)"),
            );
        }
    }
}

/// The name that stands in the source: a job's step has its job's.
fn written_name(command: &Command) -> &str {
    match command.kind {
        CommandKind::Step => command.name.strip_suffix(".step").unwrap_or(&command.name),
        _ => &command.name,
    }
}

fn compare_commands(old: &Interface, new: &Interface, changes: &mut Vec<Change>) {
    for command in &new.commands {
        let before = old
            .commands
            .iter()
            .find(|known| known.name == command.name && known.version == command.version);
        match before {
            None => push(changes, ChangeKind::Added, label(command)),
            Some(before) => {
                if let Some(reason) = signature_break(old, before, new, command) {
                    push(
                        changes,
                        ChangeKind::Broken,
                        format!("{} {reason}: give it a new version", label(command)),
                    );
                } else if before.cost != command.cost {
                    push(
                        changes,
                        ChangeKind::Changed,
                        format!(
                            "{} costs {}",
                            label(command),
                            differing(&before.cost, &command.cost)
                        ),
                    );
                }
            }
        }
    }
    for command in &old.commands {
        let same = |name: &str, version: u32| name == command.name && version == command.version;
        if new
            .commands
            .iter()
            .any(|kept| same(&kept.name, kept.version))
        {
            continue;
        }
        if new
            .retired
            .iter()
            .any(|(name, version)| name == written_name(command) && *version == command.version)
        {
            push(
                changes,
                ChangeKind::Changed,
                format!(
                    "{} is retired: {}",
                    label(command),
                    match command.kind {
                        CommandKind::Step => "runs of it that wait are not gone on with",
                        _ => "calls of it are refused from now on",
                    }
                ),
            );
        } else {
            let retire = format!("retire {}@{}", written_name(command), command.version);
            push(
                changes,
                ChangeKind::Broken,
                format!(
                    "{} disappears; write `{retire}` to take it back",
                    label(command)
                ),
            );
        }
    }
}

/// The first dimension in which two costs differ: `90 steps (was 80)`.
fn differing(before: &Cost, after: &Cost) -> String {
    let dimensions = [
        ("steps", before.steps, after.steps),
        ("pages read", before.pages_read, after.pages_read),
        ("pages written", before.pages_written, after.pages_written),
        ("bytes written", before.bytes_written, after.bytes_written),
        ("event bytes", before.event_bytes, after.event_bytes),
        ("reply bytes", before.reply_bytes, after.reply_bytes),
        ("scratch bytes", before.scratch_bytes, after.scratch_bytes),
    ];
    let first = dimensions
        .iter()
        .find(|(_, before, after)| before != after)
        .unwrap_or(&dimensions[0]);
    format!("{} {} (was {})", first.2, first.0, first.1)
}

/// Why calls packed for `before` cannot be answered by `after`.
pub fn signature_break(
    old: &Interface,
    before: &Command,
    new: &Interface,
    after: &Command,
) -> Option<String> {
    if before.kind != after.kind {
        return Some("is of another kind".to_string());
    }
    if !same_record(
        &old.shapes,
        &before.arguments,
        &new.shapes,
        &after.arguments,
    ) {
        return Some("takes other arguments".to_string());
    }
    let same_result = match (&before.result, &after.result) {
        (None, None) => true,
        (Some(left), Some(right)) => same_shape(&old.shapes, left, &new.shapes, right),
        _ => false,
    };
    if !same_result {
        return Some("gives another result".to_string());
    }
    for error in &after.fails {
        let name = &new.errors[*error as usize].name;
        if !before
            .fails
            .iter()
            .any(|known| old.errors[*known as usize].name == *name)
        {
            return Some(format!("may fail with {name} now"));
        }
    }
    for error in &before.fails {
        let known = &old.errors[*error as usize];
        if let Some(now) = new.errors.iter().find(|sum| sum.name == known.name)
            && !extends(&old.shapes, known, &new.shapes, now)
        {
            return Some(format!("fails with {}, whose variants changed", known.name));
        }
    }
    None
}

/// A `retire` that is new and takes nothing back: a slip, or of a version that this node never had.
fn compare_retired(old: &Module, new: &Module, changes: &mut Vec<Change>) {
    if old.functions.is_empty() {
        return;
    }
    let (old, new) = (&old.interface, &new.interface);
    for (name, version) in &new.retired {
        let mut commands = old.commands.iter();
        let was_there =
            commands.any(|known| written_name(known) == name && known.version == *version);
        let said = old
            .retired
            .iter()
            .any(|known| known == &(name.clone(), *version));
        if !was_there && !said {
            let text = format!("retire {name}@{version} takes nothing back: it is not deployed");
            push(changes, ChangeKind::Changed, text);
        }
    }
}

fn compare_events(old: &Interface, new: &Interface, changes: &mut Vec<Change>) {
    for event in &new.events {
        match old
            .events
            .iter()
            .find(|known| known.record.name == event.record.name)
        {
            None => push(
                changes,
                ChangeKind::Added,
                format!("event {}", event.record.name),
            ),
            Some(known) if !same_record(&old.shapes, &known.record, &new.shapes, &event.record) => {
                push(
                    changes,
                    ChangeKind::Broken,
                    format!(
                        "event {} changes its fields: emit one of another name",
                        event.record.name
                    ),
                );
            }
            Some(_) => {}
        }
    }
    for event in &old.events {
        if !new
            .events
            .iter()
            .any(|kept| kept.record.name == event.record.name)
        {
            push(
                changes,
                ChangeKind::Changed,
                format!("event {} is no longer emitted", event.record.name),
            );
        }
    }
}

/// All old variants stand in their places with their fields; new ones may follow.
fn extends(old_shapes: &Shapes, old: &Sum, new_shapes: &Shapes, new: &Sum) -> bool {
    old.variants.len() <= new.variants.len()
        && old.variants.iter().zip(&new.variants).all(|(left, right)| {
            left.name == right.name && same_record(old_shapes, left, new_shapes, right)
        })
}

fn same_record(old_shapes: &Shapes, old: &Record, new_shapes: &Shapes, new: &Record) -> bool {
    old.fields.len() == new.fields.len()
        && old.fields.iter().zip(&new.fields).all(
            |((old_name, old_shape), (new_name, new_shape))| {
                old_name == new_name && same_shape(old_shapes, old_shape, new_shapes, new_shape)
            },
        )
}

/// Whether packed values of one are packed values of the other with the same meaning.
pub fn same_shape(old_shapes: &Shapes, old: &Shape, new_shapes: &Shapes, new: &Shape) -> bool {
    match (old, new) {
        (Shape::Struct(left), Shape::Struct(right)) => same_record(
            old_shapes,
            &old_shapes.structs[*left as usize],
            new_shapes,
            &new_shapes.structs[*right as usize],
        ),
        (Shape::Enum(left), Shape::Enum(right)) => {
            let (left, right) = (
                &old_shapes.enums[*left as usize],
                &new_shapes.enums[*right as usize],
            );
            left.variants.len() == right.variants.len()
                && extends(old_shapes, left, new_shapes, right)
        }
        (Shape::Optional(left), Shape::Optional(right)) => {
            same_shape(old_shapes, left, new_shapes, right)
        }
        (Shape::List(left, left_max), Shape::List(right, right_max))
        | (Shape::Set(left, left_max), Shape::Set(right, right_max))
        | (Shape::Map(left, left_max), Shape::Map(right, right_max)) => {
            left_max == right_max && same_shape(old_shapes, left, new_shapes, right)
        }
        (Shape::Tuple(left), Shape::Tuple(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| same_shape(old_shapes, left, new_shapes, right))
        }
        (old, new) => old == new,
    }
}
