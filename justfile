# The list of tasks. Each is a thin wrapper: the commands work without `just`.

# Shows this list.
default:
    @just --list

# Format and lints, warnings being errors.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features --locked -- -D warnings

# Unit and integration tests: a minute, no network, nothing to install.
test:
    cargo test --workspace --locked

# Mends what can be mended by itself: format and simple lints.
fix:
    cargo clippy --workspace --all-targets --all-features --fix --allow-dirty --allow-staged
    cargo fmt --all

# Invented bytes for everything that reads what others wrote, so many seconds for each target.
fuzz seconds="60":
    scripts/fuzz {{seconds}}

# What the parts cost, against baselines in the same run; then the instruction counts.
bench:
    cargo run --release --locked --package masternode-exporter-benches --bin ratios -- --large
    benches/count
    cargo bench --locked --package masternode-exporter-benches

# Memory, idle CPU and the share of a real Prometheus' scrape, of the whole process.
measure masternodes="5000":
    scripts/measure {{masternodes}}

# The alert rules and their tests, by promtool.
alerts:
    promtool check rules alerts/*.rules.yml
    cd alerts/tests && promtool test rules ./*.yml

# The dashboards, from their source; then what Grafana says of their form.
dashboards:
    cargo run --locked --package masternode-exporter-dashboards
    scripts/check-dashboards

# The pictures of the dashboards in docs/img, from a run of the simulator. Needs npm, Chromium and pngquant.
pictures:
    scripts/pictures

# The binary against a real Prometheus, promtool, schemathesis and Chromium, which scripts/test installs.
e2e:
    cargo build --release --locked
    cargo test --release --locked --features e2e --test e2e

# The Helm chart: its tests; `just chart generate` makes its schema and the table of its values, `just chart package` the package.
chart *arguments:
    scripts/chart {{arguments}}

# The container image and the Debian package, built; `just image test` and `just package test` run them.
image *arguments:
    scripts/image {{arguments}}
package *arguments:
    scripts/package {{arguments}}

# The generated page of metrics, and the documentation of the code.
docs:
    cargo run --release --locked -- metrics > docs/metrics.md
    cargo doc --no-deps --locked

# Every check and every test; installs what is missing on Debian. `just all quick` leaves out what needs a release build.
all *arguments:
    scripts/test {{arguments}}

# A simulated network and the exporter on it.
demo *arguments:
    cargo run --release --locked -- demo {{arguments}}
