//! What a step said last, to be said again at the end of the run: whoever reads only the end learns what failed.

use std::collections::VecDeque;

/// How many lines are kept.
const KEPT: usize = 40;

/// The latest lines of a step's output, without empty ones and frames of stacks.
#[derive(Debug, Default)]
pub struct LastWords(VecDeque<String>);

impl LastWords {
    pub fn observe(&mut self, line: &str) {
        if line.trim().is_empty() || is_frame(line) {
            return;
        }
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(line.to_owned());
    }

    /// The lines, each on one of its own.
    pub fn text(&self) -> String {
        self.0.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// `  12: core::panicking::panic_fmt` or `at ./src/core.rs:3:1` of a Rust program's backtrace; also `at run (file.js:3:1)` of JavaScript's.
fn is_frame(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("at ") || line.split_once(": ").is_some_and(|(number, _)| number.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(output: &str) -> String {
        let mut words = LastWords::default();
        output.lines().for_each(|line| words.observe(line));
        words.text()
    }

    #[test]
    fn a_failed_test_is_told_without_its_stack() {
        let output = "thread 'rule_07' panicked at src/a.rs:5:1:\nof before 2\nstack backtrace:\n   0: __rustc::rust_begin_unwind\n\
            \x20            at /rustc/library/std/src/panicking.rs:689:5\n\nminimal failing input: Call { tab: 1 }\n";
        assert_eq!(
            after(output),
            "thread 'rule_07' panicked at src/a.rs:5:1:\nof before 2\nstack backtrace:\nminimal failing input: Call { tab: 1 }\n"
        );
    }

    #[test]
    fn of_many_lines_the_latest_are_kept() {
        let output: String = (0..100).map(|number| format!("line {number}\n")).collect();
        let words = after(&output);
        assert_eq!((words.lines().count(), words.lines().next()), (KEPT, Some("line 60")));
        assert!(words.ends_with("line 99\n"));
    }
}
