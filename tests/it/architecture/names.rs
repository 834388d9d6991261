//! The names of our metrics, as the code defines them and as the pages mention them.
//!
//! Never here: what a metric means.

use std::collections::BTreeSet;

use crate::architecture::source::Source;

/// What a histogram's series add to its name.
const SUFFIXES: &[&str] = &["_bucket", "_sum", "_count"];

/// Files in which metrics are defined.
pub fn defines_metrics(path: &str) -> bool {
    path.starts_with("src/metrics") || path.starts_with("src/meters") || path == "src/web/meters.rs"
}

/// Names in the string literals of a file, tests left out.
pub fn defined(source: &Source) -> BTreeSet<String> {
    source.production_literals().flat_map(mentioned).collect()
}

/// Every word of a text that reads as a metric of ours. A prefix, ending in `_`, is none; nor is the crate's own name.
pub fn mentioned(text: &str) -> BTreeSet<String> {
    text.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'))
        .filter(|word| word.starts_with("masternode_") && !word.ends_with('_') && *word != "masternode_exporter")
        .map(str::to_string)
        .collect()
}

/// The mentioned names that nothing defines.
pub fn unknown(text: &str, defined: &BTreeSet<String>) -> Vec<String> {
    let known = |name: &String| {
        let of_histogram = SUFFIXES.iter().filter_map(|suffix| name.strip_suffix(suffix));
        defined.contains(name) || of_histogram.into_iter().any(|name| defined.contains(name))
    };
    mentioned(text).into_iter().filter(|name| !known(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_nothing_defines_is_found() {
        let code = "//! masternode_in_a_comment\nconst A: &str = \"masternode_pose_score\";\n\
                    const H: &str = \"masternode_exporter_wait_seconds\";\n\
                    #[cfg(test)]\nmod tests { const T: &str = \"masternode_of_a_test\"; }";
        let defined = defined(&Source::new("src/metrics/catalog.rs", code));
        let page = "`masternode_pose_score{masternode=\"x\"} 3`, masternode_exporter_wait_seconds_bucket, masternode_exporter,\n\
                    the prefix `masternode_pose_`, masternode-exporter, my_masternode_x";
        assert_eq!(unknown(page, &defined), [""; 0]);
        let wrong = "masternode_pose_scores masternode_in_a_comment masternode_of_a_test";
        assert_eq!(
            unknown(wrong, &defined),
            ["masternode_in_a_comment", "masternode_of_a_test", "masternode_pose_scores"]
        );
    }
}
