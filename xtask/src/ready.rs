//! A machine that is ready for a command: with what setup found or made on it.

use crate::compiler::WasmCompiler;
use crate::tools::Tool;

/// What setup found or made.
pub struct Ready {
    pub compiler: WasmCompiler,
    pub wasm_bindgen: Tool,
    /// Only for tests in Firefox.
    pub geckodriver: Option<Tool>,
    /// Only for checks of the dependencies.
    pub cargo_deny: Option<Tool>,
}
