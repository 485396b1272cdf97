//! The REPL as a person has it: in a pseudo-terminal, key by key.
//!
//! Each step waits for what it expects on the screen (escape sequences left out), for up to [`PATIENCE`]; nothing sleeps.
//! `setsid` gives the program the terminal for its own, and `stty` resizes it.
#![cfg(target_os = "linux")]

#[path = "program/mod.rs"]
mod program;

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use program::{Place, toy};

const PATIENCE: Duration = Duration::from_secs(60);
const UP: &str = "\x1b[A";
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
/// Resamples that take long enough to be stopped.
const MANY: usize = 1_000_000;

struct Terminal {
    pty: PtyMaster,
    /// The program's end of it, `/dev/pts/N`.
    end: String,
    child: std::process::Child,
    output: Receiver<Vec<u8>>,
    /// All that came, as it came.
    raw: Vec<u8>,
    /// Up to here the screen text was matched.
    seen: usize,
}

impl Terminal {
    fn open(place: &Place, columns: u16, variables: &[(&str, &str)]) -> Terminal {
        let pty = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
        grantpt(&pty).unwrap();
        unlockpt(&pty).unwrap();
        let end = ptsname_r(&pty).unwrap();
        let [stdin, stdout, stderr] = [(); 3].map(|()| OpenOptions::new().read(true).write(true).open(&end).unwrap());
        resize(&end, 60, columns);
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(program::binary()).arg("--store").arg(place.at("store")).current_dir(place.path());
        for name in ["DYAD_STORE", "NO_COLOR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "LC_ALL", "LC_CTYPE"] {
            command.env_remove(name);
        }
        command.env("HOME", place.path()).env("LANG", "C.UTF-8").env("TERM", "xterm").env("PAGER", "cat");
        command.envs(variables.iter().copied());
        let child = command.stdin(stdin).stdout(stdout).stderr(stderr).spawn().unwrap();
        drop(command);
        let (sender, output) = channel();
        let mut reader = File::from(pty.as_fd().try_clone_to_owned().unwrap());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // At the child's end a pseudo-terminal gives an error in place of an end of file.
            while let Ok(n @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        let mut terminal = Terminal { pty, end, child, output, raw: Vec::new(), seen: 0 };
        terminal.expect("dyad>");
        terminal
    }

    fn keys(&mut self, keys: &str) -> &mut Self {
        self.pty.write_all(keys.as_bytes()).unwrap();
        self
    }

    fn line(&mut self, text: &str) -> &mut Self {
        self.keys(text).keys("\r")
    }

    /// Waits until `text` is on the screen, after what was expected before.
    #[track_caller]
    fn expect(&mut self, text: &str) -> &mut Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let screen = plain(&self.raw);
            if let Some(at) = screen[self.seen..].find(text) {
                self.seen += at + text.len();
                return self;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.raw.extend(bytes),
                Err(_) => panic!("`{text}` did not come; since the last step:\n{}", &screen[self.seen..]),
            }
        }
    }

    /// Leaves by Ctrl-D and gives the exit code.
    #[track_caller]
    fn leave(mut self) -> Option<i32> {
        self.keys(CTRL_D);
        self.ended()
    }

    /// The exit code, once the program has ended.
    #[track_caller]
    fn ended(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        // The terminal closes when the program is gone.
        loop {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.raw.extend(bytes),
                Err(RecvTimeoutError::Disconnected) => return self.child.wait().unwrap().code(),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("the program did not end; since the last step:\n{}", &plain(&self.raw)[self.seen..])
                }
            }
        }
    }
}

fn resize(end: &str, rows: u16, columns: u16) {
    let size = [rows, columns].map(|n| n.to_string());
    assert!(Command::new("stty").args(["-F", end, "rows", &size[0], "cols", &size[1]]).status().unwrap().success());
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The text without escape sequences and carriage returns; an unfinished sequence at the end is left out.
fn plain(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => match chars.next() {
                Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                Some(']') => while chars.next().is_some_and(|c| c != '\x07') {},
                _ => {}
            },
            '\r' | '\x07' => {}
            c => out.push(c),
        }
    }
    out
}

fn toy() -> Place {
    let place = Place::new();
    toy::import(&place);
    place
}

#[test]
fn a_session_with_all_its_keys() {
    let place = toy();
    let mut t = Terminal::open(&place, 120, &[("NO_COLOR", "1")]);
    t.line("count clips").expect("n 8").expect("dyad>");
    // A statement goes on inside an open bracket.
    t.line("count clips where label in (\"tuba\",").line("\"flute\")").expect("n 3").expect("dyad>");
    // Completion of a collection's name, and of a parameter.
    t.keys("use no\t").expect("notes").line("").expect("using collection `notes`").expect("dyad>");
    t.keys("count clips where lab\t").expect("label").line(" = \"tuba\"").expect("n 2").expect("dyad>");
    // The statement before, again.
    t.keys(UP).expect("tuba").line("").expect("n 2").expect("dyad>");
    t.line("count clips where labl = \"tuba\"")
        .expect("error: ")
        .expect("`labl`")
        .expect("^^^^")
        .expect("did you mean `label`?")
        .expect("dyad>");
    t.line("describe nothing").expect("nothing is called `nothing`").expect("dyad>");
    t.line(".mode json").expect("dyad>").line("count clips").expect("\"kind\": \"count\"").expect("dyad>");
    t.line(".mode table").expect("dyad>");
    // A line that is thrown away.
    t.keys("gibberish that is not run").expect("not run").keys(CTRL_C).expect("dyad>");
    t.line("count clips where label = \"viola\"").expect("n 1").expect("dyad>");
    assert!(!plain(&t.raw).contains("unknown verb `gibberish`"));
    assert_eq!(t.leave(), Some(0));

    // Another session knows what was typed.
    let mut t = Terminal::open(&place, 120, &[("NO_COLOR", "1")]);
    t.keys(UP).expect("viola").line("").expect("n 1").expect("dyad>");
    assert_eq!(t.line(".exit").ended(), Some(0));
}

#[test]
fn ctrl_c_ends_a_statement_and_keeps_the_session() {
    let place = toy();
    let mut t = Terminal::open(&place, 120, &[("NO_COLOR", "1")]);
    t.line("set seed=77").expect("77").expect("dyad>");
    // The bar shows that the statement runs.
    t.line(&format!("classify clips resamples={MANY}")).expect("resampling").keys(CTRL_C).expect("interrupted").expect("dyad>");
    t.line("count clips").expect("n 8").expect("dyad>");
    // Not "77", which the hint from the history shows while this is typed.
    t.line("show settings").expect("setting").expect("seed").expect("77").expect("dyad>");
    assert_eq!(t.leave(), Some(0));
}

#[test]
fn colours_come_and_go() {
    let place = toy();
    let mut colour = Terminal::open(&place, 100, &[]);
    colour.line("count clips").expect("n 8").expect("dyad>");
    let mark = colour.raw.len();
    colour.line("count clipz").expect("clipz`").expect("dyad>");
    assert!(String::from_utf8_lossy(&colour.raw[mark..]).contains("\x1b[1m"), "no colour at a terminal");
    assert_eq!(colour.leave(), Some(0));
    let mut plain = Terminal::open(&place, 100, &[("NO_COLOR", "1")]);
    plain.line("classify clips top 1").expect("top1").expect("dyad>");
    let text = String::from_utf8_lossy(&plain.raw).into_owned();
    let coloured = text.split("\x1b[").skip(1).find(|rest| {
        let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(0);
        rest[end..].starts_with('m') && !matches!(&rest[..end], "" | "0")
    });
    assert!(coloured.is_none(), "{coloured:?}");
    assert_eq!(plain.leave(), Some(0));
}

#[test]
fn a_narrow_terminal_gets_narrow_tables() {
    let place = toy();
    let mut t = Terminal::open(&place, 40, &[("NO_COLOR", "1")]);
    let mark = t.seen;
    t.line("list clips").expect("violin/0.wav").expect("tuba/7.wav").expect("dyad>");
    let screen = plain(&t.raw);
    let widest = screen[mark..].lines().filter(|l| l.contains(".wav") || l.contains('─')).map(|l| l.chars().count()).max();
    assert!(widest.is_some_and(|w| w <= 40), "{widest:?} columns:\n{}", &screen[mark..]);
    assert_eq!(t.leave(), Some(0));
}

#[test]
fn dot_commands_files_and_the_rc_file() {
    let place = toy();
    std::fs::create_dir_all(place.at("config/dyad")).unwrap();
    place.write("config/dyad/rc.dyad", "set seed=41\n.timer on\n");
    place.write("q.dyad", "count clips where midi > 64\n  and label = \"tuba\"\ncount clips\n");
    let config = place.at("config").display().to_string();
    let mut t = Terminal::open(&place, 100, &[("NO_COLOR", "1"), ("XDG_CONFIG_HOME", &config)]);
    t.line("show settings").expect("setting").expect("41").expect("time: ").expect("dyad>");
    t.line(".timer off").expect("dyad>").line(".mode csv").expect("dyad>");
    t.line("count clips by label").expect("label,count").expect("tuba,2").expect("dyad>");
    t.line(".read q.dyad").expect("2").expect("8").expect("dyad>");
    t.line(".output all.txt").expect("dyad>").line("count clips").expect("dyad>").line(".output").expect("dyad>");
    t.line(".mode table").expect("dyad>").line("count clips").expect("n 8").expect("dyad>");
    // The store that is open is no other process's.
    t.line(".store ./store").expect("the store `./store` is open already").expect("dyad>");
    assert_eq!(std::fs::read_to_string(place.at("all.txt")).unwrap(), "count\n8\n");
    // A value of the store, its quote open already.
    t.keys("count clips where label = \"tub\t").expect("tuba\"").line("").expect("n 2").expect("dyad>");
    assert_eq!(t.leave(), Some(0));
}

#[test]
fn once_echo_and_bail() {
    let place = toy();
    place.write("q.dyad", "count clips\nbogus\ncount clips where label = \"tuba\"\n");
    let mut t = Terminal::open(&place, 100, &[("NO_COLOR", "1")]);
    // Only the result that comes next goes to the file.
    t.line(".mode csv").expect("dyad>").line(".once one.csv").expect("dyad>");
    t.line("count clips by label").expect("dyad>").line("count clips").expect("count\n8").expect("dyad>");
    assert!(std::fs::read_to_string(place.at("one.csv")).unwrap().contains("tuba,2\n"));
    t.line(".once").expect("`.once` needs a file").expect("dyad>");
    t.line(".echo on").expect("dyad>").line(".echo").expect("echo: on").expect("dyad>");
    t.line(".bail on").expect("dyad>").line(".bail").expect("bail: on").expect("dyad>");
    let mark = t.seen;
    t.line(".read q.dyad").expect("count clips").expect("8").expect("unknown verb `bogus`").expect("dyad>");
    assert!(!plain(&t.raw)[mark..t.seen].contains("tuba"), "it went on after a failure");
    t.line(".bail off").expect("dyad>").line(".read q.dyad").expect("unknown verb `bogus`");
    t.expect("count clips where label = \"tuba\"").expect("count\n2").expect("dyad>");
    let mark = t.seen;
    t.line(".echo off").expect("dyad>").line(".read q.dyad").expect("unknown verb `bogus`").expect("2").expect("dyad>");
    assert!(!plain(&t.raw)[mark..t.seen].contains("tuba"), "echoed still");
    assert_eq!(t.leave(), Some(0));
}

#[test]
fn searching_the_history_hints_and_brackets() {
    let place = toy();
    let mut t = Terminal::open(&place, 100, &[]);
    t.line("count clips where (midi > 60)").expect("n 7").expect("dyad>");
    // The bracket at the cursor and its partner are marked.
    assert!(String::from_utf8_lossy(&t.raw).contains("\x1b[1;7m("), "{:?}", String::from_utf8_lossy(&t.raw));
    // What a hint adds goes when the line is thrown away.
    t.keys("cla").expect("ssify");
    let mark = t.raw.len();
    t.keys(CTRL_C).expect("\ndyad>");
    assert!(String::from_utf8_lossy(&t.raw[mark..]).contains("\x1b[J"), "{:?}", String::from_utf8_lossy(&t.raw[mark..]));
    t.keys("\x12midi").expect("reverse-i-search").expect("midi > 60").keys("\r").expect("n 7").expect("dyad>");
    assert_eq!(t.leave(), Some(0));
}

#[test]
fn a_pager_that_is_not_there_loses_nothing() {
    let place = toy();
    let mut t = Terminal::open(&place, 100, &[("NO_COLOR", "1"), ("PAGER", "no-such-pager-anywhere")]);
    resize(&t.end, 8, 100);
    t.line("list clips").expect("violin/0.wav").expect("tuba/7.wav").expect("dyad>");
    assert_eq!(t.leave(), Some(0));
}

#[test]
fn long_output_goes_through_the_pager() {
    let place = toy();
    let mut t = Terminal::open(&place, 100, &[("NO_COLOR", "1"), ("PAGER", "sed s/^/paged:/")]);
    t.line("list clips").expect("violin/0.wav").expect("dyad>");
    assert!(!plain(&t.raw).contains("paged:"));
    resize(&t.end, 8, 100);
    t.line("list clips").expect("paged:").expect("tuba/7.wav").expect("dyad>");
    assert_eq!(t.leave(), Some(0));
}

#[test]
fn plots_and_wide_labels_fit_every_width() {
    let place = toy();
    let labels = ["大提琴", "小提琴 二", "🎻", "e\u{301}tude"];
    let rows: Vec<Vec<f64>> = (0..4).map(|i| (0..9).map(|d| if d == i { 1.0 } else { 0.1 }).collect()).collect();
    place.write("wide.npy", program::npy("<f4", &rows));
    let table: String = labels.iter().enumerate().map(|(i, label)| format!("{label}/{i}.wav,{label}\n")).collect();
    place.write("wide.csv", format!("id,label\n{table}"));
    let import = ["import", "npy", "wide.npy", "--collection", "wide", "--model", "toy", "--space", "joint"];
    place.dyad(&[&import[..], &["--modality", "audio", "--labels", "wide.csv"]].concat()).ok();
    for (columns, lang) in [(40, "C.UTF-8"), (60, "C.UTF-8"), (100, "C")] {
        let mut t = Terminal::open(&place, columns, &[("NO_COLOR", "1"), ("LANG", lang)]);
        let mark = plain(&t.raw).len();
        let unicode = lang != "C";
        t.line("count clips in wide by label as plot").expect("clips by label").expect("🎻").expect("dyad>");
        t.line("list clips in wide").expect("大提琴").expect("dyad>");
        for statement in ["similarity clips in notes as plot", "classify clips in notes confusion as plot"] {
            t.line(statement).expect("store").expect("dyad>");
        }
        let screen = plain(&t.raw)[mark..].to_owned();
        assert_eq!((screen.contains('█'), screen.contains("==")), (unicode, !unicode), "{screen}");
        // What was typed is drawn again at each key, and a bar at each step: those lines are left out.
        let drawn = ["dyad>", "as plot", "reading vectors", "comparing", "resampling"];
        let answered = screen.lines().filter(|line| !drawn.iter().any(|mark| line.contains(mark)));
        for line in answered {
            let width = unicode_width::UnicodeWidthStr::width(line);
            assert!(width <= usize::from(columns), "{width} columns of {columns}: {line}\n{screen}");
        }
        assert_eq!(t.leave(), Some(0));
    }
}
