"""What the Prometheus operator gets of the alerts: the rules as rendered, judged by promtool and held against `alerts/`.

Never here: what an alert means.
"""

import shutil
import unittest

import yaml

import chart


def groups(**rule):
    """Groups of the rendered PrometheusRule."""
    values = chart.DEMO | {"prometheusRule": {"enabled": True} | rule}
    return chart.only(chart.render(values), "PrometheusRule")["spec"]["groups"]


def alerts(found):
    return {rule["alert"]: rule for group in found for rule in group["rules"] if "alert" in rule}


class Rules(unittest.TestCase):
    def test_the_rendered_rules_pass_the_unit_tests_of_the_alerts(self):
        folder = chart.FOLDER / "alerts"
        shutil.copytree(chart.ROOT / "alerts" / "tests", folder / "tests")
        rules = folder / "masternode.rules.yml"
        rules.write_text(yaml.safe_dump({"groups": groups()}))
        # The rendered rules equal the file, as the next test says, and scripts/test evaluates all tests of that file.
        tests = ["topologies.yml"]
        chart.succeed("promtool", "check", "rules", rules)
        chart.succeed("promtool", "test", "rules", *tests, cwd=folder / "tests")
        # That they can fail: without one record, its tests do.
        broken = groups()
        broken[0]["rules"] = [rule for rule in broken[0]["rules"] if rule.get("record") != "page:masternode_alert_text:held"]
        rules.write_text(yaml.safe_dump({"groups": broken}))
        done = chart.run("promtool", "test", "rules", *tests, cwd=folder / "tests")
        self.assertNotEqual(done.returncode, 0)

    def test_without_changes_the_rules_are_those_of_the_file(self):
        self.assertEqual(groups(), yaml.safe_load((chart.ROOT / "alerts" / "masternode.rules.yml").read_text())["groups"])

    def test_an_alert_can_be_left_out_and_nothing_else_goes(self):
        all_of_them, others = groups(), groups(rules={"MasternodePoSeBanned": {"enabled": False}})
        self.assertEqual(set(alerts(all_of_them)) - set(alerts(others)), {"MasternodePoSeBanned"})
        records = lambda found: [rule for group in found for rule in group["rules"] if "record" in rule]
        self.assertEqual(records(all_of_them), records(others))

    def test_severity_time_labels_and_annotations_of_one_alert_change_and_no_other(self):
        own = {"severity": "info", "for": "17m", "labels": {"pager": "yes"}, "annotations": {"more": "x"}}
        before, after = alerts(groups()), alerts(groups(rules={"MasternodePoSePenalized": own}))
        changed = {name for name in before if before[name] != after[name]}
        self.assertEqual(changed, {"MasternodePoSePenalized"})
        alert = after["MasternodePoSePenalized"]
        self.assertEqual((alert["labels"], alert["for"]), ({"severity": "info", "pager": "yes", "text": ""}, "17m"))
        self.assertEqual(alert["annotations"]["more"], "x")
        self.assertEqual(alert["annotations"]["description"], before["MasternodePoSePenalized"]["annotations"]["description"])

    def test_every_alert_gets_the_labels_for_all_and_a_whole_link_to_its_runbook(self):
        found = alerts(groups(alertLabels={"team": "nodes"}, runbookBaseUrl="https://git.example.org/x/"))
        for name, alert in found.items():
            self.assertEqual(alert["labels"]["team"], "nodes", name)
            self.assertEqual(alert["annotations"]["runbook_url"], f"https://git.example.org/x/docs/runbooks/{name}.md")
            self.assertTrue((chart.ROOT / "docs" / "runbooks" / f"{name}.md").exists())

    def test_with_the_address_of_the_exporter_alerts_link_to_the_runbooks_that_it_serves(self):
        config = chart.IMAGE | {"config": chart.NODE["config"] | {"web": {"external_url": "https://exporter.example.org/"}}}
        values = config | {"prometheusRule": {"enabled": True}}
        found = alerts(chart.only(chart.render(values), "PrometheusRule")["spec"]["groups"])
        for name, alert in found.items():
            self.assertEqual(alert["annotations"]["runbook_url"], f"https://exporter.example.org/runbooks/{name}")

    def test_further_groups_come_after_ours(self):
        extra = {"name": "extra", "rules": [{"record": "a:b", "expr": "1"}]}
        self.assertEqual(groups(additionalGroups=[extra]), [*groups(), extra])

    def test_the_inhibitions_are_those_of_the_file_and_match_the_alerts(self):
        values = chart.DEMO | {"prometheusRule": {"enabled": True}, "alertmanagerConfig": {"enabled": True, "namespace": "monitoring"}}
        documents = chart.render(values)
        spec = chart.only(documents, "AlertmanagerConfig")["spec"]
        text = lambda matchers: [f"{one['name']} {one['matchType']} \"{one['value']}\"" for one in matchers]
        written = [
            {"source_matchers": text(rule["sourceMatch"]), "target_matchers": text(rule["targetMatch"]), "equal": rule["equal"]}
            for rule in spec["inhibitRules"]
        ]
        file = yaml.safe_load((chart.ROOT / "alerts" / "inhibition.yml").read_text())
        self.assertEqual(written, file["inhibit_rules"])
        # The operator adds the namespace of the object to every matcher.
        for name, alert in alerts(chart.only(documents, "PrometheusRule")["spec"]["groups"]).items():
            self.assertEqual(alert["labels"]["namespace"], "monitoring", name)

    def test_two_replicas_page_once(self):
        # Each alert's own tests have a second replica; here the labels that the operator gives the pods of one Deployment.
        pods = [f'job="rel",instance="10.0.0.{at}:10066",pod="rel-{at}",namespace="ns",endpoint="metrics",service="rel",container="masternode-exporter"' for at in (1, 2)]
        who = 'network="dash-main",masternode="92bc30f6",alias="a"'
        series = []
        for pod in pods:
            about = f'{pod},alertname="MasternodePoSeBanned",severity="critical",{who},node_type="regular"'
            series += [
                {"series": f"up{{{pod}}}", "values": "1x30"},
                {"series": f"masternode_exporter_build_info{{{pod}}}", "values": "1x30"},
                {"series": f'masternode_exporter_gap_blocks_total{{{pod},network="dash-main"}}', "values": "0x30"},
                {"series": f'masternode_alert_evaluated{{{pod},network="dash-main"}}', "values": "1x30"},
                {"series": f"masternode_registered{{{pod},{who}}}", "values": "1x30"},
                {"series": f"masternode_alert_condition{{{about}}}", "values": "0x5 1x25"},
                {"series": f'masternode_alert_text{{{about},text="Banned."}}', "values": "_x6 1x25"},
            ]
        count = 'count(ALERTS{alertname="MasternodePoSeBanned",alertstate="firing"})'
        test = {
            "rule_files": ["two.rules.yml"],
            "evaluation_interval": "1m",
            "tests": [
                {
                    "interval": "1m",
                    "input_series": series,
                    "promql_expr_test": [{"expr": count, "eval_time": "20m", "exp_samples": [{"labels": "{}", "value": 1}]}],
                }
            ],
        }
        (chart.FOLDER / "two.rules.yml").write_text(yaml.safe_dump({"groups": groups()}))
        (chart.FOLDER / "two.yml").write_text(yaml.safe_dump(test))
        chart.succeed("promtool", "test", "rules", "two.yml", cwd=chart.FOLDER)


if __name__ == "__main__":
    unittest.main()
