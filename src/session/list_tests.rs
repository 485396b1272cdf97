//! `list` and `count` as a session runs them.

use crate::embedding::Modality;
use crate::progress::{Progress, Silent, StopAfter};
use crate::query::split::{Continuation, split};
use crate::report::Report;
use crate::session::{Failure, Session};
use crate::store::{NewItem, Store};
use crate::value::Value;
use crate::workspace::Workspace;

fn session() -> Session {
    let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
    let item = |i: i64| {
        let mut item = NewItem::new(format!("c{i}"), Modality::Audio);
        item.metadata.insert(if i == 29 { "a".to_owned() } else { "z".to_owned() }, i.into());
        item
    };
    workspace.store().create("c").unwrap().commit((0..30).map(item).collect()).unwrap();
    Session::new(workspace)
}

fn run(session: &mut Session, statement: &str, progress: &dyn Progress) -> Result<Report, Failure> {
    let pieces: Vec<_> = split(statement, Continuation::Explicit).into_iter().flatten().collect();
    session.execute(pieces[0], progress).map(|executed| executed.report)
}

#[test]
fn rows_that_are_not_kept_are_counted_and_their_fields_known() {
    let mut session = session();
    let report = run(&mut session, "list clips limit 2", &Silent).unwrap();
    let table = &report.tables[0];
    assert_eq!((report.context.n, report.notes[0].as_str()), (Some(30), "2 of 30 rows; `limit 0` shows all"));
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!((names, table.rows.len(), table.rows[1][2].to_string()), (vec!["id", "a", "z"], 2, "1".to_owned()));
    let last = run(&mut session, "list clips order by z desc limit 1", &Silent).unwrap();
    assert_eq!(last.tables[0].rows[0][0].to_string(), "c28");
    let all = run(&mut session, "list clips limit 0", &Silent).unwrap();
    assert_eq!((all.tables[0].rows.len(), all.tables[0].rows[29][1].to_string()), (30, "29".to_owned()));
}

#[test]
fn the_first_in_an_order_are_those_of_all_rows_in_it() {
    let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
    // More rows than are kept at a time. `rare` and the second field that is meant by `take_no` come late.
    let item = |i: i64| {
        let mut item = NewItem::new(format!("c{}", i * 7919 % 4001), Modality::Audio);
        let mut put = |field: &str, value: Value| drop(item.metadata.insert(field.to_owned(), value));
        put("z", (i * 31 % 97).into());
        put("take_no", (i % 5).into());
        match i {
            3900.. => put("rare", (i % 3).into()),
            3000 => put("Take no", 7i64.into()),
            8 => put("z", f64::NAN.into()),
            _ => {}
        }
        item
    };
    workspace.store().create("c").unwrap().commit((0..4000).map(item).collect()).unwrap();
    let mut session = Session::new(workspace);
    for order in ["z", "z desc", "rare", "rare desc", "take_no desc", "id desc"] {
        let all = run(&mut session, &format!("list clips order by {order} limit 0"), &Silent).unwrap();
        for limit in [1, 60, 1500] {
            let some = run(&mut session, &format!("list clips order by {order} limit {limit}"), &Silent).unwrap();
            let ids = |report: &Report| -> Vec<String> {
                report.tables[0].rows.iter().take(limit).map(|row| row[0].to_string()).collect()
            };
            assert_eq!(ids(&some), ids(&all), "{order} limit {limit}");
            assert_eq!((some.tables[0].rows.len(), some.context.n, some.tables[0].more), (limit, Some(4000), 0));
            assert_eq!(some.notes, [format!("{limit} of 4000 rows; `limit 0` shows all")]);
        }
    }
}

#[test]
fn what_the_store_knows_is_not_counted_again_and_what_is_gone_through_can_be_stopped() {
    let mut session = session();
    let count = run(&mut session, "count clips", &StopAfter::default()).unwrap();
    assert_eq!((count.context.n, count.tables[0].rows[0][0].to_string()), (Some(30), "30".to_owned()));
    let one = run(&mut session, "count clips where id = \"c7\" by z", &StopAfter::default()).unwrap();
    assert_eq!(one.context.n, Some(1));
    for statement in ["list clips", "count clips where z > 3", "count clips by z", "describe c", "describe cello"] {
        let stopped = run(&mut session, statement, &StopAfter::default());
        assert!(matches!(stopped, Err(Failure::Interrupted)), "{statement}");
    }
}

#[test]
fn an_expect_that_cannot_be_read_takes_no_result_away() {
    let mut session = session();
    run(&mut session, "count clips", &Silent).unwrap();
    assert!(run(&mut session, "expect count >", &Silent).is_err());
    run(&mut session, "expect count = 30", &Silent).unwrap();
    let mut all = |source: &str| {
        let view = (crate::render::Format::Csv, &crate::render::Style::default());
        session.run(source, Continuation::Explicit, view, &mut Vec::new(), &Silent).is_ok()
    };
    assert!(!all("expect count = 30)") && all("expect count = 30"));
    assert!(!all("list clips where") && !all("expect count = 30"));
}

#[test]
fn labels_that_no_text_has_are_pointed_to() {
    let mut session = session();
    let told = |session: &mut Session, statement: &str| {
        let report = run(session, statement, &Silent).unwrap();
        report.notes.iter().any(|note| note.contains("`count clips by label`"))
    };
    for statement in ["list labels", "count labels", "count label by z"] {
        assert!(told(&mut session, statement), "{statement}");
    }
    assert!(!told(&mut session, "count clips") && !told(&mut session, "list clips where z > 99"));
}
