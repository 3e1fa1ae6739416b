//! PDUs and their variables (RFC 3416 §3).

use super::ber::{self, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE};
use super::{Oid, Operation, VARIABLES_MAX};
use crate::{Error, Reader};

/// What a message asks or says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pdu<'a> {
    /// The operation.
    pub operation: Operation,
    /// Response and Report: what went wrong, 0 nothing. Other operations: 0.
    pub error_status: i64,
    /// Trap of v1: its generic kind; 4 is authenticationFailure.
    pub generic_trap: Option<i64>,
    variables: &'a [u8],
}

impl<'a> Pdu<'a> {
    /// The variables, at most [`VARIABLES_MAX`]; ends early at one that cannot be read.
    pub const fn variables(&self) -> VarBinds<'a> {
        VarBinds { reader: Reader::new(self.variables), left: VARIABLES_MAX }
    }
}

/// Iterates over the variables of a PDU.
#[derive(Clone, Copy, Debug)]
pub struct VarBinds<'a> {
    reader: Reader<'a>,
    left: usize,
}

/// A variable and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable<'a> {
    /// Its name.
    pub name: Oid<'a>,
    /// Its value.
    pub value: Value<'a>,
}

/// Values, as far as they are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// OCTET STRING: text, most often.
    Text(&'a [u8]),
    /// OBJECT IDENTIFIER.
    Oid(Oid<'a>),
    /// Numbers, addresses, nothing, and "there is no such variable".
    Other,
}

impl<'a> Iterator for VarBinds<'a> {
    type Item = Variable<'a>;

    fn next(&mut self) -> Option<Variable<'a>> {
        self.left = self.left.checked_sub(1)?;
        variable(&mut self.reader).ok()
    }
}

fn variable<'a>(reader: &mut Reader<'a>) -> Result<Variable<'a>, Error> {
    let mut binding = ber::expect(reader, SEQUENCE, "variable binding")?;
    let name = Oid(ber::expect(&mut binding, OBJECT_IDENTIFIER, "name")?.rest());
    let (tag, content) = ber::element(&mut binding, "value")?;
    let value = match tag {
        OCTET_STRING => Value::Text(content.rest()),
        OBJECT_IDENTIFIER => Value::Oid(Oid(content.rest())),
        _ => Value::Other,
    };
    Ok(Variable { name, value })
}

/// Reads the PDU that stands next.
pub(super) fn parse<'a>(reader: &mut Reader<'a>) -> Result<Pdu<'a>, Error> {
    let malformed = reader.malformed("PDU");
    let (tag, mut content) = ber::element(reader, "PDU")?;
    let operation = operation(tag).ok_or(malformed)?;
    if tag == V1_TRAP {
        return v1_trap(content);
    }
    ber::integer(&mut content, "request-id")?;
    let error_status = ber::integer(&mut content, "error-status")?;
    ber::integer(&mut content, "error-index")?;
    // In GetBulk these two are non-repeaters and max-repetitions.
    let is_answer = matches!(operation, Operation::Response | Operation::Report);
    let error_status = if is_answer { error_status } else { 0 };
    let variables = ber::expect(&mut content, SEQUENCE, "variable bindings")?.rest();
    Ok(Pdu { operation, error_status, generic_trap: None, variables })
}

const V1_TRAP: u8 = 0xa4;

const fn operation(tag: u8) -> Option<Operation> {
    Some(match tag {
        0xa0 => Operation::Get,
        0xa1 => Operation::GetNext,
        0xa2 => Operation::Response,
        0xa3 => Operation::Set,
        V1_TRAP | 0xa7 => Operation::Trap,
        0xa5 => Operation::GetBulk,
        0xa6 => Operation::Inform,
        0xa8 => Operation::Report,
        _ => return None,
    })
}

fn v1_trap(mut content: Reader<'_>) -> Result<Pdu<'_>, Error> {
    ber::expect(&mut content, OBJECT_IDENTIFIER, "enterprise")?;
    ber::element(&mut content, "agent-addr")?;
    let generic_trap = Some(ber::integer(&mut content, "generic-trap")?);
    ber::integer(&mut content, "specific-trap")?;
    ber::element(&mut content, "time-stamp")?;
    let variables = ber::expect(&mut content, SEQUENCE, "variable bindings")?.rest();
    Ok(Pdu { operation: Operation::Trap, error_status: 0, generic_trap, variables })
}
