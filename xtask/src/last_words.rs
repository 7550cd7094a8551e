//! What a step said of its failures, and last, to be said again at the end of the run: whoever reads only the end learns what failed.

use std::collections::VecDeque;

use crate::summary::without_colours;

/// How many lines are kept of what was said last.
const LAST: usize = 20;
/// How many lines are kept from one that names a failure on.
const EACH: usize = 12;
/// How many lines are kept of failures.
const FAILURES: usize = 60;

/// The lines of a step's output that tell of failures, and the latest ones, without empty ones and frames of stacks.
#[derive(Debug, Default)]
pub struct LastWords {
    failures: Vec<String>,
    /// How many of the lines to come are still of the latest failure.
    to_come: usize,
    last: VecDeque<String>,
}

impl LastWords {
    pub fn observe(&mut self, line: &str) {
        let line = without_colours(line);
        if line.trim().is_empty() || is_frame(&line) {
            return;
        }
        if names_failure(&line) {
            self.to_come = EACH;
        }
        if self.to_come > 0 && self.failures.len() < FAILURES {
            self.to_come -= 1;
            self.failures.push(line);
            return;
        }
        if self.last.len() >= LAST {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    /// The lines, each on one of its own.
    pub fn text(&self) -> String {
        self.failures.iter().chain(&self.last).map(|line| format!("{line}\n")).collect()
    }
}

/// As libtest and wasm-bindgen-test name a failed test, a panic, `node --test` in both dresses, Playwright's list, rustc and clippy.
fn names_failure(line: &str) -> bool {
    let line = line.trim_start();
    let begins = ["not ok ", "✖", "✘", "error"];
    line.ends_with("... FAILED")
        || line.ends_with("... FAIL")
        || line.contains("panicked at")
        || begins.iter().any(|beginning| line.starts_with(beginning))
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
    fn a_failure_is_told_of_that_is_followed_by_many_tests_that_pass() {
        for failure in [
            "not ok 141 - rule_18",
            "    not ok 8 - rule 23",
            "test rule_07 ... FAILED",
            "test identity::rule_27 ... FAIL",
            "  ✘  86 omnichannel.spec.js:240:1 › shown within 8 s",
            "✖ rule_18 (491 ms)",
            "test rule_07 ... \u{1b}[31mFAILED\u{1b}[0m",
            "error[E0432]: unresolved import",
        ] {
            let passed: String = (0..100).map(|number| format!("ok {number} - another\n")).collect();
            let words = after(&format!("{passed}{failure}\nwhy\n{passed}# fail 1\n"));
            assert!(words.starts_with(&format!("{}\nwhy\n", without_colours(failure))), "{words}");
            assert!(words.ends_with("# fail 1\n"));
            assert_eq!(words.lines().count(), EACH + LAST);
        }
    }

    #[test]
    fn of_many_lines_the_latest_are_kept() {
        let output: String = (0..100).map(|number| format!("line {number}\n")).collect();
        let words = after(&output);
        assert_eq!((words.lines().count(), words.lines().next()), (LAST, Some("line 80")));
        assert!(words.ends_with("line 99\n"));
    }

    #[test]
    fn a_thousand_failures_are_not_all_repeated() {
        let output: String = (0..1_000).map(|number| format!("not ok {number} - one\n")).collect();
        assert_eq!(after(&output).lines().count(), FAILURES + LAST);
    }
}
