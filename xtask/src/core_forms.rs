//! The core in the forms that pages load: compiled by rustc, bound to JavaScript by wasm-bindgen, shrunk by wasm-opt.

use std::path::{Path, PathBuf};

use crate::compiler::{TARGET, Use};
use crate::failure::{Failure, Outcome, While};
use crate::glue::{self, ShortNames};
use crate::npm;
use crate::process;
use crate::ready::Ready;
use crate::workspace::{Workspace, emptied};

/// The name of everything that wasm-bindgen writes; `pkg/src` imports it.
const NAME: &str = "custom_identity_provider";
/// Where the WebAssembly and its glue are left.
const WEBASSEMBLY: &str = "pkg/generated/webassembly";

/// The core's WebAssembly, as the package has it.
pub fn wasm(workspace: &Workspace) -> PathBuf {
    wasm_in(&workspace.path(WEBASSEMBLY))
}

fn wasm_in(folder: &Path) -> PathBuf {
    folder.join(format!("{NAME}_bg.wasm"))
}

/// Makes the core's WebAssembly, its glue, and the module that has it inside.
pub fn make(workspace: &Workspace, ready: &Ready) -> Outcome<()> {
    emptied(&workspace.path("pkg/generated"))?;
    let folder = emptied(&workspace.path(WEBASSEMBLY))?;
    let compiled = compile(workspace, ready)?;
    bind(workspace, ready, &compiled, &folder)?;
    let glue = folder.join(format!("{NAME}.js"));
    let names = optimise(workspace, ready, &wasm_in(&folder), &glue)?;
    glue::rename(&glue, &names)?;
    let inlined = folder.join("inlined_wasm.js");
    std::fs::write(&inlined, INLINED).while_doing(format_args!("writing {}", inlined.display()))
}

/// The core as rustc leaves it.
fn compile(workspace: &Workspace, ready: &Ready) -> Outcome<PathBuf> {
    println!("build: compiling the core with {}", ready.compiler.describe());
    let mut cargo = ready.compiler.cargo(workspace, "build", Use::Release);
    cargo.args(["--package", "custom-identity-provider", "--lib", "--profile", "wasm"]);
    process::run_shown(cargo, |_| ())?;
    Ok(workspace.wasm_target().join(TARGET).join("wasm").join(format!("{NAME}.wasm")))
}

/// Writes the glue into a folder, beside the wasm.
fn bind(workspace: &Workspace, ready: &Ready, compiled: &Path, folder: &Path) -> Outcome<()> {
    println!("build: writing the glue with {}", ready.wasm_bindgen.name);
    let mut command = process::command(ready.wasm_bindgen.path());
    // Without the default path the glue has no import.meta, which bundlers would take for a file to find.
    command.args(["glue", "--target", "web", "--omit-default-module-path", "--out-name", NAME, "--out-dir"]);
    command.arg(folder).args(["--remove-producers-section", "--encode-into", "always"]).arg(compiled);
    process::run_shown(command, |_| ())?;
    glue::adapt(folder, NAME)?;
    glue::link_snippets(workspace, &folder.join("snippets"))
}

/// Shrinks the wasm with no feature but those that rustc used: Node and the browsers refuse some that wasm-opt knows. Answers with
/// the short names that it gave to what the wasm imports and exports: the long ones hold digests, which do not compress.
fn optimise(workspace: &Workspace, ready: &Ready, wasm: &Path, glue: &Path) -> Outcome<ShortNames> {
    println!("build: shrinking with wasm-opt");
    let glue = std::fs::read_to_string(glue).while_doing(format_args!("reading {}", glue.display()))?;
    let features: Vec<String> = ready.compiler.features()?.iter().map(|name| format!("--enable-{name}")).collect();
    let mut dis = process::command(npm::program(workspace, "wasm-dis"));
    dis.arg("--mvp-features").args(&features).arg(wasm);
    let text = process::answer(dis).ok_or_else(|| Failure::new("wasm-dis failed"))?;
    let reachable = wasm.with_extension("wat");
    std::fs::write(&reachable, without_described(&without_unused(&text, &glue)))
        .while_doing("writing the core's text")?;

    let wasm_opt = || {
        let mut command = process::command(npm::program(workspace, "wasm-opt"));
        command.arg("--mvp-features").args(&features);
        command
    };
    // By itself: what follows is done more than once, and names are given once.
    let named = wasm.with_extension("named.wasm");
    let mut naming = wasm_opt();
    naming.args(["--remove-unused-module-elements", "--minify-imports-and-exports-and-modules", "--output"]);
    naming.arg(&named).arg(&reachable);
    let listing = process::answer(naming).ok_or_else(|| Failure::new("wasm-opt failed"))?;
    let mut shrinking = wasm_opt();
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
    let Some((before, rest)) = text.split_once("(elem $0 (table $0) (i32.const 1) func ") else {
        return text.to_owned();
    };
    let Some((functions, after)) = rest.split_once(")\n") else { return text.to_owned() };
    if text.lines().any(|line| line.starts_with(" (export ") && line.contains("(table $0)")) {
        return text.to_owned();
    }
    let places: Vec<String> = functions
        .split(" $")
        .map(|name| name.trim_start_matches('$'))
        .map(|name| match name.contains("::convert::closures::") || name.contains("::futures::") {
            true => "(ref.null nofunc)".to_owned(),
            false => format!("(ref.func ${name})"),
        })
        .collect();
    format!("{before}(elem $0 (table $0) (i32.const 1) funcref {})\n{after}", places.join(" "))
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
    fn what_only_descriptions_name_is_kept_where_javascript_can_reach_the_table() {
        let elements = r#" (elem $0 (table $0) (i32.const 1) func $a $"b::<(x, y)> as z" $"w::convert::closures::_::invoke::<A, B>" $c)"#;
        let export = r#" (export "table" (table $0))"#;
        let kept = r#" (elem $0 (table $0) (i32.const 1) funcref (ref.func $a) (ref.func $"b::<(x, y)> as z") (ref.null nofunc) (ref.func $c))"#;
        assert_eq!(without_described(&format!("(module\n{elements}\n)\n")), format!("(module\n{kept}\n)\n"));
        let reachable = format!("(module\n{elements}\n{export}\n)\n");
        assert_eq!(without_described(&reachable), reachable);
    }
}
