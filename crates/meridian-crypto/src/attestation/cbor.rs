//! CBOR (RFC 8949), as far as attestation documents need it: definite lengths,
//! no floats.

/// One item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A number that is not negative.
    Unsigned(u64),
    /// The negative number `-1 - n`.
    Negative(u64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Text.
    Text(&'a str),
    /// A list.
    Array(Vec<Item<'a>>),
    /// Pairs.
    Map(Vec<(Item<'a>, Item<'a>)>),
    /// A number and the item that it marks.
    Tagged(u64, Box<Item<'a>>),
    /// False, true, null, undefined, and the like.
    Simple(u64),
}

/// Items within items, at most.
const DEPTH_MAX: u8 = 8;

/// The one item that these bytes are.
pub fn read(mut bytes: &[u8]) -> Option<Item<'_>> {
    let item = item(&mut bytes, DEPTH_MAX)?;
    bytes.is_empty().then_some(item)
}

fn item<'a>(bytes: &mut &'a [u8], depth: u8) -> Option<Item<'a>> {
    let depth = depth.checked_sub(1)?;
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    let (kind, short) = (first >> 5, first & 0x1f);
    let number = match short {
        0..24 => u64::from(short),
        24..28 => {
            let (long, rest) = bytes.split_at_checked(1 << (short - 24))?;
            *bytes = rest;
            long.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        }
        _ => return None,
    };
    Some(match kind {
        0 => Item::Unsigned(number),
        1 => Item::Negative(number),
        2 => Item::Bytes(take(bytes, number)?),
        3 => Item::Text(std::str::from_utf8(take(bytes, number)?).ok()?),
        4 => {
            let mut items = Vec::new();
            for _ in 0..number {
                items.push(item(bytes, depth)?);
            }
            Item::Array(items)
        }
        5 => {
            let mut pairs = Vec::new();
            for _ in 0..number {
                pairs.push((item(bytes, depth)?, item(bytes, depth)?));
            }
            Item::Map(pairs)
        }
        6 => Item::Tagged(number, Box::new(item(bytes, depth)?)),
        _ => Item::Simple(number),
    })
}

fn take<'a>(bytes: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(taken)
}

impl<'a> Item<'a> {
    /// The value with this name in a map.
    pub fn member(&self, name: &str) -> Option<&Item<'a>> {
        let Item::Map(pairs) = self else { return None };
        let mut values = pairs.iter().filter(|(key, _)| *key == Item::Text(name));
        values.next().map(|(_, value)| value)
    }

    /// The bytes, if it is bytes.
    pub fn bytes(&self) -> Option<&'a [u8]> {
        match self {
            Item::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// The first bytes of an item of this kind and number or length.
pub fn head(kind: u8, number: usize) -> Vec<u8> {
    let kind = kind << 5;
    match (u8::try_from(number), u16::try_from(number)) {
        (Ok(short @ ..24), _) => vec![kind | short],
        (Ok(byte), _) => vec![kind | 24, byte],
        (_, Ok(two)) => [&[kind | 25], two.to_be_bytes().as_slice()].concat(),
        _ => [&[kind | 27], (number as u64).to_be_bytes().as_slice()].concat(),
    }
}
