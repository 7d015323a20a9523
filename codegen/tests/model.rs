//! The model of the real specification against what is known about it from elsewhere: the
//! kernel's manual pages and published descriptions of the ABI. The numbers here are
//! typed on purpose; they are the second opinion about the extracted ones.

use std::path::Path;

use wali_codegen::model::{Answer, FallbackArg, Spec, Struct};

fn spec() -> Spec {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec");
    Spec::load(&dir).unwrap_or_else(|diags| panic!("{diags}"))
}

const X86_64: usize = 0;
const AARCH64: usize = 1;
const RISCV64: usize = 2;

fn guest_offset(s: &Struct, field: &str) -> u64 {
    let found = s.fields.iter().find(|f| f.name == field);
    found.unwrap_or_else(|| panic!("no {field}")).guest.offset
}

fn host_place(s: &Struct, isa: usize, field: &str) -> (u64, u64) {
    let found = s.fields.iter().find(|f| f.name == field);
    let place = found.and_then(|f| f.host.0[isa]);
    let place = place.unwrap_or_else(|| panic!("no {field}"));
    (place.offset, place.size)
}

#[test]
fn isas_stand_in_table_order() {
    let spec = spec();
    let names: Vec<&str> = spec.isas.iter().map(|isa| isa.name.as_str()).collect();
    assert_eq!(names[..3], ["x86_64", "aarch64", "riscv64"]);
    let files = std::fs::read_dir("../spec/isa")
        .expect("the folder")
        .count();
    assert_eq!(names.len(), files);
    let guests = spec.isas.iter().filter(|isa| isa.guest);
    assert_eq!(guests.map(|isa| &isa.name).collect::<Vec<_>>(), ["x86_64"]);
}

#[test]
fn stat_has_the_shapes_of_its_isas() {
    let spec = spec();
    let stat = &spec.structs["stat"];
    assert_eq!(stat.guest.size, 144);
    for (field, offset) in [
        ("st_nlink", 16),
        ("st_mode", 24),
        ("st_rdev", 40),
        ("st_size", 48),
        ("st_blksize", 56),
        ("st_atime", 72),
        ("st_ctime", 104),
    ] {
        assert_eq!(guest_offset(stat, field), offset, "{field}");
    }
    for isa in [AARCH64, RISCV64] {
        assert_eq!(stat.host.0[isa].size, 128);
        assert_eq!(host_place(stat, isa, "st_mode"), (16, 4));
        assert_eq!(host_place(stat, isa, "st_nlink"), (20, 4));
        assert_eq!(host_place(stat, isa, "st_blksize"), (56, 4));
        assert!(stat.converts_on(isa, &spec));
    }
    assert!(!stat.converts_on(X86_64, &spec));
}

#[test]
fn guest_structs_follow_the_guests_data_model() {
    let spec = spec();
    for (name, size) in [
        ("timespec", 16),
        ("timeval", 16),
        ("itimerval", 32),
        ("rlimit", 16),
        ("pollfd", 8),
        ("statx", 256),
        ("statfs", 120),
        ("sysinfo", 112),
        ("utsname", 390),
        ("flock", 32),
        ("rusage", 144),
        ("iovec", 8),
    ] {
        assert_eq!(spec.structs[name].guest.size, size, "{name}");
    }
    let iovec = &spec.structs["iovec"];
    assert_eq!(guest_offset(iovec, "iov_len"), 4);
    assert_eq!(host_place(iovec, X86_64, "iov_len"), (8, 8));
    assert!((0..spec.isas.len()).all(|isa| iovec.converts_on(isa, &spec)));
}

#[test]
fn open_flags_differ_on_aarch64_only() {
    let spec = spec();
    let set = &spec.flag_sets["open_flags"];
    for (name, guest, aarch64) in [
        ("O_DIRECT", 0x4000, 0x10000),
        ("O_LARGEFILE", 0x8000, 0x20000),
        ("O_DIRECTORY", 0x10000, 0x4000),
        ("O_NOFOLLOW", 0x20000, 0x8000),
        ("O_TMPFILE", 0x410000, 0x404000),
        ("O_CLOEXEC", 0x80000, 0x80000),
        ("O_SYNC", 0x101000, 0x101000),
        ("O_PATH", 0x200000, 0x200000),
    ] {
        let found = set.members.iter().find(|member| member.name == name);
        let member = found.unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(member.guest, guest, "{name}");
        for (isa, value) in member.host.0.iter().enumerate() {
            let expected = if isa == AARCH64 { aarch64 } else { guest };
            assert_eq!(*value, Some(expected), "{name}");
        }
    }
    let converts: Vec<&str> = spec
        .flag_sets
        .values()
        .filter(|set| set.bits && (0..spec.isas.len()).any(|isa| set.converts_on(isa)))
        .map(|set| set.name.as_str())
        .collect();
    assert_eq!(converts, ["open_flags"]);
}

#[test]
fn tables_have_the_kernels_size() {
    let spec = spec();
    let count = |isa: usize| spec.kernel.values().filter(|n| n.0[isa].is_some()).count();
    assert_eq!(
        [count(X86_64), count(AARCH64), count(RISCV64)],
        [386, 328, 329]
    );
    assert_eq!(spec.kernel["renameat"].0[..3], [Some(264), Some(38), None]);
}

#[test]
fn answers_follow_from_layouts_and_tables() {
    let spec = spec();
    let answers = |name: &str| [0, 1, 2].map(|isa| spec.calls[name].answer_on(isa, &spec));
    use Answer::{Convert, Direct, Fallback, Refused, Runtime};
    assert_eq!(answers("read"), [Direct; 3]);
    assert_eq!(answers("readv"), [Convert; 3]);
    assert_eq!(answers("fstat"), [Direct, Convert, Convert]);
    assert_eq!(answers("openat"), [Direct, Convert, Direct]);
    assert_eq!(answers("open"), [Direct, Fallback, Fallback]);
    assert_eq!(answers("renameat"), [Direct, Direct, Fallback]);
    assert_eq!(answers("mmap"), [Runtime; 3]);
    assert_eq!(answers("kexec_load"), [Refused; 3]);
}

#[test]
fn constants_of_a_fallback_combine() {
    let spec = spec();
    let fallback = spec.calls["creat"].fallback.as_ref().expect("a fallback");
    assert_eq!(fallback.call, "openat");
    let FallbackArg::Constant(directory) = &fallback.args[0] else {
        panic!("{:?}", fallback.args[0]);
    };
    assert_eq!(directory.guest, -100);
    let FallbackArg::Constant(flags) = &fallback.args[2] else {
        panic!("{:?}", fallback.args[2]);
    };
    assert_eq!(flags.guest, 0o1101);
    assert_eq!(flags.host.uniform(), Some(&Some(0o1101)));
}

#[test]
fn every_described_call_says_what_it_does() {
    let spec = spec();
    for call in spec.calls.values() {
        assert!(call.doc.is_some(), "{} has no doc", call.name);
    }
    for file in ["types.yaml", "facts/syscalls.yaml", "syscalls/fd.yaml"] {
        assert!(
            spec.files.iter().any(|f| f == file),
            "{file} is not watched"
        );
    }
}
