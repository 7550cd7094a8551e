//! Which way the files of the host's crates may look: never in a circle, and in the service never up.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of the core's crate, the lowest floor first. A room looks at its own files and at lower floors.
const CORE_FLOORS: &[&[&str]] = &[&["core"], &["browser"], &["exports"]];

/// The rooms of the service, in the same order.
const SERVICE_FLOORS: &[&[&str]] = &[
    &[
        "byte_order_mark",
        "certificate_refusal",
        "clock",
        "customer",
        "lax_base64",
        "logging",
        "loopback",
        "metrics",
        "mounted_secret",
        "random",
        "secret",
    ],
    &["json_web_key", "setting"],
    &["http"],
    &["admission", "customer_store", "proof_key", "signing_keys"],
    &["customer_records", "customers", "openapi", "readiness"],
    &["live_assist", "livechat", "omnichannel"],
    &["administration"],
    &["configuration"],
    &["check", "service"],
    &["main"],
];

/// The files of a crate by the paths of their modules; lib.rs has the empty one.
type Files = BTreeMap<String, String>;
/// Which file imports something that stands in which other one.
type Imports = BTreeSet<(String, String)>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The text without comments, and without the tests at its end, which may look wherever they like.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

fn read(folder: &Path, module: &str, files: &mut Files) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let named = if module.is_empty() { stem.to_owned() } else { format!("{module}::{stem}") };
        if path.is_dir() {
            read(&path, &named, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let module = if matches!(stem, "mod" | "lib") { module.to_owned() } else { named };
            files.insert(module, code(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d` and `a::c::e`.
fn expand(tree: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for character in tree.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if character == ',' && depth == 0 {
            parts.push(String::new())
        } else {
            parts.last_mut().unwrap().push(character)
        }
    }
    let parts = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    parts
        .flat_map(|part| match part.split_once('{') {
            None => vec![part.split(" as ").next().unwrap().to_owned()],
            Some((before, rest)) => {
                let inner = rest.rsplit_once('}').unwrap().0;
                expand(inner).iter().map(|path| format!("{before}{path}")).collect()
            }
        })
        .collect()
}

/// The paths of the `use` declarations and whether each is public, and the text without them.
fn declarations(text: &str) -> (Vec<(bool, String)>, String) {
    let (mut paths, mut rest) = (Vec::new(), String::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let (public, words) = match line.trim().strip_prefix("pub") {
            Some(words) => (true, words.split_once("use ").filter(|(between, _)| !between.contains("fn"))),
            None => (false, line.trim().split_once("use ").filter(|(before, _)| before.is_empty())),
        };
        let Some((_, tree)) = words else {
            rest += &format!("{line}\n");
            continue;
        };
        let mut tree = tree.to_owned();
        while !tree.contains(';') {
            tree += lines.next().unwrap();
        }
        paths.extend(expand(tree.trim_end_matches(';')).into_iter().map(|path| (public, path)));
    }
    (paths, rest)
}

/// The module that a path leads to from another one, and what is named in it; None for other crates.
fn resolve(files: &Files, own_name: &str, from: &str, path: &str) -> Option<(String, String)> {
    let mut words: Vec<&str> = path.split("::").collect();
    let mut module: Vec<&str> = from.split("::").filter(|word| !word.is_empty()).collect();
    match words[0] {
        first if first == "crate" || first == own_name => module = Vec::new(),
        "super" => words.insert(0, "self"),
        "self" => {}
        first => {
            // A module of one's own, as mod.rs names it.
            let child = if from.is_empty() { first.to_owned() } else { format!("{from}::{first}") };
            files.get(&child)?;
            words.insert(0, "self");
        }
    }
    let mut words = words.into_iter().skip(1).peekable();
    while words.next_if_eq(&"super").is_some() {
        module.pop();
    }
    while let Some(word) = words.peek() {
        module.push(word);
        if !files.contains_key(&module.join("::")) {
            module.pop();
            break;
        }
        words.next();
    }
    Some((module.join("::"), words.next().unwrap_or_default().to_owned()))
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|character: char| !character.is_alphanumeric() && character != '_').any(|found| found == word)
}

/// The imports of a crate. What a module passes on is an import of the file where it stands.
fn imports(files: &Files, own_name: &str) -> Imports {
    let mut passed_on = BTreeMap::new();
    let mut named = Vec::new();
    for (module, text) in files {
        let (paths, rest) = declarations(text);
        for (public, path) in paths {
            let Some(target) = resolve(files, own_name, module, &path) else { continue };
            if public {
                passed_on.insert((module.clone(), target.1.clone()), target.clone());
            }
            if !public || has_word(&rest, &target.1) {
                named.push((module.clone(), target));
            }
        }
        for inline in rest.split("crate::").skip(1) {
            let end = inline.find(|character: char| !character.is_alphanumeric() && !"_:".contains(character));
            let path = format!("crate::{}", &inline[..end.unwrap_or(inline.len())]);
            named.extend(resolve(files, own_name, module, &path).map(|target| (module.clone(), target)));
        }
    }
    let standing = |mut target: (String, String)| {
        while let Some(next) = passed_on.get(&target).filter(|next| **next != target) {
            target = next.clone();
        }
        target.0
    };
    let all = named.into_iter().map(|(from, target)| (from, standing(target)));
    all.filter(|(from, to)| from != to && !to.is_empty()).collect()
}

/// A circle that begins and ends with this file, if there is one.
fn circle(imports: &Imports, start: &str) -> Option<Vec<String>> {
    let mut ways = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        for (_, to) in imports.iter().filter(|(from, _)| from == way.last().unwrap()) {
            let longer = [way.clone(), vec![to.clone()]].concat();
            if to == start {
                return Some(longer);
            }
            if seen.insert(to.clone()) {
                ways.push(longer);
            }
        }
    }
    None
}

fn crate_in(folder: &str) -> Files {
    let mut files = Files::new();
    read(&root().join(folder).join("src"), "", &mut files);
    files
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    for (folder, own_name) in [("server", "identity_service"), ("demo", "demo"), ("xtask", "xtask")] {
        let files = crate_in(folder);
        let imports = imports(&files, own_name);
        assert!(imports.len() > files.len(), "{folder}: {imports:?}");
        for file in files.keys() {
            assert_eq!(circle(&imports, file), None, "{folder}");
        }
    }
}

#[test]
fn no_room_of_the_core_or_the_service_looks_up_or_beside_itself() {
    for (folder, own_name, floors) in
        [("", "custom_identity_provider", CORE_FLOORS), ("server", "identity_service", SERVICE_FLOORS)]
    {
        let room = |file: &str| file.split("::").next().unwrap().to_owned();
        let floor = |room: &str| {
            let found = floors.iter().position(|rooms| rooms.contains(&room));
            found.unwrap_or_else(|| panic!("{room} is on no floor"))
        };
        let files = crate_in(folder);
        let imports = imports(&files, own_name);
        assert!(imports.len() > files.len(), "{folder}: {imports:?}");
        for (from, to) in imports {
            let (upper, lower) = (room(&from), room(&to));
            assert!(upper == lower || floor(&upper) > floor(&lower), "{from} looks at {to}");
        }
        for file in files.keys().filter(|file| !file.is_empty()) {
            floor(&room(file));
        }
    }
}

#[test]
fn nothing_of_the_product_looks_at_the_demo() {
    for folder in ["server", ""] {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let built = manifest.split("[dependencies]").nth(1).unwrap().split("[dev-dependencies]").next().unwrap();
        assert!(!has_word(built, "demo"), "{manifest}");
        let files = crate_in(folder);
        let looking: Vec<_> = files.iter().filter(|(_, text)| text.contains("demo::")).map(|(file, _)| file).collect();
        assert!(looking.is_empty(), "{looking:?}");
    }
}

#[test]
fn imports_are_found_however_they_are_written() {
    let text = |text: &str| code(&format!("//! Text.\n{text}\n#[cfg(test)]\nmod tests {{\n    use super::*;\n}}\n"));
    let files = Files::from([
        (String::new(), text("pub mod a;\npub mod b;\npub mod c;")),
        ("a".to_owned(), text("use crate::{\n    b::{self, inner::Thing},\n    c::Word,\n};")),
        ("b".to_owned(), text("mod inner;\npub use inner::Thing;")),
        ("b::inner".to_owned(), text("use super::super::c::Word; // use crate::a;")),
        ("c".to_owned(), text("fn word() { crate::b::Thing::new() }")),
    ]);
    let found = imports(&files, "own");
    let found: Vec<_> = found.iter().map(|(from, to)| format!("{from} {to}")).collect();
    assert_eq!(found, ["a b", "a b::inner", "a c", "b::inner c", "c b::inner"]);
    let imports = imports(&files, "own");
    assert_eq!(circle(&imports, "c").unwrap(), ["c", "b::inner", "c"]);
    assert_eq!(circle(&imports, "a"), None);
}
