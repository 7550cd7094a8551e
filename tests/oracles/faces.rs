//! What stands in the core and in the package's JavaScript and types alike: names, numbers, defaults.

use custom_identity_provider::core::{
    AbortReason, Cache, Detail, ErrorCode, Event, Method, Policy, Reason, Rejection, SHORT_LIFETIME, STORAGE_PREFIX,
    SignOutOrigin, StorageAction, Widget,
};

fn package(file: &str) -> String {
    std::fs::read_to_string(format!("{}/pkg/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn types() -> String {
    package("index.d.ts")
}

/// What stands behind `const NAME = ` in a file of the package's JavaScript, as the literals of a list or the one that it is.
fn constant(file: &str, name: &str) -> Vec<String> {
    let source = package(file);
    let literal = source.split(&format!("const {name} = ")).nth(1).unwrap_or_else(|| panic!("{file} has no {name}"));
    let literal = literal.split(';').next().unwrap().trim_matches(['[', ']']);
    literal.split(", ").map(|part| part.trim_matches('"').replace('_', "")).collect()
}

/// Underscores stand in JavaScript's numbers as they do in names.
fn plain(name: &str) -> String {
    name.replace('_', "")
}

#[test]
fn widgets_and_caches_have_the_same_numbers_in_javascript() {
    let mut sources = String::new();
    read_files(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pkg/src"), &mut sources);
    let without_spaces: String = sources.split_whitespace().collect();
    // A widget's file says `{ name: "…", number: …,`.
    let mut found: Vec<(&str, &str)> = without_spaces
        .split("{name:\"")
        .skip(1)
        .filter_map(|widget| widget.split_once("\",number:"))
        .filter(|(name, _)| !name.contains('"'))
        .map(|(name, rest)| (rest.split(',').next().unwrap(), name))
        .collect();
    found.sort_unstable();
    assert_eq!(found.len(), Widget::ALL.len(), "{found:?}");
    for ((number, name), widget) in found.into_iter().zip(Widget::ALL) {
        assert_eq!(Widget::numbered(number.parse().unwrap()), Some(widget));
        assert_eq!(name, widget.name());
        assert!(types().contains(&format!("\"{name}\"")));
    }
    assert_eq!(constant("src/options.js", "CACHES"), Cache::ALL.map(|cache| plain(cache.name())));
    assert_eq!((Widget::numbered(255), Cache::numbered(255)), (None, None), "what no version has");
}

#[test]
fn keys_and_defaults_are_the_same_in_javascript() {
    let Policy { timeout, patience, margin, refresh_ahead } = Policy::default();
    assert_eq!(constant("src/sign_out.js", "PREFIX"), [plain(STORAGE_PREFIX)]);
    assert_eq!(constant("src/token.js", "SHORT_LIFETIME"), [SHORT_LIFETIME.to_string()]);
    assert_eq!(constant("src/options.js", "TIMEOUT"), [timeout.to_string()]);
    assert_eq!(constant("src/options.js", "PATIENCE"), [patience.to_string()]);
    // What the types say of them.
    assert!(types().contains("Default 10,000.") && timeout == 10_000);
    assert!(types().contains("Default 30,000.") && patience == 30_000);
    assert_eq!((margin, refresh_ahead), (None, 0));
}

#[test]
fn every_code_is_in_the_union_and_every_member_of_the_union_comes_from_somewhere() {
    let types = types();
    let union = types.split("export type IdentityErrorCode =").nth(1).unwrap().split("export class").next().unwrap();
    let mut declared: Vec<&str> = union
        .lines()
        .filter_map(|line| line.trim().strip_prefix("| \"")?.trim_end_matches(';').strip_suffix('"'))
        .collect();
    let mut known: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    // What the JavaScript side says about the core itself.
    known.extend(["WASM_BLOCKED", "WASM_MISSING", "WASM_TRAPPED"]);
    declared.sort_unstable();
    known.sort_unstable();
    assert_eq!(declared, known);
}

/// The events that `pkg/src` tells by itself.
const OF_JAVASCRIPT: [&str; 4] = ["core_started", "widget_answered", "sign_in_asked", "widget_error"];

#[test]
fn every_event_has_exactly_the_details_that_the_types_declare() {
    let request = 1;
    let events = [
        Event::Call { method: Method::GetToken },
        Event::CacheHit { remaining: 1 },
        Event::Joined { request, method: Method::GetFreshToken },
        Event::RequestBegan { request, reason: Reason::Get },
        Event::RequestRetrying { request, attempt: 1, code: ErrorCode::Network, delay: 1 },
        Event::RequestSucceeded { request, duration: 1, lifetime: 1, cached: true },
        Event::RequestShared { request, remaining: 1 },
        Event::RequestFailed { request, duration: 1, code: ErrorCode::Network, demanded: true },
        Event::RequestAborted { request, why: AbortReason::SignedOut },
        Event::CoolingDown { remaining: 1 },
        Event::Restored { remaining: 1 },
        Event::RecordRejected { why: Rejection::Corrupt },
        Event::StorageFailed { action: StorageAction::Read },
        Event::Invalidated,
        Event::MayHaveLeft,
        Event::SignedOut { origin: SignOutOrigin::ThisTab },
        Event::IdentityChanged,
        Event::EntityChanged { request },
        Event::ShortLifetime { request, lifetime: 1 },
        Event::ClockSkew { request },
    ];
    let types = types();
    let mut declared_count = 0;
    for line in types.lines().filter_map(|line| line.trim().strip_prefix("| { readonly type: \"")) {
        declared_count += 1;
        let name = line.split('"').next().unwrap();
        if OF_JAVASCRIPT.contains(&name) {
            continue;
        }
        let event = events.iter().find(|event| event.name() == name).unwrap_or_else(|| panic!("no event {name}"));
        let mut declared: Vec<(&str, &str)> = line
            .split("readonly ")
            .skip(1)
            .filter_map(|part| part.split_once(": "))
            .map(|(field, rest)| (field, rest.split([';', ' ', '}']).next().unwrap()))
            .collect();
        let mut told: Vec<(&str, &str)> = Vec::new();
        event.details(|name, detail| {
            told.push((
                name,
                match detail {
                    Detail::Number(_) => "number",
                    Detail::Flag(_) => "boolean",
                    Detail::Name(_) => "name",
                },
            ));
        });
        declared.sort_unstable();
        told.sort_unstable();
        let names = |list: &[(&'static str, &str)]| list.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert_eq!(declared.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names(&told), "{name}");
        for ((field, declared), (_, told)) in declared.iter().zip(&told) {
            assert_eq!(declared == told, *told != "name", "{name}.{field}");
        }
    }
    assert_eq!(declared_count, events.len() + OF_JAVASCRIPT.len());
}

/// The first two cells of a table's rows in a page of the documentation, without backticks.
fn rows(page: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(format!("{}/docs/{page}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let plain = |cell: &str| cell.trim().replace('`', "");
    rows.map(|row| (plain(row.split('|').nth(1).unwrap()), plain(row.split('|').nth(2).unwrap()))).collect()
}

#[test]
fn the_documentation_has_every_event_with_its_fields_and_every_error_code() {
    let types = types();
    let declared: Vec<(String, String)> = types
        .lines()
        .filter_map(|line| line.trim().strip_prefix("| { readonly type: \""))
        .map(|line| {
            let (name, rest) = line.split_once('"').unwrap();
            let fields = rest.split("readonly ").skip(1).map(|part| part.split([':', '?']).next().unwrap());
            (name.to_owned(), fields.collect::<Vec<_>>().join(", "))
        })
        .collect();
    assert_eq!(rows("events.md"), declared);
    let mut documented: Vec<String> = rows("errors.md").into_iter().map(|(code, _)| code).collect();
    let mut known: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    known.extend(["WASM_BLOCKED", "WASM_MISSING", "WASM_TRAPPED"]);
    documented.sort_unstable();
    known.sort_unstable();
    assert_eq!(documented, known);
}

fn read_files(folder: &std::path::Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() && name != "node_modules" {
            read_files(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "js") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_test_that_is_cited_for_a_vendors_sentence_is_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let section = std::fs::read_to_string(root.join("docs/vendor-documents.md")).unwrap();
    let mut tests = String::new();
    read_files(&root.join("tests"), &mut tests);
    read_files(&root.join("server/tests"), &mut tests);
    let rows = section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| the document"));
    let mut cited = 0;
    for (row, place) in rows.filter_map(|row| Some((row, row.trim_end_matches(" |").rsplit_once(" | ")?.1))) {
        // Names of tests have several words; what else stands in code is an option, an address or a command.
        for name in place.split('`').skip(1).step_by(2).filter(|name| name.matches(['_', ' ']).count() >= 4) {
            assert!(tests.contains(name), "{name}: cited in {row}");
            cited += 1;
        }
    }
    assert!(cited > 40, "{cited}");
}
