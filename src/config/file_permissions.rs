//! Checks which users may read a file with a secret.
//!
//! Never here: reading it; systems without owners and groups.

use std::path::Path;

/// Whether users other than root and this process's user and groups may read or change a file. Its owner may always. Its
/// group may read it if root or this process's user owns the file and this process is a member of the group: a Kubernetes
/// Secret, which root owns and the pod's group reads, is as private as a file of our own.
#[cfg(unix)]
pub(super) fn open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).is_ok_and(|file| {
        FileMode { mode: file.mode(), owner: file.uid(), group: file.gid() }.is_open_beyond(&ProcessIdentity::now())
    })
}

/// Whether every user of this host may read or change a file.
#[cfg(unix)]
pub(super) fn open_to_everybody(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).is_ok_and(|file| file.mode() & EVERYBODY != 0)
}

#[cfg(not(unix))]
pub(super) fn open_to_others(_: &Path) -> bool {
    false
}

#[cfg(not(unix))]
pub(super) fn open_to_everybody(_: &Path) -> bool {
    false
}

#[cfg(unix)]
const EVERYBODY: u32 = 0o007;
#[cfg(unix)]
const GROUP: u32 = 0o070;
#[cfg(unix)]
const GROUP_READS: u32 = 0o040;

/// The permissions of a file, and its owner and group.
#[cfg(unix)]
struct FileMode {
    mode: u32,
    owner: u32,
    group: u32,
}

/// The user and groups of this process.
#[cfg(unix)]
struct ProcessIdentity {
    user: u32,
    groups: Vec<u32>,
}

#[cfg(unix)]
impl ProcessIdentity {
    fn now() -> ProcessIdentity {
        use rustix::process::{getegid, geteuid, getgroups};
        // Without the other groups our own group remains, and at worst there is an unnecessary warning.
        let others = getgroups().unwrap_or_default();
        let groups = std::iter::once(getegid()).chain(others).map(rustix::process::Gid::as_raw).collect();
        ProcessIdentity { user: geteuid().as_raw(), groups }
    }
}

#[cfg(unix)]
impl FileMode {
    fn is_open_beyond(&self, us: &ProcessIdentity) -> bool {
        let ours = (self.owner == 0 || self.owner == us.user) && us.groups.contains(&self.group);
        let group_may = self.mode & GROUP;
        self.mode & EVERYBODY != 0 || group_may != 0 && !(ours && group_may == GROUP_READS)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::{FileMode, ProcessIdentity, open_to_everybody, open_to_others};

    #[test]
    fn a_secret_may_be_read_by_us_and_by_a_group_of_ours_that_root_or_we_chose() {
        let us = ProcessIdentity { user: 1000, groups: vec![1000, 2000] };
        // Mode, owner, group, whether other users may access it.
        let table = [
            ("our own", 0o600, 1000, 1000, false),
            ("our own, of a strange group that may nothing", 0o400, 1000, 9, false),
            ("a mounted Secret: root's, and the pod's group reads", 0o440, 0, 2000, false),
            ("the same, writable by root", 0o640, 0, 2000, false),
            ("by our first group", 0o640, 0, 1000, false),
            ("our own, and a group of ours reads", 0o640, 1000, 2000, false),
            ("with bits that are no permission", 0o100_440, 0, 2000, false),
            ("root's, and a strange group reads", 0o440, 0, 9, true),
            ("root's group is not ours", 0o440, 0, 0, true),
            ("our own, and a strange group reads", 0o640, 1000, 9, true),
            ("another user's, and a group of ours reads", 0o640, 9, 2000, true),
            ("a group of ours writes", 0o660, 1000, 2000, true),
            ("a group of ours only writes", 0o620, 1000, 2000, true),
            ("all users read", 0o444, 0, 2000, true),
            ("all users except the group read", 0o404, 1000, 1000, true),
            ("all users write", 0o602, 1000, 1000, true),
        ];
        for (name, mode, owner, group, expected) in table {
            assert_eq!(FileMode { mode, owner, group }.is_open_beyond(&us), expected, "{name}");
        }
    }

    #[test]
    fn a_file_that_we_make_is_ours_and_its_group_counts() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, others, everybody) in
            [(0o600, false, false), (0o640, false, false), (0o604, true, true), (0o660, true, false)]
        {
            std::fs::set_permissions(file.path(), PermissionsExt::from_mode(mode)).unwrap();
            let found = (open_to_others(file.path()), open_to_everybody(file.path()));
            assert_eq!(found, (others, everybody), "{mode:o}");
        }
        assert!(!open_to_others(&file.path().join("absent")));
    }
}
