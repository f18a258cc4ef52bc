//! Folders that hold secrets.

use std::path::Path;

/// Makes the folder that `file` shall stand in, for its owner alone; one that is there stays as it is.
///
/// # Errors
/// What the operating system says.
pub fn private_folder_of(file: &Path) -> std::io::Result<()> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
