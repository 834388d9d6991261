//! The files of the compose stack: referenced files exist, and repeated values match.
//!
//! Never here: a container engine.

use serde_json::Value;

use crate::markdown;

const FOLDER: &str = "dashboards/compose";

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&markdown::read(path)).unwrap()
}

fn services() -> serde_json::Map<String, Value> {
    yaml(&format!("{FOLDER}/compose.yaml"))["services"].as_object().unwrap().clone()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn every_file_of_a_container_exists_and_is_mounted_read_only() {
    let mut given = Vec::new();
    for (name, service) in services() {
        for mount in strings(&service["volumes"]).into_iter().filter(|mount| mount.starts_with('.')) {
            let parts: Vec<&str> = mount.split(':').collect();
            assert_eq!(parts[2..], ["ro"], "{name}: {mount}");
            let path = markdown::root().join(FOLDER).join(parts[0]);
            assert!(path.is_file(), "{name}: {mount}: there is no such file");
            given.push(path.canonicalize().unwrap());
        }
    }
    let boards = std::fs::read_dir(markdown::root().join("dashboards")).unwrap().map(|entry| entry.unwrap().path());
    for board in boards.filter(|path| path.extension().is_some_and(|ending| ending == "json")) {
        assert!(given.contains(&board.canonicalize().unwrap()), "{} is not given to Grafana", board.display());
    }
}

#[test]
fn every_port_is_of_this_host_only_and_every_image_has_a_version() {
    for (name, service) in services() {
        let ports = strings(&service["ports"]);
        assert!(!ports.is_empty() && ports.iter().all(|port| port.starts_with("127.0.0.1:")), "{name}: {ports:?}");
        let image = service["image"].as_str().unwrap();
        let version = image.rsplit_once(':').map_or("", |(_, version)| version);
        assert!(!version.is_empty() && version != "latest" && image.contains('/'), "{name}: {image}");
    }
}

#[test]
fn the_parts_find_each_other_by_the_names_of_their_services() {
    let services = services();
    let texts = ["prometheus.yml", "grafana/datasources.yaml"].map(|name| markdown::read(&format!("{FOLDER}/{name}")));
    let mut named = Vec::new();
    for (host, port) in [("exporter", 10066), ("alertmanager", 9093), ("prometheus", 9090)] {
        assert!(services.contains_key(host), "no service {host}");
        named.push(texts.iter().any(|text| text.contains(&format!("{host}:{port}"))));
    }
    assert_eq!(named, [true; 3], "an address without a service");
    let page = "/var/lib/grafana/dashboards";
    assert_eq!(yaml(&format!("{FOLDER}/grafana/dashboards.yaml"))["providers"][0]["options"]["path"], page);
}

#[test]
fn alertmanager_has_the_inhibition_rules_of_the_release() {
    let of = |path: &str| {
        let text = markdown::read(path);
        text[text.find("inhibit_rules:").unwrap()..].trim().to_string()
    };
    assert_eq!(of(&format!("{FOLDER}/alertmanager.yml")), of("alerts/inhibition.yml"));
}

#[test]
fn the_demo_names_existing_files() {
    let code = markdown::read("src/cli/demo.rs");
    let named: Vec<&str> = code.split_whitespace().filter(|word| word.starts_with("dashboards/")).collect();
    assert_eq!(named, ["dashboards/*.json.", "dashboards/compose/compose.yaml"]);
    assert!(markdown::root().join("dashboards/compose/compose.yaml").is_file());
}

#[test]
fn the_image_is_built_from_every_included_file() {
    let ignore = markdown::read(&format!("{FOLDER}/Containerfile.dockerignore"));
    let kept: Vec<&str> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let (mut folders, mut taken) = (vec![markdown::root().join("src")], 0);
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let code = std::fs::read_to_string(&path).unwrap();
            for name in code.split("include_str!(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let file = path.with_file_name(name).canonicalize().unwrap();
                let file = file.strip_prefix(markdown::root().canonicalize().unwrap()).unwrap().to_path_buf();
                assert!(kept.iter().any(|kept| file.starts_with(kept)), "{} is left out of the image", file.display());
                taken += 1;
            }
        }
    }
    assert!(taken > 0, "the code takes in the contract of the API at least");
}
