//! The core in the forms that pages load: compiled by rustc, bound to JavaScript by wasm-bindgen, shrunk by wasm-opt.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::compiler::{TARGET, Use};
use crate::failure::{Failure, Outcome, While};
use crate::glue::{self, ShortNames};
use crate::npm;
use crate::process;
use crate::ready::Ready;
use crate::workspace::{Workspace, emptied};

/// The name of everything that wasm-bindgen writes; `pkg/src` imports it.
const NAME: &str = "custom_identity_provider";
/// The memory for what is on the core's stack, in bytes. A core whose stack is the linker's, of a megabyte, has to name everything behind it by
/// longer numbers.
const STACK: u32 = 256 * 1024;

/// What the core is made into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    WebAssembly,
    /// Plain JavaScript, for pages whose engine or policy has no WebAssembly.
    JavaScript,
}

impl Form {
    fn folder(self, workspace: &Workspace) -> PathBuf {
        workspace.path(match self {
            Self::WebAssembly => "pkg/generated/webassembly",
            Self::JavaScript => "pkg/generated/javascript",
        })
    }

    /// Whether a feature that the compiler may use is there: JavaScript has no tables of references. How it does the rest is wasm2js's to know.
    fn has(self, feature: &str) -> bool {
        self == Self::WebAssembly || !["reference-types", "multivalue"].contains(&feature)
    }
}

/// The core's WebAssembly, as the package has it.
pub fn wasm(workspace: &Workspace) -> PathBuf {
    wasm_in(&Form::WebAssembly.folder(workspace))
}

fn wasm_in(folder: &Path) -> PathBuf {
    folder.join(format!("{NAME}_bg.wasm"))
}

/// Makes the core's WebAssembly, its glue, and the module that has it inside; and the same core as JavaScript with a glue of its own.
pub fn make(workspace: &Workspace, ready: &Ready) -> Outcome<()> {
    emptied(&workspace.path("pkg/generated"))?;
    let compiled = compile(workspace, ready)?;
    let folder = bound(workspace, ready, Form::WebAssembly, &compiled)?;
    let inlined = folder.join("inlined_wasm.js");
    std::fs::write(&inlined, INLINED).while_doing(format_args!("writing {}", inlined.display()))?;

    let without = workspace.scratch("core")?.join(format!("{NAME}.wasm"));
    let bytes = std::fs::read(&compiled).while_doing(format_args!("reading {}", compiled.display()))?;
    std::fs::write(&without, without_references(bytes)?).while_doing(format_args!("writing {}", without.display()))?;
    let folder = bound(workspace, ready, Form::JavaScript, &without)?;
    as_javascript(workspace, ready, &folder)
}

/// The core as rustc leaves it.
fn compile(workspace: &Workspace, ready: &Ready) -> Outcome<PathBuf> {
    println!("build: compiling the core with {}", ready.compiler.describe());
    let mut cargo = ready.compiler.cargo(workspace, "rustc", Use::Release);
    cargo.args(["--package", "custom-identity-provider", "--lib", "--profile", "wasm"]);
    cargo.arg("--").arg(format!("-Clink-arg=-zstack-size={STACK}"));
    process::run_shown(cargo, |_| ())?;
    Ok(workspace.wasm_target().join(TARGET).join("wasm").join(format!("{NAME}.wasm")))
}

/// How a module says that its compiler could use references to JavaScript's values.
const USES_REFERENCES: &[u8] = b"+\x0freference-types";

/// The core with it said that there are no such references: then wasm-bindgen makes none, and nothing else of it uses any.
fn without_references(mut wasm: Vec<u8>) -> Outcome<Vec<u8>> {
    // The section is among the last.
    let place = wasm.windows(USES_REFERENCES.len()).rposition(|bytes| bytes == USES_REFERENCES);
    let sign = place.and_then(|place| wasm.get_mut(place));
    *sign.ok_or_else(|| Failure::new("the core does not say whether it uses reference types"))? = b'-';
    Ok(wasm)
}

/// A form's folder, with its glue, and with the core as wasm-opt leaves it.
fn bound(workspace: &Workspace, ready: &Ready, form: Form, compiled: &Path) -> Outcome<PathBuf> {
    let folder = emptied(&form.folder(workspace))?;
    bind(workspace, ready, compiled, &folder)?;
    let glue = folder.join(format!("{NAME}.js"));
    let names = optimise(workspace, ready, form, &wasm_in(&folder), &glue)?;
    glue::rename(&glue, &names)?;
    if form == Form::JavaScript {
        glue::without_references(&glue)?;
    }
    Ok(folder)
}

/// Writes the glue into a folder, beside the wasm.
fn bind(workspace: &Workspace, ready: &Ready, compiled: &Path, folder: &Path) -> Outcome<()> {
    println!("build: writing the glue with {}", ready.wasm_bindgen.name);
    let mut command = process::command(ready.wasm_bindgen.path());
    // Without the default path the glue has no import.meta, which bundlers would take for a file to find.
    command.args(["glue", "--target", "web", "--omit-default-module-path", "--out-name", NAME, "--out-dir"]);
    command.arg(folder).args(["--remove-producers-section", "--encode-into", "always"]).arg(compiled);
    process::run_quietly(command, &workspace.scratch("logs")?.join("wasm-bindgen.log"))?;
    glue::adapt(folder, NAME)?;
    glue::link_snippets(workspace, &folder.join("snippets"))
}

/// A program of binaryen's that may use no feature but those that rustc used and the form has: Node and the browsers refuse some that it knows.
fn binaryen(workspace: &Workspace, ready: &Ready, form: Form, name: &str) -> Outcome<Command> {
    let mut command = process::command(npm::program(workspace, name));
    command.arg("--mvp-features");
    for feature in ready.compiler.features()?.iter().filter(|feature| form.has(feature)) {
        command.arg(format!("--enable-{feature}"));
    }
    Ok(command)
}

/// Shrinks the wasm. Answers with the short names that it gave to what the wasm imports and exports: the long ones hold digests, which do
/// not compress.
fn optimise(workspace: &Workspace, ready: &Ready, form: Form, wasm: &Path, glue: &Path) -> Outcome<ShortNames> {
    println!("build: shrinking with wasm-opt");
    let glue = std::fs::read_to_string(glue).while_doing(format_args!("reading {}", glue.display()))?;
    let mut dis = binaryen(workspace, ready, form, "wasm-dis")?;
    dis.arg(wasm);
    let text = process::answer(dis).ok_or_else(|| Failure::new("wasm-dis failed"))?;
    let reachable = wasm.with_extension("wat");
    let mut text = without_described(&without_unused(&text, &glue));
    if form == Form::JavaScript {
        text = with_first_place(&text, &glue)?;
    }
    std::fs::write(&reachable, text).while_doing("writing the core's text")?;

    // By itself: what follows is done more than once, and names are given once.
    let named = wasm.with_extension("named.wasm");
    let mut naming = binaryen(workspace, ready, form, "wasm-opt")?;
    naming.args(["--remove-unused-module-elements", "--minify-imports-and-exports-and-modules", "--output"]);
    naming.arg(&named).arg(&reachable);
    let listing = process::answer(naming).ok_or_else(|| Failure::new("wasm-opt failed"))?;

    let mut shrinking = binaryen(workspace, ready, form, "wasm-opt")?;
    if form == Form::JavaScript {
        // wasm2js knows no conversion to integers that saturates.
        shrinking.arg("--llvm-nontrapping-fptoint-lowering");
    }
    // Measured: keeping functions apart unless they are tiny makes the file larger, but 3 % smaller after gzip.
    shrinking.args(["--one-caller-inline-max-function-size=17", "--always-inline-max-function-size=3"]);
    // Control flow built anew from flat code compresses half a percent better.
    shrinking.args(["--flatten", "--rereloop", "-Oz", "-Oz", "--converge"]);
    shrinking.args(["--strip-debug", "--strip-target-features", "--output"]).arg(wasm).arg(&named);
    process::run_shown(shrinking, |_| ())?;
    for file in [reachable, named] {
        std::fs::remove_file(&file).while_doing(format_args!("removing {}", file.display()))?;
    }
    Ok(ShortNames::from_listing(&listing))
}

/// Makes the wasm of a folder a module of JavaScript.
fn as_javascript(workspace: &Workspace, ready: &Ready, folder: &Path) -> Outcome<()> {
    println!("build: writing the core as JavaScript with wasm2js");
    let wasm = wasm_in(folder);
    let raw = workspace.scratch("core")?.join("wasm2js.js");
    let mut command = binaryen(workspace, ready, Form::JavaScript, "wasm2js")?;
    command.arg("-Oz").arg(&wasm).arg("--output").arg(&raw);
    process::run_shown(command, |_| ())?;
    let mut node = process::command("node");
    node.arg(workspace.path("xtask/node/module_of_wasm2js.mjs")).arg(raw).arg(folder.join("core.js"));
    process::run_shown(node, |_| ())?;
    std::fs::remove_file(&wasm).while_doing(format_args!("removing {}", wasm.display()))
}

/// The module's text with the number of the first place for JavaScript's values that is not the same value for ever. Where there are references
/// wasm-bindgen puts it there itself; where there are none, its glue has it.
fn with_first_place(text: &str, glue: &str) -> Outcome<String> {
    let first = glue.split_once("if (idx < ").and_then(|(_, rest)| rest.split_once(')'));
    let (first, _) =
        first.ok_or_else(|| Failure::new("wasm-bindgen's glue does not say which values are never dropped"))?;
    let calls = text.lines().filter(|line| line.trim_start().starts_with("(call $") && line.contains(FIRST_PLACE));
    let call = calls.map(|line| line.trim().trim_end_matches(')')).next().map(|call| format!("{call})"));
    Ok(call.map_or_else(|| text.to_owned(), |call| text.replace(&call, &format!("(i32.const {first})"))))
}

const FIRST_PLACE: &str = "::__wbindgen_externref_statics_end\"";

/// The module's text without the exports that the glue never names.
fn without_unused(text: &str, glue: &str) -> String {
    let is_used = |line: &&str| {
        let name = line.strip_prefix(" (export \"").and_then(|rest| Some(rest.split_once('"')?.0));
        name.is_none_or(|name| glue::names_export(glue, name))
    };
    text.lines().filter(is_used).flat_map(|line| [line, "\n"]).collect()
}

/// The module's text with nothing in the table's places of functions that call closures and wake futures. Only wasm-bindgen's descriptions of
/// js-sys named them, which it has read and removed, but what is in the table is kept. Where JavaScript can reach the table, they are needed.
fn without_described(text: &str) -> String {
    let is_elements = |line: &&str| line.starts_with(" (elem $0 ");
    let Some(line) = text.lines().find(is_elements) else { return text.to_owned() };
    let Some((head, functions)) = line.trim_end_matches(')').split_once("(i32.const 1) ") else {
        return text.to_owned();
    };
    // It is named only where there are several.
    let table = head.trim_start_matches(" (elem $0 ");
    let named = if table.is_empty() { "(table " } else { table.trim_end() };
    if text.lines().any(|line| line.starts_with(" (export ") && line.contains(named)) {
        return text.to_owned();
    }
    // Functions that stand together make a part; the first place of the table is never filled.
    let mut parts: Vec<(usize, Vec<&str>)> = Vec::new();
    let mut stands_beside_last = false;
    for (index, name) in functions.trim_start_matches("func ").split(" $").enumerate() {
        let name = name.trim_start_matches('$');
        if name.contains("::convert::closures::") || name.contains("::futures::") {
            stands_beside_last = false;
            continue;
        }
        match parts.last_mut().filter(|_| stands_beside_last) {
            Some((_, names)) => names.push(name),
            None => parts.push((index + 1, vec![name])),
        }
        stands_beside_last = true;
    }
    let parts: Vec<String> = parts
        .iter()
        .map(|(place, names)| format!(" (elem $part{place} {table}(i32.const {place}) func ${})", names.join(" $")))
        .collect();
    text.replace(line, &parts.join("\n"))
}

/// The name that stands where the core goes.
pub const BYTES: &str = "BYTES_OF_THE_CORE";

/// The module that has the core inside; what has the last word on how a bundle is written would escape more of it than it must.
const INLINED: &str = "// @ts-nocheck\n// `xtask/node/inline_wasm.mjs` puts the core in the place of this name.\nexport default BYTES_OF_THE_CORE;\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_glue_never_names_is_not_exported() {
        let text = " (export \"used\" (func $used))\n (export \"use\" (func $use))\n (func $use)\n";
        let kept = " (export \"used\" (func $used))\n (func $use)\n";
        assert_eq!(without_unused(text, "wasm.used();"), kept);
    }

    #[test]
    fn a_core_without_references_says_so_in_its_last_sections() {
        let wasm = [b"+\x0freference-types in a text".as_slice(), USES_REFERENCES, b"+\x08sign-ext"].concat();
        let without =
            [b"+\x0freference-types in a text".as_slice(), b"-\x0freference-types", b"+\x08sign-ext"].concat();
        assert_eq!(without_references(wasm).unwrap(), without);
        assert!(without_references(b"+\x08sign-ext".to_vec()).is_err());
    }

    #[test]
    fn values_that_are_never_dropped_are_those_of_the_glue() {
        let text = " (import \"a\" \"b\" (func $\"c::__wbindgen_externref_statics_end\" (result i32)))\n  (call $\"c::__wbindgen_externref_statics_end\")\n  )\n";
        let adapted = with_first_place(text, "if (idx < 1028) return;").unwrap();
        assert_eq!(adapted, text.replace("(call $\"c::__wbindgen_externref_statics_end\")", "(i32.const 1028)"));
        assert!(with_first_place(text, "").is_err());
    }

    #[test]
    fn what_only_descriptions_name_is_kept_where_javascript_can_reach_the_table() {
        let function = r#"$"w::convert::closures::_::invoke::<A, B>""#;
        let elements =
            format!(r#" (elem $0 (table $0) (i32.const 1) func $a $"b::<(x, y)> as z" {function} {function} $c)"#);
        let kept = r#" (elem $part1 (table $0) (i32.const 1) func $a $"b::<(x, y)> as z")
 (elem $part5 (table $0) (i32.const 5) func $c)"#;
        assert_eq!(without_described(&format!("(module\n{elements}\n)\n")), format!("(module\n{kept}\n)\n"));
        let of_references = format!("{elements}\n (export \"references\" (table $references))");
        assert!(without_described(&of_references).contains("(elem $part5"));
        // So it is written where there is but one table.
        let single = format!(" (elem $0 (i32.const 1) $a {function})");
        assert_eq!(without_described(&single), " (elem $part1 (i32.const 1) func $a)");
        let reachable = format!("(module\n{elements}\n (export \"table\" (table $0))\n)\n");
        assert_eq!(without_described(&reachable), reachable);
    }
}
