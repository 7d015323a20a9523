//! `wali-codegen list`

use std::io::{self, BufWriter, Write};
use std::path::Path;

use clap::ValueEnum;
use serde_json::{Map, Value, json};
use wali_codegen::model::{Answer, By, Call, Cases, Fallback, FallbackArg, Otherwise, Since, Spec};

use super::Failure;

/// What to list and how.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Prints JSON rows instead of a table
    ///
    /// Each row has `name`, a number or null for each ISA, and `answer`. Described calls have
    /// `family`, `import` and `aliases`, too, and, as far as they apply: `since`, the first
    /// release of Linux with it, or one `after` which and one `by` which it came; `because`, why the
    /// runtime does it or why it is refused; `errno`, what a refusal fails with; `fallback`,
    /// the `call` and its `args`; `cases`, `by` which argument, the cases `of` it, each with
    /// the constants that lead to it, and what becomes of the others, `otherwise`.
    #[arg(long)]
    json: bool,
    /// Lists the calls of one ISA, answered as on that ISA; without it, a call's answer is
    /// the one among all ISAs that most needs attention
    #[arg(long, value_name = "NAME")]
    isa: Option<String>,
    /// Lists only calls answered in this way
    #[arg(long, value_name = "ANSWER")]
    answer: Option<Way>,
}

/// The answers by their words.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Way {
    Direct,
    Convert,
    Fallback,
    Absent,
    Runtime,
    Refused,
}

impl Way {
    fn answer(self) -> Answer {
        match self {
            Way::Direct => Answer::Direct,
            Way::Convert => Answer::Convert,
            Way::Fallback => Answer::Fallback,
            Way::Absent => Answer::Absent,
            Way::Runtime => Answer::Runtime,
            Way::Refused => Answer::Refused,
        }
    }
}

struct Row<'a> {
    name: &'a str,
    call: &'a Call,
    numbers: &'a [Option<u32>],
    answer: Answer,
}

pub(super) fn run(dir: &Path, args: &Args) -> Result<(), Failure> {
    let spec = super::load(dir)?;
    let isa = args.isa.as_deref().map(|name| spec.isa(name)).transpose()?;
    let rows = rows(&spec, isa, args.answer.map(Way::answer));
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json {
        json(&mut out, &spec, &rows)?;
    } else {
        table(&mut out, &spec, &rows)?;
    }
    out.flush()?;
    Ok(())
}

/// Every call of the kernel in the order of the guest's numbers, then those it lacks.
fn rows(spec: &Spec, isa: Option<usize>, only: Option<Answer>) -> Vec<Row<'_>> {
    let guest = spec.isas.iter().position(|isa| isa.guest).unwrap_or(0);
    let order = isa.unwrap_or(guest);
    let mut rows: Vec<Row<'_>> = spec
        .calls
        .iter()
        .map(|(name, call)| Row {
            name,
            call,
            numbers: &call.numbers.0,
            answer: match isa {
                Some(isa) => call.answer_on(isa, spec),
                None => call.answer(spec),
            },
        })
        .filter(|row| only.is_none_or(|answer| row.answer == answer))
        .collect();
    rows.sort_by_key(|row| (row.numbers[order].unwrap_or(u32::MAX), row.name));
    rows
}

fn json(out: &mut impl Write, spec: &Spec, rows: &[Row<'_>]) -> io::Result<()> {
    let values = rows.iter().map(|row| {
        let mut object = Map::new();
        object.insert("name".to_owned(), row.name.into());
        for (isa, number) in spec.isas.iter().zip(row.numbers) {
            object.insert(isa.name.clone(), number.map_or(Value::Null, Value::from));
        }
        object.insert("answer".to_owned(), row.answer.word().into());
        let call = row.call;
        describe(&mut object, call);
        Value::Object(object)
    });
    let values: Vec<Value> = values.collect();
    serde_json::to_writer_pretty(&mut *out, &values).map_err(io::Error::from)?;
    writeln!(out)
}

/// Adds what is known of a described call.
fn describe(object: &mut Map<String, Value>, call: &Call) {
    object.insert("family".to_owned(), call.family.as_str().into());
    object.insert("import".to_owned(), call.import.as_str().into());
    object.insert("aliases".to_owned(), json!(call.aliases));
    if let Some(since) = call.since {
        let since = match since {
            Since::Exactly(release) => json!(release.to_string()),
            Since::Between { after, by } => json!({
                "after": after.map(|release| release.to_string()),
                "by": by.to_string(),
            }),
        };
        object.insert("since".to_owned(), since);
    }
    reason(object, &call.by);
    if let Some(Fallback { call, args }) = &call.fallback {
        let args: Vec<Value> = args
            .iter()
            .map(|arg| match arg {
                FallbackArg::Arg(name) => json!(name),
                FallbackArg::Int(value) => json!(value),
                FallbackArg::Constant(constant) => json!(constant.name),
            })
            .collect();
        object.insert("fallback".to_owned(), json!({ "call": call, "args": args }));
    }
    if let Some(cases) = &call.cases {
        object.insert("cases".to_owned(), table_of_cases(cases));
    }
}

/// Adds why it is not the kernel's.
fn reason(object: &mut Map<String, Value>, by: &By) {
    match by {
        By::Kernel => {}
        By::Runtime { because } => {
            object.insert("because".to_owned(), because.as_str().into());
        }
        By::Refused { errno, because } => {
            object.insert("errno".to_owned(), errno.name.as_str().into());
            object.insert("because".to_owned(), because.as_str().into());
        }
    }
}

fn table_of_cases(cases: &Cases) -> Value {
    let rows = cases.walk().into_iter().map(|(path, case)| {
        let mut row = Map::new();
        let names: Vec<&str> = path.iter().map(|constant| constant.name.as_str()).collect();
        row.insert("case".to_owned(), json!(names));
        let by = match case.by {
            By::Kernel => "kernel",
            By::Runtime { .. } => "runtime",
            By::Refused { .. } => "refused",
        };
        row.insert("by".to_owned(), by.into());
        reason(&mut row, &case.by);
        Value::Object(row)
    });
    let rows: Vec<Value> = rows.collect();
    let otherwise = match &cases.otherwise {
        Otherwise::AsIs => json!({ "by": "kernel" }),
        Otherwise::Refused { errno, because } => {
            json!({ "by": "refused", "errno": errno.name, "because": because })
        }
    };
    json!({ "by": cases.by, "of": rows, "otherwise": otherwise })
}

fn table(out: &mut impl Write, spec: &Spec, rows: &[Row<'_>]) -> io::Result<()> {
    let widest = rows
        .iter()
        .map(|row| row.name.len())
        .max()
        .unwrap_or(0)
        .max("name".len());
    write!(out, "{:<widest$}", "name")?;
    for isa in &spec.isas {
        write!(out, "  {:>width$}", isa.name, width = width(&isa.name))?;
    }
    writeln!(out, "  answer")?;
    for row in rows {
        write!(out, "{:<widest$}", row.name)?;
        for (isa, number) in spec.isas.iter().zip(row.numbers) {
            let number = number.map_or_else(|| "-".to_owned(), |n| n.to_string());
            write!(out, "  {number:>width$}", width = width(&isa.name))?;
        }
        writeln!(out, "  {}", row.answer.word())?;
    }
    Ok(())
}

fn width(isa: &str) -> usize {
    isa.len().max(4)
}
