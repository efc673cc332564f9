//! Dotted and colon-hex text to addresses and back. Neither direction of the dotted quad branches
//! on the widths of its components: a program may convert one per datagram or log line, and the
//! processor cannot predict them.
//!
//! The grammar is stricter than `inet_aton` on purpose: components are decimal without leading
//! zeros. Where one program reads "010.0.0.1" as 8.0.0.1 and another as 10.0.0.1, a check made by
//! the one does not hold for the other, so such a text is no address here.

use std::fmt;

use super::{IpAddress, Ipv6Address, v4_mapped};

/// Converts a text in dotted form; `None` where it is not one. Never asks a name service.
///
/// * IPv4 is `a.b.c.d`, or the Berkeley shorthand `a.d` or `a.b.d` whose last component fills the
///   remaining octets. Components are decimal, without sign, blank or leading zero. A bare number
///   is not a dotted address.
/// * IPv6 is the colon hex of RFC 4291 in either case, with `::` and an IPv4 tail (four components)
///   where wanted, then `%` and a scope: digits are an interface number (0: none), anything else
///   is an interface name that `interface_index` knows. A v4-mapped text gives an IPv6 address.
#[inline]
pub fn dotted_to_ipaddr(text: &[u8], interface_index: impl Fn(&str) -> Option<u32>) -> Option<IpAddress> {
    if let Some(number) = parse_quad(text) {
        return Some(IpAddress::V4(number));
    }
    parse_rarer(text, interface_index)
}

/// Parses what is no dotted quad; apart from it to keep that path short.
#[inline(never)]
fn parse_rarer(text: &[u8], interface_index: impl Fn(&str) -> Option<u32>) -> Option<IpAddress> {
    if text.contains(&b':') {
        return parse_ipv6(text, interface_index).map(IpAddress::V6);
    }
    parse_shorthand(text).map(IpAddress::V4)
}

/// Parses exactly four components; the number is the IPv4 address.
///
/// A value is first computed from each component as if that were well formed. The text must then
/// be the one that the table has for this value, which settles digits, range, leading zeros and
/// dots at once. No branch depends on the widths.
#[inline]
pub fn parse_quad(text: &[u8]) -> Option<u32> {
    // The first eight octets and the last eight; seven as if a zero stood on either side.
    let (head, tail) = match (text.first_chunk(), text.last_chunk()) {
        (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
        _ => {
            let &[a, b, c, d, e, f, g] = text else {
                return None;
            };
            let head = u64::from_le_bytes([a, b, c, d, e, f, g, 0]);
            (head, head << 8)
        }
    };
    let (a, a_width, a_wrong) = leading_component(head);
    let second = head >> a_width;
    let (b, b_width, b_wrong) = leading_component(second);
    // Two components leave three to seven octets.
    let left = (8 * text.len() as u64).wrapping_sub(u64::from(a_width + b_width));
    if !(24..=56).contains(&left) {
        return None;
    }
    let third = tail >> (64 - left);
    let (c, c_width, c_wrong) = leading_component(third);
    let fourth = third >> c_width;
    let (d, shape, _) = leading_value(fourth);
    // Nothing follows the last component, not even a dot; a zero, like those shifted in, neither.
    let d_wrong = fourth != u64::from(component(d).text & shape.mask >> 8) || tail >> 56 == 0;
    if a_wrong | b_wrong | c_wrong != 0 || d_wrong {
        return None;
    }
    Some(u32::from_be_bytes([a, b, c, d]))
}

/// The component with which a text begins, first octet lowest: its value, its width in bits with
/// the dot after it, and what is not 0 if it is not the text of this value.
#[inline]
fn leading_component(text: u64) -> (u8, u32, u32) {
    let (value, shape, width) = leading_value(text);
    let wrong = (text as u32 ^ component(value).text) & shape.mask;
    (value, width, wrong)
}

/// The value of up to three octets as if they were digits, how they were read, and their width in
/// bits with what ends them.
#[inline]
fn leading_value(text: u64) -> (u8, Shape, u32) {
    let text = text as u32;
    // Digits have this bit, a dot and zero have not. The fourth octet is always an end.
    let end = (!text & 0x0010_1010 | 0x1000_0000).trailing_zeros();
    let shape = SHAPES.get(end as usize / 8).copied().unwrap_or_default();
    let sums = (text & 0x0f0f_0f0f).wrapping_mul(shape.factor);
    ((sums >> 24) as u8, shape, end + 4)
}

/// How to read a component of some number of digits.
#[derive(Clone, Copy, Default)]
struct Shape {
    /// What sums units, tens and hundreds in the fourth octet; nothing carries into it.
    factor: u32,
    /// The octets of the component and its dot.
    mask: u32,
}

/// The shapes of no digits to three. Where there are none the value is 0, and the mask has its
/// text compared, which is then wrong.
static SHAPES: [Shape; 4] = [
    Shape::new(0, 0xffff),
    Shape::new(0x0100_0000, 0xffff),
    Shape::new(0x0a01_0000, 0xff_ffff),
    Shape::new(0x640a_0100, 0xffff_ffff),
];

impl Shape {
    const fn new(factor: u32, mask: u32) -> Shape {
        Shape { factor, mask }
    }
}

/// The entry of the table for a value.
#[inline]
fn component(value: u8) -> Component {
    COMPONENTS.get(usize::from(value)).copied().unwrap_or_default()
}

/// Parses the Berkeley shorthand: one or two octets, then the number that fills the rest.
fn parse_shorthand(text: &[u8]) -> Option<u32> {
    let mut components = text.split(|&octet| octet == b'.').map(parse_decimal);
    let first = components.next()??;
    let second = components.next()??;
    let (network, rest, host_bits) = match components.next() {
        None => (first << 24, second, 24),
        Some(third) if first < 256 && second < 256 => (first << 24 | second << 16, third?, 16),
        Some(_) => return None,
    };
    let fits = first < 256 && rest >> host_bits == 0 && components.next().is_none();
    fits.then_some(network | rest)
}

/// Parses a component of the shorthand, which has no more than the eight digits of 2^24 - 1.
fn parse_decimal(text: &[u8]) -> Option<u32> {
    let leading_zero = text.len() > 1 && text.first() == Some(&b'0');
    if leading_zero || text.is_empty() || text.len() > 8 {
        return None;
    }
    text.iter().try_fold(0, |value, &octet| Some(value * 10 + char::from(octet).to_digit(10)?))
}

/// Parses colon hex with an optional scope.
fn parse_ipv6(text: &[u8], interface_index: impl Fn(&str) -> Option<u32>) -> Option<Ipv6Address> {
    let mut parts = text.splitn(2, |&octet| octet == b'%');
    let bits = parse_colon_hex(parts.next()?)?;
    let scope_id = match parts.next() {
        Some(scope) => parse_scope(scope, interface_index)?,
        None => 0,
    };
    Some(Ipv6Address { octets: bits.to_be_bytes(), scope_id })
}

/// Parses what follows `%`. Digits alone are never a name, so that a number means the same
/// whatever the interfaces are called.
fn parse_scope(scope: &[u8], interface_index: impl Fn(&str) -> Option<u32>) -> Option<u32> {
    let scope = std::str::from_utf8(scope).ok()?;
    if scope.bytes().all(|octet| octet.is_ascii_digit()) {
        // Refuses the empty text and numbers beyond 32 bits.
        return scope.parse().ok();
    }
    interface_index(scope).filter(|&index| index != 0)
}

/// Parses an IPv6 address without scope.
fn parse_colon_hex(text: &[u8]) -> Option<u128> {
    let Some(gap) = text.windows(2).position(|pair| pair == b"::") else {
        let (value, width) = parse_groups(text, true)?;
        return (width == 128).then_some(value);
    };
    let (left, right) = text.split_at_checked(gap)?;
    let (left, left_width) = parse_side(left, false)?;
    let (right, right_width) = parse_side(right.get(2..)?, true)?;
    // `::` stands for at least one group of zeros.
    if left_width + right_width > 112 {
        return None;
    }
    // There is nothing to shift where the left side is empty, and 128 would be too far.
    Some(left.checked_shl(128 - left_width).unwrap_or(0) | right)
}

/// Parses one side of `::`, which may be empty.
fn parse_side(text: &[u8], may_end_in_ipv4: bool) -> Option<(u128, u32)> {
    if text.is_empty() {
        return Some((0, 0));
    }
    parse_groups(text, may_end_in_ipv4)
}

/// Parses groups between colons to their value and its width in bits, at most 128. An empty group
/// is an error, and so is a second `::`, which makes one.
fn parse_groups(text: &[u8], may_end_in_ipv4: bool) -> Option<(u128, u32)> {
    let mut value = 0;
    let mut width = 0;
    let mut groups = text.split(|&octet| octet == b':').peekable();
    while let Some(group) = groups.next() {
        let (group, group_width) = match parse_hex(group) {
            Some(group) => (group, 16),
            None if may_end_in_ipv4 && groups.peek().is_none() => (parse_quad(group)?, 32),
            None => return None,
        };
        value = value << group_width | u128::from(group);
        width += group_width;
        if width > 128 {
            return None;
        }
    }
    Some((value, width))
}

/// Parses a group of one to four hexadecimal digits.
fn parse_hex(text: &[u8]) -> Option<u32> {
    if !(1..=4).contains(&text.len()) {
        return None;
    }
    text.iter().try_fold(0, |value, &octet| Some(value << 4 | char::from(octet).to_digit(16)?))
}

/// The text of an address, in a buffer of its own.
#[derive(Clone, Copy)]
pub struct DottedText(Text);

/// A dotted quad is kept apart so that to make one writes no more than its sixteen octets.
#[derive(Clone, Copy)]
enum Text {
    Quad(Buffer<16>),
    /// At most eight groups of four digits and a scope: 39 + 1 + 10 octets.
    Long(Buffer<55>),
}

/// ASCII in the first octets of an array.
#[derive(Clone, Copy)]
struct Buffer<const CAPACITY: usize> {
    octets: [u8; CAPACITY],
    length: u8,
}

impl<const CAPACITY: usize> Buffer<CAPACITY> {
    #[inline]
    fn as_bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// Appends an octet; there is room for every text that this module makes.
    #[inline]
    fn push(&mut self, octet: u8) {
        if let Some(place) = self.octets.get_mut(usize::from(self.length)) {
            *place = octet;
            self.length += 1;
        }
    }
}

impl DottedText {
    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        // It is ASCII throughout.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The text as octets, without a terminating zero.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Text::Quad(buffer) => buffer.as_bytes(),
            Text::Long(buffer) => buffer.as_bytes(),
        }
    }
}

impl fmt::Display for DottedText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Debug for DottedText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

/// Converts an address to text. IPv4 is always `a.b.c.d`; IPv6 is the form that RFC 5952
/// recommends, with a v4-mapped address as `::ffff:a.b.c.d` and a scope as `%` and its number.
#[inline]
pub fn ipaddr_to_dotted(address: &IpAddress) -> DottedText {
    match address {
        IpAddress::V4(number) => DottedText(Text::Quad(format_quad(*number))),
        IpAddress::V6(address) => DottedText(Text::Long(format_ipv6(address))),
    }
}

/// An octet in decimal with a dot after it.
#[derive(Clone, Copy, Default)]
struct Component {
    /// The text, first character lowest, zeros where it is short.
    text: u32,
    /// Its width in bits.
    width: u32,
}

/// The texts of all octets.
static COMPONENTS: [Component; 256] = components();

#[allow(clippy::indexing_slicing)] // evaluated by the compiler, which checks it
const fn components() -> [Component; 256] {
    let mut table = [Component { text: 0, width: 0 }; 256];
    let mut value = 0;
    while value < table.len() {
        let mut text = b'.' as u32;
        let mut width = 8;
        let mut rest = value as u32;
        // From the units to the left.
        loop {
            text = text << 8 | (b'0' as u32 + rest % 10);
            width += 8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        table[value] = Component { text, width };
        value += 1;
    }
    table
}

/// The text `a.b.c.d` in registers until it is complete. The dot after the last component lies
/// beyond the length, so it need not be removed.
#[inline]
fn format_quad(number: u32) -> Buffer<16> {
    let (text, length) = quad_text(number);
    Buffer { octets: text.to_le_bytes(), length: length as u8 }
}

/// The text of an IPv4 address in registers, first octet lowest, and its length, at most fifteen; what
/// is beyond that is to be cut off.
#[inline]
pub fn quad_text(number: u32) -> (u128, usize) {
    let [a, b, c, d] = number.to_be_bytes().map(component);
    let left = u64::from(a.text) | u64::from(b.text) << a.width;
    let right = u64::from(b'.') | u64::from(c.text) << 8 | u64::from(d.text) << (c.width + 8);
    // The dot after the second component is in either half, which keeps the shifts below 64.
    let left_width = a.width + b.width - 8;
    let low = left | right << left_width;
    let high = right >> (64 - left_width);
    let length = (left_width + c.width + d.width) / 8;
    (u128::from(low) | u128::from(high) << 64, length as usize)
}

/// The text of an IPv6 address.
fn format_ipv6(address: &Ipv6Address) -> Buffer<55> {
    let mut text = Buffer { octets: [0; 55], length: 0 };
    let bits = u128::from_be_bytes(address.octets);
    if let Some(number) = v4_mapped(bits) {
        b"::ffff:".iter().for_each(|&octet| text.push(octet));
        push_quad(&mut text, number);
    } else {
        push_groups(&mut text, bits);
    }
    if address.scope_id != 0 {
        text.push(b'%');
        push_decimal(&mut text, address.scope_id);
    }
    text
}

/// Appends `a.b.c.d`.
fn push_quad(text: &mut Buffer<55>, number: u32) {
    for &octet in format_quad(number).as_bytes() {
        text.push(octet);
    }
}

/// Appends eight groups, the longest run of zeros among them as `::`.
fn push_groups(text: &mut Buffer<55>, bits: u128) {
    let (run_start, run_length) = longest_zero_run(bits);
    let run_end = run_start + run_length;
    for place in 0..8 {
        if place == run_start && run_length > 0 {
            text.push(b':');
            text.push(b':');
        }
        if (run_start..run_end).contains(&place) {
            continue;
        }
        if place > 0 && place != run_end {
            text.push(b':');
        }
        push_hex(text, group(bits, place));
    }
}

/// The group at a place, 0 being the leftmost.
fn group(bits: u128, place: u32) -> u16 {
    (bits >> (112 - 16 * place)) as u16
}

/// The place and length of the run of zero groups to compress: the longest, of two or more, the
/// first of equals. Place and length are 0 where there is none.
fn longest_zero_run(bits: u128) -> (u32, u32) {
    let mut longest = (0, 0);
    let mut run_length = 0;
    for place in 0..8 {
        run_length = if group(bits, place) == 0 { run_length + 1 } else { 0 };
        if run_length >= 2 && run_length > longest.1 {
            longest = (place + 1 - run_length, run_length);
        }
    }
    longest
}

/// Appends a group without leading zeros.
fn push_hex(text: &mut Buffer<55>, group: u16) {
    let digits = (16 - group.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..digits).rev() {
        let nibble = u32::from(group >> (4 * digit)) & 0xf;
        // Never the default: a nibble is a digit.
        text.push(char::from_digit(nibble, 16).unwrap_or_default() as u8);
    }
}

/// Appends a number in decimal.
fn push_decimal(text: &mut Buffer<55>, number: u32) {
    let digits = number.checked_ilog10().unwrap_or(0);
    for digit in (0..=digits).rev() {
        text.push(b'0' + (number / 10_u32.pow(digit) % 10) as u8);
    }
}
