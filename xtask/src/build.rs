//! Builds the npm package: the core in its forms → bundled entries in pkg/dist, each measured.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::browsers;
use crate::core_forms::{self, Form};
use crate::failure::{Failure, Outcome, While};
use crate::npm;
use crate::process;
use crate::ready::Ready;
use crate::setup::seconds;
use crate::size_table;
use crate::workspace::{Workspace, emptied};

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
    Bundle { entry: "core_javascript.js", core: "core_in_chunks.js", format: "esm", file: "core_javascript.js" },
    Bundle { entry: "index.js", core: "core_inline.js", format: "esm", file: "inline.js" },
    // Not packed: the browser tests run over both forms.
    Bundle { entry: "index.js", core: "core_inline_javascript.js", format: "esm", file: "inline_javascript.js" },
    // For who calls `require`, as Jest does: what it runs in has no chunks.
    Bundle { entry: "index.js", core: "core_inline.js", format: "cjs", file: "index.cjs" },
    Bundle { entry: "script.js", core: "core_beside_script.js", format: "iife", file: "script.js" },
];

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
    core_forms::make(workspace, ready)?;
    bundle(workspace, &emptied(&workspace.path("pkg/dist"))?)?;
    browsers::take(workspace, Form::WebAssembly)?;
    println!("build: pkg/dist is ready after {}\n", seconds(began.elapsed()));
    Ok(())
}

fn measure(workspace: &Workspace, ready: &Ready) -> Outcome<()> {
    let script = workspace.path("xtask/node/compressed_sizes.mjs");
    let names: Vec<&str> = size_table::RECORDED.iter().map(|(name, _)| *name).collect();
    let sizes = size_table::measure(&script, &workspace.path("pkg/dist"), &names)?;
    println!("{}", size_table::table(&sizes));
    println!("{}", judge(&size_table::grown(&sizes, size_table::RECORDED), ready.compiler.builds_for_size())?);
    Ok(())
}

/// What is to be said of the sizes; fails where a file grew, and std was built for size as where its size was recorded.
fn judge(grown: &[String], std_is_for_size: bool) -> Outcome<String> {
    match (std_is_for_size, grown) {
        (true, []) => Ok("No file grew by more than 2 % since its size was recorded.".to_owned()),
        (true, grown) => Err(Failure::new(grown.join("; "))),
        (false, _) => Ok(format!(
            "{ONLY_REPORTED}: std's sources are not there (rustup component add rust-src), so std was not built for size, as it was where \
             the sizes were recorded."
        )),
    }
}

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
fn bundle(workspace: &Workspace, dist: &Path) -> Outcome<()> {
    println!("build: bundling the entries with esbuild");
    let mut with_core = Vec::new();
    for Bundle { entry, core, format, file } in BUNDLES {
        let mut esbuild = process::command(npm::program(workspace, "esbuild"));
        esbuild.arg(workspace.path("pkg/src").join(entry));
        esbuild.args([
            "--bundle",
            "--minify-syntax",
            "--minify-identifiers",
            "--target=es2022",
            "--charset=ascii",
            "--log-level=warning",
        ]);
        // What it exports by the name of a global takes the global's place, in the glue too.
        esbuild.arg(format!("--inject:{}", workspace.path("pkg/src/environment.js").display()));
        esbuild.arg(format!("--alias:the-core={}", workspace.path("pkg/src").join(core).display()));
        esbuild.arg(format!("--external:{CHUNK}*"));
        // wasm-bindgen lists one module once for each place that imports it; every time it is the same module.
        esbuild.arg("--log-override:duplicate-object-key=silent");
        let bundled = dist.join(file);
        esbuild.arg(format!("--format={format}")).arg(format!("--outfile={}", bundled.display()));
        // The glue's only words to the console are about arguments that the entries do not give.
        esbuild.arg("--drop:console");
        process::run_shown(esbuild, |_| ())?;
        // Measured: 4 % smaller after gzip than what esbuild leaves.
        let mut terser = process::command(npm::program(workspace, "terser"));
        terser.arg(&bundled).args(["--ecma", "2022", "--mangle", "--compress", COMPRESS]);
        // What bundlers are told about calls and imports is to stay.
        terser.args([
            "--format",
            "ascii_only=true,preserve_annotations=true",
            "--comments",
            "/webpackIgnore|@vite-ignore/",
        ]);
        terser.arg(if *format == "esm" { "--module" } else { "--toplevel" }).arg("--output").arg(&bundled);
        process::run_shown(terser, |_| ())?;
        let bundling = format!("bundling {}", bundled.display());
        let text = std::fs::read_to_string(&bundled).while_doing(&bundling)?;
        std::fs::write(&bundled, with_chunks(&text)).while_doing(&bundling)?;
        if text.contains(core_forms::BYTES) {
            with_core.push(bundled);
        }
    }
    let wasm = core_forms::wasm(workspace);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_fails_where_std_was_built_for_size_and_elsewhere_the_sizes_are_reported() {
        let grown = ["core.js is larger".to_owned()];
        assert!(judge(&[], true).is_ok_and(|said| !said.contains(ONLY_REPORTED)));
        assert!(judge(&grown, true).is_err_and(|failure| failure.to_string() == "core.js is larger"));
        for grown in [&[] as &[String], &grown] {
            let said = judge(grown, false).unwrap();
            assert!(said.lines().any(|line| line.starts_with(ONLY_REPORTED)), "{said}");
        }
    }

    #[test]
    fn a_bundle_imports_chunks_by_their_files() {
        let bundle = r#"a=()=>import("chunk:core"),b=()=>import("chunk:core_javascript"),c="no chunk""#;
        let expected = r#"a=()=>import("./core.js"),b=()=>import("./core_javascript.js"),c="no chunk""#;
        assert_eq!(with_chunks(bundle), expected);
    }
}
