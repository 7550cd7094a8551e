//! Builds the npm package: compiled core → wasm-bindgen → wasm-opt → bundled entries in pkg/dist, each measured.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::compiler::{TARGET, Use};
use crate::failure::{Failure, Outcome, While};
use crate::npm;
use crate::process;
use crate::ready::Ready;
use crate::setup::seconds;
use crate::size_table::{self, Size};
use crate::workspace::Workspace;

/// The name of everything that wasm-bindgen writes; the entries import it.
const NAME: &str = "custom_identity_provider";
const WASM: &str = "custom_identity_provider.wasm";

/// A file of the package that esbuild makes.
struct Bundle {
    /// Where it begins, in pkg/src.
    entry: &'static str,
    /// The module in pkg/src that takes the place of `the-core`: where this file has the core from.
    core: &'static str,
    format: &'static str,
    file: &'static str,
}

const BUNDLES: &[Bundle] = &[
    Bundle { entry: "index.js", core: "core_in_chunks.js", format: "esm", file: "index.js" },
    Bundle { entry: "core_webassembly.js", core: "core_in_chunks.js", format: "esm", file: "core.js" },
    Bundle { entry: "index.js", core: "core_inline.js", format: "esm", file: "inline.js" },
    // For who calls `require`, as Jest does: it has no chunks.
    Bundle { entry: "index.js", core: "core_inline.js", format: "cjs", file: "index.cjs" },
    Bundle { entry: "script.js", core: "core_beside_script.js", format: "iife", file: "script.js" },
];
const MEASURED: &[&str] = &["index.js", "core.js", "inline.js", "script.js", WASM];

/// How the sentence begins that is said where the limit is not held to.
pub const ONLY_REPORTED: &str = "The sizes are only reported";

/// Builds pkg/dist and prints its sizes; fails when the core and its JavaScript are over the limit, where that can be held to.
pub fn run(workspace: &Workspace, ready: &Ready) -> Outcome<()> {
    package(workspace, ready)?;
    measure(workspace, ready)
}

/// Builds pkg/dist.
pub fn package(workspace: &Workspace, ready: &Ready) -> Outcome<()> {
    let began = Instant::now();
    let compiled = compile(workspace, ready)?;
    let generated = workspace.path("pkg/generated");
    bind(workspace, ready, &compiled, &generated)?;
    let names = optimise(workspace, ready, &generated)?;
    let dist = workspace.path("pkg/dist");
    bundle(workspace, &generated, &names, &dist)?;
    println!("build: pkg/dist is ready after {}\n", seconds(began.elapsed()));
    Ok(())
}

fn measure(workspace: &Workspace, ready: &Ready) -> Outcome<()> {
    let script = workspace.path("xtask/node/compressed_sizes.mjs");
    let sizes = size_table::measure(&script, &workspace.path("pkg/dist"), MEASURED)?;
    let total = size_table::total(&sizes, &["core.js"]);
    println!("{}", size_table::table(&sizes));
    println!("{}", judge(&total, ready.compiler.builds_for_size())?);
    Ok(())
}

/// What is to be said of the size; fails where it is over the limit, and std was built for size as where the limit was measured.
fn judge(total: &Size, std_is_for_size: bool) -> Outcome<String> {
    let limit = format!("limit of core.js after gzip: {} B", size_table::grouped(size_table::LIMIT));
    if std_is_for_size {
        return size_table::hold_to(size_table::LIMIT, total).map(|()| limit);
    }
    Ok(format!(
        "{limit}\n{ONLY_REPORTED}: std's sources are not there (rustup component add rust-src), so std was not built for size, as it \
         was where the limit was measured."
    ))
}

/// The core as rustc leaves it.
fn compile(workspace: &Workspace, ready: &Ready) -> Outcome<PathBuf> {
    println!("build: compiling the core with {}", ready.compiler.describe());
    let mut cargo = ready.compiler.cargo(workspace, "build", Use::Release);
    cargo.args(["--package", "custom-identity-provider", "--lib", "--profile", "wasm"]);
    process::run_shown(cargo, |_| ())?;
    Ok(workspace.wasm_target().join(TARGET).join("wasm").join(WASM))
}

/// Writes the JavaScript glue into pkg/generated, beside the wasm.
fn bind(workspace: &Workspace, ready: &Ready, compiled: &Path, generated: &Path) -> Outcome<()> {
    println!("build: writing the glue with {}", ready.wasm_bindgen.name);
    empty(generated)?;
    let mut command = process::command(ready.wasm_bindgen.path());
    // Without the default path the glue has no import.meta, which bundlers would take for a file to find.
    command.args(["glue", "--target", "web", "--omit-default-module-path", "--out-name", NAME, "--out-dir"]);
    command.arg(generated).args(["--remove-producers-section", "--encode-into", "always"]).arg(compiled);
    process::run_shown(command, |_| ())?;
    let glue = generated.join(format!("{NAME}.js"));
    let adapting = format!("adapting {}", glue.display());
    let text = std::fs::read_to_string(&glue).while_doing(&adapting)?;
    std::fs::write(&glue, adapted(&text)?).while_doing(&adapting)?;
    // The types that TypeScript reads of it say the same.
    let types = generated.join(format!("{NAME}.d.ts"));
    let text = std::fs::read_to_string(&types).while_doing(&adapting)?;
    std::fs::write(&types, format!("{text}{TYPES_OF_PARTS}")).while_doing(&adapting)?;
    link_snippets(workspace, &generated.join("snippets"))
}

/// What wasm-bindgen's glue has, and what stands in its place.
const ADAPTATIONS: [[&str; 2]; 4] = [
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
fn link_snippets(workspace: &Workspace, snippets: &Path) -> Outcome<()> {
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

/// Shrinks the wasm with no feature but those that rustc used: Node and the browsers refuse some that wasm-opt knows. Answers with
/// the short names that it gave to what the wasm imports and exports: the long ones hold digests, which do not compress.
fn optimise(workspace: &Workspace, ready: &Ready, generated: &Path) -> Outcome<ShortNames> {
    println!("build: shrinking with wasm-opt");
    let wasm = generated.join(format!("{NAME}_bg.wasm"));
    let features: Vec<String> = ready.compiler.features()?.iter().map(|name| format!("--enable-{name}")).collect();
    let mut dis = process::command(npm::program(workspace, "wasm-dis"));
    dis.arg("--mvp-features").args(&features).arg(&wasm);
    let text = process::answer(dis).ok_or_else(|| Failure::new("wasm-dis failed"))?;
    let reachable = generated.join("reachable.wat");
    std::fs::write(&reachable, without_described(&text)).while_doing("writing the core's text")?;

    let smaller = generated.join("smaller.wasm");
    let mut command = process::command(npm::program(workspace, "wasm-opt"));
    command.arg("--mvp-features").args(features);
    // Measured: keeping functions apart unless they are tiny makes the file larger, but 3 % smaller after gzip.
    command.args(["--one-caller-inline-max-function-size=17", "--always-inline-max-function-size=3"]);
    // Control flow built anew from flat code compresses half a percent better.
    command.args(["--flatten", "--rereloop", "-Oz", "-Oz", "--converge"]);
    command.args(["--strip-debug", "--strip-target-features", "--minify-imports-and-exports-and-modules"]);
    command.arg("--output").arg(&smaller).arg(&reachable);
    let listing = process::answer(command).ok_or_else(|| Failure::new("wasm-opt failed"))?;
    let names = ShortNames::from_listing(&listing);
    std::fs::rename(&smaller, &wasm).while_doing("replacing the wasm by the smaller one")?;
    std::fs::remove_file(&reachable).while_doing("removing the core's text")?;
    std::fs::write(generated.join("inlined_wasm.js"), INLINED)
        .while_doing("writing the module with the core inside")?;
    Ok(names)
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

/// The short names that wasm-opt gave to imports and exports, which the glue has to use too.
#[derive(Debug, PartialEq, Eq)]
struct ShortNames(Vec<(String, String)>);

impl ShortNames {
    /// wasm-opt lists `["module", "name", "short"]` for an import and `["name", "short"]` for an export, a line each.
    fn from_listing(listing: &str) -> Self {
        let mut names = Vec::new();
        for line in listing.lines() {
            let strings: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
            match strings.as_slice() {
                [module, name, short] => {
                    // All modules become the one named a.
                    names.push(((*module).to_owned(), "a".to_owned()));
                    names.push(((*name).to_owned(), (*short).to_owned()));
                }
                [name, short] => names.push(((*name).to_owned(), (*short).to_owned())),
                _ => {}
            }
        }
        names.sort();
        names.dedup();
        Self(names)
    }

    /// The names as esbuild's cache of names that it has to use.
    fn as_cache(&self) -> String {
        let entries: Vec<String> = self.0.iter().map(|(name, short)| format!("\"{name}\": \"{short}\"")).collect();
        format!("{{{}}}", entries.join(", "))
    }

    /// A regular expression that finds exactly the long names.
    fn as_expression(&self) -> String {
        let names: Vec<String> = self.0.iter().map(|(name, _)| name.replace('.', "\\.")).collect();
        format!("^({})$", names.join("|"))
    }
}

/// The module that has the core inside; what has the last word on how a bundle is written would escape more of it than it must.
const INLINED: &str = "// @ts-nocheck\n// `xtask/node/inline_wasm.mjs` puts the core in the place of this name.\nexport default BYTES_OF_THE_CORE;\n";
/// The name in it.
const BYTES: &str = "BYTES_OF_THE_CORE";
/// How the names of chunks begin in imports: esbuild would look for files of these names.
const CHUNK: &str = "chunk:";

/// The text of a bundle, which imports chunks by their files beside it.
fn with_chunks(bundle: &str) -> String {
    let mut text = String::with_capacity(bundle.len());
    let mut rest = bundle;
    while let Some((before, after)) = rest.split_once(&format!("\"{CHUNK}")) {
        let (name, after) = after.split_once('"').unwrap_or((after, ""));
        text += &format!("{before}\"./{name}.js\"");
        rest = after;
    }
    text + rest
}

/// What terser does beyond its defaults.
const COMPRESS: &str = "passes=3,unsafe_arrows,unsafe_methods";

/// Bundles each entry into pkg/dist, and puts the wasm and the types of the CommonJS module beside them.
fn bundle(workspace: &Workspace, generated: &Path, names: &ShortNames, dist: &Path) -> Outcome<()> {
    println!("build: bundling the entries with esbuild");
    empty(dist)?;
    let cache = generated.join("short_names.json");
    std::fs::write(&cache, names.as_cache()).while_doing("writing the short names")?;
    let mut with_core = Vec::new();
    for Bundle { entry, core, format, file } in BUNDLES {
        let mut esbuild = process::command(npm::program(workspace, "esbuild"));
        esbuild.arg(workspace.path("pkg/src").join(entry));
        esbuild.args(["--bundle", "--minify", "--target=es2022", "--charset=ascii", "--log-level=warning"]);
        // What it exports by the name of a global takes the global's place, in the glue too.
        esbuild.arg(format!("--inject:{}", workspace.path("pkg/src/environment.js").display()));
        esbuild.arg(format!("--alias:the-core={}", workspace.path("pkg/src").join(core).display()));
        esbuild.arg(format!("--external:{CHUNK}*"));
        // wasm-bindgen lists one module once for each place that imports it; every time it is the same module.
        esbuild.arg("--log-override:duplicate-object-key=silent");
        esbuild.arg(format!("--mangle-props={}", names.as_expression())).arg("--mangle-quoted");
        esbuild.arg(format!("--mangle-cache={}", cache.display()));
        let bundled = dist.join(file);
        esbuild.arg(format!("--format={format}")).arg(format!("--outfile={}", bundled.display()));
        // The glue's only words to the console are about arguments that the entries do not give.
        esbuild.arg("--drop:console");
        process::run_shown(esbuild, |_| ())?;
        // Measured: 4 % smaller after gzip than what esbuild leaves.
        let mut terser = process::command(npm::program(workspace, "terser"));
        terser.arg(&bundled).args(["--ecma", "2022", "--mangle", "--compress", COMPRESS]);
        // What bundlers are told about an import is to stay.
        terser.args(["--format", "ascii_only=true", "--comments", "/webpackIgnore|@vite-ignore/"]);
        terser.arg(if *format == "esm" { "--module" } else { "--toplevel" }).arg("--output").arg(&bundled);
        process::run_shown(terser, |_| ())?;
        let bundling = format!("bundling {}", bundled.display());
        let text = std::fs::read_to_string(&bundled).while_doing(&bundling)?;
        std::fs::write(&bundled, with_chunks(&text)).while_doing(&bundling)?;
        if text.contains(BYTES) {
            with_core.push(bundled);
        }
    }
    let wasm = generated.join(format!("{NAME}_bg.wasm"));
    let mut node = process::command("node");
    node.arg(workspace.path("xtask/node/inline_wasm.mjs")).arg(&wasm).args(with_core);
    process::run_shown(node, |_| ())?;
    let copy = |from: PathBuf, name: &str| {
        std::fs::copy(from, dist.join(name)).while_doing(format_args!("copying {name} into pkg/dist"))
    };
    // TypeScript takes declarations for those of a CommonJS module by their extension alone.
    copy(workspace.path("pkg/index.d.ts"), "index.d.cts")?;
    copy(wasm, WASM).map(|_| ())
}

/// An empty folder in place of whatever an earlier build left there.
fn empty(folder: &Path) -> Outcome<()> {
    let emptying = format!("emptying {}", folder.display());
    if folder.is_dir() {
        std::fs::remove_dir_all(folder).while_doing(&emptying)?;
    }
    std::fs::create_dir_all(folder).while_doing(&emptying)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_where_std_was_built_for_size_and_elsewhere_the_size_is_reported() {
        let (small, large) = (Size::of_gzip(size_table::LIMIT), Size::of_gzip(size_table::LIMIT + 1));
        assert!(judge(&small, true).is_ok_and(|said| !said.contains(ONLY_REPORTED)));
        assert!(judge(&large, true).is_err());
        for size in [small, large] {
            let said = judge(&size, false).unwrap();
            assert!(said.lines().any(|line| line.starts_with(ONLY_REPORTED)), "{said}");
        }
    }

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
    fn what_only_descriptions_name_is_kept_where_javascript_can_reach_the_table() {
        let elements = r#" (elem $0 (table $0) (i32.const 1) func $a $"b::<(x, y)> as z" $"w::convert::closures::_::invoke::<A, B>" $c)"#;
        let export = r#" (export "table" (table $0))"#;
        let kept = r#" (elem $0 (table $0) (i32.const 1) funcref (ref.func $a) (ref.func $"b::<(x, y)> as z") (ref.null nofunc) (ref.func $c))"#;
        assert_eq!(without_described(&format!("(module\n{elements}\n)\n")), format!("(module\n{kept}\n)\n"));
        let reachable = format!("(module\n{elements}\n{export}\n)\n");
        assert_eq!(without_described(&reachable), reachable);
    }

    #[test]
    fn short_names_are_read_from_the_listing_and_handed_to_esbuild() {
        let listing = "{\n \"imports\": [\n  [\"./core_bg.js\", \"__wbg_get_1f\", \"b\"],\n ],\n\"exports\": [\n  [\"memory\", \"c\"],\n ]\n}";
        let names = ShortNames::from_listing(listing);
        assert_eq!(names.as_cache(), r#"{"./core_bg.js": "a", "__wbg_get_1f": "b", "memory": "c"}"#);
        assert_eq!(names.as_expression(), r"^(\./core_bg\.js|__wbg_get_1f|memory)$");
    }
}
