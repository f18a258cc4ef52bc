//! Folders and files that hold secrets.

use std::path::Path;

/// Makes the folder that `file` shall stand in, for its owner alone; one that is there stays as it is.
///
/// # Errors
/// What the operating system says.
pub fn private_folder_of(file: &Path) -> std::io::Result<()> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes `file`, empty and for its owner alone; one that is there stays as it is.
///
/// # Errors
/// What the operating system says.
pub fn private_file(file: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Err(why) if why.kind() != std::io::ErrorKind::AlreadyExists => Err(why),
        _ => Ok(()),
    }
}

/// Whether others than its owner and those of its group may read `file`, or others than its owner write it; `false` where
/// there is none. Platforms that mount secrets let a program read them by its group.
pub fn is_open_to_others(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & 0o037 != 0)
    }
    #[cfg(not(unix))]
    false
}
