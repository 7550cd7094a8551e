//! A processor core for the program under measure, and another one for the load, as if they were two machines.

use std::sync::OnceLock;

use core_affinity::CoreId;

use super::Outcome;

/// The program's, and the load's.
static CORES: OnceLock<(CoreId, CoreId)> = OnceLock::new();

fn pin(core: CoreId) -> Outcome<()> {
    if core_affinity::set_for_current(core) { Ok(()) } else { Err(format!("core {} cannot be had", core.id).into()) }
}

/// Puts the calling thread, and all that it starts from now on, on the load's core.
pub fn share_out() -> Outcome<()> {
    let found = core_affinity::get_core_ids().unwrap_or_default();
    let [program, load, ..] = found.as_slice() else {
        return Err("expected two processor cores, one for the program under measure and one for the load".into());
    };
    pin(CORES.get_or_init(|| (*program, *load)).1)
}

/// Does this on the program's core. A process that it starts stays there.
pub fn on_the_programs<T>(task: impl FnOnce() -> T) -> Outcome<T> {
    let (program, load) = *CORES.get().ok_or("the cores are not shared out")?;
    pin(program)?;
    let done = task();
    pin(load)?;
    Ok(done)
}
