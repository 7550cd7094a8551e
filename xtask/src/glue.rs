//! What is changed in the JavaScript that wasm-bindgen writes.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome, While};
use crate::workspace::Workspace;

/// Adapts the glue of this name and what TypeScript reads of it.
pub fn adapt(folder: &Path, name: &str) -> Outcome<()> {
    change(&folder.join(format!("{name}.js")), adapted)?;
    // The types say the same.
    change(&folder.join(format!("{name}.d.ts")), |text| Ok(format!("{text}{TYPES_OF_PARTS}")))
}

/// Has the glue call what the wasm imports and exports by its short names.
pub fn rename(glue: &Path, names: &ShortNames) -> Outcome<()> {
    change(glue, |text| names.applied(text))
}

/// What the glue of a core without references asks for, as if it had some.
const REFERENCES: [&str; 2] = [
    "import * as import1 from \"__wbindgen_externref_xform__\"\n",
    "        \"__wbindgen_externref_xform__\": import1,\n",
];

/// Has the glue ask for nothing that only references need.
pub fn without_references(glue: &Path) -> Outcome<()> {
    change(glue, |text| {
        REFERENCES.iter().try_fold(text.to_owned(), |text, line| {
            replaced(&text, line, "")
                .ok_or_else(|| Failure::new(format!("wasm-bindgen's glue was expected to hold: {line}")))
        })
    })
}

fn change(file: &Path, changed: impl FnOnce(&str) -> Outcome<String>) -> Outcome<()> {
    let changing = format!("changing {}", file.display());
    let text = std::fs::read_to_string(file).while_doing(&changing)?;
    std::fs::write(file, changed(&text)?).while_doing(&changing)
}

/// What wasm-bindgen's glue has, and what stands in its place.
const ADAPTATIONS: [[&str; 2]; 6] = [
    // Memory that grew is told by its buffer in both forms: the JavaScript form's old buffer stays what it was.
    [
        "cachedDataViewMemory0 === null || cachedDataViewMemory0.buffer.detached === true || (cachedDataViewMemory0.buffer.detached === undefined && cachedDataViewMemory0.buffer !== wasm.memory.buffer)",
        "cachedDataViewMemory0?.buffer !== wasm.memory.buffer",
    ],
    [
        "cachedUint8ArrayMemory0 === null || cachedUint8ArrayMemory0.byteLength === 0",
        "cachedUint8ArrayMemory0?.buffer !== wasm.memory.buffer",
    ],
    // With its parts the core is started at once or asynchronously, without all that the glue's own functions bring for files
    // that they would fetch themselves.
    [
        "export { initSync, __wbg_init as default };",
        "export { __wbg_get_imports as imports, __wbg_finalize_init as finish };",
    ],
    // Its objects are freed as garbage, by a registry that is always there (pkg/src/environment.js), and never by hand.
    [
        "(typeof FinalizationRegistry === 'undefined')\n    ? { register: () => {}, unregister: () => {} }\n    : new",
        "new",
    ],
    [
        "    __destroy_into_raw() {
        const ptr = this.__wbg_ptr;
        this.__wbg_ptr = 0;
        ProviderFinalization.unregister(this);
        return ptr;
    }
    free() {
        const ptr = this.__destroy_into_raw();
        wasm.__wbg_provider_free(ptr, 0);
    }
",
        "",
    ],
    ["if (Symbol.dispose) Provider.prototype[Symbol.dispose] = Provider.prototype.free;\n", ""],
];
const TYPES_OF_PARTS: &str = "export function imports(): WebAssembly.Imports;\n\
    export function finish(instance: WebAssembly.Instance, module: WebAssembly.Module): unknown;\n";

fn adapted(glue: &str) -> Outcome<String> {
    ADAPTATIONS.iter().try_fold(without_checks(glue), |glue, [given, wanted]| {
        if !glue.contains(given) {
            return Err(Failure::new(format!("wasm-bindgen's glue was expected to hold: {given}")));
        }
        Ok(glue.replace(given, wanted))
    })
}

/// The glue without its question for each function that it imports whether there is one: all are of a module of the package's own.
fn without_checks(glue: &str) -> String {
    let mut text = String::with_capacity(glue.len());
    for line in glue.lines() {
        match line.split_once(": typeof host.").and_then(|(name, rest)| Some((name, rest.split_once(" == ")?.0))) {
            Some((name, function)) => text += &format!("{name}: host.{function},"),
            None => text += line,
        }
        text.push('\n');
    }
    text
}

/// wasm-bindgen copies the modules that the core imports; a link to the original instead keeps them one module with the entries.
pub fn link_snippets(workspace: &Workspace, snippets: &Path) -> Outcome<()> {
    let linking = format!("linking the modules in {}", snippets.display());
    let Ok(hashes) = std::fs::read_dir(snippets) else { return Ok(()) };
    for hash in hashes {
        let hash = hash.while_doing(&linking)?.path();
        for copy in files_below(&hash)? {
            let original = workspace.root().join(copy.strip_prefix(&hash).while_doing(&linking)?);
            if !original.is_file() {
                continue; // A dependency's own module, or inline code: the copy is all there is.
            }
            std::fs::remove_file(&copy).while_doing(&linking)?;
            std::os::unix::fs::symlink(&original, &copy).while_doing(&linking)?;
        }
    }
    Ok(())
}

fn files_below(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let reading = format!("reading {}", folder.display());
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).while_doing(&reading)? {
            let path = entry.while_doing(&reading)?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}

/// How the glue names what the wasm imports and exports, and how it has to, by the short names that wasm-opt gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ShortNames(Vec<[String; 2]>);

/// What wasm-bindgen writes before the name of each import.
const INDENT: &str = "        ";

impl ShortNames {
    /// wasm-opt lists `["module", "name", "short"]` for an import and `["name", "short"]` for an export, a line each.
    pub fn from_listing(listing: &str) -> Self {
        let mut names = Vec::new();
        for line in listing.lines() {
            let strings: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
            match *strings.as_slice() {
                [module, name, short] => {
                    // All modules become the one named a.
                    names.push([format!("\"{module}\": "), "a: ".to_owned()]);
                    names.push([name, short].map(|name| format!("{INDENT}{name}: ")));
                }
                [name, short] => names.push([name, short].map(export)),
                _ => {}
            }
        }
        names.sort();
        names.dedup();
        Self(names)
    }

    /// The glue by the short names; fails where it does not name each as wasm-bindgen does.
    fn applied(&self, glue: &str) -> Outcome<String> {
        self.0.iter().try_fold(glue.to_owned(), |glue, [long, short]| {
            replaced(&glue, long, short)
                .ok_or_else(|| Failure::new(format!("wasm-bindgen's glue was expected to hold: {long}")))
        })
    }
}

/// Whether the glue names this export of the wasm.
pub fn names_export(glue: &str, name: &str) -> bool {
    replaced(glue, &export(name), "").is_some()
}

/// How the glue names an export.
fn export(name: &str) -> String {
    format!("wasm.{name}")
}

/// A text with a name in another's place, wherever the name does not only begin a longer one; None where it is nowhere.
fn replaced(text: &str, name: &str, by: &str) -> Option<String> {
    let mut parts = text.split(name);
    let mut replaced = parts.next()?.to_owned();
    let mut is_found = false;
    for part in parts {
        let goes_on = name.ends_with(is_of_name) && part.starts_with(is_of_name);
        replaced += if goes_on { name } else { by };
        replaced += part;
        is_found |= !goes_on;
    }
    is_found.then_some(replaced)
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || character == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glue_that_is_not_as_expected_stops_the_build() {
        let [given, wanted] = [0, 1].map(|side| ADAPTATIONS.map(|both| both[side]).concat());
        assert_eq!(adapted(&given).unwrap().trim_end(), wanted.trim_end());
        assert!(adapted(ADAPTATIONS[0][0]).is_err());
    }

    #[test]
    fn a_function_of_the_packages_own_is_not_asked_whether_it_is_there() {
        let glue =
            "    __wbg_now_1f: typeof host.now == 'function' ? host.now : notDefined('host.now'),\n    other: 1,\n";
        assert_eq!(without_checks(glue), "    __wbg_now_1f: host.now,\n    other: 1,\n");
    }

    #[test]
    fn imports_and_exports_are_called_by_their_short_names_and_nothing_else_is() {
        let listing = "{\n \"imports\": [\n  [\"./custom_identity_provider_bg.js\", \"__wbg_get_1f\", \"b\"],\n ],\n\"exports\": [\n  [\"signOut\", \"c\"],\n ]\n}";
        let names = ShortNames::from_listing(listing);
        let glue = "export function signOut() {\n    return wasm.signOut(wasm.signOutLater);\n}\n        __wbg_get_1f: function() {\n    \"./custom_identity_provider_bg.js\": import0,\n";
        let renamed = "export function signOut() {\n    return wasm.c(wasm.signOutLater);\n}\n        b: function() {\n    a: import0,\n";
        assert_eq!(names.applied(glue).unwrap(), renamed);
        assert!(names.applied(&glue.replace("wasm.signOut(", "wasm.leave(")).is_err());
    }
}
