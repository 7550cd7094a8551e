//! The table of file sizes that `cargo xtask build` prints, and what it holds them to.

use std::path::Path;

use crate::failure::{Failure, Outcome};
use crate::process;

/// What each file came to after gzip when its size was looked at last, where std was built for size. A file that grew by more than 2 % fails the
/// build: who means it to grow writes the new size here, and in the change says what for.
pub const RECORDED: &[(&str, u64)] = &[
    ("index.js", 8_707),
    ("core.js", 41_771),
    ("core_javascript.js", 52_061),
    ("inline.js", 47_694),
    ("script.js", 8_872),
    ("custom_identity_provider.wasm", 27_902),
];

/// One file's sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    name: String,
    raw: u64,
    gzip: u64,
    brotli: u64,
}

/// Measures files with the compressors that every web server has: Node's zlib, at their highest settings.
pub fn measure(script: &Path, folder: &Path, names: &[&str]) -> Outcome<Vec<Size>> {
    let mut node = process::command("node");
    node.arg(script).args(names.iter().map(|name| folder.join(name)));
    let answer =
        process::answer(node).ok_or_else(|| Failure::new("node could not measure the files of the package"))?;
    names.iter().zip(answer.lines()).map(|(name, line)| parse(name, line)).collect()
}

fn parse(name: &str, line: &str) -> Outcome<Size> {
    let numbers: Vec<u64> = line.split(' ').filter_map(|number| number.parse().ok()).collect();
    match numbers.as_slice() {
        &[raw, gzip, brotli] => Ok(Size { name: name.to_owned(), raw, gzip, brotli }),
        _ => Err(Failure::new(format!("three sizes of {name} were expected, but node said: {line}"))),
    }
}

/// The table, ready to print.
pub fn table(sizes: &[Size]) -> String {
    let width = sizes.iter().map(|size| size.name.len()).max().unwrap_or_default().max("file".len());
    let mut text = format!("{:width$}  {:>9}  {:>9}  {:>9}\n", "file", "raw", "gzip -9", "brotli 11");
    for size in sizes {
        text += &format!(
            "{:width$}  {:>9}  {:>9}  {:>9}\n",
            size.name,
            grouped(size.raw),
            grouped(size.gzip),
            grouped(size.brotli)
        );
    }
    text
}

/// The files that are more than 2 % over what was recorded of them, in words.
pub fn grown(sizes: &[Size], recorded: &[(&str, u64)]) -> Vec<String> {
    let words = |size: &Size| {
        let (_, before) = recorded.iter().find(|(name, _)| *name == size.name)?;
        let limit = before + before / 50;
        (size.gzip > limit).then(|| {
            let [gzip, over, before] = [size.gzip, size.gzip - limit, *before].map(grouped);
            format!("{} is {gzip} B after gzip, {over} B more than 2 % over the {before} B that it was", size.name)
        })
    };
    sizes.iter().filter_map(words).collect()
}

/// 12345 as 12,345.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(name: &str, raw: u64, gzip: u64) -> Size {
        Size { name: name.to_owned(), raw, gzip, brotli: gzip - 1 }
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1000, 32_768, 1_234_567].map(grouped), ["0", "999", "1,000", "32,768", "1,234,567"]);
    }

    #[test]
    fn columns_line_up() {
        let text = table(&[size("index.js", 45_000, 20_000), size("custom_identity_provider.wasm", 900, 500)]);
        let widths: Vec<usize> = text.lines().map(str::len).collect();
        assert_eq!(widths, [widths[0]; 3]);
        assert!(text.contains("45,000") && text.contains("19,999"), "{text}");
    }

    #[test]
    fn a_file_may_grow_by_two_per_cent_and_no_more() {
        let recorded = [("a.js", 1_000), ("b.js", 1_000)];
        let sizes = |a, b| [size("a.js", 9, a), size("b.js", 9, b), size("new.js", 9, 9_000)];
        assert_eq!(grown(&sizes(1_020, 900), &recorded), [""; 0]);
        let words = "b.js is 1,021 B after gzip, 1 B more than 2 % over the 1,000 B that it was";
        assert_eq!(grown(&sizes(1_020, 1_021), &recorded), [words]);
    }

    #[test]
    fn a_line_that_is_not_three_sizes_is_a_failure() {
        assert!(parse("a", "1 2 3").is_ok());
        assert!(parse("a", "1 2").is_err());
        assert!(parse("a", "1 2 x").is_err());
    }
}
