//! Just enough of Rust's grammar to see what a file names: no comments, no literals, tokens with their lines.
//!
//! Never here: a rule. Types, macros and generics are not understood, and need not be.

use std::ops::Range;

/// One source file.
pub struct Source {
    /// From the root of the package: `crates/domain/src/pose.rs`.
    pub path: String,
    /// As it stands.
    pub text: String,
    tokens: Vec<Token>,
    literals: Vec<Literal>,
    tests: Vec<Range<usize>>,
}

/// A word or a sign of the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// An identifier or number, `::`, or a single sign.
    pub text: String,
    /// From 1.
    pub line: usize,
}

struct Literal {
    text: String,
    line: usize,
}

/// A path, from the root that was asked for to its last segment; `*` for a glob.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    pub segments: Vec<String>,
    pub line: usize,
}

impl Source {
    /// Reads a file's text.
    pub fn new(path: &str, text: &str) -> Source {
        let (code, literals) = strip(text);
        let tokens = tokens(&code);
        let tests = if path.contains("/tests/") || path.ends_with("/tests.rs") {
            let whole_file = 0..text.lines().count() + 1;
            vec![whole_file]
        } else {
            test_items(&tokens)
        };
        Source { path: path.into(), text: text.into(), tokens, literals, tests }
    }

    /// All code, tests included.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The code without its tests.
    pub fn production(&self) -> Vec<Token> {
        self.tokens.iter().filter(|token| !self.is_test(token.line)).cloned().collect()
    }

    /// Texts of the string literals that are not in tests.
    pub fn production_literals(&self) -> impl Iterator<Item = &str> {
        self.literals.iter().filter(|literal| !self.is_test(literal.line)).map(|literal| literal.text.as_str())
    }

    fn is_test(&self, line: usize) -> bool {
        self.tests.iter().any(|lines| lines.contains(&line))
    }
}

/// Replaces comments and literals by blanks; lines stay where they are.
fn strip(text: &str) -> (String, Vec<Literal>) {
    let characters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut literals = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < characters.len() {
        let after_word = at > 0 && is_word(characters[at - 1]);
        let length = skipped(&characters[at..], after_word).unwrap_or(1);
        let piece = &characters[at..at + length];
        if piece.contains(&'"') && !piece.starts_with(&['/']) {
            literals.push(Literal { text: piece.iter().collect(), line });
        }
        for character in piece {
            let kept = length == 1 && !matches!(character, '"');
            code.push(if kept || *character == '\n' { *character } else { ' ' });
            line += usize::from(*character == '\n');
        }
        at += length;
    }
    (code, literals)
}

/// Length of the comment or literal at the start of `rest`; `None` where there is none.
fn skipped(rest: &[char], after_word: bool) -> Option<usize> {
    let starts = |text: &str| text.chars().enumerate().all(|(index, wanted)| rest.get(index) == Some(&wanted));
    if starts("//") {
        return Some(rest.iter().position(|character| *character == '\n').unwrap_or(rest.len()));
    }
    if starts("/*") {
        return Some(block_comment(rest));
    }
    if starts("\"") {
        return Some(quoted(rest, '"'));
    }
    if !after_word && (starts("r") || starts("br") || starts("cr")) {
        let prefix = rest.iter().take_while(|character| character.is_alphabetic()).count();
        let hashes = rest[prefix..].iter().take_while(|character| **character == '#').count();
        if rest.get(prefix + hashes) == Some(&'"') {
            return Some(raw_string(rest, prefix + hashes + 1, hashes));
        }
    }
    let is_character = starts("'\\") || (starts("'") && rest.get(2) == Some(&'\''));
    is_character.then(|| quoted(rest, '\''))
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match rest.get(at..at + 2) {
            Some(['/', '*']) => (depth, at) = (depth + 1, at + 2),
            Some(['*', '/']) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += 1 + usize::from(rest[at] == '\\');
    }
    (at + 1).min(rest.len())
}

fn raw_string(rest: &[char], from: usize, hashes: usize) -> usize {
    let ends =
        |at: usize| rest[at] == '"' && rest[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
    (from..rest.len()).find(|at| ends(*at)).map_or(rest.len(), |at| at + 1 + hashes)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn tokens(code: &str) -> Vec<Token> {
    let mut found = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match first {
                _ if is_word(first) => rest.find(|character| !is_word(character)).unwrap_or(rest.len()),
                ':' if rest.starts_with("::") => 2,
                _ => first.len_utf8(),
            };
            found.push(Token { text: rest[..length].into(), line: index + 1 });
            rest = rest[length..].trim_start();
        }
    }
    found
}

/// Whether the tokens from `at` on read so.
pub fn reads(tokens: &[Token], at: usize, wanted: &[&str]) -> bool {
    wanted.iter().enumerate().all(|(offset, text)| tokens.get(at + offset).is_some_and(|token| token.text == *text))
}

/// Lines of the items under `#[cfg(test)]`.
fn test_items(tokens: &[Token]) -> Vec<Range<usize>> {
    (0..tokens.len())
        .filter(|at| reads(tokens, *at, &["#", "[", "cfg", "(", "test", ")", "]"]))
        .map(|at| tokens[at].line..tokens[end_of_item(tokens, at)].line + 1)
        .collect()
}

/// Index of the token that ends the item at `from`: its closing brace, or the semicolon of an item without body.
pub fn end_of_item(tokens: &[Token], from: usize) -> usize {
    let mut depth = 0_i32;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        let ends = match token.text.as_str() {
            "}" => depth == 0,
            ";" => depth == 0,
            _ => false,
        };
        if ends {
            return at;
        }
    }
    tokens.len().saturating_sub(1)
}

/// Every path that begins with `root`, imports and uses alike; a group is taken apart.
pub fn paths(tokens: &[Token], root: &str) -> Vec<Named> {
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let is_root = reads(tokens, at, &[root, "::"]);
        let continues = at >= 2 && tokens[at - 1].text == "::" && tokens[at - 2].text.chars().all(is_word);
        if is_root && !continues {
            tree(tokens, at, &[], &mut found);
        }
    }
    found
}

/// Reads the path or group at `at`, and returns the index behind it.
fn tree(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Named>) -> usize {
    let mut segments = prefix.to_vec();
    let line = tokens.get(at).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(at) {
        if token.text == "{" {
            return group(tokens, at + 1, &segments, found);
        }
        if token.text == "self" && !segments.is_empty() {
            at += 1;
            break;
        }
        if !(token.text == "*" || token.text.chars().all(is_word)) {
            break;
        }
        segments.push(token.text.clone());
        at += 1;
        if !reads(tokens, at, &["::"]) {
            break;
        }
        at += 1;
    }
    found.push(Named { segments, line });
    at
}

fn group(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Named>) -> usize {
    while let Some(token) = tokens.get(at) {
        at = match token.text.as_str() {
            "}" => return at + 1,
            "," => at + 1,
            "as" => at + 2,
            text if text == "{" || text == "*" || text.chars().all(is_word) => tree(tokens, at, prefix, found),
            _ => return at,
        };
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str, root: &str) -> Vec<String> {
        paths(Source::new("src/x.rs", text).tokens(), root).iter().map(|named| named.segments.join("::")).collect()
    }

    #[test]
    fn comments_and_literals_name_nothing() {
        let text = "// crate::a\n/* crate::b /* x */ crate::c */ let s = \"crate::d \\\" crate::e\"; /// crate::f\n\
                    let r = r#\"crate::g \" crate::h\"#; let c = '\"'; let q = '\\''; let l: &'static str = crate::seen;";
        assert_eq!(named(text, "crate"), ["crate::seen"]);
    }

    #[test]
    fn groups_are_taken_apart_and_their_lines_kept() {
        let text = "use crate::{\n    a::{self, B},\n    c as d,\n    e::*,\n};\nfn f() { crate::g::h(); }";
        assert_eq!(named(text, "crate"), ["crate::a", "crate::a::B", "crate::c", "crate::e::*", "crate::g::h"]);
        let lines: Vec<usize> =
            paths(Source::new("src/x.rs", text).tokens(), "crate").iter().map(|named| named.line).collect();
        assert_eq!(lines, [2, 2, 3, 4, 6]);
        assert_eq!(named("use std::{fs, time::{Duration, SystemTime}};", "std").len(), 3);
        assert_eq!(named("a::std::x; ::std::y; core::std::z;", "std"), ["std::y"]);
    }

    #[test]
    fn tests_are_told_from_the_rest() {
        let text =
            "use a::b;\n#[cfg(test)]\nmod tests {\n    use c::d;\n}\nuse e::f;\n#[cfg(test)]\nmod more;\nuse g::h;";
        let words: Vec<String> =
            Source::new("src/x.rs", text).production().into_iter().map(|token| token.text).collect();
        let left: Vec<&str> =
            ["a", "c", "e", "more", "g"].into_iter().filter(|word| words.iter().any(|w| w == word)).collect();
        assert_eq!(left, ["a", "e", "g"]);
        assert!(Source::new("src/x/tests/y.rs", text).production().is_empty());
    }

    #[test]
    fn literals_are_read_outside_tests() {
        let text = "const A: &str = \"name\";\n#[cfg(test)]\nmod tests { const B: &str = \"other\"; }";
        assert_eq!(Source::new("src/x.rs", text).production_literals().collect::<Vec<_>>(), ["\"name\""]);
    }
}
