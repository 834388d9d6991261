//! The packed form of the texts: bytes, and the location of each text in them.
//!
//! Never here: who shares the packed bytes.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddrV4, SocketAddrV6};

use crate::details::{Detail, DetailTexts, Rare, base58};

/// Bytes that are stored inline: the forms of two bits, an IPv4 address, three addresses in base 58, and a key.
const SHORT_BYTES: usize = FORMS_BYTES + 6 + 3 * base58::PACKED_BYTES + KEY_BYTES;
const FORMS_BYTES: usize = 2;
const KEY_BYTES: usize = 48;

/// Index of the rare properties, after all details.
const RARE: usize = Detail::ALL.len();

/// Index of the version among the forms, after the rare properties: two bits, 0 for none.
const VERSION: usize = RARE + 1;

/// The highest version that fits among the forms.
const MOST_VERSION: u32 = 3;

/// The forms of all texts, two bits each, then their bytes in the order of [`Detail::ALL`], rare properties last.
/// Unused inline bytes are zero. Equal texts always have equal bytes, because each text has exactly one form.
pub(super) enum Packed {
    Short([u8; SHORT_BYTES]),
    Long(Box<[u8]>),
}

impl Packed {
    /// Packs the texts.
    pub(super) fn new(texts: &DetailTexts<'_>) -> Packed {
        let mut packer = Packer::default();
        let forms = Detail::ALL.iter().fold(0, |forms, detail| {
            let form = texts.get(*detail).map_or(Form::None, |text| packer.add(*detail, text));
            forms | (form as u16) << (2 * *detail as u16)
        });
        let small = texts.version.filter(|version| (1..=MOST_VERSION).contains(version));
        let large = texts.version.filter(|_| small.is_none());
        let rare = texts.rare.pack(large).map_or(Form::None, |text| packer.text(&text));
        packer.finish(forms | (rare as u16) << (2 * RARE) | (small.unwrap_or(0) as u16) << (2 * VERSION))
    }

    /// Version of the registration, and the rare properties.
    pub(super) fn rare(&self) -> (Option<u32>, Rare) {
        let small = self.forms() >> (2 * VERSION) & 3;
        let (rare, large) = match self.at(RARE) {
            (Form::Text, bytes) => Rare::unpack(stored(bytes)),
            _ => (Rare::default(), None),
        };
        (Some(u32::from(small)).filter(|version| *version > 0).or(large), rare)
    }

    /// Whether there are no rare properties.
    pub(super) fn is_ordinary(&self) -> bool {
        self.form_at(RARE) == Form::None
    }

    fn forms(&self) -> u16 {
        u16::from_le_bytes(array(self.bytes()))
    }

    fn form_at(&self, place: usize) -> Form {
        Form::ALL[usize::from(self.forms() >> (2 * place) & 3)]
    }

    fn at(&self, place: usize) -> (Form, &[u8]) {
        let mut bytes = &self.bytes()[FORMS_BYTES..];
        for before in Detail::ALL.iter().take(place) {
            bytes = &bytes[self.form(*before).length(*before, bytes)..];
        }
        let form = self.form_at(place);
        // The rare properties are a text or absent: any detail gives the right length.
        let detail = Detail::ALL.get(place).copied().unwrap_or(Detail::Address);
        (form, &bytes[..form.length(detail, bytes)])
    }

    /// All bytes: equal when all texts are.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Packed::Short(bytes) => bytes,
            Packed::Long(bytes) => bytes,
        }
    }

    /// How a text is packed.
    pub(super) fn form(&self, detail: Detail) -> Form {
        self.form_at(detail as usize)
    }

    /// A packed text: equal when the texts are.
    pub(super) fn item(&self, detail: Detail) -> (Form, &[u8]) {
        self.at(detail as usize)
    }

    /// Appends a text; appends nothing if it is absent.
    pub(super) fn write(&self, detail: Detail, out: &mut String) {
        let (form, bytes) = self.item(detail);
        match (form, detail) {
            (Form::None, _) => {}
            (Form::Usual, Detail::Address) => {
                write_v4(array(bytes), u16::from_be_bytes(array(&bytes[4..])), out);
            }
            (Form::Usual, Detail::OperatorKey) => write_key(bytes, out),
            (Form::Usual, _) => base58::write(&array(bytes), out),
            (Form::V6, _) => {
                let (ip, port) = (Ipv6Addr::from(array::<16>(bytes)), u16::from_be_bytes(array(&bytes[16..])));
                write(out, SocketAddrV6::new(ip, port, 0, 0));
            }
            (Form::Text, _) => out.push_str(stored(bytes)),
        }
    }
}

/// How a text is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Absent.
    None,
    /// The expected format: a key, an address in base 58, or an IPv4 address and port.
    Usual,
    /// An IPv6 address and port: 18 bytes.
    V6,
    /// The text itself, after its length in four bytes.
    Text,
}

impl Form {
    const ALL: [Form; 4] = [Form::None, Form::Usual, Form::V6, Form::Text];

    /// Length of the packed text at the start of `bytes`.
    fn length(self, detail: Detail, bytes: &[u8]) -> usize {
        match (self, detail) {
            (Form::None, _) => 0,
            (Form::Usual, Detail::Address) => 6,
            (Form::Usual, Detail::OperatorKey) => KEY_BYTES,
            (Form::Usual, _) => base58::PACKED_BYTES,
            (Form::V6, _) => 18,
            (Form::Text, _) => 4 + u32::from_le_bytes(array(bytes)) as usize,
        }
    }
}

/// Bytes that will become [`Packed`]: on the stack while they are short.
struct Packer {
    short: [u8; SHORT_BYTES],
    length: usize,
    long: Vec<u8>,
}

impl Default for Packer {
    fn default() -> Packer {
        Packer { short: [0; SHORT_BYTES], length: FORMS_BYTES, long: Vec::new() }
    }
}

impl Packer {
    fn add(&mut self, detail: Detail, text: &str) -> Form {
        match detail {
            Detail::Address => {
                if let Some(address) = v4(text) {
                    self.push(&address.ip().octets());
                    self.push(&address.port().to_be_bytes());
                    return Form::Usual;
                }
                // Several texts can denote one IPv6 address: only the canonical one is packed.
                if let Some(address) = text.parse().ok().filter(|address: &SocketAddrV6| address.to_string() == text)
                    && (address.scope_id(), address.flowinfo()) == (0, 0)
                {
                    self.push(&address.ip().octets());
                    self.push(&address.port().to_be_bytes());
                    return Form::V6;
                }
            }
            Detail::OperatorKey => {
                if let Some(key) = key(text) {
                    self.push(&key);
                    return Form::Usual;
                }
            }
            _ => {
                if let Some(address) = base58::pack(text) {
                    self.push(&address);
                    return Form::Usual;
                }
            }
        }
        self.text(text)
    }

    fn text(&mut self, text: &str) -> Form {
        self.push(&u32::try_from(text.len()).expect("no answer of a node is that long").to_le_bytes());
        self.push(text.as_bytes());
        Form::Text
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if self.long.is_empty() && end <= SHORT_BYTES {
            self.short[self.length..end].copy_from_slice(bytes);
        } else {
            if self.long.is_empty() {
                self.long.extend_from_slice(&self.short[..self.length]);
            }
            self.long.extend_from_slice(bytes);
        }
        self.length = end;
    }

    fn finish(mut self, forms: u16) -> Packed {
        if self.long.is_empty() {
            self.short[..FORMS_BYTES].copy_from_slice(&forms.to_le_bytes());
            return Packed::Short(self.short);
        }
        self.long[..FORMS_BYTES].copy_from_slice(&forms.to_le_bytes());
        Packed::Long(self.long.into())
    }
}

/// An IPv4 address and port, if the text is its canonical form.
fn v4(text: &str) -> Option<SocketAddrV4> {
    let (_, port) = text.split_once(':')?;
    // Of all accepted inputs, only leading zeros of the port are not canonical.
    text.parse().ok().filter(|_| !port.starts_with('0') || port.len() == 1)
}

/// The bytes of a key in lower-case hexadecimal.
fn key(text: &str) -> Option<[u8; KEY_BYTES]> {
    let digits: &[u8; 2 * KEY_BYTES] = text.as_bytes().try_into().ok()?;
    let mut key = [0; KEY_BYTES];
    let mut wrong = false;
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let (high, low) = (HEX_DIGIT[usize::from(pair[0])], HEX_DIGIT[usize::from(pair[1])]);
        wrong |= (high | low) > 15;
        *byte = high << 4 | low;
    }
    (!wrong).then_some(key)
}

const HEX_DIGIT: [u8; 256] = digit_values(b"0123456789abcdef");

/// Value of each digit of an alphabet by its byte, 0xff for any other byte.
pub(super) const fn digit_values(alphabet: &[u8]) -> [u8; 256] {
    let mut values = [0xff; 256];
    let mut digit = 0;
    while digit < alphabet.len() {
        values[alphabet[digit] as usize] = digit as u8;
        digit += 1;
    }
    values
}

fn write_key(key: &[u8], out: &mut String) {
    let mut digits = [0; 2 * KEY_BYTES];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(key) {
        pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
        pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    out.push_str(std::str::from_utf8(&digits).expect("hexadecimal digits are ASCII"));
}

/// Appends an IPv4 address and port without `fmt`, which takes three times the instructions: a search reads all addresses.
fn write_v4(ip: [u8; 4], port: u16, out: &mut String) {
    for (part, before) in ip.into_iter().zip(["", ".", ".", "."]) {
        out.push_str(before);
        write_number(part.into(), out);
    }
    out.push(':');
    write_number(port, out);
}

fn write_number(number: u16, out: &mut String) {
    let mut unit = 1;
    while number / unit > 9 {
        unit *= 10;
    }
    while unit > 0 {
        out.push(char::from(b'0' + (number / unit % 10) as u8));
        unit /= 10;
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    *bytes.first_chunk().expect("what was packed has all its bytes")
}

/// The text of [`Form::Text`].
pub(super) fn stored(bytes: &[u8]) -> &str {
    std::str::from_utf8(&bytes[4..]).expect("a text was packed")
}

fn write(out: &mut String, address: impl fmt::Display) {
    fmt::Write::write_fmt(out, format_args!("{address}")).expect("a String takes all");
}
