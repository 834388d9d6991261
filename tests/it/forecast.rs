//! `forecast`: the output of the binary compared with the coins' own tables, and `docs/payment.md` with the arithmetic.
//!
//! The two `*-page.csv` contain the tables of the coins' pages, with exact percentages computed separately with 40
//! digits.
//!
//! Never here: properties of the arithmetic; those are in `laws`.

use std::num::NonZeroU32;
use std::process::Command;

use domain::payment::{chance, pool};
use serde_json::Value;

use crate::markdown::{Table, read, table_of};
use crate::support::golden;

const PAGE: &str = "docs/payment.md";
const FOLDER: &str = "tests/fixtures/forecast";
const EXAMPLE: &[&str] = &["forecast", "pose", "--limit", "5000", "--failures", "1,1734,5500,7000"];

/// A table of a coin's page.
struct Printed {
    file: &'static str,
    arguments: &'static [&'static str],
    /// Number of wrong rows, and of rows that are truncated instead of rounded.
    wrong_and_cut: (usize, usize),
}

const PRINTED: [Printed; 2] = [
    Printed {
        file: "prcycoin-page",
        arguments: &["forecast", "payment", "--nodes", "4500", "--blocks-per-hour", "23.07"],
        wrong_and_cut: (0, 0),
    },
    Printed {
        file: "dimecoin-page",
        arguments: &["forecast", "payment", "--pool", "500", "--block-seconds", "50"],
        wrong_and_cut: (2, 5),
    },
];

impl Printed {
    /// Hours, blocks, the printed percentage, the exact one, the verdict.
    fn rows(&self) -> Vec<[String; 5]> {
        let text = read(&format!("{FOLDER}/{}.csv", self.file));
        let row = |line: &str| line.split(',').map(str::to_string).collect::<Vec<String>>().try_into().unwrap();
        let rows: Vec<[String; 5]> = text.lines().skip(1).map(row).collect();
        assert_eq!(rows.len(), 16, "{}", self.file);
        rows
    }

    fn output(&self, more: &[&str]) -> String {
        good(&[self.arguments, more].concat())
    }
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_masternode-exporter")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[track_caller]
fn good(arguments: &[&str]) -> String {
    let (code, text, errors) = run(arguments);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{arguments:?}");
    text
}

/// The cells of a printed table, without its header.
fn cells(text: &str) -> Vec<Vec<&str>> {
    let below = text.lines().skip_while(|line| !line.starts_with("hours")).skip(1);
    below.map(|line| line.split_whitespace().collect()).collect()
}

#[test]
fn the_tables_of_the_coins_pages_are_reproduced_with_the_wrong_rows_corrected() {
    for page in &PRINTED {
        let (four, two) = (page.output(&["--decimals", "4"]), page.output(&[]));
        golden(&format!("{FOLDER}/{}.txt", page.file), &two);
        let (mut wrong, mut cut) = (0, 0);
        for ((row, four), two) in page.rows().iter().zip(cells(&four)).zip(cells(&two)) {
            let [hours, blocks, printed, exact, verdict] = row;
            assert_eq!(four, [hours.clone(), blocks.clone(), format!("{exact}%")], "{}", page.file);
            assert_eq!(two[..2], four[..2]);
            let exact: f64 = exact.parse().unwrap();
            let off = exact - printed.parse::<f64>().unwrap();
            let same = two[2] == format!("{printed}%");
            match verdict.as_str() {
                "right" => assert!(same && off.abs() <= 0.005, "{}, {hours} h", page.file),
                "cut" => {
                    assert!(!same && (0.005..0.01).contains(&off), "{}, {hours} h", page.file);
                    cut += 1;
                }
                "wrong" => {
                    assert!(!same && !(0.0..0.01).contains(&off), "{}, {hours} h", page.file);
                    wrong += 1;
                }
                other => panic!("no verdict: {other}"),
            }
        }
        assert_eq!((wrong, cut), page.wrong_and_cut, "{}", page.file);
    }
}

#[test]
fn csv_and_json_have_the_unrounded_values_of_the_table() {
    for page in &PRINTED {
        let json: Value = serde_json::from_str(&page.output(&["--format", "json"])).unwrap();
        let csv = page.output(&["--format", "csv"]);
        let (head, lines) = csv.split_once('\n').unwrap();
        assert_eq!(head, "hours,blocks,probability_ratio");
        let rows = json["rows"].as_array().unwrap();
        assert_eq!((rows.len(), lines.lines().count()), (16, 16));
        for ((row, line), computed) in rows.iter().zip(lines.lines()).zip(page.rows()) {
            let csv: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
            let ratio = row["probability_ratio"].as_f64().unwrap();
            let json = [row["hours"].as_f64().unwrap(), row["blocks"].as_f64().unwrap(), ratio];
            // The JSON parser may be off by the last bit.
            assert!(csv.iter().zip(json).all(|(csv, json)| (csv - json).abs() <= json * f64::EPSILON), "{line}");
            assert_eq!(csv[1], computed[1].parse::<f64>().unwrap());
            assert_eq!(format!("{:.4}", ratio * 100.0), computed[3]);
        }
    }
    let json: Value = serde_json::from_str(&PRINTED[0].output(&["--format", "json"])).unwrap();
    let about = ["model", "masternodes", "candidates", "whole_blocks", "mean_wait_blocks", "median_wait_blocks"];
    let about = about.map(|key| json[key].to_string());
    assert_eq!(about, ["\"pool\"", "4500", "450", "false", "450", "312"]);
}

#[test]
fn all_enabled_masternodes_are_candidates_of_a_uniform_selection() {
    let twelve = ["forecast", "payment", "--nodes", "4500", "--block-seconds", "60", "--hours", "12"];
    let uniform = good(&[&twelve[..], &["--model", "uniform"]].concat());
    assert!(uniform.starts_with("drawn among  4500 enabled masternodes\n"), "{uniform}");
    assert_eq!(cells(&uniform), [["12", "720", "14.79%"]]);
    assert_eq!(cells(&good(&twelve)), [["12", "720", "79.85%"]]);
}

#[test]
fn the_smallest_networks_have_a_pool_of_one() {
    for nodes in ["1", "9", "10", "11", "19"] {
        let text = good(&["forecast", "payment", "--nodes", nodes, "--block-seconds", "3601", "--hours", "1,2"]);
        assert_eq!(cells(&text), [["1", "0", "0.00%"], ["2", "1", "100.00%"]], "{nodes} masternodes");
        assert!(text.contains("mean wait    1 block, 60 min\n"), "{text}");
    }
}

fn number(cell: &str) -> u32 {
    cell.parse().unwrap_or_else(|_| panic!("not a number: {cell:?}"))
}

fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn percent(chance: f64) -> String {
    format!("{:.2}%", chance * 100.0)
}

/// The rows of a page's table in the documentation; the four columns of the page are compared.
fn documented(page: &Printed, heading: &str) -> Table {
    let table = table_of(PAGE, heading);
    let computed = page.output(&[]);
    assert_eq!(table.rows.len(), 16);
    for ((row, printed), computed) in table.rows.iter().zip(page.rows()).zip(cells(&computed)) {
        let [hours, blocks, percent, ..] = printed;
        assert_eq!(row[..3], [hours, blocks, format!("{percent}%")]);
        assert_eq!(row[3], computed[2]);
    }
    table
}

#[test]
fn the_documented_tables_match_the_code() {
    let table = documented(&PRINTED[0], "### PRCYcoin, row by row");
    for row in &table.rows {
        let blocks = chance::whole_blocks(u64::from(number(&row[0])) * 3600, 60.0);
        let [pool, uniform] =
            [chance::pool_size(4500, 4500, pool::TENTH), chance::uniform_size(4500)].map(Option::unwrap);
        let ours = [pool, uniform].map(|candidates| percent(chance::chance_within(candidates, blocks)));
        assert_eq!((number(&row[4]), &row[5..]), (blocks, &ours[..]), "{} h", row[0]);
    }
    let table = documented(&PRINTED[1], "### Dimecoin, row by row");
    for (row, printed) in table.rows.iter().zip(PRINTED[1].rows()) {
        let blocks = chance::whole_blocks(u64::from(number(&row[0])) * 3600, 64.0);
        let ours = [count(500), count(25)].map(|pool| percent(chance::chance_within(pool, blocks)));
        assert_eq!((&row[4], number(&row[5]), &row[6..]), (&printed[4], blocks, &ours[..]), "{} h", row[0]);
    }
}

#[test]
fn the_documented_waits_match_the_code() {
    let table = table_of(PAGE, "### Waits");
    assert!(table.rows.len() > 1);
    for row in table.rows.iter().map(|row| row.iter().map(|cell| number(cell)).collect::<Vec<u32>>()) {
        let pool = chance::pool_size(row[0], row[0], pool::TENTH).unwrap();
        assert_eq!(row[1..], [pool.get(), chance::mean_blocks(pool), chance::median_blocks(pool)], "{row:?}");
    }
}

#[test]
fn the_public_example_is_computed_by_both_rules_in_every_format() {
    golden(&format!("{FOLDER}/pose-example.txt"), &good(EXAMPLE));
    golden(&format!("{FOLDER}/pose-example.csv"), &good(&[EXAMPLE, &["--format", "csv"]].concat()));
    let json = good(&[EXAMPLE, &["--format", "json"]].concat());
    golden(&format!("{FOLDER}/pose-example.json"), &json);
    let json: Value = serde_json::from_str(&json).unwrap();
    // Scores after the failures: docs/spec/dash.md#worked-example.
    let expected = [("consensus", [3300, 4867, 4401, 5000]), ("documented", [3333, 4933, 4500, 6333])];
    for (rule, (name, scores)) in json["rules"].as_array().unwrap().iter().zip(expected) {
        let failures = rule["moments"].as_array().unwrap().iter().filter(|moment| moment["change"] == "failure");
        let found: Vec<&Value> = failures.map(|moment| &moment["score"]).collect();
        assert_eq!((rule["rule"].as_str(), found), (Some(name), scores.map(Value::from).iter().collect()));
        assert_eq!(rule["ban_block"], 7000);
    }
}

#[test]
fn the_plot_is_written_to_the_file_with_a_text_description() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pose.svg");
    let text = good(&[EXAMPLE, &["--svg", file.to_str().unwrap()]].concat());
    assert_eq!(text, good(EXAMPLE), "the text is the same with a plot");
    let svg = std::fs::read_to_string(&file).unwrap();
    golden(&format!("{FOLDER}/pose-example.svg"), &svg);
    for words in ["role=\"img\"", "<title id=", "<desc id=", "prefers-color-scheme:dark", "safe level 1700 and 1668"] {
        assert!(svg.contains(words), "{words}");
    }
    for failure in ["Failure at block 1734: 1567 + 3300 = 4867.", "Failure at block 7000: 3000 + 3333 = 6333, banned."]
    {
        assert!(svg.contains(failure), "{failure}");
    }
    assert_eq!(svg.matches("<rect class=\"mark banned\"").count(), 3, "a ban by each rule, and the legend's");
}

#[test]
fn a_wrong_argument_is_named_with_the_expected_value_and_the_exit_code_is_two() {
    let payment = |more: &[&'static str]| [&["forecast", "payment"], more].concat();
    let pose = |more: &[&'static str]| [&["forecast", "pose"], more].concat();
    let many: &'static str = vec!["1"; 101].join(",").leak();
    // Arguments, the subject of the error, its advice.
    let cases = [
        (payment(&[]), "--nodes <NUMBER>|--pool <NUMBER>", "--block-seconds <SECONDS>"),
        (payment(&["--network", "x", "--block-seconds", "60"]), "--network <NAME>", "cannot be used with"),
        (payment(&["--nodes", "0", "--block-seconds", "60"]), "--nodes", "whole number from 1 to 1000000"),
        (payment(&["--nodes", "9", "--block-seconds", "-1"]), "--block-seconds", "number from 0.001 to 86400"),
        (payment(&["--nodes", "9", "--block-seconds", "NaN"]), "--block-seconds", "number from 0.001 to 86400"),
        (payment(&["--nodes", "9", "--blocks-per-hour", "inf"]), "--blocks-per-hour", "number from 0.001 to 3600000"),
        (payment(&["--nodes", "9", "--block-seconds", "60", "--hours", "1,x"]), "--hours", "from 1 to 87600"),
        (payment(&["--nodes", "9", "--pool", "3", "--block-seconds", "60"]), "--pool", "cannot be used with"),
        (
            payment(&["--pool", "9", "--block-seconds", "60", "--model", "uniform"]),
            "--pool",
            "give their number with --nodes",
        ),
        (pose(&["--limit", "5000"]), "--failures", "required"),
        (pose(&["--limit", "99", "--failures", "1"]), "--limit", "whole number from 100 to 1000000"),
        (pose(&["--limit", "5000", "--failures", "0"]), "--failures", "whole number from 1 to 1000000"),
        (pose(&["--limit", "5000", "--failures", many]), "--failures", "at most 100"),
    ];
    for (arguments, named, cure) in cases {
        let (code, text, errors) = run(&arguments);
        assert_eq!((code, text.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(errors.contains(named) && errors.contains(cure), "{arguments:?}: {errors}");
    }
}

#[test]
fn a_plot_that_cannot_be_written_fails_and_names_the_file() {
    let (code, text, errors) = run(&[EXAMPLE, &["--svg", "/nonexistent/pose.svg"]].concat());
    assert_eq!((code, text.as_str()), (Some(1), ""));
    assert!(errors.contains("--svg") && errors.contains("/nonexistent/pose.svg"), "{errors}");
}
