# The list of tasks. Each is a thin wrapper: the commands work without `just`.

# Shows this list.
default:
    @just --list

# Format and lints, warnings being errors.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --test e2e --all-features --locked -- -D warnings

# Unit and integration tests: a minute, no network, nothing to install.
test:
    cargo test --workspace --locked

# Fixes format and simple lints automatically.
fix:
    cargo clippy --workspace --all-targets --test e2e --all-features --fix --allow-dirty --allow-staged
    cargo fmt --all

# Fuzzes every decoder of foreign input, for the given number of seconds per target.
fuzz seconds="60":
    scripts/fuzz {{seconds}}

# Runs the exporter through simulated faults on a virtual clock, for the given number of seconds.
simulation seconds="60" seed="1":
    cargo run --profile simulation --package simulation -- --seconds {{seconds}} --seed {{seed}}

# Cost of the parts compared with baselines in the same run; then the instruction counts.
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

# Generates the dashboards and validates them with Grafana's types.
dashboards:
    cargo run --locked --package masternode-exporter-dashboards
    scripts/check-dashboards

# Renders the pictures of the dashboards in docs/img from a run of the simulator. Needs npm, Chromium and pngquant.
pictures:
    scripts/pictures

# The binary against a real Prometheus, promtool, schemathesis and Chromium, which scripts/test installs.
e2e:
    scripts/static
    EXPORTER=$PWD/target/static/masternode-exporter cargo test --locked --test e2e

# Tests the Helm chart; `just chart generate` updates its schema and the table of its values, `just chart package` builds the package.
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

# All checks and tests; installs missing tools on Debian. `just all quick` skips those that need a release build.
all *arguments:
    scripts/test {{arguments}}

# Runs the exporter on a simulated network.
demo *arguments:
    cargo run --release --locked -- demo {{arguments}}
