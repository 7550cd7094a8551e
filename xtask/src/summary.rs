//! Counts passed and failed tests from the closing lines of the test runners.

/// How many tests passed and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    pub passed: u64,
    pub failed: u64,
}

impl Summary {
    /// Adds what one line of a runner's output says; every other line adds nothing.
    pub fn observe(&mut self, line: &str) {
        let line = without_colours(line);
        let found = cargo(&line).or_else(|| node(&line)).or_else(|| playwright(&line)).unwrap_or_default();
        self.add(found);
    }

    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// `test result: ok. 12 passed; 0 failed; …` of libtest and of wasm-bindgen-test.
fn cargo(line: &str) -> Option<Summary> {
    let (_, counts) = line.trim().strip_prefix("test result: ")?.split_once(". ")?;
    let count = |word: &str| {
        counts.split(';').find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok()).unwrap_or_default()
    };
    Some(Summary { passed: count("passed"), failed: count("failed") })
}

/// `# pass 3`, `ℹ fail 1` of `node --test`, in TAP and in its own dress; what was cancelled did not pass.
fn node(line: &str) -> Option<Summary> {
    let rest = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ "))?;
    let (word, count) = rest.split_once(' ')?;
    let count = count.trim().parse().ok()?;
    match word {
        "pass" => Some(Summary { passed: count, failed: 0 }),
        "fail" | "cancelled" => Some(Summary { passed: 0, failed: count }),
        _ => None,
    }
}

/// `  5 passed (3.2s)` and `  1 failed` of Playwright's runner.
fn playwright(line: &str) -> Option<Summary> {
    let (count, rest) = line.strip_prefix("  ")?.split_once(' ')?;
    let count = count.parse().ok()?;
    match rest {
        "failed" => Some(Summary { passed: 0, failed: count }),
        _ if rest == "passed" || rest.starts_with("passed (") => Some(Summary { passed: count, failed: 0 }),
        _ => None,
    }
}

/// Runners colour what they print when told to; the words are the same.
pub fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            for inside in characters.by_ref() {
                if inside.is_ascii_alphabetic() {
                    break;
                }
            }
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::Summary;

    fn count(output: &str) -> (u64, u64) {
        let mut summary = Summary::default();
        output.lines().for_each(|line| summary.observe(line));
        (summary.passed, summary.failed)
    }

    #[test]
    fn libtest_and_wasm_bindgen_test() {
        let output = "running 2 tests\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
            test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 filtered out; finished in 1.5s\n";
        assert_eq!(count(output), (15, 2));
    }

    #[test]
    fn colours_change_nothing() {
        assert_eq!(count("test result: \u{1b}[32mok\u{1b}[0m. 4 passed; 0 failed; 0 ignored"), (4, 0));
    }

    #[test]
    fn node_in_both_dresses() {
        assert_eq!(count("# tests 4\n# suites 1\n# pass 3\n# fail 1\n# cancelled 0\n# skipped 0"), (3, 1));
        assert_eq!(count("ℹ tests 4\nℹ pass 4\nℹ fail 0\nℹ cancelled 2"), (4, 2));
    }

    #[test]
    fn playwright() {
        assert_eq!(count("  1 failed\n    demo.spec.js:3:1 › signs in\n  5 passed (3.2s)"), (5, 1));
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(count("5 passed the gate\n# pass through\ntest core::passes ... ok\n  7 passed by"), (0, 0));
    }
}
