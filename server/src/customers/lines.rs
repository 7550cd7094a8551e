//! One customer and its entity a line: CSV with a header, or JSON objects (JSON lines).

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    io::{self, BufRead, BufReader, Read},
    str::FromStr,
};

use serde_json::{Value, json, value::RawValue};

use crate::{
    byte_order_mark::unmarked,
    customer::{CustomerId, EntityId, SPREADSHEET_ERRORS},
};

/// Longest line that is read, and longest row of several lines.
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

/// What stands in a row: a customer with its entity, or what is wrong with it, without its text.
pub(super) type Content = Result<(CustomerId, EntityId), &'static str>;

/// A customer with its entity, and in which lines it stands: in several, where a value in quotation marks has line breaks.
pub(super) struct Row {
    pub(super) first_line: u64,
    pub(super) last_line: u64,
    pub(super) content: Content,
}

/// The rows of a text. Only what cannot be read at all is an error.
pub(super) type Rows<'a> = Box<dyn Iterator<Item = io::Result<Row>> + 'a>;

const BAD_CUSTOMER: &str = "customer_id: expected 1 to 256 bytes of UTF-8 without control characters";
const BAD_NUMBER: &str = "customer_id: expected text, or a whole number of at most 64 bits";
const BAD_ENTITY: &str =
    "entity_id: expected 1 to 256 printable characters of ASCII, without spaces, and no word for none such as NULL";
const SHORTENED: &str = "customer_id: expected the whole id, which a spreadsheet has made a rounded number or an error of: format its column as text";
const TOO_LONG: &str = "expected a line of at most 64 KiB";
const UNCLOSED: &str = "expected a second quotation mark, which closes what the first one opens";
const RUNS_ON: &str = "expected values without line breaks: a quotation mark is closed only in another line";

fn content(customer: Option<&str>, entity: Option<&str>) -> Content {
    let customer = customer.and_then(CustomerId::parse).ok_or(BAD_CUSTOMER)?;
    Ok((customer, entity.and_then(EntityId::given).ok_or(BAD_ENTITY)?))
}

/// Whether it is what a spreadsheet makes of a long number (1.23457E+11), or shows in place of what it cannot compute.
fn is_of_a_spreadsheet(id: &str) -> bool {
    let is_rounded = id.split_once("E+").is_some_and(|(mantissa, exponent)| {
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
        is_digits(whole) && is_digits(fraction) && is_digits(exponent)
    });
    is_rounded || SPREADSHEET_ERRORS.contains(&id)
}

/// The rows that have something in them.
pub(super) fn rows<'a>(format: Format, text: impl Read + 'a) -> io::Result<Rows<'a>> {
    let mut lines = Lines::new(BufReader::new(text));
    match format {
        Format::Csv => Ok(Box::new(CsvRows::new(lines)?)),
        Format::JsonLines => {
            let first = lines.next_with_text()?;
            if let Some(found) = first.as_ref().and_then(|line| no_text(&line.bytes)) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("expected UTF-8, and found {found}")));
            }
            lines.again.extend(first);
            Ok(Box::new(std::iter::from_fn(move || {
                let line = lines.next_with_text().transpose()?;
                Some(line.map(|line| {
                    let content = if line.is_whole { json_content(line.bytes.trim_ascii()) } else { Err(TOO_LONG) };
                    Row { first_line: line.number, last_line: line.number, content }
                }))
            })))
        }
    }
}

/// A line, without the break at its end.
struct Line {
    number: u64,
    bytes: Vec<u8>,
    /// Of one that is too long, only the beginning is here.
    is_whole: bool,
}

/// Reads line by line. However long a line is, no more of it than `LONGEST_LINE` is in memory.
struct Lines<T> {
    text: T,
    number: u64,
    /// What has been read too early.
    again: VecDeque<Line>,
}

impl<T: BufRead> Lines<T> {
    fn new(text: T) -> Self {
        Self { text, number: 0, again: VecDeque::new() }
    }

    fn next(&mut self) -> io::Result<Option<Line>> {
        if let Some(line) = self.again.pop_front() {
            return Ok(Some(line));
        }
        let mut bytes = Vec::new();
        if self.text.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        let is_whole = bytes.ends_with(b"\n") || (bytes.len() as u64) < LONGEST_LINE;
        if !is_whole {
            self.text.skip_until(b'\n')?;
        }
        if bytes.ends_with(b"\n") {
            bytes.pop();
        }
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
        if self.number == 0 {
            bytes = unmarked(&bytes).to_vec();
        }
        self.number += 1;
        Ok(Some(Line { number: self.number, bytes, is_whole }))
    }

    /// The next line that is not empty.
    fn next_with_text(&mut self) -> io::Result<Option<Line>> {
        loop {
            match self.next()? {
                Some(line) if line.bytes.trim_ascii().is_empty() => {}
                line => return Ok(line),
            }
        }
    }
}

/// How a column or a member is spelled, whoever named it: `Customer ID` and `customerId` are `customer_id`.
fn spelled(name: &[u8]) -> Vec<u8> {
    let letters = name.iter().filter(|byte| !matches!(byte, b'_' | b'-' | b' ' | b'"'));
    letters.map(u8::to_ascii_lowercase).collect()
}

/// Which column has this name, and none beside it: exactly, or else in another spelling.
fn place(name: &str, columns: &[&[u8]]) -> Option<usize> {
    let only = |is_it: &dyn Fn(&[u8]) -> bool| {
        let mut places = (0..).zip(columns).filter(|(_, column)| is_it(column)).map(|(place, _)| place);
        match (places.next(), places.next()) {
            (Some(place), None) => Some(Some(place)),
            (None, _) => None,
            (Some(_), Some(_)) => Some(None),
        }
    };
    let exactly = only(&|column| column.trim_ascii() == name.as_bytes());
    exactly.or_else(|| only(&|column| spelled(column.trim_ascii()) == spelled(name.as_bytes()))).flatten()
}

/// What separates the columns of this header: a comma, if nothing else names both.
fn delimiter_of(header: &[u8]) -> u8 {
    let names_both = |delimiter: &u8| {
        let columns: Vec<&[u8]> = header.split(|byte| byte == delimiter).collect();
        [CUSTOMER, ENTITY].iter().all(|name| columns.iter().any(|column| spelled(column) == spelled(name.as_bytes())))
    };
    b",;\t".iter().copied().find(names_both).unwrap_or(b',')
}

/// What it may be that is no text, by how it begins.
fn no_text(beginning: &[u8]) -> Option<&'static str> {
    match beginning {
        [0x1f, 0x8b, ..] => Some("a compressed file"),
        [b'P', b'K', 3, 4, ..] => Some("a workbook"),
        // Every second byte is zero, as long as it is English.
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [_, 0, ..] | [0, _, ..] => Some("UTF-16"),
        _ => None,
    }
}

/// What it may be that is no CSV.
fn no_csv(beginning: &[u8]) -> Option<&'static str> {
    let is_json = beginning.starts_with(b"{") || beginning.starts_with(b"[");
    let json = is_json.then_some("JSON, which needs --format jsonl and one object in each line");
    no_text(beginning).or(json)
}

/// Reads CSV. What is wrong with a line is no reason to lose the next one: a quotation mark that nothing closes would take the rest of the
/// text with it.
struct CsvRows<T> {
    lines: Lines<T>,
    parser: csv_core::Reader,
    /// The values of a row, one after the other, and where each ends.
    values: Vec<u8>,
    ends: Vec<usize>,
    /// Which columns these are.
    customer: usize,
    entity: usize,
}

/// From one line to another, and whether they are a row.
struct Parsed {
    first_line: u64,
    last_line: u64,
    problem: Option<&'static str>,
}

impl<T: BufRead> CsvRows<T> {
    fn new(mut lines: Lines<T>) -> io::Result<Self> {
        let first = lines.next_with_text()?;
        let beginning = first.as_ref().map(|line| line.bytes.clone()).unwrap_or_default();
        let delimiter = match beginning.as_slice() {
            // What spreadsheets write for each other.
            [b's', b'e', b'p', b'=', delimiter] => *delimiter,
            header => {
                lines.again.extend(first);
                delimiter_of(header)
            }
        };
        let terminator = csv_core::Terminator::Any(b'\n');
        let parser = csv_core::ReaderBuilder::new().delimiter(delimiter).terminator(terminator).build();
        let mut rows = Self { lines, parser, values: Vec::new(), ends: Vec::new(), customer: 0, entity: 0 };
        let is_read = rows.parse()?.is_some_and(|parsed| parsed.problem.is_none());
        let columns: Vec<&[u8]> = (0..rows.ends.len()).filter_map(|column| rows.value(column)).collect();
        let found = place(CUSTOMER, &columns).zip(place(ENTITY, &columns));
        let Some((customer, entity)) = found.filter(|_| is_read) else {
            let found = no_csv(&beginning).map(|found| format!(", and found {found}")).unwrap_or_default();
            let expected = format!(
                "expected UTF-8 with a first line that names the columns {CUSTOMER} and {ENTITY} once, separated by commas, \
                 semicolons or tabs{found}"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, expected));
        };
        Ok(Self { customer, entity, ..rows })
    }

    fn value(&self, column: usize) -> Option<&[u8]> {
        let begin = column.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.values.get(begin..*self.ends.get(column)?)
    }

    /// Reads the next row's values.
    fn parse(&mut self) -> io::Result<Option<Parsed>> {
        let Some(first) = self.lines.next_with_text()? else { return Ok(None) };
        let first_line = first.number;
        let bad = |problem| Ok(Some(Parsed { first_line, last_line: first_line, problem: Some(problem) }));
        if !first.is_whole {
            return bad(TOO_LONG);
        }
        self.parser.reset();
        // What it reads next is not the beginning of the text, where it would take a mark away: an id may begin with one.
        self.parser.read_record(b"\n", &mut [0], &mut [0]);
        self.values.clear();
        self.ends.clear();
        let mut length = first.bytes.len();
        let mut further = VecDeque::new();
        let mut line = first;
        while !self.parse_line(&mut line.bytes) {
            let last_line = line.number;
            if last_line != first_line {
                further.push_back(line);
            }
            match self.lines.next()? {
                Some(next) if next.is_whole && length + next.bytes.len() < LONGEST_LINE as usize => {
                    length += next.bytes.len();
                    line = next;
                }
                next => {
                    further.extend(next);
                    further.append(&mut self.lines.again);
                    self.lines.again = further;
                    return bad(UNCLOSED);
                }
            }
        }
        Ok(Some(Parsed { first_line, last_line: line.number, problem: None }))
    }

    /// Parses one more line, and says whether the row ends with it. The line stays what it was.
    fn parse_line(&mut self, line: &mut Vec<u8>) -> bool {
        line.push(b'\n');
        let (mut read, mut written, mut ended) = (0, self.values.len(), self.ends.len());
        self.values.resize(written + line.len(), 0);
        let is_whole = loop {
            self.ends.resize(ended + 16, 0);
            let input = line.get(read..).unwrap_or_default();
            let values = self.values.get_mut(written..).unwrap_or_default();
            let ends = self.ends.get_mut(ended..).unwrap_or_default();
            let (result, bytes_read, bytes_written, ends_written) = self.parser.read_record(input, values, ends);
            (read, written, ended) = (read + bytes_read, written + bytes_written, ended + ends_written);
            match result {
                csv_core::ReadRecordResult::Record => break true,
                // Never longer than what it is read from.
                csv_core::ReadRecordResult::OutputFull => break false,
                csv_core::ReadRecordResult::InputEmpty | csv_core::ReadRecordResult::End => break false,
                csv_core::ReadRecordResult::OutputEndsFull => {}
            }
        };
        self.values.truncate(written);
        self.ends.truncate(ended);
        line.pop();
        is_whole
    }
}

fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok()
}

impl<T: BufRead> Iterator for CsvRows<T> {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<io::Result<Row>> {
        let Parsed { first_line, last_line, problem } = match self.parse().transpose()? {
            Ok(parsed) => parsed,
            Err(error) => return Some(Err(error)),
        };
        let (customer, entity) = (self.value(self.customer), self.value(self.entity));
        let runs_on = [customer, entity].into_iter().flatten().any(|value| value.contains(&b'\n'));
        let content = match problem {
            Some(problem) => Err(problem),
            None if runs_on => Err(RUNS_ON),
            None if customer.and_then(text).is_some_and(is_of_a_spreadsheet) => Err(SHORTENED),
            // Behind a comma, many write a blank, which no entity has.
            None => content(customer.and_then(text), entity.and_then(text).map(str::trim_ascii)),
        };
        Some(Ok(Row { first_line, last_line, content }))
    }
}

fn json_content(line: &[u8]) -> Content {
    // What stands in other members matters to nobody, though it may be a number or a depth that few can read.
    let members: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(line)
        .map_err(|_| r#"expected a JSON object, {"customer_id": "…", "entity_id": "…"}"#)?;
    let member = |name: &str| members.get(name).and_then(|text| serde_json::from_str::<Value>(text.get()).ok());
    // As in session tokens, an id may be a whole number.
    let customer = match member(CUSTOMER) {
        Some(Value::String(text)) => Some(text),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        Some(Value::Number(_)) => return Err(BAD_NUMBER),
        _ => None,
    };
    content(customer.as_deref(), member(ENTITY).as_ref().and_then(Value::as_str))
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
        let rows = rows(format, text).unwrap().map(Result::unwrap);
        rows.map(|row| (row.last_line, row.content.ok().map(plain))).collect()
    }

    fn pair(customer: &str, entity: &str) -> Option<(String, String)> {
        Some((customer.to_owned(), entity.to_owned()))
    }

    #[test]
    fn a_bad_line_of_csv_is_told_by_its_number_and_the_others_are_read() {
        let text = b"\xef\xbb\xbfname, entity_id,customer_id\r\nA,e-1,ada\r\n\"B\nC\",e-2,\"a,b\"\r\nonly\r\n\
            \r\n \t\r\nD,has space,c\r\nE,\xff,d\r\nF,e-3,\xc3\xa9\r\nG,\"e-4\",\"say \"\"x\"\"\"";
        let expected = vec![
            (2, pair("ada", "e-1")),
            (4, pair("a,b", "e-2")),
            (5, None),
            (8, None),
            (9, None),
            (10, pair("é", "e-3")),
            (11, pair("say \"x\"", "e-4")),
        ];
        assert_eq!(read(Format::Csv, text), expected);
    }

    #[test]
    fn an_id_may_begin_with_a_byte_order_mark() {
        let text = "\u{feff}customer_id,entity_id\n\u{feff}ada,e-1\n";
        assert_eq!(read(Format::Csv, text.as_bytes()), vec![(2, pair("\u{feff}ada", "e-1"))]);
    }

    #[test]
    fn a_first_line_that_does_not_name_both_columns_once_is_refused() {
        let utf_16: Vec<u8> = "customer_id,entity_id\nada,e-1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for text in [
            b"ada,e-1\n".as_slice(),
            b"",
            b"\n\n",
            b"customer_id|entity_id\nada|e-1\n",
            b"sep=;\ncustomer_id,entity_id\nada,e-1\n",
            b"customer_id,Entity ID,entityId\nada,e-1,e-2\n",
            b"customer_id,entity_id,customer_id\nada,e-1,bob\n",
            b"customer_id,\"entity_id\nada,e-1\n",
            &utf_16,
        ] {
            assert!(rows(Format::Csv, text).is_err(), "{text:?}: a customer would be lost");
        }
        for (text, found) in [
            (utf_16.as_slice(), "UTF-16"),
            (b"\xff\xfec\0u\0", "UTF-16"),
            (b"PK\x03\x04\x14\0", "workbook"),
            (b"\x1f\x8b\x08\0", "compressed"),
            (b"{\"customer_id\": \"ada\", \"entity_id\": \"e-1\"}", "--format jsonl"),
        ] {
            let told = rows(Format::Csv, text).err().unwrap().to_string();
            assert!(told.contains(found), "{told}");
        }
    }

    #[test]
    fn a_table_is_read_as_spreadsheets_and_databases_write_it() {
        for text in [
            "customer_id;entity_id\na,b;e-1\n",
            "\u{feff}customer_id\tname\tentity_id\r\na,b\tA;B\te-1\r\n",
            "sep=;\r\nentity_id;customer_id\r\ne-1;a,b\r\n",
            "\"Customer ID\";\"Entity ID\"\n\"a,b\";\"e-1\"\n",
            "customerId, entityId\n\"a,b\", e-1\n",
            "CUSTOMER_ID,ENTITY_ID,Entity Id\u{e9}\n\"a,b\",e-1 ,x\n",
            "Customer-Id,customer_id,entity_id\nx,\"a,b\",e-1\n",
        ] {
            let last = text.lines().count() as u64;
            assert_eq!(read(Format::Csv, text.as_bytes()), vec![(last, pair("a,b", "e-1"))], "{text}");
        }
    }

    #[test]
    fn a_word_for_none_is_no_entity_and_a_rounded_number_no_customer() {
        for entity in ["NULL", "null", r"\N", "None", "nil", "undefined", "NaN", "#N/A", "n/a", "-", "", " "] {
            let text = format!("customer_id,entity_id\nada,{entity}\n");
            assert_eq!(read(Format::Csv, text.as_bytes()), vec![(2, None)], "{entity}");
            let text = json!({ "customer_id": "ada", "entity_id": entity }).to_string();
            assert_eq!(read(Format::JsonLines, text.as_bytes()), vec![(1, None)], "{entity}");
        }
        for customer in ["1.23457E+11", "1,23457E+11", "1E+15", "#REF!", "#NAME?"] {
            let text = format!("customer_id,entity_id\n\"{customer}\",e-1\nada,e-2\n");
            assert_eq!(read(Format::Csv, text.as_bytes()), vec![(2, None), (3, pair("ada", "e-2"))], "{customer}");
        }
        for customer in ["1.2", "E+", "1E+", "aE+1", "1.E+1", "#42", "NULL", "+1E5", " ada "] {
            let text = format!("customer_id,entity_id\n{customer},e-1\n");
            assert_eq!(read(Format::Csv, text.as_bytes()), vec![(2, pair(customer, "e-1"))], "{customer}");
        }
    }

    #[test]
    fn a_quotation_mark_that_nothing_closes_takes_no_other_line_with_it() {
        let many: String = (0..5000).map(|number| format!("c-{number},e-{number}\n")).collect();
        for (text, last_bad) in [
            // To the end of a long text, and of a short one.
            (format!("customer_id,entity_id\n\"ada,e-1\n{many}"), 2),
            ("customer_id,entity_id\n\"ada,e-1\nc-0,e-0\nc-1,e-1".to_owned(), 2),
            // As far as another one: whose these lines are, nobody knows.
            (format!("customer_id,entity_id\n\"ada,e-1\nbob,e-2\n\"x\",e-3\n{many}"), 4),
        ] {
            let read = read(Format::Csv, text.as_bytes());
            assert_eq!(read[0], (last_bad, None));
            assert_eq!(read.len(), text.lines().count() + 1 - usize::try_from(last_bad).unwrap());
            assert!(
                read[1..]
                    .iter()
                    .enumerate()
                    .all(|(n, (_, found))| *found == pair(&format!("c-{n}"), &format!("e-{n}")))
            );
        }
        let rows = rows(Format::Csv, b"customer_id,entity_id\n\"ada,e-1\nbob,e-2\n\"x\",e-3\n".as_slice());
        let told = rows.unwrap().next().unwrap().unwrap();
        assert_eq!((told.first_line, told.last_line, told.content.err()), (2, 4, Some(RUNS_ON)));
    }

    #[test]
    fn a_line_that_is_too_long_is_bad_and_the_next_one_is_read() {
        let long = "x".repeat(70_000);
        let text = format!("customer_id,note,entity_id\nada,{long},e-1\nbob,\"{long}\",e-2\ncy,,e-3\n");
        assert_eq!(read(Format::Csv, text.as_bytes()), vec![(2, None), (3, None), (4, pair("cy", "e-3"))]);
    }

    #[test]
    fn a_bad_line_of_json_is_told_by_its_number_and_the_others_are_read() {
        let long = format!("{{\"customer_id\": \"{}\"}}", "x".repeat(70_000));
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let text = format!(
            "\u{feff}{{\"customer_id\": \"ada\", \"entity_id\": \"e-1\"}}\n\n{{\n[]\n{long}\n{{\"customer_id\": 42, \
             \"entity_id\": \"e-2\"}}\r\n{{\"customer_id\": 4.2, \"entity_id\": \"e-3\"}}\n\
             {{\"customer_id\": \"b\", \"more\": [1e400, {deep}], \"entity_id\": \"e-4\"}}"
        );
        let expected = vec![
            (1, pair("ada", "e-1")),
            (3, None),
            (4, None),
            (5, None),
            (6, pair("42", "e-2")),
            (7, None),
            (8, pair("b", "e-4")),
        ];
        assert_eq!(read(Format::JsonLines, text.as_bytes()), expected);
        // It would be one bad line after the other.
        let utf_16: Vec<u8> = "\u{feff}{\"customer_id\": ".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(rows(Format::JsonLines, utf_16.as_slice()).is_err());
    }
}
