//! Names of numbers, as Microsoft's Open Specifications write them.

/// The command of SMB 2, MS-SMB2 §2.2.1.2.
pub const fn smb2_command(command: u16) -> &'static str {
    match command {
        0 => "NEGOTIATE",
        1 => "SESSION_SETUP",
        2 => "LOGOFF",
        3 => "TREE_CONNECT",
        4 => "TREE_DISCONNECT",
        5 => "CREATE",
        6 => "CLOSE",
        7 => "FLUSH",
        8 => "READ",
        9 => "WRITE",
        10 => "LOCK",
        11 => "IOCTL",
        12 => "CANCEL",
        13 => "ECHO",
        14 => "QUERY_DIRECTORY",
        15 => "CHANGE_NOTIFY",
        16 => "QUERY_INFO",
        17 => "SET_INFO",
        18 => "OPLOCK_BREAK",
        _ => "OTHER",
    }
}

/// The command of SMB 1, MS-CIFS §2.2.2.1. The prefix tells it from SMB 2.
pub const fn smb1_command(command: u8) -> &'static str {
    match command {
        0x00 => "SMB_COM_CREATE_DIRECTORY",
        0x01 => "SMB_COM_DELETE_DIRECTORY",
        0x02 => "SMB_COM_OPEN",
        0x03 => "SMB_COM_CREATE",
        0x04 => "SMB_COM_CLOSE",
        0x05 => "SMB_COM_FLUSH",
        0x06 => "SMB_COM_DELETE",
        0x07 => "SMB_COM_RENAME",
        0x08 => "SMB_COM_QUERY_INFORMATION",
        0x09 => "SMB_COM_SET_INFORMATION",
        0x0a => "SMB_COM_READ",
        0x0b => "SMB_COM_WRITE",
        0x10 => "SMB_COM_CHECK_DIRECTORY",
        0x24 => "SMB_COM_LOCKING_ANDX",
        0x25 => "SMB_COM_TRANSACTION",
        0x26 => "SMB_COM_TRANSACTION_SECONDARY",
        0x2b => "SMB_COM_ECHO",
        0x2d => "SMB_COM_OPEN_ANDX",
        0x2e => "SMB_COM_READ_ANDX",
        0x2f => "SMB_COM_WRITE_ANDX",
        0x32 => "SMB_COM_TRANSACTION2",
        0x33 => "SMB_COM_TRANSACTION2_SECONDARY",
        0x34 => "SMB_COM_FIND_CLOSE2",
        0x70 => "SMB_COM_TREE_CONNECT",
        0x71 => "SMB_COM_TREE_DISCONNECT",
        0x72 => "SMB_COM_NEGOTIATE",
        0x73 => "SMB_COM_SESSION_SETUP_ANDX",
        0x74 => "SMB_COM_LOGOFF_ANDX",
        0x75 => "SMB_COM_TREE_CONNECT_ANDX",
        0x80 => "SMB_COM_QUERY_INFORMATION_DISK",
        0x81 => "SMB_COM_SEARCH",
        0xa0 => "SMB_COM_NT_TRANSACT",
        0xa1 => "SMB_COM_NT_TRANSACT_SECONDARY",
        0xa2 => "SMB_COM_NT_CREATE_ANDX",
        0xa4 => "SMB_COM_NT_CANCEL",
        0xa5 => "SMB_COM_NT_RENAME",
        0xc0 => "SMB_COM_OPEN_PRINT_FILE",
        0xc1 => "SMB_COM_WRITE_PRINT_FILE",
        _ => "SMB_COM_OTHER",
    }
}

/// The dialect of a revision number, MS-SMB2 §2.2.3.
pub const fn smb2_dialect(revision: u16) -> Option<&'static str> {
    Some(match revision {
        0x0202 => "SMB 2.0.2",
        0x0210 => "SMB 2.1",
        0x0222 => "SMB 2.2.2",
        0x0224 => "SMB 2.2.4",
        0x02ff => "SMB 2.???",
        0x0300 => "SMB 3.0",
        0x0302 => "SMB 3.0.2",
        0x0310 => "SMB 3.1",
        0x0311 => "SMB 3.1.1",
        _ => return None,
    })
}

/// An NT status that says why a login or a share was refused, MS-ERREF §2.3.
pub const fn status(status: u32) -> Option<&'static str> {
    Some(match status {
        0x0000_0001 => "error",
        0xc000_000d => "STATUS_INVALID_PARAMETER",
        0xc000_0016 => "STATUS_MORE_PROCESSING_REQUIRED",
        0xc000_0022 => "STATUS_ACCESS_DENIED",
        0xc000_0064 => "STATUS_NO_SUCH_USER",
        0xc000_006a => "STATUS_WRONG_PASSWORD",
        0xc000_006d => "STATUS_LOGON_FAILURE",
        0xc000_006e => "STATUS_ACCOUNT_RESTRICTION",
        0xc000_006f => "STATUS_INVALID_LOGON_HOURS",
        0xc000_0070 => "STATUS_INVALID_WORKSTATION",
        0xc000_0071 => "STATUS_PASSWORD_EXPIRED",
        0xc000_0072 => "STATUS_ACCOUNT_DISABLED",
        0xc000_00bb => "STATUS_NOT_SUPPORTED",
        0xc000_0133 => "STATUS_TIME_DIFFERENCE_AT_DC",
        0xc000_015b => "STATUS_LOGON_TYPE_NOT_GRANTED",
        0xc000_0192 => "STATUS_NETLOGON_NOT_STARTED",
        0xc000_0193 => "STATUS_ACCOUNT_EXPIRED",
        0xc000_0203 => "STATUS_USER_SESSION_DELETED",
        0xc000_0224 => "STATUS_PASSWORD_MUST_CHANGE",
        0xc000_0234 => "STATUS_ACCOUNT_LOCKED_OUT",
        0xc000_035c => "STATUS_NETWORK_SESSION_EXPIRED",
        _ => return None,
    })
}
