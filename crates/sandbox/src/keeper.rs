//! `--state FILE`: keeps what a sandbox knows in a file.
//!
//! Invariants: a file is replaced as a whole or not at all; one that cannot be read is never overwritten, the sandbox does not start;
//! what is written is at most a quarter of a second old, and the last of it when the sandbox is stopped.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::watch;

use crate::config::StartError;
use crate::snapshot;
use crate::state::Settings;
use crate::world::World;

/// How often the file is brought up to date, when anything has changed.
const EVERY: Duration = Duration::from_millis(250);

/// Where the state is kept, and what stands there.
pub(crate) struct Keeper {
    file: PathBuf,
    written: String,
}

/// A world as the file tells, a new one without.
pub(crate) fn load(settings: Settings, file: Option<&Path>) -> Result<(World, Option<Keeper>), StartError> {
    let Some(file) = file else { return Ok((World::new(settings), None)) };
    let refuse = |reason: String| StartError { flag: "--state", reason: format!("{}: {reason}", file.display()) };
    let (world, written) = match fs::read_to_string(file) {
        Ok(text) => (snapshot::read(settings, &text).map_err(refuse)?, text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (World::new(settings), String::new()),
        Err(error) => return Err(refuse(error.to_string())),
    };
    let mut keeper = Keeper { file: file.to_owned(), written };
    // Now, not in a quarter of a second: a folder that cannot be written to is a wrong flag.
    keeper.save(&world).map_err(|error| refuse(error.to_string()))?;
    Ok((world, Some(keeper)))
}

/// Brings the file up to date until the sandbox stops, and once more then.
pub(crate) async fn keep(world: World, keeper: Option<Keeper>, mut stopped: watch::Receiver<()>) {
    let Some(mut keeper) = keeper else { return };
    loop {
        let is_over = tokio::select! {
            changed = stopped.changed() => changed.is_err(),
            () = tokio::time::sleep(EVERY) => false,
        };
        if let Err(error) = keeper.save(&world) {
            tracing::error!(%error, "the state could not be written");
        }
        if is_over {
            return;
        }
    }
}

impl Keeper {
    /// Writes the state if it is another than the last time: beside the file first, then over it.
    fn save(&mut self, world: &World) -> io::Result<()> {
        let text = snapshot::write(world);
        if text == self.written {
            return Ok(());
        }
        let mut beside = self.file.clone().into_os_string();
        beside.push(".new");
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // It holds authorize tokens and the webhook's secret.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &self.file)?;
        self.written = text;
        Ok(())
    }
}
