//! A terminal session as a golden text: commands and what they print, without what differs between runs.
//!
//! Never here: running a command.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// Lines of the output of a command that are compared; of the others only the number.
const MOST_LINES: usize = 130;

/// What differs between runs, and what the golden text has instead.
static DIFFERENT: LazyLock<[(Regex, &str); 7]> = LazyLock::new(|| {
    [
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "<time>"),
        (r"\d{4}-\d\d-\d\d", "<day>"),
        (r"(?:\d+d )?(?:\d+h )?(?:\d+m )?\d+s old", "<age> old"),
        (r"\b1[78]\d{8}\b", "<time>"),
        (r"(?:127\.0\.0\.1|\[::1\]):\d{5}", "127.0.0.1:<port>"),
        (r"\b[0-9a-f]{12,}\b", "<hex>"),
    ]
    .map(|(pattern, text)| (Regex::new(pattern).unwrap(), text))
});

/// Commands that ran.
#[derive(Default)]
pub(crate) struct Session(String);

impl Session {
    /// A command, its exit code and its output.
    pub(crate) fn add(&mut self, command: &str, code: Option<i32>, output: &str) {
        let code = code.filter(|code| *code != 0).map_or_else(String::new, |code| format!("[exit code {code}]\n"));
        let lines: Vec<&str> = output.trim_end().lines().collect();
        let (shown, rest) = lines.split_at(lines.len().min(MOST_LINES));
        let rest = if rest.is_empty() { String::new() } else { format!("[{} more lines]\n", rest.len()) };
        self.0 += &format!("$ {command}\n{}\n{rest}{code}\n", shown.join("\n"));
    }

    /// Compares with a golden text of `tests/fixtures/terminal`. The text has the last part of paths below `folders` only.
    #[track_caller]
    pub(crate) fn compare(self, name: &str, folders: &[&Path]) {
        let text = folders.iter().fold(self.0, |text, folder| text.replace(&format!("{}/", folder.display()), ""));
        let text = DIFFERENT.iter().fold(text, |text, (what, instead)| what.replace_all(&text, *instead).into_owned());
        super::golden(&format!("tests/fixtures/terminal/{name}.txt"), &text);
    }
}
