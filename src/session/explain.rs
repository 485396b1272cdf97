//! `explain`: the plan of a statement, and with `analyze` what running it took.

use std::time::{Duration, Instant};

use super::{Failure, Session};
use crate::diagnostic::Diagnostic;
use crate::progress::{self, Progress, Recorder};
use crate::query::Statement;
use crate::report::{Report, Table};
use crate::value::Value;
use crate::verb::Scope;

/// Facts of a result that say how it was found.
const FOUND: [&str; 3] = ["recall_by", "windows", "windows_compared"];

impl Session {
    pub(super) fn explain(&mut self, analyze: bool, statement: Statement, progress: &dyn Progress) -> Result<Report, Failure> {
        let Statement::Command(command) = statement else {
            return Err(Diagnostic::new("only a verb's statement can be explained")
                .expected("`explain classify clips …`")
                .into());
        };
        let mut report = Report::new("explain");
        let (steps, ran) = self.with_plan(*command, progress, |plan, rows, scope| {
            let mut steps = plan.steps();
            steps.extend(rows.steps());
            steps.extend(plan.estimate(scope)?);
            if !analyze {
                return Ok((steps, None));
            }
            let recorder = Recorder::new(progress);
            let start = Instant::now();
            let mut outcome = plan.run(&Scope { progress: &recorder, ..*scope })?;
            rows.choose(&mut outcome.report)?;
            Ok((steps, Some((start.elapsed(), recorder.stages(), outcome.report))))
        })?;
        let mut plan = Table::new(["stage", "detail"]);
        for step in steps {
            plan.push(vec![step.stage.into(), step.detail.into()]);
        }
        report.tables.push(plan);
        if let Some((elapsed, stages, result)) = ran {
            report.tables.push(measured_stages(elapsed, &stages));
            report.context.n = result.context.n;
            report.context.exact = result.context.exact;
            report.context.recall = result.context.recall;
            report.context.extra.extend(result.context.extra.into_iter().filter(|(name, _)| FOUND.contains(&name.as_str())));
            report.context.fact("elapsed_s", elapsed.as_secs_f64());
            if let Some(backend) = self.workspace.backend_used() {
                report.context.fact("backend", backend);
            }
        }
        report.context.store = Some(self.workspace.place());
        report.notes.extend(self.workspace.said());
        Ok(report)
    }
}

/// What each stage of a run took, and what no stage accounts for.
fn measured_stages(elapsed: Duration, stages: &[progress::Stage]) -> Table {
    let mut table = Table::new(["stage", "runs", "items", "time", "share"]).titled("measured").unit("time", "ms");
    let milliseconds = |time: Duration| Value::from((time.as_secs_f64() * 1e4).round() / 10.0);
    let share = |time: Duration| Value::from((time.as_secs_f64() / elapsed.as_secs_f64().max(1e-9) * 100.0).round() / 100.0);
    let mut rest = elapsed;
    for stage in stages {
        rest = rest.saturating_sub(stage.elapsed);
        // Without items it is not known how many there were.
        let items = Some(stage.items).filter(|&items| items > 0).map(|items| i64::try_from(items).unwrap_or(i64::MAX));
        let (runs, items) = (stage.runs.into(), items.map_or(Value::Null, Value::Int));
        table.push(vec![stage.what.as_str().into(), runs, items, milliseconds(stage.elapsed), share(stage.elapsed)]);
    }
    table.push(vec!["the rest".into(), Value::Null, Value::Null, milliseconds(rest), share(rest)]);
    table.push(vec!["all".into(), Value::Null, Value::Null, milliseconds(elapsed), share(elapsed)]);
    table
}
