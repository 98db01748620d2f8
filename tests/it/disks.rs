//! Disks that fill up or cannot be written any more: nothing that was not stored is acknowledged, nothing acknowledged is
//! lost, and the service goes on by itself when there is room again. Needs a machine that lets us mount.

use crate::common::Place;
use crate::writer::{Writer, assert_sentence};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small file system of its own, if this machine lets us mount one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, megabytes: u32) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let size = format!("size={megabytes}m");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        done.is_ok_and(|output| output.status.success()).then(|| Self(at.to_owned()))
    }

    fn remount(&self, how: &str) {
        assert!(Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A place on that disk; none, with a printed reason, where nothing can be mounted.
fn small_place(megabytes: u32) -> Option<(Place, SmallDisk)> {
    let place = Place::new();
    let disk = SmallDisk::mount(place.path(), megabytes);
    if disk.is_none() {
        println!("SKIPPED: this machine lets us mount no file system");
    }
    Some((place, disk?))
}

#[test]
fn a_full_disk_is_507_until_there_is_room() {
    let Some((place, _disk)) = small_place(4) else { return };
    let mut writer = Writer::new(&place);
    let service = place.serve();
    writer.recovers(&service);
    let ballast = place.path().join("ballast");
    let mut file = OpenOptions::new().create(true).append(true).open(&ballast).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    drop(file);
    // What the write-ahead log has room for still goes in.
    let refused = (0..2000).map(|_| writer.post(&service)).find(|answer| answer.0 != 201).expect("a full disk");
    assert_eq!(refused.0, 507, "{}", refused.1);
    assert_sentence(&refused.1, "disk is full");
    for _ in 0..5 {
        assert_eq!(writer.post(&service).0, 507);
        assert_eq!(writer.get(&service).0, 200, "reading needs no room");
    }
    writer.holds(&service);
    fs::remove_file(ballast).unwrap();
    writer.recovers(&service);
    writer.holds(&service);
    drop(service);
    writer.holds(&place.serve());
    place.ok(&["database", "check"]);
}

#[test]
fn a_read_only_disk_is_told_at_the_start() {
    let Some((place, disk)) = small_place(4) else { return };
    let mut writer = Writer::new(&place);
    let service = place.serve();
    writer.recovers(&service);
    drop(service);
    disk.remount("ro");
    let said = place.fails(&["serve", "--port", "0"], 1);
    assert!(said.contains("stats.db") || said.contains("cannot be"), "{said}");
    disk.remount("rw");
    let service = place.serve();
    writer.recovers(&service);
    writer.holds(&service);
}

/// Mounts a file system that turns read-only when it meets an error; none, with a printed reason, where that is impossible.
fn mount_image(image: &Path, at: &Path) -> Option<SmallDisk> {
    let options = ["-t", "ext4", "-o", "loop,errors=remount-ro"];
    let done = Command::new("mount").args(options).arg(image).arg(at).output();
    if !done.is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: this machine lets us mount no image of a disk");
        return None;
    }
    Some(SmallDisk(at.to_owned()))
}

/// Tells the kernel that a mounted image has failed.
fn break_disk(image: &Path) {
    let list = Command::new("losetup").arg("-j").arg(image).output().unwrap().stdout;
    let list = String::from_utf8(list).unwrap();
    let name = list.split(':').next().unwrap().trim_start_matches("/dev/");
    fs::write(format!("/sys/fs/ext4/{name}/trigger_fs_error"), "1").unwrap();
}

#[test]
fn a_disk_that_turns_read_only_is_503_and_its_store_goes_on_when_it_is_mended() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let (image, mended) = (elsewhere.path().join("image"), elsewhere.path().join("mended"));
    fs::File::create(&image).unwrap().set_len(32 << 20).unwrap();
    let made = Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image).status();
    if !made.is_ok_and(|status| status.success()) {
        return println!("SKIPPED: there is no mkfs.ext4");
    }
    let Some(disk) = mount_image(&image, place.path()) else { return };
    let mut writer = Writer::new(&place);
    let service = place.serve();
    (0..5).for_each(|_| writer.recovers(&service));
    break_disk(&image);
    for _ in 0..3 {
        let (status, body) = writer.post(&service);
        assert_eq!(status, 503, "{body}");
        assert_sentence(&body, "the store");
        assert_eq!(writer.get(&service).0, 200);
        writer.holds(&service);
    }
    // Whoever mends it checks it and mounts it again; the service holds the broken one open, so we do so with a copy.
    fs::copy(&image, &mended).unwrap();
    assert!(Command::new("e2fsck").args(["-fy"]).arg(&mended).output().unwrap().status.code().unwrap() < 4);
    drop(disk);
    let Some(_disk) = mount_image(&mended, place.path()) else { panic!("it was mounted before") };
    // The file is another one now: the service ends, and whatever watches it starts it anew.
    assert_eq!(writer.post(&service).0, 503);
    assert_eq!(service.end().0, Some(1));
    place.ok(&["database", "check"]);
    let service = place.serve();
    writer.holds(&service);
    writer.recovers(&service);
    writer.holds(&service);
}

/// A shared folder, if this machine lets us mount one. It is of another user, so that the kernel says what it is without
/// asking anybody.
struct SharedFolder(PathBuf, #[allow(dead_code)] fs::File);

impl SharedFolder {
    fn mount(at: &Path) -> Option<Self> {
        let device = OpenOptions::new().read(true).write(true).open("/dev/fuse").ok()?;
        let how = ["-i", "-t", "fuse", "-o", "fd=0,rootmode=40000,user_id=1,group_id=1", "shared"];
        let done = Command::new("mount").args(how).arg(at).stdin(device.try_clone().ok()?).output();
        done.is_ok_and(|output| output.status.success()).then(|| Self(at.to_owned(), device))
    }
}

impl Drop for SharedFolder {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_store_in_a_shared_folder_is_served_only_where_that_is_allowed() {
    let place = Place::new();
    let Some(_folder) = SharedFolder::mount(place.path()) else {
        return println!("SKIPPED: this machine lets us mount no file system");
    };
    let said = place.fails(&["serve", "--port", "0"], 1);
    assert!(said.contains("is on FUSE") && said.contains("ALLOW_NETWORK_STORE"), "{said}");
    // It goes on then, and meets a folder that is not its own.
    let said = place.fails(&["serve", "--port", "0", "--allow-network-store"], 1);
    assert!(said.contains("cannot be used: Permission denied"), "{said}");
}
