//! The table of file sizes that `cargo xtask build` prints, and the limit it holds them to.

use std::path::Path;

use crate::failure::{Failure, Outcome};
use crate::process;

/// The wasm and the JavaScript that it needs (the slim entry, with every widget), after gzip, in bytes.
pub const LIMIT: u64 = 40 * 1024;

/// One file's sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    name: String,
    raw: u64,
    gzip: u64,
    brotli: u64,
}

#[cfg(test)]
impl Size {
    /// A size of which only one number matters.
    pub fn of_gzip(gzip: u64) -> Self {
        Self { name: String::new(), raw: 0, gzip, brotli: 0 }
    }
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

/// The sum of some of the files, as a line of its own.
pub fn total(sizes: &[Size], names: &[&str]) -> Size {
    let mut total = Size { name: names.join(" + "), raw: 0, gzip: 0, brotli: 0 };
    for size in sizes.iter().filter(|size| names.contains(&size.name.as_str())) {
        total.raw += size.raw;
        total.gzip += size.gzip;
        total.brotli += size.brotli;
    }
    total
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

/// Fails when a file, or a sum of files, is over the limit after gzip.
pub fn hold_to(limit: u64, size: &Size) -> Outcome<()> {
    if size.gzip <= limit {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} is {} B after gzip, {} B over the limit of {} B",
        size.name,
        grouped(size.gzip),
        grouped(size.gzip - limit),
        grouped(limit)
    )))
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
    fn the_limit_is_held_to_the_byte() {
        let sizes = [size("slim.js", 9, 3), size("a.wasm", 9, 4), size("index.js", 9, 9)];
        let both = total(&sizes, &["slim.js", "a.wasm"]);
        assert_eq!(both, Size { name: "slim.js + a.wasm".to_owned(), raw: 18, gzip: 7, brotli: 5 });
        assert!(hold_to(7, &both).is_ok());
        let failure = hold_to(6, &both).unwrap_err().to_string();
        assert_eq!(failure, "slim.js + a.wasm is 7 B after gzip, 1 B over the limit of 6 B");
    }

    #[test]
    fn a_line_that_is_not_three_sizes_is_a_failure() {
        assert!(parse("a", "1 2 3").is_ok());
        assert!(parse("a", "1 2").is_err());
        assert!(parse("a", "1 2 x").is_err());
    }
}
