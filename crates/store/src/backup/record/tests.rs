use super::*;
use proptest::prelude::*;

fn table(columns: usize) -> Section {
    let columns = std::iter::once("id".to_owned()).chain((1..columns).map(|n| format!("c{n}"))).collect();
    Section { number: 3, name: "acts".into(), key: 1, columns }
}

fn bytes_of(section: &Section, rows: &[Vec<Value>]) -> Vec<u8> {
    let mut writer = Writer::new();
    let mut bytes = writer.section(section).to_vec();
    for row in rows {
        bytes.extend_from_slice(writer.row(row.iter().map(|value| Ok(value.cell()))).unwrap());
    }
    let (_, end) = writer.end(rows.len() as u64, Some("note\n".into()));
    bytes.extend(end);
    bytes
}

fn read(bytes: &[u8], cut: usize) -> Result<(Vec<Vec<Value>>, Trailer)> {
    let mut records = Records::new();
    let mut rows = Vec::new();
    for part in bytes.chunks(cut.max(1)) {
        records.push(part, &mut |record| {
            if let Record::Row(cells) = record {
                rows.push(cells.iter().map(Cell::to_value).collect());
            }
            Ok(())
        })?;
    }
    Ok((rows, records.finish()?))
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Int),
        prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0), Just(-1)].prop_map(Value::Int),
        ".{0,40}".prop_map(Value::Text),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(Value::Blob),
    ]
}

proptest! {
    #[test]
    fn rows_come_back_however_the_bytes_are_cut(
        cells in prop::collection::vec(prop::collection::vec(value(), 3), 0..20),
        cut in 1usize..300,
    ) {
        let rows: Vec<Vec<Value>> = (-5i64..).zip(cells)
            .map(|(id, cells)| std::iter::once(Value::Int(id)).chain(cells).collect()).collect();
        let bytes = bytes_of(&table(4), &rows);
        let (found, trailer) = read(&bytes, cut).unwrap();
        prop_assert_eq!(&found, &rows);
        prop_assert_eq!(trailer.rows, vec![(3, rows.len() as u64)]);
        prop_assert_eq!(trailer.checkpoint.as_deref(), Some("note\n"));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 1usize..50) {
        let _ = read(&bytes, cut);
    }

    #[test]
    fn every_prefix_and_every_changed_byte_is_refused(ids in prop::collection::btree_set(any::<i64>(), 1..6)) {
        let rows: Vec<Vec<Value>> = ids.into_iter().map(|id| vec![Value::Int(id), Value::Text("é".into())]).collect();
        let bytes = bytes_of(&table(2), &rows);
        for at in 0..bytes.len() {
            prop_assert!(read(&bytes[..at], 7).is_err(), "cut at {}", at);
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            prop_assert!(read(&changed, 64).is_err(), "changed at {}", at);
        }
        prop_assert!(read(&[&bytes[..], &[2, 0]].concat(), 64).is_err());
    }
}

#[test]
fn order_is_part_of_the_format() {
    let row = |id| vec![Value::Int(id), Value::Null];
    assert!(read(&bytes_of(&table(2), &[row(1), row(2)]), 64).is_ok());
    assert!(read(&bytes_of(&table(2), &[row(2), row(1)]), 64).is_err());
    assert!(read(&bytes_of(&table(2), &[row(1), row(1)]), 64).is_err());
    let text = vec![Value::Text("1".into()), Value::Null];
    assert!(read(&bytes_of(&table(2), &[text]), 64).is_err());
}

#[test]
fn a_length_is_not_believed() {
    let mut huge = vec![ROW];
    put_varint(&mut huge, RECORD_BYTES_MAX as u64 + 1);
    assert!(read(&huge, 64).unwrap_err().to_string().contains("longer than any"));
    let name = Section { name: "acts; DROP".into(), ..table(2) };
    assert!(read(&bytes_of(&name, &[]), 64).is_err());
}
