//! One customer and its entity a line: CSV with a header, or JSON objects (JSON lines).

use std::{
    fmt,
    io::{self, BufRead, BufReader, Read},
    str::FromStr,
};

use serde_json::{Value, json};

use crate::customer::{CustomerId, EntityId};

/// Longest line of JSON that is read.
const LONGEST_LINE: u64 = 64 * 1024;
/// The columns, and the members.
pub(super) const CUSTOMER: &str = "customer_id";
pub(super) const ENTITY: &str = "entity_id";

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values (RFC 4180); the first line names the columns.
    Csv,
    /// A JSON object each.
    JsonLines,
}

impl FromStr for Format {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "csv" => Ok(Self::Csv),
            "jsonl" => Ok(Self::JsonLines),
            _ => Err("expected csv or jsonl"),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        })
    }
}

/// What stands in a line: a customer with its entity, or what is wrong with it, without its text.
pub(super) type Content = Result<(CustomerId, EntityId), &'static str>;

/// Lines with their numbers.
pub(super) type Lines<'a> = Box<dyn Iterator<Item = io::Result<(u64, Content)>> + 'a>;

const BAD_CUSTOMER: &str = "customer_id: expected 1 to 256 bytes without control characters";
const BAD_ENTITY: &str = "entity_id: expected 1 to 256 printable characters of ASCII, without spaces";

fn content(customer: Option<&str>, entity: Option<&str>) -> Content {
    let customer = customer.and_then(CustomerId::parse).ok_or(BAD_CUSTOMER)?;
    Ok((customer, entity.and_then(EntityId::parse).ok_or(BAD_ENTITY)?))
}

/// The lines that have something in them, by their numbers. Only what cannot be read at all is an error.
pub(super) fn lines<'a>(format: Format, text: impl Read + 'a) -> io::Result<Lines<'a>> {
    match format {
        Format::Csv => csv_lines(text),
        Format::JsonLines => Ok(json_lines(BufReader::new(text))),
    }
}

fn csv_lines<'a>(text: impl Read + 'a) -> io::Result<Lines<'a>> {
    // A line with a column too few is a bad line and no more. Between CR and LF the reader would count a line too few.
    let terminator = csv::Terminator::Any(b'\n');
    let mut reader = csv::ReaderBuilder::new().flexible(true).terminator(terminator).from_reader(text);
    let columns = reader.byte_headers()?.clone();
    let column = |name: &str| {
        let position = columns.iter().position(|column| column.trim_ascii() == name.as_bytes());
        position.ok_or_else(|| {
            let expected = format!("expected a first line that names the columns {CUSTOMER} and {ENTITY}");
            io::Error::new(io::ErrorKind::InvalidData, expected)
        })
    };
    let (customer, entity) = (column(CUSTOMER)?, column(ENTITY)?);
    Ok(Box::new(reader.into_byte_records().map(move |record| {
        let record = record?;
        let text = |column: usize| {
            let bytes = record.get(column)?;
            std::str::from_utf8(bytes.strip_suffix(b"\r").unwrap_or(bytes)).ok()
        };
        let number = record.position().map(csv::Position::line).unwrap_or_default();
        Ok((number, content(text(customer), text(entity))))
    })))
}

fn json_lines<'a>(mut text: impl BufRead + 'a) -> Lines<'a> {
    let mut number = 0;
    Box::new(std::iter::from_fn(move || {
        loop {
            let mut line = Vec::new();
            match text.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => number += 1,
                Err(error) => return Some(Err(error)),
            }
            let is_whole = line.ends_with(b"\n") || (line.len() as u64) < LONGEST_LINE;
            if !is_whole {
                let skipped = text.skip_until(b'\n');
                return Some(skipped.map(|_| (number, Err("expected a line of at most 64 KiB"))));
            }
            if !line.trim_ascii().is_empty() {
                return Some(Ok((number, json_content(line.trim_ascii()))));
            }
        }
    }))
}

fn json_content(line: &[u8]) -> Content {
    let members: Value = serde_json::from_slice(line)
        .ok()
        .filter(Value::is_object)
        .ok_or(r#"expected a JSON object, {"customer_id": "…", "entity_id": "…"}"#)?;
    // As in session tokens, an id may be a whole number.
    let customer = match members.get(CUSTOMER) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    };
    content(customer.as_deref(), members.get(ENTITY).and_then(Value::as_str))
}

/// A line of JSON.
pub(super) fn json_line(customer: &CustomerId, entity: &EntityId) -> String {
    json!({ CUSTOMER: customer.as_str(), ENTITY: entity.as_str() }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: Format, text: &[u8]) -> Vec<(u64, Option<(String, String)>)> {
        let plain = |(customer, entity): (CustomerId, EntityId)| (customer.as_str().into(), entity.as_str().into());
        let lines = lines(format, text).unwrap().map(Result::unwrap);
        lines.map(|(number, content)| (number, content.ok().map(plain))).collect()
    }

    fn pair(customer: &str, entity: &str) -> Option<(String, String)> {
        Some((customer.to_owned(), entity.to_owned()))
    }

    #[test]
    fn a_bad_line_of_csv_is_told_by_its_number_and_the_others_are_read() {
        let text = b"\xef\xbb\xbfname, entity_id,customer_id\r\nA,e-1,ada\r\n\"B\nC\",e-2,\"a,b\"\r\nonly\r\n\
            D,has space,c\r\nE,\xff,d\r\nF,e-3,\xc3\xa9\r\n";
        let expected = vec![
            (2, pair("ada", "e-1")),
            (3, pair("a,b", "e-2")),
            (5, None),
            (6, None),
            (7, None),
            (8, pair("é", "e-3")),
        ];
        assert_eq!(read(Format::Csv, text), expected);
        assert!(lines(Format::Csv, b"ada,e-1\n".as_slice()).is_err(), "without a header, a customer would be lost");
        assert!(lines(Format::Csv, b"".as_slice()).is_err());
    }

    #[test]
    fn a_bad_line_of_json_is_told_by_its_number_and_the_others_are_read() {
        let long = format!("{{\"customer_id\": \"{}\"}}", "x".repeat(70_000));
        let text = format!(
            "{{\"customer_id\": \"ada\", \"entity_id\": \"e-1\"}}\n\n{{\n[]\n{long}\n{{\"customer_id\": 42, \
             \"entity_id\": \"e-2\"}}\r\n{{\"customer_id\": 4.2, \"entity_id\": \"e-3\"}}"
        );
        let expected =
            vec![(1, pair("ada", "e-1")), (3, None), (4, None), (5, None), (6, pair("42", "e-2")), (7, None)];
        assert_eq!(read(Format::JsonLines, text.as_bytes()), expected);
    }
}
