//! The parts of listening that need no network: ring blocks built by hand, the checks against a made-up /proc and /sys,
//! and the seal, tried from inside in a process of its own.
#![expect(unsafe_code, reason = "the tests must try what the seal denies")]

use std::fs;
use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;
use std::process::Command;

use sense::LinkType;

use super::super::{Block, CaptureError, Counters};
use super::interface::{carries_default_route, ipv6_fault, uppers};
use super::{LiveOptions, drop_privileges, open_live, worker};

/// A TPACKET_V3 block with these frames: (status, tci, tpid, wire bytes, frame).
fn ring_block(frames: &[(u32, u32, u16, u32, &[u8])]) -> Vec<u8> {
    const FIRST: usize = 48;
    const MAC: usize = 82;
    let mut block = vec![0; FIRST];
    block[12..16].copy_from_slice(&(frames.len() as u32).to_ne_bytes());
    block[16..20].copy_from_slice(&(FIRST as u32).to_ne_bytes());
    for (number, (status, tci, tpid, wire, frame)) in frames.iter().enumerate() {
        let length = (MAC + frame.len()).next_multiple_of(8);
        let next = if number + 1 == frames.len() { 0 } else { length };
        let mut slot = vec![0; length];
        for (at, value) in [
            (0, next as u32),
            (4, 1_700_000_000),
            (8, 123_456_789),
            (12, frame.len() as u32),
            (16, *wire),
            (20, *status),
            (32, *tci),
        ] {
            slot[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        }
        slot[24..26].copy_from_slice(&(MAC as u16).to_ne_bytes());
        slot[36..38].copy_from_slice(&tpid.to_ne_bytes());
        slot[MAC..MAC + frame.len()].copy_from_slice(frame);
        block.extend(slot);
    }
    block
}

fn copied(filled: &[u8], link: LinkType) -> (Vec<(Vec<u8>, u32)>, Counters) {
    let (mut block, mut counters) = (Block::new(), Counters::default());
    worker::copy(filled, link, &mut block, &mut counters);
    let frames = block.frames().map(|frame| {
        assert_eq!((frame.at.as_nanos(), frame.link), (1_700_000_000_123_456_789, link));
        (frame.bytes.to_vec(), frame.wire_bytes)
    });
    (frames.collect(), counters)
}

const VLAN: u32 = libc::TP_STATUS_USER | libc::TP_STATUS_VLAN_VALID;
const VLAN_TPID: u32 = VLAN | libc::TP_STATUS_VLAN_TPID_VALID;

#[test]
fn tags_return_to_where_the_kernel_took_them() {
    let frame = b"ddddddssssss\x08\x00payload";
    let filled = ring_block(&[
        (libc::TP_STATUS_USER, 0x2A, 0x88A8, 21, frame),
        (VLAN, 0x602A, 0, 21, frame),
        (VLAN_TPID, 0x0FFE, 0x88A8, 1500, frame),
        (VLAN, 1, 0, 11, &frame[..11]),
    ]);
    let (frames, counters) = copied(&filled, LinkType::Ethernet);
    let expected = [
        (frame.to_vec(), 21),
        (b"ddddddssssss\x81\x00\x60\x2A\x08\x00payload".to_vec(), 25),
        (b"ddddddssssss\x88\xA8\x0F\xFE\x08\x00payload".to_vec(), 1504),
        // Too short to have had one in the middle.
        (frame[..11].to_vec(), 11),
    ];
    assert_eq!(frames, expected);
    assert_eq!((counters.frames, counters.bytes, counters.cut_frames), (4, 82, 1));
    let (frames, _) = copied(&filled, LinkType::RawIp);
    assert_eq!(frames[1].0, frame, "tags are Ethernet's");
}

#[test]
fn offsets_that_leave_the_block_end_it() {
    let good = ring_block(&[(1, 0, 0, 6, b"first!"), (1, 0, 0, 6, b"second")]);
    assert_eq!(copied(&good, LinkType::Ethernet).0.len(), 2);
    for cut in 0..good.len() {
        assert!(copied(&good[..cut], LinkType::Ethernet).0.len() <= 2);
    }
    // Field by field: count, first slot, then of the first slot: next, length, start.
    for at in [12, 16, 48, 48 + 12, 48 + 24] {
        for value in [u32::MAX, 0x7FFF_FFFF, 0x0010_0000, 1] {
            let mut block = good.clone();
            block[at..at + 4].copy_from_slice(&value.to_ne_bytes());
            let mut output = Block::new();
            worker::copy(&block, LinkType::Ethernet, &mut output, &mut Counters::default());
            assert!(output.frames().all(|frame| frame.bytes.len() <= good.len()));
        }
    }
}

#[test]
fn ipv6_is_a_fault_unless_it_is_certainly_off() {
    let net = scratch("ipv6");
    assert!(
        ipv6_fault(&net, "eth1").is_some_and(|fault| fault.contains("cannot be read")),
        "no /proc at all"
    );
    fs::create_dir_all(net.join("core")).unwrap();
    assert_eq!(ipv6_fault(&net, "eth1"), None, "a system without IPv6");
    let conf = net.join("ipv6/conf/eth1");
    fs::create_dir_all(&conf).unwrap();
    assert!(ipv6_fault(&net, "eth1").is_some());
    for (setting, fault) in [("0\n", true), ("1\n", false), ("", true)] {
        fs::write(conf.join("disable_ipv6"), setting).unwrap();
        assert_eq!(ipv6_fault(&net, "eth1").is_some(), fault, "{setting:?}");
    }
    fs::remove_dir_all(net).unwrap();
}

#[test]
fn bridges_and_vlans_on_top_are_found_in_the_right_namespace_only() {
    let net = scratch("uppers");
    assert_eq!(uppers(&net, "eth1", 7), None);
    fs::create_dir_all(net.join("eth1/upper_br0")).unwrap();
    fs::create_dir_all(net.join("eth1/queues")).unwrap();
    fs::create_dir_all(net.join("eth1/lower_x")).unwrap();
    fs::write(net.join("eth1/ifindex"), "7\n").unwrap();
    assert_eq!(uppers(&net, "eth1", 7), Some(vec!["br0".to_owned()]));
    assert_eq!(uppers(&net, "eth1", 8), None, "another namespace's eth1");
    fs::remove_dir_all(net).unwrap();
}

#[test]
fn the_way_to_everywhere_is_found_in_either_table() {
    let ipv4 = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
                eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                eth2\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
    let zero = "0".repeat(32);
    let ipv6 = format!(
        "{zero} 00 {zero} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00450003     eth1\n\
         fe80{} 40 {zero} 00 {zero} 00000100 00000001 00000000 00000001     eth2\n",
        "0".repeat(28)
    );
    for (name, carries) in [("eth0", true), ("eth1", true), ("eth2", false), ("eth", false)] {
        assert_eq!(carries_default_route(ipv4, &ipv6, name), carries, "{name}");
    }
    assert!(!carries_default_route("", "", "eth0"));
}

fn scratch(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("ward-live-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    directory
}

#[test]
fn an_interface_that_is_not_there_lists_those_that_are() {
    for name in ["ward-none0", "a-name-that-no-interface-can-have", ""] {
        let Err(CaptureError::NoSuchInterface { interface, existing }) =
            open_live(name, LiveOptions::default())
        else {
            panic!("{name} opened");
        };
        assert_eq!(interface, name);
        assert!(existing.split(", ").any(|existing| existing == "lo"), "{existing}");
    }
}

/// Set for the process that seals itself: names what it is to try.
const INSIDE: &str = "WARD_TEST_INSIDE_THE_SEAL";

/// Runs the test of this name again, in a process of its own: a seal cannot be taken off.
fn in_a_process_of_its_own(test: &str) {
    // SAFETY: no arguments, cannot fail.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("SKIPPED: {test}: opening packet sockets needs root");
        return;
    }
    let name = format!("capture::live::tests::{test}");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("REACHED THE END"), "{text}");
}

fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

fn own() -> LiveOptions {
    LiveOptions { own_interface: true, ring_bytes: 1, workers: 2, ..LiveOptions::default() }
}

/// What the call that returned `result` failed with; 0 if it did not.
fn errno(result: libc::c_long) -> i32 {
    if result >= 0 { 0 } else { std::io::Error::last_os_error().raw_os_error().unwrap() }
}

#[test]
fn a_sealed_process_cannot_send() {
    if !is_inside() {
        return in_a_process_of_its_own("a_sealed_process_cannot_send");
    }
    let before = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let (mut pipe_reader, pipe_writer) = std::io::pipe().unwrap();
    // A thread that was there before is sealed, too.
    let (start, started) = std::sync::mpsc::channel::<()>();
    let raw = before.as_raw_fd();
    let other = std::thread::spawn(move || {
        started.recv().unwrap();
        // SAFETY: a valid buffer and its length.
        errno(unsafe { libc::send(raw, b"x".as_ptr().cast(), 1, 0) } as libc::c_long)
    });
    let captures = open_live("lo", own()).unwrap();
    assert_eq!(captures.len(), 2);
    start.send(()).unwrap();
    assert_eq!(other.join().unwrap(), libc::EPERM);
    assert_eq!(before.send_to(b"x", "127.0.0.1:9").unwrap_err().raw_os_error(), Some(libc::EPERM));
    assert_eq!(std::net::UdpSocket::bind("127.0.0.1:0").unwrap_err().raw_os_error(), Some(libc::EPERM));
    assert!(std::net::TcpStream::connect("127.0.0.1:9").is_err());

    let packet_sockets = packet_sockets();
    assert_eq!(packet_sockets.len(), 2, "{packet_sockets:?}");
    for socket in packet_sockets {
        assert!(socket >= 512, "its number must not come back for an ordinary file");
        let denied = tries_to_send(socket, pipe_writer.as_raw_fd());
        for (call, result) in denied {
            assert_eq!(result, libc::EPERM, "{call}");
        }
    }
    // Everything else still works: reports are written, pipes are fed, files are opened.
    std::io::Write::write_all(&mut &pipe_writer, b"report").unwrap();
    drop(pipe_writer);
    assert_eq!(std::io::read_to_string(&mut pipe_reader).unwrap(), "report");
    let file = scratch("sealed").join("report");
    fs::write(&file, "text").unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "text");
    fs::remove_dir_all(file.parent().unwrap()).unwrap();
    drop(captures);
    eprintln!("REACHED THE END");
}

/// Every way that comes to mind of getting bytes out of a packet socket.
fn tries_to_send(socket: RawFd, pipe: RawFd) -> Vec<(&'static str, i32)> {
    let frame = [0xFF_u8; 64];
    let bytes = frame.as_ptr().cast::<libc::c_void>();
    let vector = libc::iovec { iov_base: bytes.cast_mut(), iov_len: frame.len() };
    let null = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: buffers and vectors are valid for the lengths given; where null is passed the call is denied before
    // the kernel looks at it, and would fail with EFAULT if it were not.
    unsafe {
        let message: libc::msghdr = std::mem::zeroed();
        vec![
            ("write", errno(libc::write(socket, bytes, 64) as libc::c_long)),
            ("writev", errno(libc::writev(socket, &raw const vector, 1) as libc::c_long)),
            ("pwrite", errno(libc::pwrite(socket, bytes, 64, 0) as libc::c_long)),
            ("pwritev", errno(libc::pwritev(socket, &raw const vector, 1, 0) as libc::c_long)),
            ("pwritev2", errno(libc::pwritev2(socket, &raw const vector, 1, -1, 0) as libc::c_long)),
            ("send", errno(libc::send(socket, bytes, 64, 0) as libc::c_long)),
            ("sendto", errno(libc::sendto(socket, bytes, 64, 0, std::ptr::null(), 0) as libc::c_long)),
            ("sendmsg", errno(libc::sendmsg(socket, &raw const message, 0) as libc::c_long)),
            ("sendmmsg", errno(libc::sendmmsg(socket, null.cast(), 1, 0).into())),
            ("sendfile", errno(libc::sendfile(socket, 0, std::ptr::null_mut(), 64) as libc::c_long)),
            ("splice", errno(libc::splice(pipe, null.cast(), socket, null.cast(), 64, 0) as libc::c_long)),
            ("dup", errno(libc::dup(socket).into())),
            ("dup2", errno(libc::dup2(socket, 77).into())),
            ("dup3", errno(libc::dup3(socket, 77, 0).into())),
            ("fcntl", errno(libc::fcntl(socket, libc::F_DUPFD, 0).into())),
            (
                "setsockopt",
                errno(libc::setsockopt(socket, libc::SOL_PACKET, libc::PACKET_TX_RING, null, 0).into()),
            ),
            ("ioctl", errno(libc::ioctl(socket, libc::SIOCSIFFLAGS as _, null).into())),
            ("bind", errno(libc::bind(socket, null.cast(), 0).into())),
            ("connect", errno(libc::connect(socket, null.cast(), 0).into())),
            ("packet socket", errno(libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0).into())),
            ("unix socket", errno(libc::socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0).into())),
            ("io_uring", errno(libc::syscall(libc::SYS_io_uring_setup, 1, null))),
            ("aio", errno(libc::syscall(libc::SYS_io_setup, 1, null))),
            // Numbers above 32 bits of a descriptor are ignored by the kernel.
            ("write, high bits", {
                errno(libc::syscall(libc::SYS_write, socket as i64 | 1 << 32, bytes, 64_usize))
            }),
            #[cfg(target_arch = "x86_64")]
            (
                "x32 sendto",
                errno(libc::syscall(0x4000_0000 + libc::SYS_sendto, socket, bytes, 64_usize, 0, null, 0)),
            ),
        ]
    }
}

/// This process's descriptors of packet sockets: those with a number that only they have.
fn packet_sockets() -> Vec<RawFd> {
    let numbers = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| {
        let entry = entry.unwrap();
        let number: RawFd = entry.file_name().to_str()?.parse().ok()?;
        let target = fs::read_link(entry.path()).ok()?;
        (number >= 512 && target.to_str()?.starts_with("socket:")).then_some(number)
    });
    numbers.collect()
}

#[test]
fn privileges_are_gone_and_captures_go_on() {
    if !is_inside() {
        return in_a_process_of_its_own("privileges_are_gone_and_captures_go_on");
    }
    let mut captures = open_live("lo", own()).unwrap();
    // The test harness waits in another thread, which the C library changes along with this one.
    drop_privileges().unwrap();
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    for line in ["CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "NoNewPrivs:\t1"] {
        assert!(status.contains(line), "{line} in\n{status}");
    }
    // SAFETY: no arguments, cannot fail.
    assert_ne!(unsafe { libc::geteuid() }, 0);
    // SAFETY: takes numbers only.
    assert_eq!(errno(unsafe { libc::setuid(0) }.into()), libc::EPERM);
    let mut block = Block::new();
    for capture in &mut captures {
        capture.next_block(&mut block).unwrap();
        assert!(capture.counters().dropped.is_some());
    }
    eprintln!("REACHED THE END");
}
